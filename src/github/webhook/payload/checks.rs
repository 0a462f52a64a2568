//! The fields in use of what tells of checks: check runs and their suites, workflow runs and their jobs,
//! commit statuses.

use serde::Deserialize;

use super::{Named as _, Repository};
use crate::github::webhook::envelope::Envelope;
use crate::github::webhook::scalar::{Text, Time};

event!(CheckRunEvent {
    #[serde(borrow)]
    check_run: CheckRun<'a>,
});

#[derive(Debug, Deserialize)]
pub(in crate::github::webhook) struct CheckRun<'a> {
    pub(in crate::github::webhook) id: i64,
    #[serde(borrow)]
    pub(in crate::github::webhook) name: Text<'a>,
    #[serde(borrow)]
    pub(in crate::github::webhook) head_sha: Text<'a>,
    #[serde(borrow)]
    pub(in crate::github::webhook) status: Text<'a>,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) conclusion: Option<Text<'a>>,
    #[serde(default)]
    pub(in crate::github::webhook) started_at: Time,
    #[serde(default)]
    pub(in crate::github::webhook) completed_at: Time,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) html_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) details_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) output: Option<Output<'a>>,
    #[serde(default)]
    pub(in crate::github::webhook) check_suite: Option<CheckSuite>,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) app: Option<App<'a>>,
}

#[derive(Debug, Deserialize)]
pub(in crate::github::webhook) struct CheckSuite {
    /// Absent at times, as the schema allows.
    #[serde(default)]
    pub(in crate::github::webhook) id: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(in crate::github::webhook) struct App<'a> {
    pub(in crate::github::webhook) id: i64,
    /// Older Enterprise Servers send a name only.
    #[serde(borrow, default)]
    pub(in crate::github::webhook) slug: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) name: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(in crate::github::webhook) struct Output<'a> {
    #[serde(borrow, default)]
    pub(in crate::github::webhook) title: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) summary: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) text: Option<Text<'a>>,
}

event!(WorkflowJobEvent {
    #[serde(borrow)]
    workflow_job: WorkflowJob<'a>,
});

#[derive(Debug, Deserialize)]
pub(in crate::github::webhook) struct WorkflowJob<'a> {
    /// The id of the check run it names.
    pub(in crate::github::webhook) id: i64,
    pub(in crate::github::webhook) run_id: i64,
    #[serde(borrow)]
    pub(in crate::github::webhook) name: Text<'a>,
    #[serde(borrow)]
    pub(in crate::github::webhook) head_sha: Text<'a>,
    #[serde(borrow)]
    pub(in crate::github::webhook) status: Text<'a>,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) conclusion: Option<Text<'a>>,
    #[serde(default)]
    pub(in crate::github::webhook) started_at: Time,
    #[serde(default)]
    pub(in crate::github::webhook) completed_at: Time,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) html_url: Option<Text<'a>>,
    #[serde(default)]
    pub(in crate::github::webhook) run_attempt: Option<i64>,
    /// 0 or `null` where no runner took it.
    #[serde(default)]
    pub(in crate::github::webhook) runner_id: Option<i64>,
    /// One that is `null` is a step of which nothing is said.
    #[serde(borrow, default)]
    pub(in crate::github::webhook) steps: Option<Vec<Option<Step<'a>>>>,
}

#[derive(Debug, Deserialize)]
pub(in crate::github::webhook) struct Step<'a> {
    #[serde(borrow)]
    pub(in crate::github::webhook) name: Text<'a>,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) conclusion: Option<Text<'a>>,
}

event!(WorkflowRunEvent {
    #[serde(borrow)]
    workflow_run: WorkflowRun<'a>,
});

#[derive(Debug, Deserialize)]
pub(in crate::github::webhook) struct WorkflowRun<'a> {
    pub(in crate::github::webhook) id: i64,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(in crate::github::webhook) head_sha: Text<'a>,
    #[serde(borrow)]
    pub(in crate::github::webhook) event: Text<'a>,
    #[serde(borrow)]
    pub(in crate::github::webhook) status: Text<'a>,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) conclusion: Option<Text<'a>>,
    #[serde(default)]
    pub(in crate::github::webhook) workflow_id: Option<i64>,
    #[serde(default)]
    pub(in crate::github::webhook) check_suite_id: Option<i64>,
    #[serde(default)]
    pub(in crate::github::webhook) run_attempt: Option<i64>,
    #[serde(default)]
    pub(in crate::github::webhook) run_started_at: Time,
    #[serde(default)]
    pub(in crate::github::webhook) created_at: Time,
    #[serde(default)]
    pub(in crate::github::webhook) updated_at: Time,
    #[serde(borrow, default)]
    pub(in crate::github::webhook) html_url: Option<Text<'a>>,
}

event!(StatusEvent {
    id: i64,
    #[serde(borrow)]
    sha: Text<'a>,
    #[serde(borrow)]
    context: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    target_url: Option<Text<'a>>,
    created_at: Time,
    updated_at: Time,
});

event!(CheckSuiteEvent {
    #[serde(borrow)]
    check_suite: CompletedSuite<'a>,
});

#[derive(Debug, Deserialize)]
pub(in crate::github::webhook) struct CompletedSuite<'a> {
    pub(in crate::github::webhook) id: i64,
    #[serde(borrow)]
    pub(in crate::github::webhook) head_sha: Text<'a>,
}
