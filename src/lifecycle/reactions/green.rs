//! `approved-and-green`: the human hears once per head that nothing stands in the way, and again
//! only if it was red in between. Pending is not red.

use super::{Context, wording};
use crate::domain::{
    CiState, Mergeability, NudgeKind, PrState, PullRequest, ReviewDecision, TimerKind,
};

/// Heads remembered as announced; a pull request that was never red since has few.
const MOST_HEADS: usize = 16;

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    let head = pull.core.head_sha.clone();
    let red = context.ci == CiState::Failing
        || pull.mergeability == Mergeability::Conflicting
        || pull.review == ReviewDecision::ChangesRequested;
    if red {
        pull.memory.green_told.clear();
    }
    let quiet = quiet_long_enough(context, pull);
    let unblocked = pull.core.state == PrState::Open
        && !red
        && pull.mergeability != Mergeability::Blocked
        && pull.unresolved_comments == 0
        && (pull.review == ReviewDecision::Approved
            || pull.mergeability == Mergeability::Mergeable);

    // What was not yet heard and is no longer true is taken back, and may be said again.
    let taken_back = context.supersede(|nudge| {
        nudge.kind == NudgeKind::ApprovedAndGreen
            && (&*nudge.signature != head.as_str() || !unblocked)
    });
    pull.memory.green_told.retain(|told| !taken_back.iter().any(|sha| **sha == *told.as_str()));

    let green = context.ci == CiState::Passing || quiet;
    if !unblocked || !green || pull.memory.green_told.contains(&head) {
        return;
    }
    pull.memory.green_told.push(head.clone());
    if pull.memory.green_told.len() > MOST_HEADS {
        pull.memory.green_told.remove(0);
    }
    let text = wording::approved_and_green(context.project, pull);
    context.say(pull, NudgeKind::ApprovedAndGreen, head.as_str(), text);
}

/// A repository in which no CI was ever seen: a head counts as green once the settle time has
/// passed since it arrived.
fn quiet_long_enough(context: &mut Context<'_>, pull: &mut PullRequest) -> bool {
    if context.project.ci_seen || context.ci != CiState::Unknown || !pull.core.state.is_open() {
        context.cancel(TimerKind::GreenSettle);
        return false;
    }
    let head = Some(&pull.core.head_sha);
    if pull.memory.quiet_head.as_ref() != head && context.settled(TimerKind::GreenSettle) {
        context.cancel(TimerKind::GreenSettle);
        pull.memory.quiet_head = head.cloned();
    }
    pull.memory.quiet_head.as_ref() == head
}
