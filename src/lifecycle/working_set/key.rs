//! What can be asked of the store.

use crate::domain::{
    CommitSha, NudgeId, ProjectId, PullId, RepoId, RepoName, SessionId, Subject, TaskName, Text,
};

/// The name of a record. The first group are rows, the second sets of ids that rows belong to, by what
/// they say themselves (`index` tells which).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The numbers to be given out next.
    Counters,
    Project(ProjectId),
    Session(SessionId),
    /// A pull request's row and its registers, but for the conversation.
    Pull(PullId),
    /// A commit and the facts at it.
    Commit(RepoId, CommitSha),
    /// The check rows of a pull request at one of its commits.
    CheckRows(PullId, CommitSha),
    /// What is said about the pull request of this number, seen or not.
    Conversation(RepoId, i64),
    /// The comment rows of a pull request.
    CommentRows(PullId),
    /// The newest push to a branch.
    BasePush(RepoId, Text),
    Nudge(NudgeId),
    Timers(Subject),
    Task(TaskName),
    /// What a project has spent of its budget of nudges.
    Budget(ProjectId),

    /// The project that has the repository.
    ProjectOfRepo(RepoId),
    /// Projects that go by a name or claim it, in lower case.
    ProjectsNamed(Text),
    /// Projects whose repository belongs to an account, in lower case.
    ProjectsOfAccount(Text),
    /// Projects whose id is a stem, or a stem and a number.
    ProjectsOfStem(Text),
    /// Sessions of a branch.
    SessionsOfBranch(ProjectId, Text),
    /// The pull request of a number.
    PullOfNumber(RepoId, i64),
    /// Pull requests that have, or had, a commit as their head.
    PullsWithCommit(RepoId, CommitSha),
    PullsOfSession(SessionId),
    /// Open pull requests into a branch of which it is known whether they can be merged.
    PullsInto(RepoId, Text),
    /// The open pull requests of a project.
    OpenPulls(ProjectId),
    /// Nudges of a subject that can still be superseded.
    OpenNudges(Subject),
    /// The same of a project, to its agents alone.
    OpenNudgesOfProject(ProjectId),
}

impl Key {
    /// Projects that go by a name or claim it; GitHub compares names without case.
    pub fn named(name: &RepoName) -> Self {
        Self::ProjectsNamed(name.as_str().to_ascii_lowercase().into())
    }

    /// Projects whose repository belongs to an account.
    pub fn of_account(account: &str) -> Self {
        Self::ProjectsOfAccount(account.to_ascii_lowercase().into())
    }
}
