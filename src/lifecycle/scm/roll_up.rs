//! From the facts at a commit to its checks, and from the checks to one CI state.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    Check, CheckKey, CheckLog, CheckRun, CheckStatus, CiState, CommitFacts, CommitStatus, Excerpt,
    RunState, RunStatus, Text, WorkflowRun,
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
    /// It failed before it began.
    pub never_ran: bool,
    /// Stands for a workflow run that ended badly without such a check of its own.
    pub stands_for_workflow: bool,
    /// Runs of it both passed and failed at the commit, one after the other.
    pub is_flaky: bool,
    /// The Actions run that it is a job of, as far as that is known.
    pub workflow_run_id: Option<i64>,
    /// What is known of its log.
    pub log: Option<Arc<CheckLog>>,
}

/// The checks at a commit.
pub type DerivedChecks = BTreeMap<CheckKey, DerivedCheck>;

/// The workflow runs at a commit that still say something, by rising id. One that was cancelled while a newer
/// run of its workflow and event is there is history.
fn living_runs(facts: &CommitFacts) -> Vec<(Text, &WorkflowRun)> {
    let all: Vec<(Text, &WorkflowRun)> =
        facts.workflow_runs.values().map(|run| (workflow_key(run), &**run)).collect();
    let newest = newest_of(&all);
    let history = |key: &Text, run: &WorkflowRun| {
        run.state.check_status() == CheckStatus::Cancelled
            && newest.get(key).is_some_and(|newest| newest.id > run.id)
    };
    all.iter().filter(|(key, run)| !history(key, run)).cloned().collect()
}

fn newest_of<'f>(runs: &[(Text, &'f WorkflowRun)]) -> BTreeMap<Text, &'f WorkflowRun> {
    // By rising id: the last of a key is the newest.
    runs.iter().cloned().collect()
}

/// The newest run of each workflow and event.
pub(in crate::lifecycle) fn newest_workflow_runs(facts: &CommitFacts) -> Vec<&WorkflowRun> {
    newest_of(&living_runs(facts)).into_values().collect()
}

/// A check run with the workflow run that it is a job of.
struct Job<'f> {
    run: &'f Arc<CheckRun>,
    owner: Option<&'f WorkflowRun>,
}

impl Job<'_> {
    /// Whether `self` says nothing any more beside a job of the same name. Within one attempt (a matrix) they
    /// stand side by side; where the attempt is not known, one that began after this had ended replaces
    /// it.
    fn is_replaced_by(&self, other: &Self) -> bool {
        let workflow = |job: &Self| job.owner.map(|owner| owner.id).or(job.run.workflow_run_id);
        if workflow(self) != workflow(other) {
            return workflow(self) < workflow(other);
        }
        if let (Some(own), Some(theirs)) = (self.run.attempt, other.run.attempt) {
            return own < theirs;
        }
        let ended = Some(&self.run.state).filter(|state| state.status == RunStatus::Completed);
        let newer = other.run.run_id > self.run.run_id;
        match (ended.and_then(|state| state.completed_at), other.run.state.started_at) {
            (Some(ended), Some(began)) => began > ended || (began == ended && newer),
            // When it began is not told: then it is as new as its id.
            (Some(_), None) => newer,
            (None, _) => false,
        }
    }
}

/// How bad it is, for the worst to count.
fn badness(status: CheckStatus) -> u8 {
    match status {
        CheckStatus::Failed => 5,
        CheckStatus::Queued | CheckStatus::InProgress => 4,
        CheckStatus::Cancelled => 3,
        CheckStatus::Unknown => 2,
        CheckStatus::Passed => 1,
        CheckStatus::Skipped => 0,
    }
}

/// The checks at a commit (`docs/github-rules.md` 8): of each what counts, the statuses, and one for each
/// workflow run that ended badly without such a check of its own.
pub fn derive_checks(facts: &CommitFacts) -> DerivedChecks {
    let living = living_runs(facts);
    let mut jobs = BTreeMap::<CheckKey, Vec<Job<'_>>>::new();
    for run in facts.check_runs.values() {
        let owner = living.iter().rev().find(|(_, workflow)| owns(workflow, run));
        let of_history = owner.is_none() && facts.workflow_runs.values().any(|it| owns(it, run));
        if !of_history {
            let key = key_of(run, owner.map(|(key, _)| key));
            jobs.entry(key).or_default().push(Job { run, owner: owner.map(|(_, run)| *run) });
        }
    }
    let mut checks = DerivedChecks::new();
    for (key, same) in jobs {
        let counts = |job: &&Job<'_>| {
            !same
                .iter()
                .any(|other| other.run.run_id != job.run.run_id && job.is_replaced_by(other))
        };
        let worst = same
            .iter()
            .filter(counts)
            .max_by_key(|job| (badness(job.run.state.check_status()), job.run.run_id));
        if let Some(job) = worst {
            let log = facts.logs.get(&job.run.run_id).cloned();
            let is_flaky = passed_and_failed(&same);
            let derived = DerivedCheck { is_flaky, ..from_run(key.clone(), job, log) };
            checks.insert(key, derived);
        }
    }
    for status in facts.statuses.values() {
        let derived = from_status(status);
        checks.insert(derived.check.key.clone(), derived);
    }
    for (key, run) in newest_of(&living) {
        let status = run.state.check_status();
        let bad = match status {
            CheckStatus::Failed => true,
            // Cancelled before it had any job.
            CheckStatus::Cancelled => !checks.values().any(|it| it.check.key.workflow == key),
            CheckStatus::Unknown
            | CheckStatus::Queued
            | CheckStatus::InProgress
            | CheckStatus::Passed
            | CheckStatus::Skipped => false,
        };
        if bad && !has_such_check(&key, status, &checks) && !had_such_job(facts, run, status) {
            let derived = from_workflow(key, run);
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
    } else if any(&[CheckStatus::Passed, CheckStatus::Skipped]) {
        // All skipped is a success for GitHub.
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
    match run.workflow_run_id {
        Some(id) => id == workflow.id,
        None => {
            &*run.source != "github-actions"
                && run.suite_id.is_some()
                && run.suite_id == workflow.suite_id
        }
    }
}

/// What the check is. A check of Actions that is no job of a run (made by the API) has no workflow: it lands in
/// whatever suite is there.
fn key_of(run: &CheckRun, workflow: Option<&Text>) -> CheckKey {
    let of_actions = &*run.source == "github-actions";
    let workflow = match (workflow, run.suite_id, run.workflow_run_id) {
        (None, _, None) if of_actions => "".into(),
        (Some(key), ..) => key.clone(),
        (None, Some(suite), _) => format!("suite:{suite}").into(),
        // A job whose check run was not seen: its workflow run has exactly one suite.
        (None, None, Some(workflow_run)) => format!("suite:run-{workflow_run}").into(),
        (None, None, None) => "suite:".into(),
    };
    CheckKey { source: run.source.clone(), workflow, name: run.state.name.clone() }
}

/// Whether a run passed and one that came before or after it failed. What stands beside another run of the name (a
/// matrix) says nothing: which of them is which is not known.
fn passed_and_failed(same: &[Job<'_>]) -> bool {
    let ended = |job: &Job<'_>, status| job.run.state.check_status() == status;
    let other = |one: &Job<'_>, other: &Job<'_>| one.run.run_id != other.run.run_id;
    let follows =
        |one: &Job<'_>, other: &Job<'_>| one.is_replaced_by(other) || other.is_replaced_by(one);
    same.iter().filter(|job| ended(job, CheckStatus::Passed)).any(|passed| {
        let mut others = same.iter().filter(|job| other(job, passed));
        others.clone().all(|job| follows(passed, job))
            && others.any(|job| ended(job, CheckStatus::Failed))
    })
}

fn from_run(key: CheckKey, job: &Job<'_>, log: Option<Arc<CheckLog>>) -> DerivedCheck {
    let run = job.run;
    let check = Check {
        key,
        workflow_name: job.owner.map(|workflow| workflow.state.name.clone()),
        run_id: run.run_id,
        status: run.state.check_status(),
        conclusion: run.state.conclusion.clone(),
        url: run.state.url.clone(),
        log_tail: log_tail(run, log.as_deref()),
        started_at: run.state.started_at,
        completed_at: run.state.completed_at,
    };
    DerivedCheck {
        never_ran: run.never_ran && check.status == CheckStatus::Failed,
        check: Arc::new(check),
        suite_id: run.suite_id,
        stands_for_workflow: false,
        is_flaky: false,
        workflow_run_id: run.workflow_run_id.or(job.owner.map(|workflow| workflow.id)),
        log,
    }
}

/// What its log says; else the app's own words, else the name of the step that failed.
fn log_tail(run: &CheckRun, log: Option<&CheckLog>) -> Text {
    if let Some(said) = log.and_then(CheckLog::excerpt).filter(|said| !said.text.is_empty()) {
        return said.text.clone();
    }
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
    DerivedCheck {
        check: Arc::new(check),
        suite_id: None,
        never_ran: false,
        stands_for_workflow: false,
        is_flaky: false,
        workflow_run_id: None,
        log: None,
    }
}

fn has_such_check(workflow: &Text, status: CheckStatus, checks: &DerivedChecks) -> bool {
    checks.values().any(|it| it.check.key.workflow == *workflow && it.check.status == status)
}

/// Whether a job of that very attempt ended so: where it counts no more, a newer attempt has begun, which the run does
/// not show yet.
fn had_such_job(facts: &CommitFacts, workflow: &WorkflowRun, status: CheckStatus) -> bool {
    facts.check_runs.values().any(|run| {
        owns(workflow, run)
            && run.attempt == Some(workflow.attempt)
            && run.state.check_status() == status
    })
}

fn from_workflow(workflow: Text, run: &WorkflowRun) -> DerivedCheck {
    let check = Check {
        key: CheckKey {
            source: "github-actions".into(),
            workflow,
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
    DerivedCheck {
        check: Arc::new(check),
        suite_id: run.suite_id,
        never_ran: false,
        stands_for_workflow: true,
        is_flaky: false,
        workflow_run_id: Some(run.id),
        log: None,
    }
}
