//! What payloads leave open about a pull request, and GitHub can tell when it is asked.

use std::collections::BTreeSet;

use crate::domain::{
    CiState, CommitFacts, Mergeability, PrState, PullRegisters, PullRequest, Timestamp,
};

use super::registers::times;

/// Each doubt under a name of its own, so that the same is not asked twice. None about one that has ended.
///
/// Whether it can be merged: not computed (`docs/github-rules.md` 15), void (7), or of a time when checks had not
/// ended. What it is at all, where two payloads of one second differ (5). Whether it wants a review (17), at this
/// head and after the newest review.
pub(super) fn doubts(
    row: &PullRequest,
    registers: &PullRegisters,
    at_head: &CommitFacts,
    base_pushed_at: Option<Timestamp>,
) -> BTreeSet<String> {
    let core = &row.core;
    let mut doubts = BTreeSet::new();
    if !core.state.is_open() {
        return doubts;
    }
    let head = core.head_sha.as_str();
    let base = &core.base_ref;
    if row.candidates.len() > 1 && row.core_read_at.is_none() {
        doubts.insert(format!("tie {} {}", row.core_at, row.candidates.len()));
    }
    let review_at = registers.reviews.values().map(|it| it.seen_at.max(it.submitted_at)).max();
    match row.review_answer.as_ref().filter(|answer| answer.head_sha == core.head_sha) {
        None => drop(doubts.insert(format!("review {head}"))),
        Some(answer) => {
            if let Some(at) = review_at.filter(|at| *at > answer.at) {
                doubts.insert(format!("review {head} {at}"));
            }
        }
    }
    let name = (core.head_sha.clone(), core.base_ref.clone());
    let answer = registers.answers.get(&name);
    let answer = answer.filter(|answer| answer.value != Mergeability::Unknown);
    let Some(answer) = answer else {
        doubts.insert(format!("merge {head} {base}"));
        return doubts;
    };
    let later = |at: &Timestamp| *at > answer.at;
    if let Some(at) = base_pushed_at.filter(later) {
        doubts.insert(format!("pushed {head} {base} {at}"));
    }
    if answer.of_draft && core.state != PrState::Draft {
        doubts.insert(format!("ready {head} {base}"));
    }
    // While checks run, each of them would ask anew, and nothing would come of it.
    let ended = match answer.value {
        Mergeability::Blocked => row.ci != CiState::Pending,
        Mergeability::Unstable => row.ci == CiState::Passing,
        Mergeability::Unknown | Mergeability::Mergeable | Mergeability::Conflicting => false,
    };
    let blocked = answer.value == Mergeability::Blocked;
    let since = times(at_head).chain(review_at.filter(|_| blocked)).filter(later).max();
    if let Some(at) = since.filter(|_| ended) {
        doubts.insert(format!("checks {head} {base} {at}"));
    }
    doubts
}
