//! Work to be done outside: enqueued with the state that wants it, performed afterwards, answered by
//! an observation.

use serde::{Deserialize, Serialize};

use super::spelling::spelled;
use super::{Audience, Nudge, NudgeId, SessionId, Text, Timestamp};

spelled! {
    /// What is to be done.
    TaskKind {
        /// A nudge is brought to the human.
        NotifyHuman = "notify_human",
        /// A nudge is brought to the agent.
        DeliverNudge = "deliver_nudge",
        /// Somebody looks at an agent of which nothing was heard for long.
        LookAgain = "look_again",
    }
}

/// What tells a task from all others: its kind, and what it is about within that kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskName {
    pub kind: TaskKind,
    /// At most one task of the kind has it.
    pub dedupe_key: Text,
}

impl TaskName {
    /// The task that brings a nudge to the human.
    pub fn notify(nudge: NudgeId) -> Self {
        Self { kind: TaskKind::NotifyHuman, dedupe_key: nudge.0.to_string().into() }
    }

    /// The task that brings a nudge to the agent.
    pub fn deliver(nudge: NudgeId) -> Self {
        Self { kind: TaskKind::DeliverNudge, dedupe_key: nudge.0.to_string().into() }
    }

    /// The task that brings a nudge to whom it is for.
    pub fn of(nudge: &Nudge) -> Self {
        match nudge.kind.audience() {
            Audience::Agent => Self::deliver(nudge.id),
            Audience::Human => Self::notify(nudge.id),
        }
    }

    /// The task that looks at a session's agent.
    pub fn look_again(session: &SessionId) -> Self {
        Self { kind: TaskKind::LookAgain, dedupe_key: session.0.clone() }
    }
}

/// What a task works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TaskPayload {
    NotifyHuman {
        nudge: NudgeId,
        /// The same at every attempt: receivers tell repeats by it.
        message_id: Text,
    },
    DeliverNudge {
        nudge: NudgeId,
        /// `[nudge 17]`: by it the channel's own record is asked what became of an attempt that was cut off.
        mark: Text,
    },
    LookAgain {
        session: SessionId,
    },
}

impl TaskPayload {
    /// The kind of task that works on it.
    pub const fn kind(&self) -> TaskKind {
        match self {
            Self::NotifyHuman { .. } => TaskKind::NotifyHuman,
            Self::DeliverNudge { .. } => TaskKind::DeliverNudge,
            Self::LookAgain { .. } => TaskKind::LookAgain,
        }
    }

    /// The task's name.
    pub fn name(&self) -> TaskName {
        match self {
            Self::NotifyHuman { nudge, .. } => TaskName::notify(*nudge),
            Self::DeliverNudge { nudge, .. } => TaskName::deliver(*nudge),
            Self::LookAgain { session } => TaskName::look_again(session),
        }
    }
}

/// A task row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub payload: TaskPayload,
    /// Of the tasks of one kind and lane one is performed at a time, the oldest that is due first.
    pub lane: Option<SessionId>,
    /// Attempts that failed so far.
    pub attempts: u32,
    pub created_at: Timestamp,
    /// When the next attempt may be made.
    pub due_at: Timestamp,
    pub last_error: Option<Text>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For people: free of addresses and secrets.
    pub error: String,
    /// The seconds that the other side asked to be left alone.
    pub retry_after: Option<u32>,
    /// The other side wants it never again.
    pub for_good: bool,
    /// A number below 1,000, drawn at random, that spreads attempts in time.
    pub jitter: u16,
}
