//! A nudge on its way to the human, and what comes of an attempt to bring it there.

use serde::{Deserialize, Serialize};

use super::{NudgeId, Timestamp};

/// What is known of a nudge that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errand {
    /// Attempts that failed so far.
    pub attempts: u32,
    /// When it was put on its way.
    pub since: Timestamp,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendFailure {
    /// For people: free of addresses and secrets.
    pub error: String,
    /// The seconds that the receiver asked to be left alone.
    pub retry_after: Option<u32>,
    /// The receiver wants it never again.
    pub for_good: bool,
    /// A number below 1,000, drawn at random, that spreads attempts in time.
    pub jitter: u16,
}

/// An attempt that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    pub nudge: NudgeId,
    /// Counted from 1.
    pub attempt: u32,
    pub end: PostingEnd,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostingEnd {
    Arrived,
    /// The next one is due at this instant.
    Again {
        at: Timestamp,
        error: String,
    },
    /// There is no next one.
    GivenUp,
}
