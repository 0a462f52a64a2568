//! Comments and whether the threads they belong to are resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::spelling::spelled;
use super::{QueueFact, Standing, Text, Timestamp};

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
    pub author: Text,
    pub file: Option<Text>,
    pub line: Option<i64>,
    /// Untrusted.
    pub body: Text,
    pub url: Text,
    pub created_at: Timestamp,
    #[serde(default)]
    pub standing: Standing,
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

/// What is said about a pull request, whether or not it was seen itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conversation {
    /// By kind and id; the deleted ones too.
    pub comments: BTreeMap<CommentName, Arc<Comment>>,
    /// By the comment that began the thread.
    pub threads: BTreeMap<i64, Thread>,
    /// What became of it in the merge queue: a set that only grows.
    pub queue: BTreeSet<QueueFact>,
}

/// What tells comments of one pull request apart.
pub type CommentName = (CommentKind, i64);

/// A comment as its row shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentRow {
    pub kind: CommentKind,
    pub id: i64,
    pub root_id: i64,
    pub review_id: Option<i64>,
    pub author: Text,
    pub file: Option<Text>,
    pub line: Option<i64>,
    pub body: Text,
    pub url: Text,
    pub created_at: Timestamp,
    pub resolved: bool,
}

impl CommentRow {
    /// The row of a comment that is there.
    pub fn new(comment: &Comment, resolved: bool) -> Self {
        Self {
            kind: comment.kind,
            id: comment.id,
            root_id: comment.root_id,
            review_id: comment.review_id,
            author: comment.author.clone(),
            file: comment.file.clone(),
            line: comment.line,
            body: comment.body.clone(),
            url: comment.url.clone(),
            created_at: comment.created_at,
            resolved,
        }
    }
}
