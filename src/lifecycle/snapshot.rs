//! What `reduce` is given and what it gives back.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::domain::{
    Adopt, Check, CheckKey, CheckRun, CheckStatus, Comment, CommitFacts, CommitSha, CommitStatus,
    Errand, MergeabilityAnswer, NewNudge, Nudge, NudgeId, NudgeState, Posting, PrState, Project,
    PullCommit, PullId, PullRequest, Review, Session, Thread, Timer, TimerKind, Timestamp,
    WorkflowRun,
};

/// The settings that rules depend on.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// How long failures are collected before they are told.
    pub settle: SignedDuration,
    /// What a newly registered project does with pull requests that no session owns.
    pub adopt: Adopt,
    /// Whether a delivery for an unknown repository registers a project.
    pub auto_register: bool,
    /// Whether nudges to the human are sent out.
    pub notify: bool,
}

/// Everything known that an observation may touch, loaded in the transaction that will save it.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The project that watches the observation's repository.
    pub project: Option<Project>,
    /// Ids of projects that a new project's slug could collide with.
    pub taken_slugs: Vec<String>,
    /// The number for a pull request that is not known yet.
    pub fresh_pull: PullId,
    /// Facts at every commit that the observation names or that is a head of `pulls`.
    pub facts: BTreeMap<CommitSha, CommitFacts>,
    /// The pull request that is named, or all that have the named commit.
    pub pulls: Vec<PullSnapshot>,
    /// Sessions of the project whose branch is the observed head's; loaded for a new pull request.
    pub branch_sessions: Vec<BranchSession>,
    /// Facts at the base commit of a new pull request; loaded where [`super::needs_history`].
    pub fresh_base: CommitFacts,
    /// Projects that claim the same name as the observed repository now or did before, that an
    /// access change names, or that have the repository that a project is to get.
    pub other_projects: Vec<Project>,
    /// Comments and threads of a pull request that may not be known yet.
    pub talk: Talk,
    /// Pushes to branches of the repository that pull requests of this snapshot go into.
    pub base_pushes: BTreeMap<String, Timestamp>,
    /// Open nudges that a pause is about, with the session of each.
    pub held_back: Vec<(Nudge, Option<Session>)>,
    /// The session that a pause is about.
    pub session: Option<Session>,
    /// The nudge that an acknowledgement or an attempt to send it names.
    pub nudge: Option<Nudge>,
    /// What is known of its way to the human.
    pub errand: Option<Errand>,
}

/// One pull request and what hangs on it.
#[derive(Debug, Clone)]
pub struct PullSnapshot {
    pub pull: PullRequest,
    /// Loaded where the observation speaks of the pull request itself.
    pub facts: Option<PullFacts>,
    /// Check rows at the commits of [`Snapshot::facts`].
    pub rows: BTreeMap<CommitSha, Vec<Check>>,
    /// How checks ended at this pull request's commits; loaded where [`super::needs_history`].
    pub history: Vec<HistoryEntry>,
    /// Facts at the base commit; loaded where [`super::needs_history`].
    pub base: CommitFacts,
    pub session: Option<Session>,
    /// States of the session's other pull requests.
    pub siblings: Vec<PrState>,
    /// Pending and held nudges about it.
    pub nudges: Vec<Nudge>,
    pub timers: Vec<Timer>,
}

/// A session that may own a new pull request.
#[derive(Debug, Clone)]
pub struct BranchSession {
    pub session: Session,
    /// States of the pull requests it has.
    pub pulls: Vec<PrState>,
}

/// The registers behind a pull request's row.
#[derive(Debug, Clone, Default)]
pub struct PullFacts {
    pub commits: BTreeMap<CommitSha, PullCommit>,
    pub answers: Vec<MergeabilityAnswer>,
    pub reviews: Vec<Review>,
    pub talk: Talk,
    /// Comment rows as they are stored.
    pub comment_rows: Vec<(Comment, bool)>,
}

/// What was said about a pull request.
#[derive(Debug, Clone, Default)]
pub struct Talk {
    pub comments: Vec<Comment>,
    pub threads: Vec<Thread>,
}

/// A check's state at one of a pull request's commits.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    pub commit: PullCommit,
    pub key: CheckKey,
    pub status: CheckStatus,
}

/// What an observation changed; the engine saves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Set when the observation was of no interest; nothing else is set then.
    pub ignored: Option<&'static str>,
    /// In the order in which they must be written: a name is freed before it is taken.
    pub projects: Vec<ProjectChange>,
    /// The register to write at a commit.
    pub fact: Option<(CommitSha, CommitFact)>,
    /// Registers of the conversation about the pull request of this number.
    pub talk: Option<(i64, Talk)>,
    /// The newest push to a branch.
    pub base_push: Option<(String, Timestamp)>,
    /// A session row that belongs to no pull request of `pulls`.
    pub session: Option<Session>,
    pub pulls: Vec<PullOutcome>,
    /// New states of existing nudges that belong to no pull request of `pulls`.
    pub nudges: Vec<(NudgeId, NudgeState)>,
    /// An attempt to bring a nudge to the human.
    pub posting: Option<Posting>,
}

/// A project row to write.
#[derive(Debug, Clone)]
pub enum ProjectChange {
    Register(Project),
    Update(Project),
}

/// A session row to write.
#[derive(Debug, Clone)]
pub enum SessionChange {
    Create(Session),
    Update(Session),
}

/// A register at a commit.
#[derive(Debug, Clone)]
pub enum CommitFact {
    CheckRun(CheckRun),
    Status(CommitStatus),
    WorkflowRun(WorkflowRun),
    SuiteCompleted(i64),
}

/// The changed rows of one pull request.
#[derive(Debug, Clone)]
pub struct PullOutcome {
    pub pull: PullRequest,
    pub is_new: bool,
    /// The row differs from what was loaded.
    pub changed: bool,
    /// Written before the pull request, which refers to it.
    pub session: Option<SessionChange>,
    pub commits: Vec<PullCommit>,
    pub answer: Option<MergeabilityAnswer>,
    pub review: Option<Review>,
    pub checks: Vec<(CommitSha, Check)>,
    pub gone_checks: Vec<(CommitSha, CheckKey)>,
    /// Comments with whether they are resolved.
    pub comments: Vec<(Comment, bool)>,
    pub gone_comments: Vec<Comment>,
    pub effects: Vec<Effect>,
}

/// Something to enqueue or to change in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Say(NewNudge),
    SetNudge(NudgeId, NudgeState),
    ArmTimer(TimerKind, Timestamp),
    CancelTimer(TimerKind),
}
