//! What is observed of sessions, and asked for.

use super::{ActivitySeen, ActivityState, Probe, ProjectId, Runtime, SessionId, Text};

/// A session that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionWanted {
    pub project: ProjectId,
    /// Chosen at random by whoever asks: the row is found by it, and hooks of this start bear it.
    pub launch_id: Text,
    /// What the agent is to do.
    pub prompt: Text,
    /// `claude-code`, …
    pub harness: Text,
    /// The branch it is to work on; one of its own where there is none.
    pub branch: Option<Text>,
    pub issue_id: Option<Text>,
    /// Its agent runs elsewhere: nothing is started, nothing is probed.
    pub is_external: bool,
}

/// What is asked of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCommand {
    /// The row comes first, `not_started`; what has to be built is built afterwards.
    Spawn(SessionWanted),
    /// Its runtime is to be ended. Without one it has ended at once.
    Kill { session: SessionId },
    /// One that has ended is to go on. `is_fresh`: in a new conversation.
    Restore { session: SessionId, launch_id: Text, is_fresh: bool },
    /// Its worktree is to be given back.
    Cleanup { session: SessionId },
    /// A person says something to its agent, which has to be there to hear it. It changes nothing by itself.
    Tell { session: SessionId },
}

impl SessionCommand {
    /// The session it is about, where it is there already.
    pub const fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Spawn(_) => None,
            Self::Kill { session }
            | Self::Restore { session, .. }
            | Self::Cleanup { session }
            | Self::Tell { session } => Some(session),
        }
    }
}

/// What was seen of a session, or came of what was done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionObservation {
    pub session: SessionId,
    pub fact: SessionFact,
}

/// The fact. Those with a `launch_id` of another start than the last are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionFact {
    /// Somebody looked whether it is alive.
    Probed { launch_id: Option<Text>, probe: Probe },
    /// What its agent does.
    Active(ActivitySeen),
    /// Somebody looked again at an agent of which nothing was heard; `None`: there is nothing to tell.
    LookedAt(Option<ActivitySeen>),
    /// Its worktree is there.
    /// `token_hash`: SHA-256, in hex, of the token that the agent is about to get; those of earlier starts end.
    WorkspaceMade { launch_id: Text, path: Text, token_hash: Text },
    /// Its agent runs. `activity`: what it is doing now: `active` where it was given something to do.
    /// `speaks`: its hooks tell of the start within moments.
    Launched {
        launch_id: Text,
        runtime: Runtime,
        agent_session_id: Option<Text>,
        activity: ActivityState,
        speaks: bool,
    },
    /// It could not be started, for the reason given; what had been built was taken back.
    LaunchFailed { launch_id: Text, reason: Text },
    /// Its runtime was ended, or was not there any more.
    Killed,
    /// It could not be ended, or its worktree not be given back; it can be tried again.
    OperationFailed { reason: Text },
    /// Its worktree was given back, and so many bytes of disk are free again.
    CleanedUp { freed_bytes: i64 },
}
