//! The registers: each fact has a total order, so that any order of arrival ends alike.
//!
//! `docs/github-rules.md` 5 to 11 give the order of each. A register takes the greater of two values; a
//! set only grows; what a payload does not speak of is left as it was.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    CheckRun, CheckStatus, Comment, CommentKind, CommitFact, CommitFacts, CommitSha, Conversation,
    Mergeability, MergeabilityAnswer, PrState, PullCommit, PullCore, PullRegisters, PullRequest,
    PullSeen, Review, ReviewDecision, ReviewState, RunState, RunStatus, Thread, Timestamp,
    WorkflowRun,
};

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
        &*state.name,
        &*state.url,
        Reverse(state.started_at),
    )
}

/// A check run with what is known of it; `None`: it tells nothing new.
fn merge_check_run(facts: &CommitFacts, seen: &Arc<CheckRun>) -> Option<Arc<CheckRun>> {
    let Some(known) = facts.check_runs.get(&seen.run_id) else { return Some(Arc::clone(seen)) };
    let mut run = CheckRun::clone(known);
    let mut changed = raise(&mut run.suite_id, seen.suite_id);
    changed |= raise(&mut run.workflow_run_id, seen.workflow_run_id);
    changed |= raise(&mut run.source, seen.source.clone());
    changed |= raise(&mut run.output, seen.output.clone());
    changed |= raise(&mut run.failed_step, seen.failed_step.clone());
    if run_order(&seen.state) > run_order(&run.state) {
        run.state = seen.state.clone();
        changed = true;
    }
    changed.then(|| Arc::new(run))
}

/// A workflow run with what is known of it, by (attempt, state).
fn merge_workflow_run(facts: &CommitFacts, seen: &Arc<WorkflowRun>) -> Option<Arc<WorkflowRun>> {
    let Some(known) = facts.workflow_runs.get(&seen.id) else { return Some(Arc::clone(seen)) };
    let mut run = WorkflowRun::clone(known);
    let mut changed = raise(&mut run.workflow_id, seen.workflow_id);
    changed |= raise(&mut run.suite_id, seen.suite_id);
    changed |= raise(&mut run.event, seen.event.clone());
    if (seen.attempt, run_order(&seen.state)) > (run.attempt, run_order(&run.state)) {
        run.attempt = seen.attempt;
        run.state = seen.state.clone();
        changed = true;
    }
    changed.then(|| Arc::new(run))
}

/// What a fact makes of the register at its commit; `None`: it tells nothing new.
pub(in crate::lifecycle) fn merge_fact(
    facts: &CommitFacts,
    seen: &CommitFact,
) -> Option<CommitFact> {
    match seen {
        CommitFact::CheckRun(run) => merge_check_run(facts, run).map(CommitFact::CheckRun),
        CommitFact::WorkflowRun(run) => merge_workflow_run(facts, run).map(CommitFact::WorkflowRun),
        // Newest by `updated_at`, then id.
        CommitFact::Status(status) => {
            let known = facts.statuses.get(&status.context);
            known.is_none_or(|known| status > known).then(|| seen.clone())
        }
        CommitFact::SuiteCompleted(suite) => {
            (!facts.completed_suites.contains(suite)).then(|| seen.clone())
        }
    }
}

/// Whether a comment tells something new: deletion is final, else the newest, else the larger bytes.
pub(in crate::lifecycle) fn comment_is_news(known: &Conversation, seen: &Arc<Comment>) -> bool {
    known.comments.get(&(seen.kind, seen.id)).is_none_or(|known| seen > known)
}

/// Whether a thread's state is new: the newest word; at a tie unresolved wins.
pub(in crate::lifecycle) fn thread_is_news(known: &Conversation, seen: &Thread) -> bool {
    let order = |thread: &Thread| (thread.at, !thread.resolved);
    known.threads.get(&seen.root_id).is_none_or(|known| order(seen) > order(known))
}

impl Conversation {
    /// The comments that are there, with whether their thread is resolved.
    pub(in crate::lifecycle) fn rows(&self) -> impl Iterator<Item = (&Arc<Comment>, bool)> {
        let resolved = |comment: &Comment| match comment.kind {
            CommentKind::Issue => true,
            CommentKind::Review => {
                self.threads.get(&comment.root_id).is_some_and(|thread| thread.resolved)
            }
        };
        self.comments
            .values()
            .filter(|comment| !comment.deleted)
            .map(move |comment| (comment, resolved(comment)))
    }

    /// Unresolved comments that ask something of the author: a reply of the author's own does not.
    pub(in crate::lifecycle) fn open_feedback<'a>(
        &'a self,
        author: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Comment>> {
        self.rows()
            .filter(|(_, resolved)| !resolved)
            .map(|(comment, _)| comment)
            .filter(move |comment| !(comment.is_reply() && &*comment.author == author))
    }
}

/// Takes a pull request's group of facts in as a candidate for its row.
pub(in crate::lifecycle) fn merge_core(pull: &mut PullRequest, seen: &PullSeen) {
    let order = |core: &PullCore, at| (core.state == PrState::Merged, at);
    let (known, new) = (order(&pull.core, pull.core_at), order(&seen.core, seen.updated_at));
    if new > known {
        pull.candidates.clear();
        pull.core_at = seen.updated_at;
    }
    if new >= known {
        pull.candidates.insert(Arc::clone(&seen.core));
        while pull.candidates.len() > MOST_CANDIDATES {
            pull.candidates.pop_first();
        }
    }
    raise(&mut pull.updated_at, seen.updated_at);
}

/// The commits that a payload names, as far as that tells something new.
pub(in crate::lifecycle) fn new_commits(known: &PullRegisters, seen: &PullSeen) -> Vec<PullCommit> {
    let mut named = BTreeMap::<&CommitSha, PullCommit>::new();
    let head = (&seen.core.head_sha, false);
    for (sha, superseded) in seen.before.iter().map(|sha| (sha, true)).chain([head]) {
        let mut commit = named.get(sha).or_else(|| known.commits.get(sha)).cloned();
        let before = commit.clone();
        let commit = commit.get_or_insert_with(|| PullCommit {
            at: seen.updated_at,
            superseded,
            sha: sha.clone(),
        });
        raise(&mut commit.at, seen.updated_at);
        raise(&mut commit.superseded, superseded);
        if before.as_ref() != Some(commit) {
            named.insert(sha, commit.clone());
        }
    }
    named.into_values().collect()
}

/// GitHub's answer about merging, where a payload has one that is newer.
pub(in crate::lifecycle) fn new_answer(
    known: &PullRegisters,
    seen: &PullSeen,
) -> Option<MergeabilityAnswer> {
    let (head_sha, base_ref) = (seen.core.head_sha.clone(), seen.core.base_ref.clone());
    let answer =
        MergeabilityAnswer { head_sha, base_ref, value: seen.mergeability?, at: seen.updated_at };
    let name = (answer.head_sha.clone(), answer.base_ref.clone());
    let newer = |known: &MergeabilityAnswer| (answer.at, answer.value) > (known.at, known.value);
    known.answers.get(&name).is_none_or(newer).then_some(answer)
}

/// Among groups of one stamp: a head that some payload names as its `before` loses, open beats
/// closed, ready beats draft, else the larger bytes win.
pub(in crate::lifecycle) fn derive_core(
    pull: &PullRequest,
    registers: &PullRegisters,
) -> Arc<PullCore> {
    let superseded = |sha: &CommitSha| registers.commits.get(sha).is_some_and(|c| c.superseded);
    let openness = |state| match state {
        PrState::Open => 2,
        PrState::Draft => 1,
        PrState::Closed | PrState::Merged => 0,
    };
    let winner = pull
        .candidates
        .iter()
        .max_by_key(|core| (!superseded(&core.head_sha), openness(core.state), *core));
    winner.map_or_else(|| Arc::clone(&pull.core), Arc::clone)
}

/// The newest answer for this head and base. A later push to the base voids it, unless the pull request
/// has ended: then nothing changes it any more.
pub(in crate::lifecycle) fn derive_mergeability(
    core: &PullCore,
    registers: &PullRegisters,
    base_pushed_at: Option<Timestamp>,
) -> Mergeability {
    let name = (core.head_sha.clone(), core.base_ref.clone());
    let voided = base_pushed_at.filter(|_| core.state.is_open());
    registers
        .answers
        .get(&name)
        .filter(|answer| voided.is_none_or(|pushed_at| answer.at >= pushed_at))
        .map_or(Mergeability::Unknown, |answer| answer.value)
}

/// A review that tells something new: dismissed wins, else the newest seen, else the larger bytes.
pub(in crate::lifecycle) fn review_is_news(known: &PullRegisters, seen: &Review) -> bool {
    fn order(review: &Review) -> impl Ord + '_ {
        (
            review.state == ReviewState::Dismissed,
            review.seen_at,
            (review.state, review.submitted_at, review.author_id),
            (&review.author, &review.url),
        )
    }
    known.reviews.get(&seen.id).is_none_or(|known| order(seen) > order(known))
}

/// The newest decisive review of each reviewer: those that count.
pub(in crate::lifecycle) fn reviews_that_count(reviews: &BTreeMap<i64, Review>) -> Vec<&Review> {
    let decisive = |review: &&Review| match review.state {
        ReviewState::Approved | ReviewState::ChangesRequested | ReviewState::Dismissed => true,
        ReviewState::Pending | ReviewState::Commented => false,
    };
    let mut newest = BTreeMap::<(Option<i64>, i64), &Review>::new();
    for review in reviews.values().filter(decisive) {
        let reviewer = (review.author_id, if review.author_id.is_some() { 0 } else { review.id });
        let slot = newest.entry(reviewer).or_insert(review);
        if (review.submitted_at, review.id) > (slot.submitted_at, slot.id) {
            *slot = review;
        }
    }
    newest.into_values().collect()
}

/// Any request for changes that counts wins, else any approval.
pub(in crate::lifecycle) fn decide_reviews(reviews: &BTreeMap<i64, Review>) -> ReviewDecision {
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
