//! What source control tells: pull requests, facts at commits, pushes, names.

mod doubt;
mod follow;
mod globs;
mod naming;
mod ownership;
mod pull;
mod registers;
mod roll_up;
mod say;

use std::sync::Arc;

use crate::domain::{
    ApiAccess, CommitFact, CommitSha, LogName, Project, ProjectId, PullId, RepoId, RepoSeen,
    ScmObservation, SessionId, Text, TimerDue, Timestamp,
};

use super::reducer::Reducer;
use super::refusal::Refusal;

use follow::{About, follow};
use naming::Watched;
pub(super) use naming::{
    names_of, new_project, opens_or_closes, same_name, slug_stem, touches_names,
};
use pull::PullPayload;
pub(super) use registers::reviews_that_count;
pub(super) use roll_up::newest_workflow_runs;
pub use roll_up::{DerivedCheck, DerivedChecks, check_status, derive_checks, roll_up};
pub(super) use say::{hangs_on_permission, has_a_say};

pub(super) fn reduce(to: &mut Reducer<'_>, seen: &ScmObservation) -> Result<(), Refusal> {
    let project = seen.repo().and_then(|repo| {
        let known = naming::project_for(to.known, repo)?;
        opens_or_closes(known, repo).then(|| known.id.clone())
    });
    dispatch(to, seen)?;
    if let Some(id) = project {
        follow_all(to, &id);
    }
    Ok(())
}

fn dispatch(to: &mut Reducer<'_>, seen: &ScmObservation) -> Result<(), Refusal> {
    match seen {
        ScmObservation::Pull { repo, pull } => pull::seen(to, repo, pull, PullPayload::default()),
        ScmObservation::Review { repo, pull, review } => pull::seen(
            to,
            repo,
            pull,
            PullPayload { review: Some(review), ..PullPayload::default() },
        ),
        ScmObservation::Comment { repo, pull: Some(pull), comment, .. } => {
            let comments = std::slice::from_ref(comment);
            pull::seen(to, repo, pull, PullPayload { comments, ..PullPayload::default() })
        }
        ScmObservation::Comment { repo, pull: None, number, comment } => {
            let comments = std::slice::from_ref(comment);
            let payload = PullPayload { comments, ..PullPayload::default() };
            pull::spoken_of(to, repo, *number, payload)
        }
        ScmObservation::Thread { repo, pull, thread, comments } => pull::seen(
            to,
            repo,
            pull,
            PullPayload { comments, thread: Some(thread), ..PullPayload::default() },
        ),
        ScmObservation::Queued { repo, pull, fact } => {
            pull::seen(to, repo, pull, PullPayload { queue: Some(fact), ..PullPayload::default() })
        }
        ScmObservation::MergeGroup { repo, number, fact } => {
            let payload = PullPayload { queue: Some(fact), ..PullPayload::default() };
            pull::spoken_of(to, repo, *number, payload)
        }
        ScmObservation::CheckRun { repo, sha, run } => {
            fact(to, repo, sha, &CommitFact::CheckRun(Arc::clone(run)))
        }
        ScmObservation::Status { repo, sha, status } => {
            fact(to, repo, sha, &CommitFact::Status(Arc::clone(status)))
        }
        ScmObservation::WorkflowRun { repo, sha, run } => {
            fact(to, repo, sha, &CommitFact::WorkflowRun(Arc::clone(run)))
        }
        ScmObservation::SuiteCompleted { repo, sha, suite_id } => {
            fact(to, repo, sha, &CommitFact::SuiteCompleted(*suite_id))
        }
        ScmObservation::Push { repo, branch, pushed_at } => push(to, repo, branch, *pushed_at),
        ScmObservation::Repository { repo } => {
            Watched::find(to, repo)?.write(to);
            Ok(())
        }
        ScmObservation::Access { repos, account, granted, suspended, at } => {
            let told = ApiAccess::told(*granted, *suspended);
            naming::access(to, repos, account.as_deref(), told, *at);
            Ok(())
        }
    }
}

/// A fact at a commit, for every pull request that has the commit.
fn fact(
    to: &mut Reducer<'_>,
    repo: &RepoSeen,
    sha: &CommitSha,
    seen: &CommitFact,
) -> Result<(), Refusal> {
    let project = Watched::find(to, repo)?.write(to);
    let Some(register) = registers::merge_fact(to.known.facts(repo.id, sha), seen) else {
        return Ok(());
    };
    to.known.put_fact(repo.id, sha, register);
    let pulls: Vec<PullId> = to.known.pulls_with_commit(repo.id, sha).iter().copied().collect();
    for id in pulls {
        let Some(before) = to.known.pull(id).cloned() else { continue };
        follow(to, &project, &before.row, None, About::Commit(sha));
    }
    Ok(())
}

/// What is known of a log, whatever asked for it.
pub(super) fn log_known(to: &mut Reducer<'_>, of: &LogName, log: CommitFact) {
    let Some(register) = registers::merge_fact(to.known.facts(of.repo, &of.sha), &log) else {
        return;
    };
    to.known.put_fact(of.repo, &of.sha, register);
    let pulls: Vec<PullId> = to.known.pulls_with_commit(of.repo, &of.sha).iter().copied().collect();
    for id in &pulls {
        follow_known(to, *id, About::Commit(&of.sha));
    }
    // Of a merge group's commit another pull request tells.
    let own = to.known.pull_of_number(of.repo, of.number);
    if let Some(id) = own.filter(|id| !pulls.contains(id)) {
        follow_known(to, id, About::Pull { rang: None });
    }
}

/// Looks at the pull request of a number again.
pub(super) fn follow_number(to: &mut Reducer<'_>, repo: RepoId, number: i64) {
    if let Some(id) = to.known.pull_of_number(repo, number) {
        follow_known(to, id, About::Pull { rang: None });
    }
}

/// Looks at a pull request again, unless its project is watched no more.
fn follow_known(to: &mut Reducer<'_>, id: PullId, about: About<'_>) {
    let Some(before) = to.known.pull(id).cloned() else { return };
    let project = to.known.project(&before.row.project_id).cloned();
    if let Some(project) = project.filter(|project| project.archived_at.is_none()) {
        follow(to, &project, &before.row, None, about);
    }
}

/// A push to a branch voids what was known of merging into it. It never moves a head.
fn push(
    to: &mut Reducer<'_>,
    repo: &RepoSeen,
    branch: &Text,
    pushed_at: Timestamp,
) -> Result<(), Refusal> {
    let project = Watched::find(to, repo)?.write(to);
    if to.known.base_push(repo.id, branch).is_some_and(|known| known >= pushed_at) {
        return Ok(());
    }
    to.known.put_base_push(repo.id, branch, pushed_at);
    let pulls: Vec<PullId> = to.known.pulls_into(repo.id, branch).iter().copied().collect();
    for id in pulls {
        let Some(before) = to.known.pull(id).cloned() else { continue };
        follow(to, &project, &before.row, None, About::Pull { rang: None });
    }
    Ok(())
}

/// Looks at every open pull request of a project again: what counts there has changed.
pub(super) fn follow_all(to: &mut Reducer<'_>, id: &ProjectId) {
    let Some(project) = to.known.project(id).cloned() else { return };
    let pulls: Vec<PullId> = to.known.open_pulls(id).iter().copied().collect();
    for id in pulls {
        let Some(before) = to.known.pull(id).cloned() else { continue };
        follow(to, &project, &before.row, None, About::Pull { rang: None });
    }
}

/// Looks at every open pull request of a session again: what its agent may hear has changed.
pub(super) fn follow_all_of(to: &mut Reducer<'_>, project: &Arc<Project>, id: &SessionId) {
    let pulls: Vec<PullId> = to.known.pulls_of_session(id).iter().copied().collect();
    for id in pulls {
        let Some(before) = to.known.pull(id).cloned() else { continue };
        if before.row.core.state.is_open() {
            follow(to, project, &before.row, None, About::Pull { rang: None });
        }
    }
}

/// A timer rings: what it is about is looked at again.
pub(super) fn timer(to: &mut Reducer<'_>, id: PullId, due: &TimerDue) -> Result<(), Refusal> {
    let before = to.known.pull(id).cloned().ok_or(Refusal::SubjectGone)?;
    let project = to.known.project(&before.row.project_id).cloned().ok_or(Refusal::SubjectGone)?;
    if project.archived_at.is_some() {
        return Err(Refusal::Archived);
    }
    follow(to, &project, &before.row, None, About::Pull { rang: Some(due.kind) });
    // It has rung: whatever came of it, it must not ring again by itself.
    if to.known.timers(&due.subject).get(&due.kind).is_some_and(|at| *at <= to.now) {
        to.known.put_timer(&due.subject, due.kind, None);
    }
    Ok(())
}
