//! `approved-and-green`: the human hears once per head that nothing stands in the way, and again
//! only if it was red in between. Pending is not red.

use std::collections::BTreeSet;

use super::context::Context;
use super::{refresh, wording};
use crate::domain::{
    CiState, Mergeability, NudgeKind, PrState, PullRequest, ReviewDecision, Standing, TimerKind,
};
use crate::lifecycle::scm::has_a_say;

/// Heads remembered as announced; a pull request that was never red since has few.
const MOST_HEADS: usize = 16;

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    let head = pull.core.head_sha.clone();
    let red = context.ci == CiState::Failing
        || pull.mergeability == Mergeability::Conflicting
        || pull.review == ReviewDecision::ChangesRequested;
    if red {
        pull.memory.green_told.clear();
        pull.memory.heard_late.retain(|it| it.kind != NudgeKind::ApprovedAndGreen);
    }
    let quiet = quiet_long_enough(context, pull);
    let unblocked = pull.core.state == PrState::Open
        && !red
        && pull.mergeability != Mergeability::Blocked
        && pull.unresolved_comments == 0
        && (pull.review == ReviewDecision::Approved
            || pull.mergeability == Mergeability::Mergeable);

    // What was not yet heard and is no longer true is taken back, and may be said again.
    let taken_back = context.supersede(pull, |nudge| {
        nudge.kind == NudgeKind::ApprovedAndGreen
            && (&*nudge.signature != head.as_str() || !unblocked)
    });
    pull.memory.green_told.retain(|told| !taken_back.iter().any(|sha| **sha == *told.as_str()));

    let green = context.ci == CiState::Passing || quiet;
    if !unblocked || !green || pull.memory.green_told.contains(&head) {
        if !quiet_is_awaited(context, pull) {
            context.cancel(TimerKind::GreenSettle);
        }
        context.cancel(TimerKind::RefreshWait);
        return;
    }
    // The first check of a new head may be green long before the others begin.
    if let Some(left) = context.head_settles_in(pull).filter(|_| !quiet) {
        if context.due(TimerKind::GreenSettle).is_none() {
            context.arm(TimerKind::GreenSettle, left);
        }
        return;
    }
    context.cancel(TimerKind::GreenSettle);
    if refresh::is_awaited(context, pull) {
        return;
    }
    pull.memory.green_told.push(head.clone());
    if pull.memory.green_told.len() > MOST_HEADS {
        pull.memory.green_told.remove(0);
    }
    let uncounted = without_a_say(context, pull);
    let text = wording::approved_and_green(context.project, pull, context.ci, &uncounted);
    context.say(pull, NudgeKind::ApprovedAndGreen, head.as_str(), text);
}

/// Who has reviewed or commented without a say in the repository, as far as it is known here.
fn without_a_say(context: &Context<'_>, pull: &PullRequest) -> Vec<String> {
    let Some(record) = context.known.pull(pull.id) else { return Vec::new() };
    let outside = |author: &str, standing: &Standing| {
        *author != *pull.core.author && !has_a_say(context.project, author, standing)
    };
    let reviews = record.registers.reviews.values();
    let reviews = reviews.filter(|it| outside(&it.author, &it.standing)).map(|it| &it.author);
    let comments = context.conversation.into_iter().flat_map(|said| said.comments.values());
    let comments = comments.filter(|it| !it.deleted && outside(&it.author, &it.standing));
    let names: BTreeSet<String> =
        reviews.chain(comments.map(|it| &it.author)).map(ToString::to_string).collect();
    names.into_iter().collect()
}

/// Whether a head without any CI may still count as green.
fn quiet_is_awaited(context: &Context<'_>, pull: &PullRequest) -> bool {
    !context.project.ci_seen
        && context.ci == CiState::Unknown
        && pull.core.state.is_open()
        && pull.memory.quiet_head.as_ref() != Some(&pull.core.head_sha)
}

/// A repository in which no CI was ever seen: a head counts as green once the settle time has
/// passed since it arrived.
fn quiet_long_enough(context: &mut Context<'_>, pull: &mut PullRequest) -> bool {
    if context.project.ci_seen || context.ci != CiState::Unknown || !pull.core.state.is_open() {
        return false;
    }
    let head = Some(&pull.core.head_sha);
    if pull.memory.quiet_head.as_ref() != head && context.settled(TimerKind::GreenSettle) {
        context.cancel(TimerKind::GreenSettle);
        pull.memory.quiet_head = head.cloned();
    }
    pull.memory.quiet_head.as_ref() == head
}
