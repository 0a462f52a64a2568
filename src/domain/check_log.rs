//! What is known of a check's log beyond its payloads: the excerpt or why there is none, and what else speaks
//! for or against the change.

use serde::{Deserialize, Serialize};

use super::spelling::spelled;
use super::{CommitSha, Failure, FailureClass, RepoId, Text, Timestamp};

/// The most that an excerpt may hold, in bytes.
pub const MOST_EXCERPT: usize = 4 * 1024;

spelled! {
    /// Why there is no excerpt. Declared with the least certain first: a later answer may replace it.
    LogAbsence {
        /// GitHub could not be asked for too long.
        Unreachable = "unreachable",
        /// There is no such log.
        Missing = "missing",
        /// The job was cancelled before it wrote any.
        Cancelled = "cancelled",
        /// The App may not read it.
        Forbidden = "forbidden",
        /// It is kept no longer.
        Expired = "expired",
    }
}

/// What a log says. All texts are untrusted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogExcerpt {
    /// At most [`MOST_EXCERPT`] bytes; empty where the log says nothing of a failure.
    pub text: Text,
    /// Whose the failure is, by the log alone.
    pub class: FailureClass,
    /// One sentence with the line that shows it.
    pub evidence: Text,
    /// Something about the failure had no room.
    #[serde(default)]
    pub truncated: bool,
}

/// How far it is with a log, in the order in which it can only rise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogState {
    /// It is being fetched, since then by our own clock.
    Asked(Timestamp),
    Absent(LogAbsence),
    Excerpt(LogExcerpt),
}

/// The same check elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Elsewhere {
    pub sha: CommitSha,
    /// The address of its run; empty where none is known.
    pub url: Text,
}

/// What speaks for or against the change that a check failed on.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Blame {
    /// It fails at the merge base, or at the base branch's last push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Elsewhere>,
    /// It passed on this very commit, in another run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<Elsewhere>,
    /// Commits of the base branch that the branch does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<u64>,
}

/// The log of one check run: a register by (state, blame).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckLog {
    pub run_id: i64,
    pub state: LogState,
    pub blame: Blame,
}

impl CheckLog {
    /// What it says, where it was read.
    pub const fn excerpt(&self) -> Option<&LogExcerpt> {
        match &self.state {
            LogState::Excerpt(excerpt) => Some(excerpt),
            LogState::Asked(_) | LogState::Absent(_) => None,
        }
    }

    /// It is being fetched.
    pub const fn is_under_way(&self) -> bool {
        matches!(self.state, LogState::Asked(_))
    }
}

/// The check run whose log a task fetches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName {
    pub repo: RepoId,
    pub sha: CommitSha,
    pub run_id: i64,
    /// The pull request for which it is fetched.
    pub number: i64,
}

/// What came of fetching a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogAnswer {
    Read(LogExcerpt, Blame),
    Absent(LogAbsence, Blame),
    /// The job has not finished.
    NotYet,
    /// GitHub could not be asked.
    Failed(Failure),
}
