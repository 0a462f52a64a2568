//! What the store answers, key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{
    Budget, Check, CheckKey, CheckLog, CheckRun, CommentName, CommentRow, CommitFact, CommitFacts,
    Conversation, Nudge, NudgeId, Project, ProjectId, PullId, PullRegisters, PullRequest, Session,
    SessionId, Task, Text, TimerKind, Timestamp,
};

use super::Key;

/// What is under a key: of the kind that [`Key`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    Counters(Counters),
    Project(Option<Arc<Project>>),
    Session(Option<Arc<Session>>),
    Pull(Option<PullRecord>),
    Commit(CommitRecord),
    CheckRows(BTreeMap<CheckKey, Arc<Check>>),
    Conversation(Arc<Conversation>),
    CommentRows(BTreeMap<CommentName, Arc<CommentRow>>),
    BasePush(Option<Timestamp>),
    Nudge(Option<Arc<Nudge>>),
    Timers(BTreeMap<TimerKind, Timestamp>),
    Task(Option<Arc<Task>>),
    Budget(Option<Budget>),
    Projects(BTreeSet<ProjectId>),
    Sessions(BTreeSet<SessionId>),
    Pulls(BTreeSet<PullId>),
    Nudges(BTreeSet<NudgeId>),
}

/// The numbers that the next rows get, and the life of the database that they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    pub pull: i64,
    pub nudge: i64,
    pub commit: i64,
    /// Part of every cursor and message id.
    pub epoch: Text,
}

/// A pull request's row with its registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRecord {
    pub row: Arc<PullRequest>,
    pub registers: Arc<PullRegisters>,
}

/// A commit's row with the facts at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitRecord {
    /// The row's number; `None` while nothing was seen of the commit.
    pub id: Option<i64>,
    /// Some pull request has it.
    pub claimed: bool,
    pub facts: Arc<CommitFacts>,
}

impl Record {
    /// What is under a key when nothing is.
    pub fn absent(key: &Key) -> Self {
        match key {
            Key::Counters => {
                Self::Counters(Counters { pull: 1, nudge: 1, commit: 1, epoch: "".into() })
            }
            Key::Project(_) => Self::Project(None),
            Key::Session(_) => Self::Session(None),
            Key::Pull(_) => Self::Pull(None),
            Key::Commit(..) => Self::Commit(CommitRecord::default()),
            Key::CheckRows(..) => Self::CheckRows(BTreeMap::new()),
            Key::Conversation(..) => Self::Conversation(Arc::default()),
            Key::CommentRows(_) => Self::CommentRows(BTreeMap::new()),
            Key::BasePush(..) => Self::BasePush(None),
            Key::Nudge(_) => Self::Nudge(None),
            Key::Timers(_) => Self::Timers(BTreeMap::new()),
            Key::Task(_) => Self::Task(None),
            Key::Budget(_) => Self::Budget(None),
            Key::ProjectOfRepo(_)
            | Key::ProjectsNamed(_)
            | Key::ProjectsOfAccount(_)
            | Key::ProjectsOfStem(_) => Self::Projects(BTreeSet::new()),
            Key::SessionsOfBranch(..) => Self::Sessions(BTreeSet::new()),
            Key::PullOfNumber(..)
            | Key::PullsWithCommit(..)
            | Key::PullsOfSession(_)
            | Key::PullsInto(..)
            | Key::OpenPulls(_) => Self::Pulls(BTreeSet::new()),
            Key::OpenNudges(_) | Key::OpenNudgesOfProject(_) => Self::Nudges(BTreeSet::new()),
        }
    }

    /// The bytes it takes, about.
    pub(super) fn weight(&self) -> usize {
        let inside = match self {
            Self::Counters(_) | Self::BasePush(_) | Self::Budget(_) => 0,
            Self::Project(_) | Self::Session(_) | Self::Task(_) => 1_024,
            Self::Pull(pull) => pull.as_ref().map_or(0, |pull| {
                let registers = &pull.registers;
                let entries =
                    registers.commits.len() + registers.answers.len() + registers.reviews.len();
                1_536 + 256 * entries
            }),
            Self::Commit(commit) => {
                let facts = &commit.facts;
                let runs: usize = facts.check_runs.values().map(|run| check_run(run)).sum();
                let others = facts.statuses.len() + facts.workflow_runs.len();
                let logs: usize = facts.logs.values().map(|log| check_log(log)).sum();
                runs + logs + 512 * others + 64 * facts.completed_suites.len()
            }
            Self::CheckRows(rows) => rows.values().map(|row| check_row(row)).sum(),
            Self::Conversation(said) => {
                let comments: usize = said.comments.values().map(|c| comment(&c.body)).sum();
                comments + 64 * said.threads.len() + 128 * said.queue.len()
            }
            Self::CommentRows(rows) => rows.values().map(|row| comment(&row.body)).sum(),
            Self::Nudge(nudge) => nudge.as_ref().map_or(0, |nudge| 256 + nudge.body.len()),
            Self::Timers(timers) => 48 * timers.len(),
            Self::Projects(ids) => 48 * ids.len(),
            Self::Sessions(ids) => 48 * ids.len(),
            Self::Pulls(ids) => 24 * ids.len(),
            Self::Nudges(ids) => 24 * ids.len(),
        };
        // The key, the record itself, and the table's share.
        256 + inside
    }
}

pub(super) fn fact(fact: &CommitFact) -> usize {
    match fact {
        CommitFact::CheckRun(run) => check_run(run),
        CommitFact::Status(_) | CommitFact::WorkflowRun(_) => 512,
        CommitFact::SuiteCompleted(_) => 64,
        CommitFact::Log(log) => check_log(log),
    }
}

fn check_log(log: &CheckLog) -> usize {
    256 + log.excerpt().map_or(0, |said| said.text.len() + said.evidence.len())
}

fn check_run(run: &CheckRun) -> usize {
    let texts = run.output.iter().chain(&run.failed_step).map(|excerpt| excerpt.text.len());
    512 + texts.sum::<usize>()
}

pub(super) fn check_row(row: &Check) -> usize {
    // Its texts are mostly shared with the facts.
    384 + row.log_tail.len() / 2
}

pub(super) fn comment(body: &str) -> usize {
    512 + body.len()
}

impl CommitRecord {
    /// Takes in a register in the place of what was known of it.
    pub(super) fn put(&mut self, fact: CommitFact) {
        let facts = Arc::make_mut(&mut self.facts);
        match fact {
            CommitFact::CheckRun(run) => drop(facts.check_runs.insert(run.run_id, run)),
            CommitFact::Status(status) => {
                facts.statuses.insert(status.context.to_ascii_lowercase().into(), status);
            }
            CommitFact::WorkflowRun(run) => drop(facts.workflow_runs.insert(run.id, run)),
            CommitFact::SuiteCompleted(suite) => drop(facts.completed_suites.insert(suite)),
            CommitFact::Log(log) => drop(facts.logs.insert(log.run_id, log)),
        }
    }
}
