//! The registers: each fact has a total order, so that any order of arrival ends alike.
//!
//! `github-rules` 5 to 10 give the order of each. A register takes the greater of two values; a
//! set only grows; what a payload does not speak of is left as it was.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    CheckRun, CheckStatus, Comment, CommentKind, CommitFacts, CommitSha, CommitStatus, Excerpt,
    Mergeability, MergeabilityAnswer, PrState, PullCommit, PullCore, PullRequest, PullSeen, Review,
    ReviewDecision, ReviewState, RunState, RunStatus, Thread, Timestamp, WorkflowRun,
};

use super::snapshot::{PullFacts, Talk};

/// How many groups of one stamp are kept; GitHub's own ties have two or three.
const MOST_CANDIDATES: usize = 32;

/// Sets `slot` to the greater of both; says whether that changed it.
fn raise<T: PartialOrd>(slot: &mut T, seen: T) -> bool {
    let higher = seen > *slot;
    if higher {
        *slot = seen;
    }
    higher
}

type RunOrder<'a> = (
    RunStatus,
    Option<Timestamp>,
    bool,
    Option<&'a str>,
    &'a str,
    &'a str,
    Reverse<Option<Timestamp>>,
);

fn run_order(state: &RunState) -> RunOrder<'_> {
    (
        state.status,
        state.completed_at,
        state.check_status() == CheckStatus::Failed,
        state.conclusion.as_deref(),
        state.name.as_str(),
        state.url.as_str(),
        Reverse(state.started_at),
    )
}

fn raise_excerpt(slot: &mut Option<Excerpt>, seen: Option<&Excerpt>) -> bool {
    raise(slot, seen.cloned())
}

/// Merges a check run into the facts at its commit; answers the register if that changed it.
pub(super) fn merge_check_run(facts: &mut CommitFacts, seen: &CheckRun) -> Option<CheckRun> {
    let Some(run) = facts.check_runs.iter_mut().find(|run| run.run_id == seen.run_id) else {
        facts.check_runs.push(Arc::new(seen.clone()));
        return Some(seen.clone());
    };
    let run = Arc::make_mut(run);
    let mut changed = raise(&mut run.suite_id, seen.suite_id);
    changed |= raise(&mut run.workflow_run_id, seen.workflow_run_id);
    changed |= raise(&mut run.source, seen.source.clone());
    changed |= raise_excerpt(&mut run.output, seen.output.as_ref());
    changed |= raise_excerpt(&mut run.failed_step, seen.failed_step.as_ref());
    if run_order(&seen.state) > run_order(&run.state) {
        run.state = seen.state.clone();
        changed = true;
    }
    changed.then(|| run.clone())
}

/// Merges a commit status: newest by `updated_at`, then id.
pub(super) fn merge_status(facts: &mut CommitFacts, seen: &CommitStatus) -> Option<CommitStatus> {
    match facts.statuses.iter_mut().find(|status| status.context == seen.context) {
        Some(status) => raise(status, seen.clone()).then(|| seen.clone()),
        None => {
            facts.statuses.push(seen.clone());
            Some(seen.clone())
        }
    }
}

/// Merges a workflow run by (attempt, state).
pub(super) fn merge_workflow_run(
    facts: &mut CommitFacts,
    seen: &WorkflowRun,
) -> Option<WorkflowRun> {
    let Some(run) = facts.workflow_runs.iter_mut().find(|run| run.id == seen.id) else {
        facts.workflow_runs.push(seen.clone());
        return Some(seen.clone());
    };
    let mut changed = raise(&mut run.workflow_id, seen.workflow_id);
    changed |= raise(&mut run.suite_id, seen.suite_id);
    changed |= raise(&mut run.event, seen.event.clone());
    if (seen.attempt, run_order(&seen.state)) > (run.attempt, run_order(&run.state)) {
        run.attempt = seen.attempt;
        run.state = seen.state.clone();
        changed = true;
    }
    changed.then(|| run.clone())
}

/// Merges a completed suite.
pub(super) fn merge_suite(facts: &mut CommitFacts, suite: i64) -> Option<i64> {
    let is_new = !facts.completed_suites.contains(&suite);
    if is_new {
        facts.completed_suites.push(suite);
    }
    is_new.then_some(suite)
}

/// Merges a comment: deletion is final, else the newest, else the larger bytes.
pub(super) fn merge_comment(talk: &mut Talk, seen: &Comment) -> Option<Comment> {
    let same = |known: &&mut Comment| (known.kind, known.id) == (seen.kind, seen.id);
    let Some(known) = talk.comments.iter_mut().find(same) else {
        talk.comments.push(seen.clone());
        return Some(seen.clone());
    };
    raise(known, seen.clone()).then(|| seen.clone())
}

/// Merges whether a thread is resolved: the newest word; at a tie unresolved wins.
pub(super) fn merge_thread(talk: &mut Talk, seen: &Thread) -> Option<Thread> {
    let order = |thread: &Thread| (thread.at, !thread.resolved);
    match talk.threads.iter_mut().find(|known| known.root_id == seen.root_id) {
        Some(known) if order(seen) <= order(known) => return None,
        Some(known) => *known = seen.clone(),
        None => talk.threads.push(seen.clone()),
    }
    Some(seen.clone())
}

impl Talk {
    /// The comments that are there, with whether their thread is resolved.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Comment, bool)> {
        let resolved = |comment: &Comment| match comment.kind {
            CommentKind::Issue => true,
            CommentKind::Review => {
                self.threads.iter().any(|t| t.root_id == comment.root_id && t.resolved)
            }
        };
        self.comments.iter().filter(|comment| !comment.deleted).map(move |c| (c, resolved(c)))
    }

    /// Unresolved comments that ask something of the author: a reply of the author's own does not.
    pub(super) fn open_feedback<'a>(
        &'a self,
        author: &'a str,
    ) -> impl Iterator<Item = &'a Comment> {
        self.rows()
            .filter(|(_, resolved)| !resolved)
            .map(|(comment, _)| comment)
            .filter(move |comment| !(comment.is_reply() && comment.author == author))
    }
}

/// What a payload added to a pull request's registers.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) commits: Vec<PullCommit>,
    pub(super) answer: Option<MergeabilityAnswer>,
}

/// Merges a pull request as seen into its row and registers, and derives `core`.
pub(super) fn merge_pull(pull: &mut PullRequest, facts: &mut PullFacts, seen: &PullSeen) -> Merged {
    let mut merged = Merged::default();
    let head = (&seen.core.head_sha, false);
    for (sha, superseded) in seen.before.iter().map(|sha| (sha, true)).chain([head]) {
        let commit = PullCommit { at: seen.updated_at, superseded, sha: sha.clone() };
        merged.commits.extend(join_commit(facts, commit));
    }

    let order = |core: &PullCore, at| (core.state == PrState::Merged, at);
    let (known, new) = (order(&pull.core, pull.core_at), order(&seen.core, seen.updated_at));
    if new > known {
        pull.candidates.clear();
        pull.core_at = seen.updated_at;
    }
    if new >= known {
        pull.candidates.insert(seen.core.clone());
        while pull.candidates.len() > MOST_CANDIDATES {
            pull.candidates.pop_first();
        }
    }
    raise(&mut pull.updated_at, seen.updated_at);

    if let Some(value) = seen.mergeability {
        let (head_sha, base_ref) = (seen.core.head_sha.clone(), seen.core.base_ref.clone());
        let answer = MergeabilityAnswer { head_sha, base_ref, value, at: seen.updated_at };
        merged.answer = merge_answer(&mut facts.answers, answer);
    }
    derive_core(pull, facts);
    merged
}

fn join_commit(facts: &mut PullFacts, seen: PullCommit) -> Option<PullCommit> {
    let Some(known) = facts.commits.get_mut(&seen.sha) else {
        facts.commits.insert(seen.sha.clone(), seen.clone());
        return Some(seen);
    };
    let changed = raise(&mut known.at, seen.at) | raise(&mut known.superseded, seen.superseded);
    changed.then(|| known.clone())
}

fn merge_answer(
    answers: &mut Vec<MergeabilityAnswer>,
    seen: MergeabilityAnswer,
) -> Option<MergeabilityAnswer> {
    let same =
        |a: &&mut MergeabilityAnswer| a.head_sha == seen.head_sha && a.base_ref == seen.base_ref;
    match answers.iter_mut().find(same) {
        Some(known) if (seen.at, seen.value) <= (known.at, known.value) => return None,
        Some(known) => *known = seen.clone(),
        None => answers.push(seen.clone()),
    }
    Some(seen)
}

/// Among groups of one stamp: a head that some payload names as its `before` loses, open beats
/// closed, ready beats draft, else the larger bytes win.
fn derive_core(pull: &mut PullRequest, facts: &PullFacts) {
    let superseded = |sha: &CommitSha| facts.commits.get(sha).is_some_and(|c| c.superseded);
    let openness = |state| match state {
        PrState::Open => 2,
        PrState::Draft => 1,
        PrState::Closed | PrState::Merged => 0,
    };
    let winner = pull
        .candidates
        .iter()
        .max_by_key(|core| (!superseded(&core.head_sha), openness(core.state), *core));
    if let Some(winner) = winner {
        pull.core = winner.clone();
    }
}

/// The newest answer for this head and base, unless a later push to the base has voided it.
pub(super) fn derive_mergeability(
    pull: &PullRequest,
    answers: &[MergeabilityAnswer],
    base_pushes: &BTreeMap<String, Timestamp>,
) -> Mergeability {
    let voided = base_pushes.get(&pull.core.base_ref);
    let current = |answer: &&MergeabilityAnswer| {
        answer.head_sha == pull.core.head_sha
            && answer.base_ref == pull.core.base_ref
            && voided.is_none_or(|pushed_at| answer.at >= *pushed_at)
    };
    answers.iter().find(current).map_or(Mergeability::Unknown, |answer| answer.value)
}

/// Merges a review: dismissed wins, else the newest seen, else the larger bytes.
pub(super) fn merge_review(facts: &mut PullFacts, seen: &Review) -> Option<Review> {
    fn order(review: &Review) -> impl Ord + '_ {
        (
            review.state == ReviewState::Dismissed,
            review.seen_at,
            (review.state, review.submitted_at, review.author_id),
            (review.author.as_str(), review.url.as_str()),
        )
    }
    match facts.reviews.iter_mut().find(|review| review.id == seen.id) {
        Some(known) if order(seen) <= order(known) => return None,
        Some(known) => *known = seen.clone(),
        None => facts.reviews.push(seen.clone()),
    }
    Some(seen.clone())
}

/// The newest decisive review of each reviewer: those that count.
pub(super) fn reviews_that_count(reviews: &[Review]) -> Vec<&Review> {
    let decisive = |review: &&Review| match review.state {
        ReviewState::Approved | ReviewState::ChangesRequested | ReviewState::Dismissed => true,
        ReviewState::Pending | ReviewState::Commented => false,
    };
    let mut newest = BTreeMap::<(Option<i64>, i64), &Review>::new();
    for review in reviews.iter().filter(decisive) {
        let reviewer = (review.author_id, if review.author_id.is_some() { 0 } else { review.id });
        let slot = newest.entry(reviewer).or_insert(review);
        if (review.submitted_at, review.id) > (slot.submitted_at, slot.id) {
            *slot = review;
        }
    }
    newest.into_values().collect()
}

/// Any request for changes that counts wins, else any approval.
pub(super) fn decide_reviews(reviews: &[Review]) -> ReviewDecision {
    let counting = reviews_that_count(reviews);
    let any = |state| counting.iter().any(|review| review.state == state);
    if any(ReviewState::ChangesRequested) {
        ReviewDecision::ChangesRequested
    } else if any(ReviewState::Approved) {
        ReviewDecision::Approved
    } else {
        ReviewDecision::None
    }
}
