//! One agent working on one task.

use serde::{Deserialize, Serialize};

use super::spelling::spelled;
use super::{Operation, ProjectId, SessionId, Text, Timestamp};

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
    /// The file in which the agent keeps the conversation.
    pub transcript_path: Option<Text>,
    /// The last start of its agent; `None` where it was not started here.
    pub launch_id: Option<Text>,
    /// What is being done to it outside.
    pub operation: Option<Operation>,
    /// Why the last thing that was done to it failed.
    pub failure: Option<Text>,
    /// SHA-256 of the token with which its agent reports, in hex. The token itself is kept nowhere.
    pub token_hash: Option<Text>,
    /// The bytes of disk that giving back its worktree freed.
    pub freed_bytes: Option<i64>,
    /// What the agent was asked to do.
    pub prompt: Text,
    /// What was said, so that nothing is said twice.
    pub memory: SessionMemory,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What was said about a session, and what its agent waits for. Part of its row, so that a restart neither
/// repeats nor loses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionMemory {
    /// The agent is idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<IdleEpisode>,
    /// The turn that runs, or ran last, was begun by an `agent-idle`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub turn_of_idle_nudge: bool,
    /// The human was told that it is stuck.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stuck_told: bool,
    /// The human was told that it needs input.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub needs_input_told: bool,
    /// What the agent waits for, while it waits for a human.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// Why the agent is blocked, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// A hook of the last start has spoken.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_heard: bool,
    /// Its hooks should have spoken since then, and none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unheard_since: Option<Timestamp>,
}

impl SessionMemory {
    /// Nothing is remembered: nothing can be taken back.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// From an agent's becoming idle until it does something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleEpisode {
    pub since: Timestamp,
    /// It had an open pull request meanwhile, or was never given anything to do: nothing is to be said.
    pub is_excused: bool,
    pub is_told: bool,
    pub is_escalated: bool,
}

impl IdleEpisode {
    /// One of which nothing was said yet.
    pub const fn new(since: Timestamp) -> Self {
        Self { since, is_excused: false, is_told: false, is_escalated: false }
    }
}

/// What an agent waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wait {
    /// The tool that asks; only its own end shows that it was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Text>,
    /// What it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// It began when no turn was under way: nothing will show its end, so it ends by itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub after_stop: bool,
}

/// Why an agent is blocked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Block {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// When the limit that blocks it is reset, as far as that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
}
