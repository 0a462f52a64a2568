//! What comes of asking GitHub: logs, what pull requests are, checks that are run again.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::domain::{
    AskPermission, Blame, CheckLog, CommitFact, Failure, LogAbsence, LogAnswer, LogExcerpt,
    LogName, LogState, MOST_EXCERPT, PermissionAnswer, PullId, PullMemory, PullRequest, Refreshed,
    RepoId, RerunAnswer, RerunChecks, Task, TaskName, TaskPayload,
};
use crate::excerpt::{one_line, truncate};

use super::backoff::next_attempt;
use super::policy::RERUN_WAIT;
use super::reducer::Reducer;
use super::refusal::Refusal;
use super::scm;

/// How long GitHub is asked for a log that cannot be had.
const LOG_PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// How long a job that has failed may take to end.
const UNFINISHED: SignedDuration = SignedDuration::from_hours(1);
const REFRESH_PATIENCE: SignedDuration = SignedDuration::from_hours(24);
const PERMISSION_PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// After so many seconds it is looked again whether a pull request can be merged (`docs/github-rules.md` 15).
const COMPUTED: [u32; 3] = [5, 10, 15];
/// After so many seconds a run is asked for again that has not ended.
const RUN_ENDS: u32 = 15;
const EVIDENCE_CHARS: usize = 500;
const ERROR_CHARS: usize = 300;

/// What came of fetching a log.
pub(super) fn log(to: &mut Reducer<'_>, of: &LogName, answer: &LogAnswer) -> Result<(), Refusal> {
    let name = TaskName::fetch_log(of.repo, of.run_id);
    let again = |to: &mut Reducer<'_>, failure: &Failure, patience| {
        is_wanted(to, of) && try_again(to, &name, failure, patience)
    };
    let (state, blame) = match answer {
        LogAnswer::Read(said, blame) => (LogState::Excerpt(bounded(said)), blame.clone()),
        LogAnswer::Absent(reason, blame) => (LogState::Absent(*reason), blame.clone()),
        LogAnswer::NotYet => {
            if again(to, &patient("the job has not finished", 0), UNFINISHED) {
                return Ok(());
            }
            (LogState::Absent(LogAbsence::Missing), Blame::default())
        }
        LogAnswer::Failed(failure) => {
            if again(to, failure, LOG_PATIENCE) {
                return Ok(());
            }
            (LogState::Absent(LogAbsence::Unreachable), Blame::default())
        }
    };
    to.known.drop_task(&name);
    let log = CheckLog { run_id: of.run_id, state, blame };
    scm::log_known(to, of, CommitFact::Log(Arc::new(log)));
    Ok(())
}

/// What others wrote comes no longer and no wilder than elsewhere.
fn bounded(said: &LogExcerpt) -> LogExcerpt {
    LogExcerpt {
        text: truncate(&said.text, MOST_EXCERPT).into(),
        class: said.class,
        evidence: one_line(&said.evidence, EVIDENCE_CHARS).into(),
        truncated: said.truncated || said.text.len() > MOST_EXCERPT,
    }
}

/// Something may still be said with the log.
fn is_wanted(to: &Reducer<'_>, of: &LogName) -> bool {
    let at_head = to.known.pulls_with_commit(of.repo, &of.sha).iter();
    let at_head = at_head.filter_map(|id| to.known.pull(*id));
    let mut at_head = at_head.filter(|pull| pull.row.core.head_sha == of.sha);
    let own = to.known.pull_of_number(of.repo, of.number).and_then(|id| to.known.pull(id));
    // Of a merge group's commit no pull request is the head.
    let of_group = to.known.pulls_with_commit(of.repo, &of.sha).is_empty();
    at_head.any(|pull| pull.row.core.state.is_open())
        || (of_group && own.is_some_and(|pull| pull.row.core.state.is_open()))
}

/// A failure without one: what is asked for is not there yet.
fn patient(error: &str, retry_after: u32) -> Failure {
    let retry_after = Some(retry_after);
    Failure { error: error.to_owned(), retry_after, for_good: false, jitter: 500 }
}

/// Has a task tried again later; `false`: it is given up, or there is none.
fn try_again(
    to: &mut Reducer<'_>,
    name: &TaskName,
    failure: &Failure,
    patience: SignedDuration,
) -> bool {
    let Some(task) = to.known.task(name).cloned() else { return false };
    let attempts = task.attempts.saturating_add(1);
    let Some(due_at) = next_attempt(&task, attempts, failure, patience, to.now) else {
        return false;
    };
    let last_error = Some(one_line(&failure.error, ERROR_CHARS).into());
    to.known.put_task(Task { attempts, due_at, last_error, ..(*task).clone() });
    true
}

/// What came of asking what a pull request is now.
pub(super) fn pull(
    to: &mut Reducer<'_>,
    repo: RepoId,
    number: i64,
    answer: &Refreshed,
) -> Result<(), Refusal> {
    let name = TaskName::refresh(repo, number);
    let waits = match answer {
        Refreshed::Shown { is_computed: false, .. } => not_computed(to, &name),
        Refreshed::Shown { .. } | Refreshed::Hidden => false,
        Refreshed::Failed(failure) => try_again(to, &name, failure, REFRESH_PATIENCE),
    };
    if !waits {
        to.known.drop_task(&name);
        let gave_up = matches!(answer, Refreshed::Failed(_));
        remember(to, repo, number, |memory| {
            if let Some(mark) = &mut memory.refresh {
                mark.is_open = false;
                // What GitHub has not answered may be asked again.
                if gave_up {
                    mark.about.clear();
                }
            }
        });
    }
    if let Refreshed::Shown { found, .. } = answer {
        for seen in found {
            if let Err(refusal) = scm::reduce(to, seen) {
                debug_assert!(!matches!(refusal, Refusal::SubjectGone), "{refusal}");
            }
        }
    }
    scm::follow_number(to, repo, number);
    Ok(())
}

/// It is looked again a few seconds later, and not for ever.
fn not_computed(to: &mut Reducer<'_>, name: &TaskName) -> bool {
    let Some(task) = to.known.task(name).cloned() else { return false };
    let Some(wait) = COMPUTED.get(task.attempts as usize) else { return false };
    let wait = SignedDuration::from_secs(i64::from(*wait));
    let due_at = to.now.checked_add(wait).unwrap_or(to.now);
    let attempts = task.attempts + 1;
    to.known.put_task(Task { attempts, due_at, ..(*task).clone() });
    true
}

/// What came of asking for checks to be run again.
pub(super) fn rerun(
    to: &mut Reducer<'_>,
    of: &RerunChecks,
    answer: &RerunAnswer,
) -> Result<(), Refusal> {
    let name = TaskPayload::RerunChecks(of.clone()).name();
    let waits = match answer {
        RerunAnswer::Started | RerunAnswer::Refused { .. } => false,
        RerunAnswer::NotYet => {
            let failure = patient("the run has not ended", RUN_ENDS);
            try_again(to, &name, &failure, RERUN_WAIT)
        }
        RerunAnswer::Failed(failure) => try_again(to, &name, failure, RERUN_WAIT),
    };
    if waits {
        return Ok(());
    }
    to.known.drop_task(&name);
    if *answer == RerunAnswer::Started {
        return Ok(());
    }
    remember(to, of.repo_id, of.number, |memory| {
        let ours = memory.reruns.iter_mut().filter(|mark| mark.head == of.sha);
        for mark in ours.filter(|mark| of.jobs.iter().any(|job| mark.runs.contains(job))) {
            mark.is_over = true;
        }
    });
    scm::follow_number(to, of.repo_id, of.number);
    Ok(())
}

/// What came of asking whether somebody may write to a repository. What is open there is looked at again.
pub(super) fn permission(
    to: &mut Reducer<'_>,
    of: &AskPermission,
    answer: &PermissionAnswer,
) -> Result<(), Refusal> {
    let name = TaskName::ask_permission(of.repo_id, &of.login);
    let told = match answer {
        PermissionAnswer::Known(may_write) => Some(*may_write),
        PermissionAnswer::Failed(failure) => {
            if try_again(to, &name, failure, PERMISSION_PATIENCE) {
                return Ok(());
            }
            None
        }
    };
    to.known.drop_task(&name);
    let project = to.known.project_of_repo(of.repo_id).and_then(|id| to.known.project(id));
    let Some(mut project) = project.map(|known| (**known).clone()) else { return Ok(()) };
    let Some(person) = project.people.get_mut(&of.login) else { return Ok(()) };
    // Without an answer the last one holds.
    let may_write = told.or(person.may_write);
    let is_news = person.may_write != may_write;
    (person.is_open, person.may_write) = (false, may_write);
    let (id, is_archived) = (project.id.clone(), project.archived_at.is_some());
    to.known.put_project(project);
    if is_news && !is_archived {
        scm::follow_all(to, &id);
    }
    Ok(())
}

/// Changes what is remembered of a pull request.
fn remember(to: &mut Reducer<'_>, repo: RepoId, number: i64, change: impl FnOnce(&mut PullMemory)) {
    let id: Option<PullId> = to.known.pull_of_number(repo, number);
    let Some(pull) = id.and_then(|id| to.known.pull(id)) else { return };
    let mut row: PullRequest = (*pull.row).clone();
    change(&mut row.memory);
    to.known.put_pull(row);
}
