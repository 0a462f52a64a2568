//! What hangs on the facts of a pull request follows them: its rows, its session, what is said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{
    CommentRow, CommitSha, Operation, OperationKind, PrState, Project, PullRequest, Session,
    SessionState, Subject, TimerKind,
};
use crate::lifecycle::delivery::Voice;
use crate::lifecycle::reactions::{self, Context};
use crate::lifecycle::reducer::Reducer;
use crate::lifecycle::session;

use super::doubt::doubts;
use super::globs;
use super::registers::{decide_reviews, derive_mergeability, with_answer};
use super::roll_up::{DerivedCheck, DerivedChecks, derive_checks, roll_up};

/// Why a pull request is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum About<'a> {
    /// The pull request itself is spoken of, or a timer of it rings.
    Pull { rang: Option<TimerKind> },
    /// A fact at this commit, which is or was its head.
    Commit(&'a CommitSha),
}

/// Derives what hangs on the facts, and reacts to what the pull request has become. `now`: the row as it
/// is to be, where anything but what is derived here differs from `before`.
pub(super) fn follow(
    to: &mut Reducer<'_>,
    project: &Arc<Project>,
    before: &PullRequest,
    now: Option<PullRequest>,
    about: About<'_>,
) {
    let mut row = now.unwrap_or_else(|| before.clone());
    let subject = Subject::Pull(row.id);
    if let About::Commit(sha) = about
        && *sha != row.core.head_sha
    {
        // Facts of an old head alone are history: nothing is said about them.
        new_rows(to, &row, sha);
        return;
    }
    let head_facts = Arc::clone(to.known.facts(row.repo_id, &row.core.head_sha));
    // Runs at no pull request's head (a nightly alone) are no CI as far as pull requests go.
    let known = to.known.project(&project.id).cloned();
    let seen = known.as_ref().is_some_and(|known| known.ci_seen);
    let seen_now = Project { ci_seen: true, ..(**project).clone() };
    let project = if head_facts.is_empty() || seen { project } else { &Arc::new(seen_now) };
    if !head_facts.is_empty() && !seen {
        // As it is known by now: about another pull request somebody may have been asked for.
        let known = known.unwrap_or_else(|| Arc::clone(project));
        to.known.put_project(Project { ci_seen: true, ..(*known).clone() });
    }
    // What is over is not looked at again when the repository turns private or public, nor when GitHub says who may
    // write: who counted there must not hang on which of both came first.
    let as_public = Project { visibility: None, people: BTreeMap::new(), ..(**project).clone() };
    let heard_in = if row.core.state.is_open() { &**project } else { &as_public };
    let at_head = derive_checks(&head_facts);
    put_rows(to, &row, &row.core.head_sha, &at_head);
    row.ci = roll_up(at_head.values(), &head_facts);
    let mut open_questions = BTreeSet::new();
    if let Some(record) = to.known.pull(row.id) {
        let pushed_at = to.known.base_push(row.repo_id, &row.core.base_ref);
        let registers = &record.registers;
        row.mergeability = derive_mergeability(&row.core, registers, &head_facts, pushed_at);
        let by_reviews = decide_reviews(heard_in, &registers.reviews);
        row.review = with_answer(by_reviews, &row, &registers.reviews);
        if to.policy.github {
            open_questions = doubts(&row, registers, &head_facts, pushed_at);
        }
    }

    let (rang, conversation) = match about {
        About::Commit(_) => (None, None),
        About::Pull { rang } => {
            let said = Arc::clone(to.known.conversation(row.repo_id, row.number));
            let open = said.open_feedback(heard_in, &row.core.author).count();
            row.unresolved_comments = i64::try_from(open).unwrap_or(i64::MAX);
            let rows = said.rows().map(|(comment, resolved)| {
                let row = CommentRow::new(comment, resolved);
                ((comment.kind, comment.id), Arc::new(row))
            });
            to.known.put_comment_rows((row.id, &row.url), rows.collect());
            (rang, Some(said))
        }
    };
    follow_session(to, &row);

    let counting: Vec<&DerivedCheck> =
        at_head.values().filter(|it| globs::counts(project, &it.check)).collect();
    // A run that goes on may bring jobs that count: its jobs are not known yet.
    let ci = if globs::chooses(project) {
        roll_up(counting.iter().copied(), &head_facts)
    } else {
        row.ci
    };
    let session = row.session_id.as_ref().and_then(|id| to.known.session(id)).cloned();
    let open = to.known.open_nudges(&subject).iter().copied().collect();
    let context = Context {
        policy: to.policy,
        now: to.now,
        known: to.known,
        project,
        subject,
        gathered: reactions::gathered(&head_facts, &counting),
        checks: counting,
        ci,
        conversation: conversation.as_deref(),
        rang,
        head_moved: before.core.head_sha != row.core.head_sha,
        doubts: open_questions,
        session,
        open,
    };
    reactions::react(context, &mut row);
    let session = row.session_id.clone();
    to.known.put_pull(row);
    if let (About::Pull { .. }, Some(id)) = (about, session) {
        let voice = Voice { policy: to.policy, now: to.now, known: to.known, project };
        reactions::pulls_changed(voice, &id);
    }
}

/// The check rows at a commit of the pull request.
pub(super) fn new_rows(to: &mut Reducer<'_>, row: &PullRequest, sha: &CommitSha) {
    let derived = derive_checks(to.known.facts(row.repo_id, sha));
    put_rows(to, row, sha, &derived);
}

fn put_rows(to: &mut Reducer<'_>, row: &PullRequest, sha: &CommitSha, derived: &DerivedChecks) {
    let rows = derived.iter().map(|(key, it)| (key, &it.check));
    to.known.put_check_rows((row.id, &row.url), sha, rows);
}

/// The end of its pull requests ends a session, as far as it has not ended yet.
fn follow_session(to: &mut Reducer<'_>, row: &PullRequest) {
    let Some(id) = &row.session_id else { return };
    let Some(known) = to.known.session(id).cloned() else { return };
    let pulls = to.known.pulls_of_session(id).iter().filter(|pull| **pull != row.id);
    let states = pulls.filter_map(|pull| Some(to.known.pull(*pull)?.row.core.state));
    let siblings: Vec<PrState> = states.collect();
    let mut next = session::follow_pulls(&known, row.core.state, &siblings);
    if next.state == SessionState::Terminated && next.state != known.state && next.runtime.is_some()
    {
        // Its agent still runs: the session manager ends it, also after a restart.
        next.operation = Some(Operation { kind: OperationKind::Kill, since: to.now });
    }
    if next != *known {
        to.known.put_session(Session { updated_at: to.now, ..next });
    }
}
