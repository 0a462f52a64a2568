//! Comments and whether the threads they belong to are resolved.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::spelling::spelled;

spelled! {
    /// Where a comment stands.
    CommentKind {
        /// On the diff, in a thread that can be resolved.
        Review = "review",
        /// In the conversation: never unresolved.
        Issue = "issue",
    }
}

/// A comment: a register by (`deleted`, `updated_at`, the rest); deletion is final.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Comment {
    pub deleted: bool,
    pub updated_at: Timestamp,
    pub kind: CommentKind,
    pub id: i64,
    /// The comment that began the thread; a comment's own id where it did.
    pub root_id: i64,
    /// The review it was submitted with.
    pub review_id: Option<i64>,
    pub author: String,
    pub file: Option<String>,
    pub line: Option<i64>,
    /// Untrusted.
    pub body: String,
    pub url: String,
    pub created_at: Timestamp,
}

impl Comment {
    /// It answers another comment.
    pub fn is_reply(&self) -> bool {
        self.root_id != self.id
    }
}

/// Whether a thread is resolved: newest by `pull_request.updated_at`, at a tie unresolved wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    pub root_id: i64,
    pub resolved: bool,
    pub at: Timestamp,
}
