//! `merge-conflicts`: the agent hears once an episode; the human, when it is still there later.

use jiff::SignedDuration;

use super::context::Context;
use super::wording;
use crate::domain::{Mergeability, NudgeKind, PullRequest, TimerKind};
use crate::lifecycle::policy::CONFLICT_PATIENCE;

/// When the time is up while GitHub computes, it is looked at again after this long.
const RECOMPUTED: SignedDuration = SignedDuration::from_mins(1);

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    let over = match pull.mergeability {
        _ if !pull.core.state.is_open() => true,
        Mergeability::Mergeable | Mergeability::Unstable | Mergeability::Blocked => true,
        // Not computed yet: neither begins nor ends an episode.
        Mergeability::Unknown => {
            if context.rang == Some(TimerKind::ConflictEscalation) {
                context.arm(TimerKind::ConflictEscalation, RECOMPUTED);
            }
            return;
        }
        Mergeability::Conflicting => false,
    };
    if over {
        pull.memory.conflict_since = None;
        pull.memory.conflict_escalated = false;
        context.supersede(pull, |nudge| {
            nudge.kind == NudgeKind::MergeConflicts || nudge.signature.starts_with("conflict@")
        });
        context.cancel(TimerKind::ConflictEscalation);
        return;
    }
    let Some(since) = pull.memory.conflict_since else {
        pull.memory.conflict_since = Some(context.now);
        context.arm(TimerKind::ConflictEscalation, CONFLICT_PATIENCE);
        let text = wording::merge_conflicts(context.project, pull);
        context.say(pull, NudgeKind::MergeConflicts, &format!("conflict@{}", context.now), text);
        return;
    };
    if context.rang == Some(TimerKind::ConflictEscalation) && !pull.memory.conflict_escalated {
        pull.memory.conflict_escalated = true;
        let text = wording::still_conflicting(context.project, pull);
        context.say(pull, NudgeKind::Escalated, &format!("conflict@{since}"), text);
    }
}
