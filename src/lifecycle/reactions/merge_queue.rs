//! `merge-queue-failed`: the queue put the pull request out, and neither it nor a person meant to. Once per
//! departure, with what failed at the merge group's commit; after two at one head, the human.

use crate::domain::{
    CheckStatus, CommitSha, Conversation, NudgeKind, PullRequest, QueueEvent, TimerKind, Timestamp,
};
use crate::lifecycle::policy::LOG_WAIT;
use crate::lifecycle::scm::{DerivedChecks, derive_checks};

use super::context::Context;
use super::{logs, wording};

/// Departures at one head that the agent hears of.
const MOST_TOLD: usize = 2;
/// Departures that are remembered.
const MOST_REMEMBERED: usize = 32;
/// How the signature of the escalation begins.
const AGAIN: &str = "queue:";
/// Reasons that need nobody: it merged, a person took it out, or `merge-conflicts` says it (GitHub's
/// `dequeued` event).
const NO_FAILURE: &[&str] =
    &["MERGE", "ALREADY_MERGED", "MANUAL", "QUEUE_CLEARED", "MERGE_CONFLICT"];

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    if !pull.core.state.is_open() {
        context.supersede(pull, |nudge| {
            nudge.kind == NudgeKind::MergeQueueFailed || nudge.signature.starts_with(AGAIN)
        });
        return;
    }
    // Facts about commits alone change nothing here.
    let Some(said) = context.conversation else { return };
    let head = pull.core.head_sha.clone();
    let due = failure(said, &head);
    pull.memory.queue_unheard.retain(|id, _| context.open.contains(id));
    // Put in again, or replaced by another commit, it needs no mending. That it fails again and again stays so.
    let current = due.map(|(at, ..)| at);
    let told_of = pull.memory.queue_unheard.clone();
    let again = format!("{AGAIN}{}", head.as_str());
    context.supersede(pull, |nudge| {
        let its = told_of.get(&nudge.id).copied();
        let is_over =
            nudge.kind == NudgeKind::MergeQueueFailed && (current.is_none() || its != current);
        let of_old_head = nudge.signature.starts_with(AGAIN) && *nudge.signature != *again;
        is_over || of_old_head
    });
    let Some((at, reason)) = due else {
        context.cancel(TimerKind::QueueSettle);
        context.cancel(TimerKind::QueueLogWait);
        return;
    };
    let told = pull.memory.queue_told.iter().filter(|(sha, _)| *sha == head).count();
    let is_told = pull.memory.queue_told.iter().any(|(_, told)| *told == at);
    let group = group(said, at);
    let failing = group.map(|sha| failing_at(context, pull, sha)).unwrap_or_default();
    if let Some(sha) = group.filter(|_| !is_told) {
        logs::ask(context, pull, sha, failing.values());
    }
    let words = |context: &Context<'_>, pull: &PullRequest| {
        let failing: Vec<_> = failing.values().map(|it| (&*it.check, it.log.as_deref())).collect();
        wording::queue_failed(context.project, pull, reason, group, &failing)
    };
    if is_told {
        // While it waits, it says what is known by now.
        for nudge in context.waiting(NudgeKind::MergeQueueFailed, head.as_str()) {
            let text = words(context, pull);
            context.reword(&nudge, text);
        }
        return;
    }
    // What is waiting for logs has settled.
    let waits = context.due(TimerKind::QueueLogWait).is_some();
    if !waits && !context.settled(TimerKind::QueueSettle) {
        return;
    }
    context.cancel(TimerKind::QueueSettle);
    let under_way = group.is_some_and(|sha| logs::under_way(context, pull, sha, failing.values()));
    if context.awaits(TimerKind::QueueLogWait, LOG_WAIT, under_way) {
        return;
    }
    pull.memory.queue_told.push((head.clone(), at));
    if pull.memory.queue_told.len() > MOST_REMEMBERED {
        pull.memory.queue_told.remove(0);
    }
    if told >= MOST_TOLD {
        if told == MOST_TOLD {
            let text = wording::left_again(context.project, pull, MOST_TOLD, reason);
            context.say(pull, NudgeKind::Escalated, &again, text);
        }
        return;
    }
    let text = words(context, pull);
    let about = group.map_or_else(|| at.to_string(), |sha| sha.as_str().to_owned());
    let signature = format!("{}:{about}", head.as_str());
    if let Some(nudge) = context.say(pull, NudgeKind::MergeQueueFailed, &signature, text) {
        pull.memory.queue_unheard.insert(nudge, at);
    }
}

/// The last time that the queue put this head out for a failure, where it has not been put in again since.
fn failure<'a>(said: &'a Conversation, head: &CommitSha) -> Option<(Timestamp, &'a str)> {
    let last =
        said.queue.iter().rev().find(|fact| !matches!(fact.event, QueueEvent::Group { .. }))?;
    match &last.event {
        QueueEvent::Left { head: of, reason } if of == head => {
            let failed = !reason.is_empty() && !NO_FAILURE.contains(&&**reason);
            failed.then_some((last.at, &**reason))
        }
        QueueEvent::Left { .. } | QueueEvent::Joined | QueueEvent::Group { .. } => None,
    }
}

/// The commit at which it was last tried before it was put out.
fn group(said: &Conversation, before: Timestamp) -> Option<&CommitSha> {
    said.queue.iter().rev().filter(|fact| fact.at <= before).find_map(|fact| match &fact.event {
        QueueEvent::Group { sha } => Some(sha),
        QueueEvent::Joined | QueueEvent::Left { .. } => None,
    })
}

/// The checks that failed at a merge group's commit.
fn failing_at(context: &Context<'_>, pull: &PullRequest, sha: &CommitSha) -> DerivedChecks {
    let mut checks = derive_checks(context.known.facts(pull.repo_id, sha));
    checks.retain(|_, it| it.check.status == CheckStatus::Failed);
    checks
}
