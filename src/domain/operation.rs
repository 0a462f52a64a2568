//! What is being done to a session outside.

use super::Timestamp;
use super::spelling::spelled;

spelled! {
    /// What is being done to a session outside. It is written before it begins, so that one that was cut off
    /// is finished or taken back.
    OperationKind {
        Spawn = "spawn",
        Restore = "restore",
        /// A restore that begins a new conversation.
        RestoreFresh = "restore_fresh",
        Kill = "kill",
        Cleanup = "cleanup",
    }
}

/// What is being done to a session outside, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    pub kind: OperationKind,
    pub since: Timestamp,
}
