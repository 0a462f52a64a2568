//! The one door: observations in, one transaction, wake-ups out.

use bytes::Bytes;
use tokio::sync::watch;

use crate::domain::{NudgeId, Observation};

/// What a webhook delivery turned out to be, before anything is stored.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It tells a fact.
    Observed(Box<Observation>),
    /// It is understood and of no interest, for the reason given.
    Ignored(String),
    /// It should have been understood, but for the reason given was not: its body is kept.
    Quarantined(String),
}

/// One webhook POST whose signature holds.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The hook's or its target's id, or empty.
    pub hook: String,
    /// `X-GitHub-Delivery`.
    pub guid: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The payload's `action`.
    pub action: Option<String>,
    /// The payload's repository, `owner/name`.
    pub repo: Option<String>,
    pub verdict: Verdict,
    /// The raw JSON, for the case that it has to be quarantined.
    pub body: Bytes,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Applied,
    Ignored,
    Duplicate,
    Quarantined,
}

impl DeliveryOutcome {
    /// The spelling in the database and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
        }
    }
}

/// Why the engine did not take something; nothing of it was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The queue is full; try again in a moment.
    #[error("the queue is full; try again in a second")]
    Busy,
    /// The engine has shut down.
    #[error("the server is shutting down")]
    Closed,
    /// The transaction failed.
    #[error("the store cannot take it: {0}")]
    Store(String),
}

/// A handle to the engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    head: watch::Receiver<i64>,
}

impl Engine {
    /// Stores a delivery and what it causes; answers after COMMIT.
    pub async fn receive(&self, _delivery: Delivery) -> Result<DeliveryOutcome, EngineError> {
        Err(EngineError::Closed)
    }

    /// Marks an open or delivered nudge as acknowledged. `false`: there is no such nudge.
    pub async fn acknowledge(&self, _nudge: NudgeId) -> Result<bool, EngineError> {
        Err(EngineError::Closed)
    }

    /// The newest committed `seq` of the change log; wakes its watchers after each commit.
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.clone()
    }

    /// How many pieces of work wait, and how many may.
    pub fn queue(&self) -> (usize, usize) {
        (0, 0)
    }
}
