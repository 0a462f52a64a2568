//! From the facts at a commit to its checks, and from the checks to one CI state.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    Check, CheckKey, CheckRun, CheckStatus, CiState, CommitFacts, CommitStatus, Excerpt, RunState,
    RunStatus, Text, WorkflowRun,
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
    pub(in crate::lifecycle) fn check_status(&self) -> CheckStatus {
        check_status(self.status, self.conclusion.as_deref())
    }
}

/// A check at a commit as the facts have it: its row, and what only the rules ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedCheck {
    pub check: Arc<Check>,
    pub suite_id: Option<i64>,
    /// Stands for a workflow run that failed without a failed check of its own.
    pub stands_for_workflow: bool,
}

/// The checks at a commit.
pub type DerivedChecks = BTreeMap<CheckKey, DerivedCheck>;

/// The newest run of each workflow and event: an older one says nothing any more.
pub(in crate::lifecycle) fn newest_workflow_runs(facts: &CommitFacts) -> Vec<&WorkflowRun> {
    let mut newest = BTreeMap::<Text, &WorkflowRun>::new();
    // By rising id.
    for run in facts.workflow_runs.values() {
        newest.insert(workflow_key(run), run);
    }
    newest.into_values().collect()
}

/// The checks at a commit: the newest run of each, the statuses, and one for each workflow run that
/// failed without a failed check of its own.
pub fn derive_checks(facts: &CommitFacts) -> DerivedChecks {
    let mut checks = DerivedChecks::new();
    let workflows: Vec<(Text, &WorkflowRun)> =
        facts.workflow_runs.values().map(|run| (workflow_key(run), &**run)).collect();
    // By rising id: the newest run of a check is the last.
    for run in facts.check_runs.values() {
        let owner = workflows.iter().rev().find(|(_, workflow)| owns(workflow, run));
        let derived = from_run(run, owner);
        checks.insert(derived.check.key.clone(), derived);
    }
    for status in facts.statuses.values() {
        let derived = from_status(status);
        checks.insert(derived.check.key.clone(), derived);
    }
    for run in newest_workflow_runs(facts) {
        if run.state.check_status() == CheckStatus::Failed && !has_failed_check(run, &checks) {
            let derived = from_workflow(run);
            checks.entry(derived.check.key.clone()).or_insert(derived);
        }
    }
    checks
}

/// One CI state for all checks at a head.
pub fn roll_up<'a>(
    checks: impl Iterator<Item = &'a DerivedCheck> + Clone,
    facts: &CommitFacts,
) -> CiState {
    let any = |wanted: &[CheckStatus]| checks.clone().any(|it| wanted.contains(&it.check.status));
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

fn workflow_key(run: &WorkflowRun) -> Text {
    match run.workflow_id {
        Some(id) => format!("{id}:{}", run.event).into(),
        None => format!("{}:{}", run.state.name, run.event).into(),
    }
}

/// Whether a check run belongs to a workflow run: by its suite, or by the run its job names.
fn owns(workflow: &WorkflowRun, run: &CheckRun) -> bool {
    run.workflow_run_id == Some(workflow.id)
        || (run.suite_id.is_some() && run.suite_id == workflow.suite_id)
}

fn from_run(run: &CheckRun, owner: Option<&(Text, &WorkflowRun)>) -> DerivedCheck {
    let workflow = match (owner, run.suite_id, run.workflow_run_id) {
        (Some((key, _)), ..) => key.clone(),
        (None, Some(suite), _) => format!("suite:{suite}").into(),
        // A job whose check run was not seen: its workflow run has exactly one suite.
        (None, None, Some(workflow_run)) => format!("suite:run-{workflow_run}").into(),
        (None, None, None) => "suite:".into(),
    };
    let check = Check {
        key: CheckKey { source: run.source.clone(), workflow, name: run.state.name.clone() },
        workflow_name: owner.map(|(_, workflow)| workflow.state.name.clone()),
        run_id: run.run_id,
        status: run.state.check_status(),
        conclusion: run.state.conclusion.clone(),
        url: run.state.url.clone(),
        log_tail: log_tail(run),
        started_at: run.state.started_at,
        completed_at: run.state.completed_at,
    };
    DerivedCheck { check: Arc::new(check), suite_id: run.suite_id, stands_for_workflow: false }
}

/// The app's own words, else the name of the step that failed.
fn log_tail(run: &CheckRun) -> Text {
    let told = |excerpt: &&Excerpt| !excerpt.text.is_empty();
    let output = run.output.as_ref().filter(told);
    let step = run.failed_step.as_ref().filter(told);
    output.or(step).map_or_else(|| "".into(), |excerpt| excerpt.text.clone())
}

fn from_status(status: &CommitStatus) -> DerivedCheck {
    let check_status = match &*status.state {
        "success" => CheckStatus::Passed,
        "failure" | "error" => CheckStatus::Failed,
        "pending" => CheckStatus::InProgress,
        _ => CheckStatus::Unknown,
    };
    let ended = check_status != CheckStatus::InProgress;
    let check = Check {
        key: CheckKey {
            source: "status".into(),
            workflow: "".into(),
            name: status.context.clone(),
        },
        workflow_name: None,
        run_id: status.id,
        status: check_status,
        conclusion: ended.then(|| status.state.clone()),
        url: status.url.clone(),
        log_tail: status.description.clone().unwrap_or_else(|| "".into()),
        started_at: Some(status.created_at),
        completed_at: ended.then_some(status.updated_at),
    };
    DerivedCheck { check: Arc::new(check), suite_id: None, stands_for_workflow: false }
}

fn has_failed_check(run: &WorkflowRun, checks: &DerivedChecks) -> bool {
    let key = workflow_key(run);
    checks.values().any(|it| it.check.key.workflow == key && it.check.status == CheckStatus::Failed)
}

fn from_workflow(run: &WorkflowRun) -> DerivedCheck {
    let check = Check {
        key: CheckKey {
            source: "github-actions".into(),
            workflow: workflow_key(run),
            name: format!("{} (workflow run)", run.state.name).into(),
        },
        workflow_name: Some(run.state.name.clone()),
        run_id: run.id,
        status: run.state.check_status(),
        conclusion: run.state.conclusion.clone(),
        url: run.state.url.clone(),
        log_tail: "".into(),
        started_at: run.state.started_at,
        completed_at: run.state.completed_at,
    };
    DerivedCheck { check: Arc::new(check), suite_id: run.suite_id, stands_for_workflow: true }
}
