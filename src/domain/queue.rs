//! What happens to a pull request in a merge queue.

use serde::{Deserialize, Serialize};

use super::{CommitSha, Text, Timestamp};

/// A fact about a pull request and the merge queue; facts are never changed, only added.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueFact {
    /// By the payload: the pull request's `updated_at`, or when the group's commit was made.
    pub at: Timestamp,
    pub event: QueueEvent,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum QueueEvent {
    /// It was put into the queue.
    Joined,
    /// A merge group was made whose last pull request it is; its checks run at the group's commit.
    Group { sha: CommitSha },
    /// It left the queue with this head, for GitHub's `reason`, such as `CI_FAILURE`.
    Left { head: CommitSha, reason: Text },
}
