//! One agent working on one task.

use serde::{Deserialize, Serialize};

use super::spelling::spelled;
use super::{ProjectId, SessionId, Text, Timestamp};

spelled! {
    /// The canonical state; `done` and `terminated` are terminal.
    SessionState {
        NotStarted = "not_started", Working = "working", Idle = "idle", NeedsInput = "needs_input",
        Stuck = "stuck", Detecting = "detecting", Done = "done", Terminated = "terminated",
    }
}

impl SessionState {
    /// The session has ended; only a restore (or, for `done`, a reopened PR) changes it.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Terminated)
    }
}

spelled! {
    /// Why a session is `terminated`.
    TerminationReason {
        ManuallyKilled = "manually_killed", RuntimeLost = "runtime_lost",
        AgentProcessExited = "agent_process_exited", ProbeFailure = "probe_failure",
        ErrorInProcess = "error_in_process", AutoCleanup = "auto_cleanup", PrMerged = "pr_merged",
    }
}

spelled! {
    /// What the agent was last seen doing.
    ActivityState {
        Active = "active", Ready = "ready", Idle = "idle", WaitingInput = "waiting_input",
        Blocked = "blocked", Exited = "exited",
    }
}

spelled! {
    /// Who told of the activity.
    ActivitySource {
        Native = "native", Terminal = "terminal", Hook = "hook", Runtime = "runtime", None = "none",
    }
}

spelled! {
    /// Whether the agent runs in a runtime of ours.
    SessionKind {
        /// Spawned here.
        Worker = "worker",
        /// Its agent runs elsewhere and polls, or a human works on it.
        External = "external",
    }
}

spelled! {
    /// The one word that people see: derived on read, never stored.
    DisplayStatus {
        Spawning = "spawning", Working = "working", Detecting = "detecting", PrOpen = "pr_open",
        Draft = "draft", CiFailed = "ci_failed", ReviewPending = "review_pending",
        ChangesRequested = "changes_requested", Approved = "approved", Mergeable = "mergeable",
        Merged = "merged", Cleanup = "cleanup", NeedsInput = "needs_input", Stuck = "stuck",
        Errored = "errored", Killed = "killed", Idle = "idle", Done = "done",
        Terminated = "terminated",
    }
}

/// What the agent was last seen doing, when, and who told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    pub state: ActivityState,
    pub last_at: Timestamp,
    pub source: ActivitySource,
}

/// The quarantine of a session whose agent may be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detecting {
    /// Probes in a row with the same evidence.
    pub attempts: u32,
    /// When the episode began.
    pub started_at: Timestamp,
    /// Of the evidence without its times.
    pub evidence_hash: Text,
}

/// Where the agent runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// `tmux`, …
    pub name: Text,
    /// How that runtime calls it.
    pub handle: Text,
}

/// A session row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub project_id: ProjectId,
    pub num: i64,
    pub issue_id: Option<Text>,
    pub kind: SessionKind,
    /// Which agent it is, such as `claude-code`; empty where that is not known.
    pub harness: Text,
    pub state: SessionState,
    pub termination_reason: Option<TerminationReason>,
    pub is_alive: bool,
    pub activity: Activity,
    pub detecting: Option<Detecting>,
    /// Nudges to its agent are held back.
    pub nudges_paused: bool,
    /// The branch whose pull requests are this session's, in the project's own repository.
    pub branch: Option<Text>,
    pub workspace_path: Option<Text>,
    pub runtime: Option<Runtime>,
    /// How the agent itself calls the conversation.
    pub agent_session_id: Option<Text>,
    /// What the agent was asked to do.
    pub prompt: Text,
    /// What was said, so that nothing is said twice.
    pub memory: SessionMemory,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What was said about a session. Part of its row, so that a restart neither repeats nor loses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionMemory {}
