//! The closed enum of everything that can arrive.

use serde::{Deserialize, Serialize};

use super::{CheckRun, CommitSha, CommitStatus, NudgeId, PullId, PullSeen, RepoId, RepoName};
use super::{Review, TimerKind, Timestamp, WorkflowRun};

/// The repository as a payload shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoSeen {
    pub id: RepoId,
    pub name: RepoName,
    /// Its page, such as `https://github.com/owner/name`.
    pub url: String,
    /// `repository.updated_at`, the order of its names.
    pub updated_at: Option<Timestamp>,
}

/// A fact that was seen. Serialisable in a form of our own, so that the ledger can keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Observation {
    /// A pull request, whole or as part of another payload.
    Pull { repo: RepoSeen, pull: PullSeen },
    /// A review, with the pull request as its payload shows it.
    Review { repo: RepoSeen, pull: PullSeen, review: Review },
    /// A check run or a workflow job.
    CheckRun { repo: RepoSeen, sha: CommitSha, run: CheckRun },
    /// A commit status.
    Status { repo: RepoSeen, sha: CommitSha, status: CommitStatus },
    /// A workflow run.
    WorkflowRun { repo: RepoSeen, sha: CommitSha, run: WorkflowRun },
    /// A timer of a pull request came due.
    TimerDue { pull: PullId, kind: TimerKind },
    /// Somebody took note of a nudge.
    NudgeAcknowledged { nudge: NudgeId },
}

impl Observation {
    /// The repository it is about, where a payload named one.
    pub fn repo(&self) -> Option<&RepoSeen> {
        match self {
            Self::Pull { repo, .. }
            | Self::Review { repo, .. }
            | Self::CheckRun { repo, .. }
            | Self::Status { repo, .. }
            | Self::WorkflowRun { repo, .. } => Some(repo),
            Self::TimerDue { .. } | Self::NudgeAcknowledged { .. } => None,
        }
    }
}
