//! What tells of checks: check runs and their suites, workflow runs and their jobs, commit statuses.

use std::sync::Arc;

use super::{
    MOST_OUTPUT, MOST_TEXT, Translated, UnclearField, commit, fact, of_no_interest, optional_text,
    repo, required, text,
};
use crate::domain::{
    self, CheckStatus, CommitSha, CommitStatus, Excerpt, RunState, RunStatus, ScmObservation, Text,
};
use crate::excerpt::{excerpt_text, one_line};
use crate::github::webhook::envelope::Envelope;
use crate::github::webhook::payload::{
    App, CheckRun, CheckRunEvent, CheckSuiteEvent, Output, StatusEvent, Step, WorkflowJob,
    WorkflowJobEvent, WorkflowRun, WorkflowRunEvent,
};
use crate::github::webhook::scalar::Time;
use crate::lifecycle::check_status;

/// `check_run`, whatever its action: each carries the whole run.
pub(in crate::github::webhook) fn check_run(event: &CheckRunEvent<'_>) -> Translated {
    let (sha, run) = run_at(&event.check_run)?;
    fact(ScmObservation::CheckRun { repo: repo(&event.repository)?, sha, run })
}

/// A check run, and the commit it is of.
pub(in crate::github::webhook) fn run_at(
    run: &CheckRun<'_>,
) -> Result<(CommitSha, Arc<domain::CheckRun>), UnclearField> {
    let urls = [run.html_url.as_deref(), run.details_url.as_deref()];
    let state = RunState {
        status: how_far(&run.status, run.conclusion.as_deref(), run.completed_at),
        completed_at: run.completed_at.0,
        conclusion: run.conclusion.as_deref().map(text),
        name: text(&run.name),
        url: optional_text(urls.into_iter().flatten().next()),
        started_at: run.started_at.0,
    };
    let output = run.output.as_ref().filter(|_| has_failed(&state)).and_then(output_text);
    let sha = commit(&run.head_sha, "check_run.head_sha")?;
    let run = domain::CheckRun {
        run_id: run.id,
        source: source(run),
        suite_id: run.check_suite.as_ref().and_then(|suite| suite.id),
        workflow_run_id: urls.into_iter().flatten().find_map(workflow_run_in),
        attempt: None,
        never_ran: false,
        output: output.map(|text| stamped(&state, text)),
        failed_step: None,
        state,
    };
    Ok((sha, Arc::new(run)))
}

/// `workflow_job`: the check run it names, never a second check.
pub(in crate::github::webhook) fn workflow_job(event: &WorkflowJobEvent<'_>) -> Translated {
    let (sha, run) = job_at(&event.workflow_job)?;
    fact(ScmObservation::CheckRun { repo: repo(&event.repository)?, sha, run })
}

/// The check run that a job is, and the commit it is of.
pub(in crate::github::webhook) fn job_at(
    job: &WorkflowJob<'_>,
) -> Result<(CommitSha, Arc<domain::CheckRun>), UnclearField> {
    let state = RunState {
        status: how_far(&job.status, job.conclusion.as_deref(), job.completed_at),
        completed_at: job.completed_at.0,
        conclusion: job.conclusion.as_deref().map(text),
        name: text(&job.name),
        url: optional_text(job.html_url.as_deref()),
        started_at: job.started_at.0,
    };
    let failed_step = job.steps.as_deref().filter(|_| has_failed(&state)).and_then(failed_steps);
    let run = domain::CheckRun {
        run_id: job.id,
        source: "github-actions".into(),
        suite_id: None,
        workflow_run_id: Some(job.run_id),
        attempt: job.run_attempt,
        never_ran: has_failed(&state)
            && job.steps.as_ref().is_some_and(Vec::is_empty)
            && job.runner_id.unwrap_or(0) == 0,
        output: None,
        failed_step: failed_step.map(|text| stamped(&state, text)),
        state,
    };
    Ok((commit(&job.head_sha, "workflow_job.head_sha")?, Arc::new(run)))
}

/// `workflow_run`.
pub(in crate::github::webhook) fn workflow_run(event: &WorkflowRunEvent<'_>) -> Translated {
    let (sha, run) = workflow_at(&event.workflow_run)?;
    fact(ScmObservation::WorkflowRun { repo: repo(&event.repository)?, sha, run })
}

/// A workflow run, and the commit it is of.
pub(in crate::github::webhook) fn workflow_at(
    run: &WorkflowRun<'_>,
) -> Result<(CommitSha, Arc<domain::WorkflowRun>), UnclearField> {
    let status = run_status(&run.status);
    let state = RunState {
        status,
        completed_at: run.updated_at.0.filter(|_| status == RunStatus::Completed),
        conclusion: run.conclusion.as_deref().map(text),
        name: run.name.as_deref().map_or_else(|| "workflow".into(), text),
        url: optional_text(run.html_url.as_deref()),
        started_at: run.run_started_at.0.or(run.created_at.0),
    };
    let sha = commit(&run.head_sha, "workflow_run.head_sha")?;
    let run = domain::WorkflowRun {
        id: run.id,
        attempt: run.run_attempt.unwrap_or(1),
        state,
        workflow_id: run.workflow_id,
        event: text(&run.event),
        suite_id: run.check_suite_id,
    };
    Ok((sha, Arc::new(run)))
}

/// `status`.
pub(in crate::github::webhook) fn status(event: &StatusEvent<'_>) -> Translated {
    let status = CommitStatus {
        updated_at: required(event.updated_at, "updated_at")?,
        id: event.id,
        context: text(&event.context),
        state: text(&event.state),
        description: event.description.as_deref().map(|said| excerpt_text(said, MOST_TEXT).into()),
        url: optional_text(event.target_url.as_deref()),
        created_at: required(event.created_at, "created_at")?,
    };
    let sha = commit(&event.sha, "sha")?;
    fact(ScmObservation::Status { repo: repo(&event.repository)?, sha, status: Arc::new(status) })
}

/// `check_suite`: never pending, but completed a sign that all its failures are there.
pub(in crate::github::webhook) fn check_suite(event: &CheckSuiteEvent<'_>) -> Translated {
    if event.action() != Some("completed") {
        return of_no_interest("a suite never makes anything pending");
    }
    let sha = commit(&event.check_suite.head_sha, "check_suite.head_sha")?;
    let (repo, suite_id) = (repo(&event.repository)?, event.check_suite.id);
    fact(ScmObservation::SuiteCompleted { repo, sha, suite_id })
}

fn run_status(status: &str) -> RunStatus {
    match status {
        "queued" | "waiting" | "requested" | "pending" => RunStatus::Queued,
        "in_progress" => RunStatus::InProgress,
        "completed" => RunStatus::Completed,
        _ => RunStatus::Unknown,
    }
}

/// An end beside a conclusion is an end, whatever the status still says.
fn how_far(status: &str, conclusion: Option<&str>, completed_at: Time) -> RunStatus {
    let ended = conclusion.is_some() && completed_at.0.is_some();
    if ended { RunStatus::Completed } else { run_status(status) }
}

fn has_failed(state: &RunState) -> bool {
    check_status(state.status, state.conclusion.as_deref()) == CheckStatus::Failed
}

/// The app's slug; of an old server its name, written as a slug.
fn source(run: &CheckRun<'_>) -> Text {
    match &run.app {
        Some(App { slug: Some(slug), .. }) if !slug.is_empty() => text(slug),
        Some(App { name: Some(name), .. }) if !name.is_empty() => {
            text(&name.to_lowercase().replace(char::is_whitespace, "-"))
        }
        Some(app) => format!("app-{}", app.id).into(),
        None => "unknown".into(),
    }
}

/// The Actions run in an address such as `https://github.com/o/r/actions/runs/17/job/4`.
fn workflow_run_in(url: &str) -> Option<i64> {
    let (_, rest) = url.split_once("/actions/runs/")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn output_text(output: &Output<'_>) -> Option<String> {
    let parts = [&output.title, &output.summary, &output.text];
    let said: Vec<&str> =
        parts.into_iter().flatten().map(|part| &**part).filter(|part| !part.is_empty()).collect();
    let cut = excerpt_text(&said.join("\n"), MOST_OUTPUT);
    (!cut.is_empty()).then_some(cut)
}

fn failed_steps(steps: &[Option<Step<'_>>]) -> Option<String> {
    let failed = |step: &&Step<'_>| {
        matches!(step.conclusion.as_deref(), Some("failure" | "timed_out" | "startup_failure"))
    };
    let names: Vec<String> = steps
        .iter()
        .flatten()
        .filter(failed)
        .map(|step| one_line(&step.name, 200))
        .take(10)
        .collect();
    (!names.is_empty()).then(|| format!("failed step: {}", names.join(", ")))
}

fn stamped(state: &RunState, text: String) -> Excerpt {
    Excerpt { status: state.status, completed_at: state.completed_at, text: text.into() }
}
