//! The registers: each fact has a total order, so that any order of arrival ends alike.
//!
//! `docs/github-rules.md` 5 to 11 give the order of each. A register takes the greater of two values; a
//! set only grows; what a payload does not speak of is left as it was.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::say::has_a_say;
use crate::domain::{
    CheckRun, CheckStatus, Comment, CommentKind, CommitFact, CommitFacts, CommitSha, Conversation,
    Mergeability, MergeabilityAnswer, PrState, Project, PullCommit, PullCore, PullRegisters,
    PullRequest, PullSeen, Review, ReviewAnswer, ReviewDecision, ReviewState, RunState, RunStatus,
    Text, Thread, Timestamp, WorkflowRun,
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

/// How far a run has come, in an order that only rises.
///
/// `completed` with `action_required` is no end (`docs/github-rules.md` 8): a run that is approved goes on
/// under its id, and so does a check whose app begins it anew. What has not ended stands in the order of
/// time, then of status.
fn progress(state: &RunState) -> impl Ord + '_ {
    let waits = state.status == RunStatus::Completed
        && state.conclusion.as_deref() == Some("action_required");
    let ended = state.status == RunStatus::Completed && !waits;
    let since = if waits { state.completed_at } else { state.started_at };
    (
        ended,
        since.filter(|_| !ended),
        state.status,
        state.completed_at,
        state.check_status() == CheckStatus::Failed,
        state.conclusion.as_deref(),
        (&*state.name, &*state.url, Reverse(state.started_at)),
    )
}

/// The same of a workflow run: one that waits for approval has not begun.
fn run_progress(state: &RunState) -> impl Ord + '_ {
    let waits = state.conclusion.as_deref() == Some("action_required");
    (
        if waits { RunStatus::Unknown } else { state.status },
        state.completed_at,
        state.check_status() == CheckStatus::Failed,
        state.conclusion.as_deref(),
        (&*state.name, &*state.url, Reverse(state.started_at)),
    )
}

/// A check run with what is known of it; `None`: it tells nothing new.
fn merge_check_run(facts: &CommitFacts, seen: &Arc<CheckRun>) -> Option<Arc<CheckRun>> {
    let Some(known) = facts.check_runs.get(&seen.run_id) else { return Some(Arc::clone(seen)) };
    let mut run = CheckRun::clone(known);
    let mut changed = raise(&mut run.suite_id, seen.suite_id);
    changed |= raise(&mut run.workflow_run_id, seen.workflow_run_id);
    changed |= raise(&mut run.source, seen.source.clone());
    changed |= raise(&mut run.attempt, seen.attempt);
    changed |= raise(&mut run.never_ran, seen.never_ran);
    changed |= raise(&mut run.output, seen.output.clone());
    changed |= raise(&mut run.failed_step, seen.failed_step.clone());
    if progress(&seen.state) > progress(&run.state) {
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
    if (seen.attempt, run_progress(&seen.state)) > (run.attempt, run_progress(&run.state)) {
        run.attempt = seen.attempt;
        run.state = seen.state.clone();
        changed = true;
    }
    changed.then(|| Arc::new(run))
}

/// Contexts are compared without case.
pub(in crate::lifecycle) fn status_key(context: &Text) -> Text {
    if context.bytes().any(|b| b.is_ascii_uppercase()) {
        context.to_ascii_lowercase().into()
    } else {
        context.clone()
    }
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
            let known = facts.statuses.get(&status_key(&status.context));
            known.is_none_or(|known| status > known).then(|| seen.clone())
        }
        CommitFact::SuiteCompleted(suite) => {
            (!facts.completed_suites.contains(suite)).then(|| seen.clone())
        }
        // What was read stands above why it was not, and that above that it is being read.
        CommitFact::Log(log) => {
            facts.logs.get(&log.run_id).is_none_or(|known| log > known).then(|| seen.clone())
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

    /// Unresolved comments that ask something of the author, by those who have a say: a reply of the author's own
    /// does not.
    pub(in crate::lifecycle) fn open_feedback<'a>(
        &'a self,
        project: &'a Project,
        author: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Comment>> {
        self.rows()
            .filter(|(_, resolved)| !resolved)
            .map(|(comment, _)| comment)
            .filter(move |comment| !(comment.is_reply() && &*comment.author == author))
            .filter(|comment| has_a_say(project, &comment.author, &comment.standing))
    }
}

/// Takes a pull request's group of facts in as a candidate for its row. Of one second, what GitHub answered after
/// it stands above all payloads, the latest answer first.
pub(in crate::lifecycle) fn merge_core(pull: &mut PullRequest, seen: &PullSeen) {
    let order = |core: &PullCore, at, read| (core.state == PrState::Merged, at, read);
    let known = order(&pull.core, pull.core_at, pull.core_read_at);
    let read = decisive_read(seen);
    let new = order(&seen.core, seen.updated_at, read);
    if new > known {
        pull.candidates.clear();
        pull.core_at = seen.updated_at;
        pull.core_read_at = read;
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
    // GitHub gives the answer of the moment, whatever the stamp of what else it shows.
    let (value, at) =
        (seen.mergeability?, seen.updated_at.max(read_at(seen).unwrap_or(seen.updated_at)));
    let of_draft = seen.core.state == PrState::Draft && value == Mergeability::Blocked;
    let answer = MergeabilityAnswer { head_sha, base_ref, value, of_draft, at };
    let name = (answer.head_sha.clone(), answer.base_ref.clone());
    let order = |it: &MergeabilityAnswer| (it.at, it.value, !it.of_draft);
    let newer = |known: &MergeabilityAnswer| order(&answer) > order(known);
    known.answers.get(&name).is_none_or(newer).then_some(answer)
}

/// Among groups of one stamp: a head that some payload names as its `before` loses, what the opening shows is
/// first and loses, open beats closed, ready beats draft, else the larger bytes win.
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
        .max_by_key(|core| (!superseded(&core.head_sha), !core.first, openness(core.state), *core));
    winner.map_or_else(|| Arc::clone(&pull.core), Arc::clone)
}

/// The newest answer for this head and base, as long as nothing has voided it (`docs/github-rules.md` 7): a
/// later push to the base (unless the pull request has ended: then nothing changes it any more); of a
/// draft's the end of the draft; of `blocked` any later check or review, since it may be what was missing.
pub(in crate::lifecycle) fn derive_mergeability(
    core: &PullCore,
    registers: &PullRegisters,
    at_head: &CommitFacts,
    base_pushed_at: Option<Timestamp>,
) -> Mergeability {
    let name = (core.head_sha.clone(), core.base_ref.clone());
    let Some(answer) = registers.answers.get(&name) else { return Mergeability::Unknown };
    let pushed = base_pushed_at.filter(|_| core.state.is_open()).is_some_and(|at| at > answer.at);
    let blocked = answer.value == Mergeability::Blocked && core.state.is_open();
    let later = |at: &Timestamp| *at > answer.at;
    let void = pushed
        || (answer.of_draft && core.state != PrState::Draft)
        || (blocked
            && (registers.reviews.values().any(|review| later(&review.seen_at))
                || times(at_head).any(|at| later(&at))));
    if void { Mergeability::Unknown } else { answer.value }
}

/// When something was seen of the checks at a commit.
pub(super) fn times(facts: &CommitFacts) -> impl Iterator<Item = Timestamp> {
    let of_run = |state: &RunState| state.completed_at.or(state.started_at);
    let runs = facts.check_runs.values().filter_map(move |run| of_run(&run.state));
    let workflows = facts.workflow_runs.values().filter_map(move |run| of_run(&run.state));
    runs.chain(workflows).chain(facts.statuses.values().map(|status| status.updated_at))
}

/// A review that tells something new: dismissed wins, else the newest seen, else the larger bytes.
pub(in crate::lifecycle) fn review_is_news(known: &PullRegisters, seen: &Review) -> bool {
    fn order(review: &Review) -> impl Ord + '_ {
        (
            review.state == ReviewState::Dismissed,
            review.seen_at,
            (review.state, review.submitted_at, review.author_id),
            (&review.author, &review.url, &review.body, &review.standing),
        )
    }
    known.reviews.get(&seen.id).is_none_or(|known| order(seen) > order(known))
}

/// The newest decisive review of each reviewer who has a say: those that count.
pub(in crate::lifecycle) fn reviews_that_count<'a>(
    project: &Project,
    reviews: &'a BTreeMap<i64, Review>,
) -> Vec<&'a Review> {
    let decisive = |review: &&Review| match review.state {
        ReviewState::Approved | ReviewState::ChangesRequested | ReviewState::Dismissed => {
            has_a_say(project, &review.author, &review.standing)
        }
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
pub(in crate::lifecycle) fn decide_reviews(
    project: &Project,
    reviews: &BTreeMap<i64, Review>,
) -> ReviewDecision {
    let counting = reviews_that_count(project, reviews);
    let any = |state| counting.iter().any(|review| review.state == state);
    if any(ReviewState::ChangesRequested) {
        ReviewDecision::ChangesRequested
    } else if any(ReviewState::Approved) {
        ReviewDecision::Approved
    } else {
        ReviewDecision::None
    }
}

/// What reviews amount to with GitHub's own word, which knows how many are wanted and of whom, as long as it is of
/// this head and no review is newer. A request for changes that counts here stands.
pub(in crate::lifecycle) fn with_answer(
    by_reviews: ReviewDecision,
    row: &PullRequest,
    reviews: &BTreeMap<i64, Review>,
) -> ReviewDecision {
    let newer = |at: Timestamp| reviews.values().any(|it| it.seen_at.max(it.submitted_at) > at);
    let answer = row.review_answer.as_ref();
    let answer = answer.filter(|it| it.head_sha == row.core.head_sha && !newer(it.at));
    match (by_reviews, answer.map(|answer| answer.decision)) {
        (_, None | Some(ReviewDecision::None)) | (ReviewDecision::ChangesRequested, _) => {
            by_reviews
        }
        (_, Some(told)) => told,
    }
}

/// When GitHub was asked for what a payload shows, where it was. The store keeps milliseconds.
fn read_at(seen: &PullSeen) -> Option<Timestamp> {
    seen.read.and_then(|read| Timestamp::from_millisecond(read.at.as_millisecond()).ok())
}

/// The same where that was after the whole second of its stamp: then nothing of that second came later.
fn decisive_read(seen: &PullSeen) -> Option<Timestamp> {
    read_at(seen).filter(|at| at.as_second() > seen.updated_at.as_second())
}

/// Takes in GitHub's own word of what reviews amount to.
pub(in crate::lifecycle) fn merge_review_answer(pull: &mut PullRequest, seen: &PullSeen) {
    if let (Some(at), Some(decision)) = (read_at(seen), seen.read.and_then(|read| read.review)) {
        let head_sha = seen.core.head_sha.clone();
        raise(&mut pull.review_answer, Some(ReviewAnswer { at, decision, head_sha }));
    }
}
