//! Work to be done outside: enqueued with the state that wants it, performed afterwards, answered by
//! an observation.

use serde::{Deserialize, Serialize};

use super::spelling::spelled;
use super::{
    Audience, CommitSha, LogName, Nudge, NudgeId, RepoId, RepoName, SessionId, Text, Timestamp,
};

spelled! {
    /// What is to be done.
    TaskKind {
        /// A nudge is brought to the human.
        NotifyHuman = "notify_human",
        /// A nudge is brought to the agent.
        DeliverNudge = "deliver_nudge",
        /// Somebody looks at an agent of which nothing was heard for long.
        LookAgain = "look_again",
        /// The log of a failed check is fetched from GitHub.
        FetchLog = "fetch_log",
        /// GitHub is asked what a pull request is now.
        RefreshPull = "refresh_pull",
        /// GitHub is asked to run failed checks again.
        RerunChecks = "rerun_checks",
        /// GitHub is asked whether somebody may write to a repository.
        AskPermission = "ask_permission",
    }
}

/// What tells a task from all others: its kind, and what it is about within that kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskName {
    pub kind: TaskKind,
    /// At most one task of the kind has it.
    pub dedupe_key: Text,
}

impl TaskName {
    /// The task that brings a nudge to the human.
    pub fn notify(nudge: NudgeId) -> Self {
        Self { kind: TaskKind::NotifyHuman, dedupe_key: nudge.0.to_string().into() }
    }

    /// The task that brings a nudge to the agent.
    pub fn deliver(nudge: NudgeId) -> Self {
        Self { kind: TaskKind::DeliverNudge, dedupe_key: nudge.0.to_string().into() }
    }

    /// The task that brings a nudge to whom it is for.
    pub fn of(nudge: &Nudge) -> Self {
        match nudge.kind.audience() {
            Audience::Agent => Self::deliver(nudge.id),
            Audience::Human => Self::notify(nudge.id),
        }
    }

    /// The task that looks at a session's agent.
    pub fn look_again(session: &SessionId) -> Self {
        Self { kind: TaskKind::LookAgain, dedupe_key: session.0.clone() }
    }

    /// The task that fetches a check run's log.
    pub fn fetch_log(repo: RepoId, run_id: i64) -> Self {
        Self { kind: TaskKind::FetchLog, dedupe_key: format!("{}/{run_id}", repo.0).into() }
    }

    /// The task that asks what a pull request is now.
    pub fn refresh(repo: RepoId, number: i64) -> Self {
        Self { kind: TaskKind::RefreshPull, dedupe_key: format!("{}#{number}", repo.0).into() }
    }

    /// The task that asks whether somebody may write to a repository.
    pub fn ask_permission(repo: RepoId, login: &str) -> Self {
        Self { kind: TaskKind::AskPermission, dedupe_key: format!("{}/{login}", repo.0).into() }
    }

    /// The task that has checks run again; `first` is the first of their runs.
    pub fn rerun(repo: RepoId, first: i64) -> Self {
        Self { kind: TaskKind::RerunChecks, dedupe_key: format!("{}/{first}", repo.0).into() }
    }
}

/// A failed check of Actions whose log is wanted, and what is asked about it beside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FetchLog {
    pub repo_id: RepoId,
    /// As it was called then: it may have been renamed since.
    pub repo: RepoName,
    /// The pull request that it is fetched for.
    pub number: i64,
    /// The check run, which is the job.
    pub run_id: i64,
    /// Where it ran: the pull request's head, or its merge group's commit.
    pub sha: CommitSha,
    pub base_ref: Text,
    /// The app's slug.
    pub source: Text,
    /// The check's name.
    pub name: Text,
    /// The Actions run that it belongs to, where that is known.
    pub workflow_run_id: Option<i64>,
}

impl FetchLog {
    /// The name under which its report comes.
    pub fn log_name(&self) -> LogName {
        let (repo, sha) = (self.repo_id, self.sha.clone());
        LogName { repo, sha, run_id: self.run_id, number: self.number }
    }
}

/// A pull request that GitHub is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshPull {
    pub repo_id: RepoId,
    /// As it was called then: it may have been renamed since.
    pub repo: RepoName,
    pub number: i64,
}

/// Failed checks of one Actions run that are to be run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RerunChecks {
    pub repo_id: RepoId,
    /// As it was called then: it may have been renamed since.
    pub repo: RepoName,
    /// The pull request that they failed at.
    pub number: i64,
    pub sha: CommitSha,
    /// Their check runs, which are the jobs; at least one, in rising order.
    pub jobs: Vec<i64>,
    /// The Actions run that they belong to, where that is known.
    pub workflow_run_id: Option<i64>,
}

/// Somebody of whom it is asked whether he may write to a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskPermission {
    pub repo_id: RepoId,
    /// As it was called then: it may have been renamed since.
    pub repo: RepoName,
    /// In lower case.
    pub login: Text,
}

/// What a task works on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TaskPayload {
    NotifyHuman {
        nudge: NudgeId,
        /// The same at every attempt: receivers tell repeats by it.
        message_id: Text,
    },
    DeliverNudge {
        nudge: NudgeId,
        /// `[nudge 17]`: by it the channel's own record is asked what became of an attempt that was cut off.
        mark: Text,
    },
    LookAgain {
        session: SessionId,
    },
    FetchLog(FetchLog),
    RefreshPull(RefreshPull),
    RerunChecks(RerunChecks),
    AskPermission(AskPermission),
}

impl TaskPayload {
    /// The kind of task that works on it.
    pub const fn kind(&self) -> TaskKind {
        match self {
            Self::NotifyHuman { .. } => TaskKind::NotifyHuman,
            Self::DeliverNudge { .. } => TaskKind::DeliverNudge,
            Self::LookAgain { .. } => TaskKind::LookAgain,
            Self::FetchLog(_) => TaskKind::FetchLog,
            Self::RefreshPull(_) => TaskKind::RefreshPull,
            Self::RerunChecks(_) => TaskKind::RerunChecks,
            Self::AskPermission(_) => TaskKind::AskPermission,
        }
    }

    /// The task's name.
    pub fn name(&self) -> TaskName {
        match self {
            Self::NotifyHuman { nudge, .. } => TaskName::notify(*nudge),
            Self::DeliverNudge { nudge, .. } => TaskName::deliver(*nudge),
            Self::LookAgain { session } => TaskName::look_again(session),
            Self::FetchLog(it) => TaskName::fetch_log(it.repo_id, it.run_id),
            Self::RefreshPull(it) => TaskName::refresh(it.repo_id, it.number),
            Self::AskPermission(it) => TaskName::ask_permission(it.repo_id, &it.login),
            Self::RerunChecks(it) => {
                TaskName::rerun(it.repo_id, it.jobs.first().copied().unwrap_or_default())
            }
        }
    }
}

/// A task row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    pub payload: TaskPayload,
    /// Of the tasks of one kind and lane one is performed at a time, the oldest that is due first.
    pub lane: Option<SessionId>,
    /// Attempts that failed so far.
    pub attempts: u32,
    pub created_at: Timestamp,
    /// When the next attempt may be made.
    pub due_at: Timestamp,
    pub last_error: Option<Text>,
}
