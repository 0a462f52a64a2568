//! The closed enum of everything that can arrive, by who tells it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Adopt, AskPermission, BudgetRule, CheckRun, Comment, CommitSha, CommitStatus, Failure,
    LogAnswer, LogName, NudgeId, ProjectId, PullSeen, QueueFact, RepoId, RepoName, Rerun,
    RerunChecks, Review, SessionCommand, SessionId, SessionObservation, Subject, Text, Thread,
    TimerKind, Timestamp, Trust, WorkflowRun,
};

/// The repository as a payload shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoSeen {
    pub id: RepoId,
    pub name: RepoName,
    /// Its page, such as `https://github.com/owner/name`.
    pub url: Text,
    /// `repository.updated_at`, the order of its names.
    pub updated_at: Option<Timestamp>,
    /// The name that this payload says it had before (`changes.….from`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<RepoName>,
    /// Whether it is private or internal; `None` where the payload does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_private: Option<bool>,
}

/// What a project's settings become; `None` leaves one as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectConfig {
    pub repo: Option<RepoName>,
    /// The repository's page, for a project that is registered by it.
    pub repo_url: Option<Text>,
    /// An empty one takes it away.
    pub path: Option<Text>,
    pub display_name: Option<Text>,
    pub adopt: Option<Adopt>,
    pub nudges_paused: Option<bool>,
    pub checks_only: Option<Vec<String>>,
    pub checks_except: Option<Vec<String>>,
    pub budget: Option<BudgetRule>,
    pub trust: Option<Trust>,
    pub rerun: Option<Rerun>,
}

impl ProjectConfig {
    /// Whether open pull requests have to be looked at again.
    pub fn changes_what_counts(&self) -> bool {
        self.checks_only.is_some() || self.checks_except.is_some() || self.trust.is_some()
    }
}

/// Whose nudges are held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paused {
    Project(ProjectId),
    Session(SessionId),
}

/// Everything that can arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// What source control tells.
    Scm(ScmObservation),
    /// What somebody asks for.
    Command(CommandObservation),
    /// What is seen of a session.
    Session(SessionObservation),
    /// What came of a task.
    Report(Report),
    /// A timer rings.
    Timer(TimerDue),
}

/// A fact that source control tells. Serialisable in a form of our own, so that the ledger can keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ScmObservation {
    /// A pull request, whole or as part of another payload.
    Pull { repo: RepoSeen, pull: PullSeen },
    /// A review, with the pull request as its payload shows it.
    Review { repo: RepoSeen, pull: PullSeen, review: Review },
    /// A pull request was put into the merge queue, or left it.
    Queued { repo: RepoSeen, pull: PullSeen, fact: QueueFact },
    /// A merge group was made for a pull request.
    MergeGroup { repo: RepoSeen, number: i64, fact: QueueFact },
    /// A check run or a workflow job.
    CheckRun { repo: RepoSeen, sha: CommitSha, run: Arc<CheckRun> },
    /// A commit status.
    Status { repo: RepoSeen, sha: CommitSha, status: Arc<CommitStatus> },
    /// A workflow run.
    WorkflowRun { repo: RepoSeen, sha: CommitSha, run: Arc<WorkflowRun> },
    /// A comment. Its payload shows the pull request only if it stands on the diff.
    Comment { repo: RepoSeen, number: i64, pull: Option<PullSeen>, comment: Arc<Comment> },
    /// A thread was resolved or not, with its comments.
    Thread { repo: RepoSeen, pull: PullSeen, thread: Thread, comments: Vec<Arc<Comment>> },
    /// A check suite has completed.
    SuiteCompleted { repo: RepoSeen, sha: CommitSha, suite_id: i64 },
    /// A branch was pushed to: what was known of merging into it is void.
    Push { repo: RepoSeen, branch: Text, pushed_at: Timestamp },
    /// A repository's name, by its own event.
    Repository { repo: RepoSeen },
    /// Whether the app may ask GitHub about repositories: the named ones, or all of an account.
    Access {
        repos: Vec<RepoId>,
        account: Option<Text>,
        granted: bool,
        /// Where it is not granted: it is suspended, not taken away.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        suspended: bool,
        at: Timestamp,
    },
}

impl ScmObservation {
    /// The repository it is about, where a payload named one.
    pub fn repo(&self) -> Option<&RepoSeen> {
        match self {
            Self::Pull { repo, .. }
            | Self::Review { repo, .. }
            | Self::Queued { repo, .. }
            | Self::MergeGroup { repo, .. }
            | Self::CheckRun { repo, .. }
            | Self::Status { repo, .. }
            | Self::WorkflowRun { repo, .. }
            | Self::Comment { repo, .. }
            | Self::Thread { repo, .. }
            | Self::SuiteCompleted { repo, .. }
            | Self::Push { repo, .. }
            | Self::Repository { repo } => Some(repo),
            Self::Access { .. } => None,
        }
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandObservation {
    /// Somebody took note of a nudge.
    AcknowledgeNudge { nudge: NudgeId },
    /// Somebody registers a project by name, or changes its settings.
    ConfigureProject { id: ProjectId, config: ProjectConfig },
    /// Somebody wants a project to be watched no longer.
    ArchiveProject { id: ProjectId },
    /// Somebody holds nudges back, or lets them go.
    PauseNudges { whom: Paused, paused: bool },
    /// Somebody wants a session, or something of one.
    Session(SessionCommand),
}

/// What came of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// A nudge to the human has arrived, at this attempt.
    NudgeSent { nudge: NudgeId, attempt: u32 },
    /// An attempt to bring a nudge to the human failed.
    NudgeNotSent { nudge: NudgeId, attempt: u32, failure: Failure },
    /// What is known of a nudge on its way to the agent.
    NudgeTold { nudge: NudgeId, receipt: Receipt },
    /// What came of fetching a check's log.
    Log { of: LogName, answer: LogAnswer },
    /// What came of asking what a pull request is now.
    Pull { repo: RepoId, number: i64, answer: Refreshed },
    /// What came of asking for checks to be run again.
    Rerun { of: RerunChecks, answer: RerunAnswer },
    /// What came of asking whether somebody may write to a repository.
    Permission { of: AskPermission, answer: PermissionAnswer },
}

/// What came of asking whether somebody may write to a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionAnswer {
    /// Whether he may.
    Known(bool),
    /// GitHub could not be asked, or does not say.
    Failed(Failure),
}

/// What came of asking what a pull request is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// It was shown: as ordinary facts, in which [`PullSeen::read`] is set. `is_computed`: GitHub knows whether
    /// it can be merged; where it does not, it is asked again a few seconds later.
    Shown { found: Vec<ScmObservation>, is_computed: bool },
    /// GitHub does not show it: it is gone, or not ours to see.
    Hidden,
    /// GitHub could not be asked.
    Failed(Failure),
}

/// What came of asking for checks to be run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RerunAnswer {
    /// They run, or will: facts of new runs follow.
    Started,
    /// The run that they belong to has not ended, so it cannot be run again yet.
    NotYet,
    /// They may not be run again (the App may not write to Actions, the run is too old).
    Refused { reason: Text },
    /// GitHub could not be asked.
    Failed(Failure),
}

/// What is known of a nudge on its way to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// It is about to be given to the channel: said before, and where it is refused nothing may be given.
    Handed,
    /// The channel proves that it began a turn.
    Delivered,
    /// Whether it arrived cannot be known.
    Unconfirmed { reason: Text },
    /// It was handed, and the proof is still to come: somebody looks again after `retry_after` seconds.
    Waits { retry_after: u32 },
    /// Nothing was given: the agent cannot take it right now. After `retry_after` seconds it is tried again.
    NotNow { reason: Text, retry_after: u32 },
    /// No channel will ever take it.
    Failed { reason: Text },
}

/// A timer that rings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerDue {
    pub subject: Subject,
    pub kind: TimerKind,
}

impl From<SessionCommand> for Box<Observation> {
    fn from(asked: SessionCommand) -> Self {
        CommandObservation::Session(asked).into()
    }
}

impl From<SessionObservation> for Box<Observation> {
    fn from(seen: SessionObservation) -> Self {
        Self::new(Observation::Session(seen))
    }
}

impl From<CommandObservation> for Box<Observation> {
    fn from(asked: CommandObservation) -> Self {
        Self::new(Observation::Command(asked))
    }
}
