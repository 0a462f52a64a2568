//! From the facts at a commit to its checks, and from the checks to one CI state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{
    Check, CheckKey, CheckRun, CheckStatus, CiState, CommitFacts, CommitStatus, RunState,
    RunStatus, WorkflowRun,
};

/// Maps a run's status and conclusion, in GitHub's words, to what the check says.
pub fn check_status(status: RunStatus, conclusion: Option<&str>) -> CheckStatus {
    match status {
        RunStatus::Unknown => CheckStatus::Unknown,
        RunStatus::Queued => CheckStatus::Queued,
        RunStatus::InProgress => CheckStatus::InProgress,
        RunStatus::Completed => match conclusion {
            Some("success" | "neutral") => CheckStatus::Passed,
            Some("failure" | "timed_out" | "action_required" | "startup_failure") => {
                CheckStatus::Failed
            }
            Some("skipped" | "stale") => CheckStatus::Skipped,
            Some("cancelled") => CheckStatus::Cancelled,
            _ => CheckStatus::Unknown,
        },
    }
}

impl RunState {
    /// What a check made of this run says.
    pub(super) fn check_status(&self) -> CheckStatus {
        check_status(self.status, self.conclusion.as_deref())
    }
}

/// The newest run of each workflow and event: an older one says nothing any more.
pub(super) fn newest_workflow_runs(facts: &CommitFacts) -> Vec<&WorkflowRun> {
    let mut newest = BTreeMap::<String, &WorkflowRun>::new();
    for run in &facts.workflow_runs {
        let slot = newest.entry(workflow_key(run)).or_insert(run);
        if run.id > slot.id {
            *slot = run;
        }
    }
    newest.into_values().collect()
}

/// Runs that agree in these belong to one check, whichever it is.
type Likeness<'a> = (&'a str, Option<i64>, Option<i64>, &'a str);

fn likeness(run: &CheckRun) -> Likeness<'_> {
    (&run.source, run.suite_id, run.workflow_run_id, &run.state.name)
}

fn newest_check_runs(facts: &CommitFacts) -> BTreeMap<Likeness<'_>, &Arc<CheckRun>> {
    let mut newest = BTreeMap::<_, &Arc<CheckRun>>::new();
    for run in &facts.check_runs {
        let slot = newest.entry(likeness(run)).or_insert(run);
        if run.run_id > slot.run_id {
            *slot = run;
        }
    }
    newest
}

/// The check runs whose excerpts can be told: of an older run they say nothing any more.
pub fn telling_runs(facts: &CommitFacts) -> BTreeSet<i64> {
    newest_check_runs(facts).into_values().map(|run| run.run_id).collect()
}

/// Whether both runs belong to one check, so that the newer stands for the older.
pub fn alike(a: &CheckRun, b: &CheckRun) -> bool {
    likeness(a) == likeness(b)
}

/// Whether a check run that is seen again can make excerpts matter that [`telling_runs`] leaves out:
/// its own, or those of a run that it does not stand for any more.
pub fn stirs_old_runs(facts: &CommitFacts, seen: &CheckRun) -> bool {
    let Some(known) = facts.check_runs.iter().find(|run| run.run_id == seen.run_id) else {
        return false;
    };
    // By the registers of `merge_check_run`.
    let stays_like = seen.suite_id <= known.suite_id
        && seen.workflow_run_id <= known.workflow_run_id
        && seen.source <= known.source
        && seen.state.name == known.state.name;
    let newer = |run: &Arc<CheckRun>| run.run_id > known.run_id && alike(run, known);
    !stays_like || facts.check_runs.iter().any(newer)
}

/// The checks at a commit, sorted by key: the newest run of each, the statuses, and one for each
/// workflow run that failed without a failed check of its own.
pub fn derive_checks(facts: &CommitFacts) -> Vec<Check> {
    let mut checks = BTreeMap::<CheckKey, Check>::new();
    for run in newest_check_runs(facts).into_values() {
        let workflow = workflow_of(facts, run);
        let check = from_run(run, workflow);
        match checks.get(&check.key) {
            Some(newer) if newer.run_id > check.run_id => {}
            _ => {
                checks.insert(check.key.clone(), check);
            }
        }
    }
    for status in &facts.statuses {
        let check = from_status(status);
        checks.insert(check.key.clone(), check);
    }
    for run in newest_workflow_runs(facts) {
        if run.state.check_status() == CheckStatus::Failed && !has_failed_check(run, &checks) {
            let check = from_workflow(run);
            checks.entry(check.key.clone()).or_insert(check);
        }
    }
    checks.into_values().collect()
}

/// One CI state for all checks at a head.
pub fn roll_up(checks: &[Check], facts: &CommitFacts) -> CiState {
    let any = |wanted: &[CheckStatus]| checks.iter().any(|check| wanted.contains(&check.status));
    let unfinished =
        newest_workflow_runs(facts).iter().any(|run| run.state.status != RunStatus::Completed);
    if any(&[CheckStatus::Failed]) {
        CiState::Failing
    } else if any(&[CheckStatus::Queued, CheckStatus::InProgress]) || unfinished {
        CiState::Pending
    } else if any(&[CheckStatus::Cancelled, CheckStatus::Unknown]) {
        CiState::Unknown
    } else if any(&[CheckStatus::Passed]) {
        CiState::Passing
    } else {
        CiState::Unknown
    }
}

fn workflow_key(run: &WorkflowRun) -> String {
    match run.workflow_id {
        Some(id) => format!("{id}:{}", run.event),
        None => format!("{}:{}", run.state.name, run.event),
    }
}

/// The workflow run that a check run belongs to: by its suite, or by the run its job names.
fn workflow_of<'a>(facts: &'a CommitFacts, run: &CheckRun) -> Option<&'a WorkflowRun> {
    let owns = |workflow: &&WorkflowRun| {
        run.workflow_run_id == Some(workflow.id)
            || (run.suite_id.is_some() && run.suite_id == workflow.suite_id)
    };
    facts.workflow_runs.iter().filter(owns).max_by_key(|workflow| workflow.id)
}

fn from_run(run: &CheckRun, workflow: Option<&WorkflowRun>) -> Check {
    let workflow_part = match (workflow, run.suite_id, run.workflow_run_id) {
        (Some(workflow), ..) => workflow_key(workflow),
        (None, Some(suite), _) => format!("suite:{suite}"),
        // A job whose check run was not seen: its workflow run has exactly one suite.
        (None, None, Some(workflow_run)) => format!("suite:run-{workflow_run}"),
        (None, None, None) => "suite:".to_owned(),
    };
    let status = run.state.check_status();
    Check {
        key: CheckKey {
            source: run.source.clone(),
            workflow: workflow_part,
            name: run.state.name.clone(),
        },
        workflow_name: workflow.map(|workflow| workflow.state.name.clone()),
        suite_id: run.suite_id,
        run_id: run.run_id,
        status,
        conclusion: run.state.conclusion.clone(),
        url: run.state.url.clone(),
        log_tail: log_tail(run),
        started_at: run.state.started_at,
        completed_at: run.state.completed_at,
        stands_for_workflow: false,
    }
}

/// The app's own words, else the name of the step that failed.
fn log_tail(run: &CheckRun) -> String {
    let current = |excerpt: &&crate::domain::Excerpt| !excerpt.text.is_empty();
    let output = run.output.as_ref().filter(current);
    let step = run.failed_step.as_ref().filter(current);
    output.or(step).map(|excerpt| excerpt.text.clone()).unwrap_or_default()
}

fn from_status(status: &CommitStatus) -> Check {
    let check_status = match status.state.as_str() {
        "success" => CheckStatus::Passed,
        "failure" | "error" => CheckStatus::Failed,
        "pending" => CheckStatus::InProgress,
        _ => CheckStatus::Unknown,
    };
    let ended = check_status != CheckStatus::InProgress;
    Check {
        key: CheckKey {
            source: "status".to_owned(),
            workflow: String::new(),
            name: status.context.clone(),
        },
        workflow_name: None,
        suite_id: None,
        run_id: status.id,
        status: check_status,
        conclusion: ended.then(|| status.state.clone()),
        url: status.url.clone(),
        log_tail: status.description.clone().unwrap_or_default(),
        started_at: Some(status.created_at),
        completed_at: ended.then_some(status.updated_at),
        stands_for_workflow: false,
    }
}

fn has_failed_check(run: &WorkflowRun, checks: &BTreeMap<CheckKey, Check>) -> bool {
    let key = workflow_key(run);
    checks.values().any(|check| check.key.workflow == key && check.status == CheckStatus::Failed)
}

fn from_workflow(run: &WorkflowRun) -> Check {
    Check {
        key: CheckKey {
            source: "github-actions".to_owned(),
            workflow: workflow_key(run),
            name: format!("{} (workflow run)", run.state.name),
        },
        workflow_name: Some(run.state.name.clone()),
        suite_id: run.suite_id,
        run_id: run.id,
        status: run.state.check_status(),
        conclusion: run.state.conclusion.clone(),
        url: run.state.url.clone(),
        log_tail: String::new(),
        started_at: run.state.started_at,
        completed_at: run.state.completed_at,
        stands_for_workflow: true,
    }
}
