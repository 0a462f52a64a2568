//! Checks at a commit: the facts (check runs, commit statuses, workflow runs) and what they amount to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::spelling::spelled;
use super::{CheckLog, Text, Timestamp};

spelled! {
    /// What a check says, whatever it is made of.
    CheckStatus {
        Unknown = "unknown", Queued = "queued", InProgress = "in_progress", Passed = "passed",
        Failed = "failed", Skipped = "skipped", Cancelled = "cancelled",
    }
}

spelled! {
    /// All checks at a head, rolled up.
    CiState { Unknown = "unknown", Pending = "pending", Passing = "passing", Failing = "failing" }
}

spelled! {
    /// How far a run has come, in the order in which it can only rise.
    RunStatus {
        Unknown = "unknown", Queued = "queued", InProgress = "in_progress", Completed = "completed",
    }
}

/// The changing part of a run: a register ordered by (status, `completed_at`, failed, the rest).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunState {
    pub status: RunStatus,
    pub completed_at: Option<Timestamp>,
    /// GitHub's own word, such as `timed_out`.
    pub conclusion: Option<Text>,
    pub name: Text,
    pub url: Text,
    pub started_at: Option<Timestamp>,
}

/// Text about a failure that came with a payload, already cut to what matters, with the stamp of
/// the run state it belongs to. Untrusted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Excerpt {
    pub status: RunStatus,
    pub completed_at: Option<Timestamp>,
    pub text: Text,
}

/// A check run, as `check_run` and `workflow_job` payloads tell of it: both name the same run, each
/// with fields of its own, so each field is a register of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRun {
    pub run_id: i64,
    /// The app's slug.
    pub source: Text,
    pub suite_id: Option<i64>,
    /// The Actions workflow run it belongs to.
    pub workflow_run_id: Option<i64>,
    /// The attempt of that run, where a job's payload told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i64>,
    /// It failed before it began: no runner took it, none of its steps ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_ran: bool,
    pub state: RunState,
    /// What the app wrote into the run's `output`.
    pub output: Option<Excerpt>,
    /// The step of a workflow job that failed.
    pub failed_step: Option<Excerpt>,
}

/// A commit status: newest by `updated_at`, then id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommitStatus {
    pub updated_at: Timestamp,
    pub id: i64,
    pub context: Text,
    /// `pending`, `success`, `failure`, `error`.
    pub state: Text,
    pub description: Option<Text>,
    pub url: Text,
    pub created_at: Timestamp,
}

/// A workflow run: it keeps its id when re-run, so (attempt, state) is its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowRun {
    pub id: i64,
    pub attempt: i64,
    pub state: RunState,
    pub workflow_id: Option<i64>,
    /// `push`, `pull_request`, …
    pub event: Text,
    pub suite_id: Option<i64>,
}

/// A fact about a commit, as one payload tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitFact {
    CheckRun(Arc<CheckRun>),
    Status(Arc<CommitStatus>),
    WorkflowRun(Arc<WorkflowRun>),
    /// A check suite has completed.
    SuiteCompleted(i64),
    /// What is known of a check run's log.
    Log(Arc<CheckLog>),
}

/// Everything known about one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitFacts {
    /// By run id.
    pub check_runs: BTreeMap<i64, Arc<CheckRun>>,
    /// By context, in lower case: contexts are compared without case.
    pub statuses: BTreeMap<Text, Arc<CommitStatus>>,
    /// By run id.
    pub workflow_runs: BTreeMap<i64, Arc<WorkflowRun>>,
    /// Suites that have completed.
    pub completed_suites: BTreeSet<i64>,
    /// What is known of the logs of check runs, by run id.
    pub logs: BTreeMap<i64, Arc<CheckLog>>,
}

impl CommitFacts {
    /// Nothing was ever seen at the commit.
    pub fn is_empty(&self) -> bool {
        self.check_runs.is_empty() && self.statuses.is_empty() && self.workflow_runs.is_empty()
    }
}

/// What makes a check one check at a commit, whatever its runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckKey {
    /// The app's slug, or `status`.
    pub source: Text,
    /// `{workflow}:{event}` when a workflow run names them, else `suite:{id}`; empty for a status.
    pub workflow: Text,
    pub name: Text,
}

impl CheckKey {
    /// The workflow part where it means the same at every commit; a suite belongs to one commit.
    pub fn lasting_workflow(&self) -> Option<&str> {
        (!self.workflow.starts_with("suite:")).then_some(&*self.workflow)
    }

    /// Whether both have the same name; a status' context has no case.
    pub fn same_name(&self, other: &Self) -> bool {
        self.name == other.name
            || (&*self.source == "status" && self.name.eq_ignore_ascii_case(&other.name))
    }

    /// Whether both name the same check, at whatever commit.
    pub fn same_check(&self, other: &Self) -> bool {
        self.source == other.source
            && self.same_name(other)
            && match (self.lasting_workflow(), other.lasting_workflow()) {
                (Some(mine), Some(theirs)) => mine == theirs,
                _ => true,
            }
    }
}

/// A check at a commit, as its row shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub key: CheckKey,
    /// The workflow's name for people, when known.
    pub workflow_name: Option<Text>,
    pub run_id: i64,
    pub status: CheckStatus,
    pub conclusion: Option<Text>,
    pub url: Text,
    /// The part of the output that matters; empty while there is none. Untrusted.
    pub log_tail: Text,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}
