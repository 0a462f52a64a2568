//! One agent working on one task.

use super::spelling::spelled;
use super::{ProjectId, SessionId, Timestamp};

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

/// What the rules need of a session row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub project_id: ProjectId,
    pub num: i64,
    pub kind: SessionKind,
    pub state: SessionState,
    pub termination_reason: Option<TerminationReason>,
    pub is_alive: bool,
    pub activity: ActivityState,
    /// Nudges to its agent are held back.
    pub nudges_paused: bool,
    /// The branch whose pull requests are this session's, in the project's own repository.
    pub branch: Option<String>,
    pub created_at: Timestamp,
}
