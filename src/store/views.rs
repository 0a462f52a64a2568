//! What is read, row by row: plain data without a trace of how it is stored. Times are the text that
//! is stored.
//!
//! The views that a command answers with can be serialised: a kept answer is the view, not what a
//! client was shown of it.

use serde::{Deserialize, Serialize};

use crate::domain::{
    ActivitySource, ActivityState, Adopt, Audience, CheckStatus, CiState, CommentKind,
    DisplayStatus, FailureClass, HeldReason, Mergeability, NudgeId, NudgeKind, NudgeState,
    OperationKind, PrState, Priority, ProjectId, Rerun, ReviewDecision, SessionId, SessionKind,
    SessionMemory, SessionState, TerminationReason, Text, Timestamp, Trust,
};
use crate::lifecycle::{DrivingPull, display_status, driving_pull};

/// A project row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectView {
    pub row: i64,
    pub id: String,
    pub repo: String,
    pub path: Option<String>,
    pub display_name: String,
    pub adopt: Adopt,
    pub nudges_paused: bool,
    pub checks_only: Vec<String>,
    pub checks_except: Vec<String>,
    #[serde(default)]
    pub budget_burst: Option<u32>,
    #[serde(default)]
    pub budget_per_minute: Option<u32>,
    #[serde(default)]
    pub trust: Trust,
    #[serde(default)]
    pub rerun: Rerun,
    pub registered_at: String,
    pub archived_at: Option<String>,
}

/// A session row with its pull requests, in the order of their numbers in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    pub row: i64,
    pub id: String,
    pub project_id: String,
    pub issue_id: Option<String>,
    pub kind: SessionKind,
    pub harness: String,
    pub state: SessionState,
    pub termination_reason: Option<TerminationReason>,
    pub is_alive: bool,
    pub activity: ActivityState,
    pub activity_last_at: String,
    pub activity_source: ActivitySource,
    pub detecting_attempts: Option<i64>,
    pub detecting_started_at: Option<String>,
    pub branch: Option<String>,
    pub workspace_path: Option<String>,
    pub runtime_name: Option<String>,
    pub runtime_handle: Option<String>,
    pub agent_session_id: Option<String>,
    #[serde(default)]
    pub transcript_path: Option<String>,
    /// The last start of its agent.
    #[serde(default)]
    pub launch_id: Option<String>,
    /// What is being done to it outside, and since when.
    #[serde(default)]
    pub operation: Option<OperationKind>,
    #[serde(default)]
    pub operation_since: Option<String>,
    /// Why the last thing that was done to it failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// The disk that giving back its worktree freed.
    #[serde(default)]
    pub freed_bytes: Option<i64>,
    #[serde(default)]
    pub prompt: String,
    /// What its agent waits for or is blocked by, and what was said.
    #[serde(default)]
    pub memory: SessionMemory,
    pub nudges_paused: bool,
    /// What its agent has still to be told.
    #[serde(default)]
    pub nudges_waiting: WaitingView,
    pub created_at: String,
    pub updated_at: String,
    pub pulls: Vec<PullView>,
}

/// The nudges that wait for an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingView {
    pub count: i64,
    /// Why the first of them is held back; `None`: none is.
    pub held_because: Option<HeldReason>,
}

impl SessionView {
    /// The one word that people see.
    pub fn status(&self) -> DisplayStatus {
        // Stored times are ours and well-formed; one that is not would only lose its rank.
        let driver = driving_pull(&self.pulls, |pull| {
            (pull.state, pull.updated_at.parse().unwrap_or(Timestamp::UNIX_EPOCH))
        });
        let driver = driver.map(|pull| DrivingPull {
            state: pull.state,
            ci: pull.ci,
            review: pull.review,
            mergeability: pull.mergeability,
            unresolved_comments: pull.unresolved_comments,
        });
        display_status(self.state, self.termination_reason, driver.as_ref())
    }
}

/// A pull request row, without its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullView {
    pub id: i64,
    pub url: String,
    pub project_id: String,
    pub session_id: Option<String>,
    pub repo: String,
    pub number: i64,
    pub title: String,
    pub author: String,
    pub head_ref: String,
    pub head_sha: String,
    pub base_ref: String,
    pub state: PrState,
    pub ci: CiState,
    pub review: ReviewDecision,
    pub mergeability: Mergeability,
    pub unresolved_comments: i64,
    pub created_at: String,
    pub updated_at: String,
}

/// A check at one commit of a pull request.
#[derive(Debug, Clone)]
pub struct CheckView {
    /// Of the run that counts; of a status the status' own.
    pub id: i64,
    pub name: String,
    pub source: String,
    pub workflow: Option<String>,
    pub commit: String,
    pub status: CheckStatus,
    pub conclusion: Option<String>,
    pub url: String,
    /// Not read in lists.
    pub log_tail: Option<String>,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
}

/// A comment on a pull request.
#[derive(Debug, Clone)]
pub struct CommentView {
    pub id: i64,
    pub kind: CommentKind,
    pub author: String,
    pub file: Option<String>,
    pub line: Option<i64>,
    pub body: String,
    pub resolved: bool,
    pub url: String,
    pub created_at: String,
}

/// A nudge row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NudgeView {
    pub id: i64,
    pub project_id: String,
    pub session_id: Option<String>,
    pub pull_url: Option<String>,
    pub audience: Audience,
    pub kind: NudgeKind,
    pub class: Option<FailureClass>,
    #[serde(default)]
    pub evidence: Option<String>,
    pub priority: Priority,
    pub state: NudgeState,
    #[serde(default)]
    pub held_because: Option<HeldReason>,
    pub body: String,
    pub attempts: i64,
    pub created_at: String,
    #[serde(default)]
    pub handed_at: Option<String>,
    pub delivered_at: Option<String>,
    pub acknowledged_at: Option<String>,
}

/// A row of the ledger, without what it became and without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryView {
    pub id: i64,
    pub hook: String,
    pub guid: String,
    pub event: String,
    pub action: Option<String>,
    pub repo: Option<String>,
    pub outcome: String,
    pub reason: Option<String>,
    pub received_at: String,
}

/// A row of `change_log`. `payload` is JSON.
#[derive(Debug, Clone)]
pub struct Change {
    pub seq: i64,
    pub project_id: Option<String>,
    pub session_id: Option<String>,
    pub event_type: String,
    pub payload: String,
    pub cause: String,
    pub created_at: String,
}

/// Names an object of which there is a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectRef {
    Project(ProjectId),
    Session(SessionId),
    /// The session of a start of an agent.
    Launch(Text),
    Nudge(NudgeId),
    /// A row of the ledger.
    Delivery(i64),
}

/// An object as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectView {
    Project(ProjectView),
    Session(Box<SessionView>),
    Nudge(NudgeView),
    Delivery(DeliveryView),
}
