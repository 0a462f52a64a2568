//! Checks and what makes them: suites, check runs, statuses, workflow runs and jobs.

use jiff::Timestamp;

use super::ids::account_id;
use crate::fake_github::logs::Log;

/// The App that makes check runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maker {
    /// GitHub Actions.
    Actions,
    /// Another App, by its slug.
    Other(String),
}

impl Maker {
    /// GitHub Actions has this id everywhere.
    pub fn id(&self) -> i64 {
        match self {
            Self::Actions => 15_368,
            Self::Other(slug) => 300_000 + account_id(slug) % 100_000,
        }
    }

    pub fn slug(&self) -> &str {
        match self {
            Self::Actions => "github-actions",
            Self::Other(slug) => slug,
        }
    }
}

/// A check suite.
#[derive(Debug, Clone)]
pub struct Suite {
    pub id: i64,
    pub maker: Maker,
    pub head_sha: String,
    pub head_branch: Option<String>,
    pub status: String,
    pub conclusion: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A check run.
#[derive(Debug, Clone)]
pub struct Check {
    pub id: i64,
    pub suite: i64,
    pub name: String,
    pub head_sha: String,
    pub status: String,
    pub conclusion: Option<String>,
    pub started_at: Timestamp,
    pub completed_at: Option<Timestamp>,
    pub title: Option<String>,
    pub summary: Option<String>,
    pub text: Option<String>,
    pub annotations: Vec<Annotation>,
    /// Of a workflow run's job.
    pub run: Option<i64>,
}

/// A note at a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    pub path: String,
    pub line: i64,
    /// `notice`, `warning` or `failure`.
    pub level: String,
    pub title: Option<String>,
    pub message: String,
}

/// A commit status.
#[derive(Debug, Clone)]
pub struct Status {
    pub id: i64,
    pub sha: String,
    pub context: String,
    /// `pending`, `success`, `failure` or `error`.
    pub state: String,
    pub description: Option<String>,
    pub url: Option<String>,
    pub creator: String,
    pub at: Timestamp,
}

/// A workflow run, in its newest attempt.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: i64,
    pub workflow: i64,
    pub name: String,
    pub path: String,
    pub number: i64,
    pub attempt: i64,
    pub suite: i64,
    pub event: String,
    pub head_sha: String,
    pub head_branch: String,
    pub actor: String,
    pub status: String,
    pub conclusion: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A job of a workflow run.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its check run's id too.
    pub id: i64,
    pub run: i64,
    pub attempt: i64,
    pub steps: Vec<Step>,
    pub created_at: Timestamp,
    pub log: JobLog,
}

/// A step of a job: its name, and its conclusion once it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: String,
    pub conclusion: Option<String>,
}

/// What became of a job's log.
#[derive(Debug, Clone)]
pub enum JobLog {
    /// Not there yet, or never: 404.
    Missing,
    /// Kept.
    Kept(Log),
    /// Deleted after its time: 410.
    Expired,
}
