//! Pull requests: the facts that payloads bring, the row derived from them, and what was said about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::NudgeKind;
use super::spelling::spelled;
use super::{
    CiState, CommitSha, NudgeId, ProjectId, PullId, RepoId, Review, ReviewDecision, SessionId,
    Text, Timestamp,
};

spelled! {
    /// `merged` is final; `closed` may reopen.
    PrState { Draft = "draft", Open = "open", Merged = "merged", Closed = "closed" }
}

impl PrState {
    /// Open or draft: work goes on.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Draft)
    }
}

spelled! {
    /// Whether GitHub would merge. Declared mildest first: of two answers of one second the worse holds.
    Mergeability {
        Unknown = "unknown", Mergeable = "mergeable", Unstable = "unstable", Blocked = "blocked",
        Conflicting = "conflicting",
    }
}

/// The facts that every payload naming a pull request carries as one group.
///
/// The order of the fields is the order of the tie-break "the larger bytes win".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PullCore {
    pub state: PrState,
    pub title: Text,
    pub author: Text,
    pub head_ref: Text,
    pub head_sha: CommitSha,
    /// `None` when the fork was deleted.
    pub head_repo: Option<RepoId>,
    pub base_ref: Text,
    pub base_sha: CommitSha,
    pub created_at: Timestamp,
    /// The payload of the opening shows it: whatever else is shown in that second came later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
}

/// GitHub's answer to "can this head be merged into this base?".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeabilityAnswer {
    pub head_sha: CommitSha,
    pub base_ref: Text,
    pub value: Mergeability,
    /// It was given because the pull request was a draft, and ends with that.
    pub of_draft: bool,
    pub at: Timestamp,
}

/// A pull request as one payload shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullSeen {
    pub number: i64,
    pub core: Arc<PullCore>,
    /// `pull_request.updated_at`: the stamp of all groups.
    pub updated_at: Timestamp,
    /// The head that this payload says was replaced (`before` of `synchronize`).
    pub before: Option<CommitSha>,
    /// `None` where the payload does not speak of it, or GitHub has not computed it yet.
    pub mergeability: Option<Mergeability>,
    /// GitHub was asked for it, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<PullRead>,
}

/// What only an answer of GitHub's API tells of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRead {
    /// GitHub's clock before it was asked: all that is shown is at least so new.
    pub at: Timestamp,
    /// What reviews amount to by the repository's own rules, where that was told; `none`: no review is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewDecision>,
}

/// GitHub's own word of what reviews amount to at a head: a register by (`at`, `decision`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReviewAnswer {
    pub at: Timestamp,
    pub decision: ReviewDecision,
    pub head_sha: CommitSha,
}

/// A commit that some payload named as the pull request's head.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PullCommit {
    /// Latest stamp at which it was named.
    pub at: Timestamp,
    /// Some payload named it as its `before`; sorts it before the head of the same second.
    pub superseded: bool,
    pub sha: CommitSha,
}

/// A pull request row: its facts, what is derived from them, and what was said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    pub id: PullId,
    pub project_id: ProjectId,
    pub repo_id: RepoId,
    pub number: i64,
    pub url: Text,
    pub session_id: Option<SessionId>,
    /// The winner of `candidates`.
    pub core: Arc<PullCore>,
    /// The stamp that all `candidates` share.
    pub core_at: Timestamp,
    /// When GitHub was asked for them, where it was, after that whole second: they are what came of it.
    pub core_read_at: Option<Timestamp>,
    /// GitHub's newest word of what reviews amount to.
    pub review_answer: Option<ReviewAnswer>,
    /// Every distinct group seen with that stamp: a later fact may change which of them wins.
    pub candidates: BTreeSet<Arc<PullCore>>,
    pub ci: CiState,
    pub review: ReviewDecision,
    pub mergeability: Mergeability,
    pub unresolved_comments: i64,
    /// The newest `updated_at` of any payload.
    pub updated_at: Timestamp,
    /// What was said, so that nothing is said twice.
    pub memory: PullMemory,
}

/// The registers behind a pull request's row, but for what is said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRegisters {
    /// Every head that a payload named.
    pub commits: BTreeMap<CommitSha, PullCommit>,
    /// By head and base branch.
    pub answers: BTreeMap<(CommitSha, Text), MergeabilityAnswer>,
    /// By id.
    pub reviews: BTreeMap<i64, Review>,
}

/// The failing checks that were told at one head, under every name they go by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldHead {
    pub head: CommitSha,
    pub checks: BTreeSet<String>,
}

/// Failed checks that are run again before they are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RerunMark {
    pub head: CommitSha,
    /// The runs that failed.
    pub runs: BTreeSet<i64>,
    /// All names that the checks go by.
    pub checks: BTreeSet<String>,
    /// Nothing is waited for any more: it was refused, or nothing came of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_over: bool,
}

/// What GitHub was last asked about a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshMark {
    /// What was not known then, by names of ours.
    pub about: BTreeSet<String>,
    /// When it was asked, by our own clock.
    pub at: Timestamp,
    /// The answer is waited for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_open: bool,
}

/// What was said about a pull request. Part of its row, so that a restart neither repeats nor loses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PullMemory {
    /// Failing checks already told, by head; forgotten when CI passes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ci_told: Vec<ToldHead>,
    /// The names among them that a nudge tells which nobody has heard yet, by its number: taken back unheard,
    /// they are due again.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ci_unheard: BTreeMap<NudgeId, ToldHead>,
    /// Failing checks that the human alone was told of, by head.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ci_told_human: Vec<ToldHead>,
    /// Checks that are, or were, run again before they are told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reruns: Vec<RerunMark>,
    /// Names of checks that both passed and failed on one commit.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub flaky: BTreeSet<String>,
    /// What GitHub was last asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<RefreshMark>,
    /// Heads at which the human was told of something cancelled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cancelled_told: Vec<CommitSha>,
    /// The brake was pulled: nothing about CI until it passes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ci_braked: bool,
    /// Heads announced as approved and green since it was last red.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub green_told: Vec<CommitSha>,
    /// When the conflict that is under way was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict_since: Option<Timestamp>,
    /// It was escalated.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub conflict_escalated: bool,
    /// Reviews and comments that the agent was told of, as `review:ID` and `comment:ID`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub feedback_told: BTreeSet<String>,
    /// The names among them that a nudge tells which nobody has heard yet, by its number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub feedback_unheard: BTreeMap<NudgeId, BTreeSet<String>>,
    /// Departures from the merge queue that were told, by head.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queue_told: Vec<(CommitSha, Timestamp)>,
    /// Those among them that a nudge tells which nobody has heard yet, by its number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub queue_unheard: BTreeMap<NudgeId, Timestamp>,
    /// Nudges about feedback since all of it was last resolved.
    pub feedback_rounds: u32,
    /// The head at which the settle time passed without any CI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_head: Option<CommitSha>,
    /// When the head arrived, by our own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_since: Option<Timestamp>,
    /// Nudges to the human that arrived after they were taken back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heard_late: Vec<HeardLate>,
    /// The closed or merged state that was announced, or that the pull request came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing_told: Option<PrState>,
}

/// A nudge that was on its way when it was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardLate {
    pub kind: NudgeKind,
    pub signature: Text,
}

impl HeardLate {
    /// Whether it says the same.
    pub fn is(&self, kind: NudgeKind, signature: &str) -> bool {
        self.kind == kind && *self.signature == *signature
    }
}

impl PullMemory {
    /// A nudge was taken back before anybody heard it: what it tells is due again.
    pub fn forget_unheard(&mut self, nudge: NudgeId) {
        if let Some(unheard) = self.ci_unheard.remove(&nudge) {
            for told in self.ci_told.iter_mut().filter(|told| told.head == unheard.head) {
                told.checks.retain(|name| !unheard.checks.contains(name));
            }
            self.ci_told.retain(|told| !told.checks.is_empty());
        }
        if let Some(unheard) = self.feedback_unheard.remove(&nudge) {
            self.feedback_told.retain(|name| !unheard.contains(name));
            self.feedback_rounds = self.feedback_rounds.saturating_sub(1);
        }
        if let Some(unheard) = self.queue_unheard.remove(&nudge) {
            self.queue_told.retain(|(_, at)| *at != unheard);
        }
    }
}
