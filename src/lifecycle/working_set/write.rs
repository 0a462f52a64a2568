//! What an observation changes: one flat list, in the order in which the rows must be written.

use std::sync::Arc;

use crate::domain::{
    Budget, Check, CheckKey, Comment, CommentName, CommentRow, CommitFact, CommitSha,
    MergeabilityAnswer, Nudge, Project, ProjectId, PullCommit, PullId, PullRequest, QueueFact,
    RepoId, Review, Session, Subject, Task, TaskName, Text, Thread, TimerKind, Timestamp,
};

/// A row to write or to delete. A `Set…` makes the row where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    InsertProject(Arc<Project>),
    UpdateProject(Arc<Project>),
    /// The addresses of all pull requests of a repository follow its page.
    MovePulls {
        repo: RepoId,
        origin: Text,
    },
    InsertSession(Arc<Session>),
    UpdateSession(Arc<Session>),
    InsertPull(Arc<PullRequest>),
    UpdatePull(Arc<PullRequest>),
    InsertCommit {
        id: i64,
        repo: RepoId,
        sha: CommitSha,
        claimed: bool,
    },
    /// A pull request has the commit: it stays.
    ClaimCommit {
        id: i64,
    },
    SetFact {
        commit: i64,
        fact: CommitFact,
    },
    SetPullCommit {
        pull: PullId,
        commit: i64,
        seen: PullCommit,
    },
    SetAnswer {
        pull: PullId,
        answer: MergeabilityAnswer,
    },
    SetReview {
        pull: PullId,
        review: Review,
    },
    SetComment {
        repo: RepoId,
        number: i64,
        comment: Arc<Comment>,
    },
    SetThread {
        repo: RepoId,
        number: i64,
        thread: Thread,
    },
    AddQueueFact {
        repo: RepoId,
        number: i64,
        fact: QueueFact,
    },
    SetBasePush {
        repo: RepoId,
        branch: Text,
        at: Timestamp,
    },
    SetCheckRow {
        pull: PullId,
        /// The pull request's address.
        url: Text,
        sha: CommitSha,
        check: Arc<Check>,
    },
    DeleteCheckRow {
        pull: PullId,
        sha: CommitSha,
        key: CheckKey,
    },
    SetCommentRow {
        pull: PullId,
        /// The pull request's address.
        url: Text,
        row: Arc<CommentRow>,
    },
    DeleteCommentRow {
        pull: PullId,
        name: CommentName,
    },
    InsertNudge(Arc<Nudge>),
    UpdateNudge(Arc<Nudge>),
    SetTimer {
        subject: Subject,
        kind: TimerKind,
        due_at: Timestamp,
    },
    DeleteTimer {
        subject: Subject,
        kind: TimerKind,
    },
    InsertTask(Arc<Task>),
    UpdateTask(Arc<Task>),
    DeleteTask(TaskName),
    SetBudget {
        project: ProjectId,
        budget: Budget,
    },
}
