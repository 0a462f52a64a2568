//! Something was cancelled and nothing newer has come in its place: the human hears. Where time ran out it is
//! a failure like others.

use crate::domain::{CheckStatus, FailureClass, NudgeKind, PullRequest, TimerKind};

use super::context::Context;
use super::judge::has_failed;
use super::wording;

/// Heads that are remembered; a pull request has few that were cancelled.
const MOST_HEADS: usize = 16;

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    let head = pull.core.head_sha.clone();
    let signature = format!("cancelled:{}", head.as_str());
    let all = context.checks.clone();
    let cancelled: Vec<_> = all
        .iter()
        .filter(|it| it.check.status == CheckStatus::Cancelled && !has_failed(it))
        .map(|it| &*it.check)
        .collect();
    let waits = pull.core.state.is_open() && !cancelled.is_empty();
    context.supersede(pull, |nudge| {
        nudge.signature.starts_with("cancelled:") && (!waits || *nudge.signature != *signature)
    });
    if !waits {
        context.cancel(TimerKind::CancelWait);
        pull.memory.cancelled_told.retain(|told| *told != head);
        return;
    }
    if pull.memory.cancelled_told.contains(&head) {
        return;
    }
    let subject = context.subject.clone();
    match context.known.timers(&subject).get(&TimerKind::CancelWait) {
        None => context.arm(TimerKind::CancelWait, context.policy.cancel_wait),
        Some(due_at) if *due_at > context.now => {}
        Some(_) => {
            context.cancel(TimerKind::CancelWait);
            pull.memory.cancelled_told.push(head);
            if pull.memory.cancelled_told.len() > MOST_HEADS {
                pull.memory.cancelled_told.remove(0);
            }
            let text = wording::cancelled(context.project, pull, &cancelled);
            let blame = Some((FailureClass::Cancelled, ""));
            context.say_of(blame, pull, NudgeKind::Escalated, &signature, text);
        }
    }
}
