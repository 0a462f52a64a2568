//! Facts at commits: the registers as rows, and those that the writer remembers.
//!
//! All deliveries about a head want all its facts. Nobody but the writer changes them, so it keeps
//! those of recent commits instead of reading them again. What it remembers is what the rows say:
//! whoever rolls back, or deletes commits, makes it forget.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::domain::{
    CheckRun, CommitFacts, CommitSha, CommitStatus, RepoId, RunState, Timestamp, WorkflowRun,
};
use crate::lifecycle::CommitFact;

use super::codec::{At, Json, at};

/// What is remembered at most, about. Beyond it all is forgotten, and read again as it is wanted.
const MOST_BYTES: usize = 16 << 20;
/// What a fact takes beside the text of its excerpts, about.
const FACT_BYTES: usize = 512;

/// Facts at recent commits, as the rows say. One connection's own.
#[derive(Default)]
pub(crate) struct CommitMemory(RefCell<Remembered>);

#[derive(Default)]
struct Remembered {
    commits: HashMap<(RepoId, CommitSha), Known>,
    bytes: usize,
}

/// A commit's row, and all facts at it.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) facts: CommitFacts,
}

impl CommitMemory {
    /// Forgets everything: what is remembered may not be what the rows say.
    pub(crate) fn forget(&self) {
        self.0.take();
    }

    fn recall(&self, repo: RepoId, sha: &CommitSha) -> Option<Known> {
        self.0.borrow().commits.get(&(repo, sha.clone())).cloned()
    }

    fn remember(&self, repo: RepoId, sha: &CommitSha, known: &Known) {
        let mut remembered = self.0.borrow_mut();
        remembered.make_room(weight(&known.facts));
        remembered.commits.insert((repo, sha.clone()), known.clone());
    }

    /// Brings a remembered commit up to a register that was written; answers the commit's id.
    fn learn(&self, repo: RepoId, sha: &CommitSha, fact: &CommitFact) -> Option<i64> {
        let mut remembered = self.0.borrow_mut();
        remembered.make_room(match fact {
            CommitFact::CheckRun(run) => FACT_BYTES + written(run),
            CommitFact::Status(_) | CommitFact::WorkflowRun(_) | CommitFact::SuiteCompleted(_) => {
                FACT_BYTES
            }
        });
        let Known { id, facts } = remembered.commits.get_mut(&(repo, sha.clone()))?;
        match fact {
            CommitFact::CheckRun(run) => {
                let run = Arc::new(run.clone());
                put(&mut facts.check_runs, run, |known, new| known.run_id == new.run_id);
            }
            CommitFact::Status(status) => {
                put(&mut facts.statuses, status.clone(), |known, new| known.context == new.context);
            }
            CommitFact::WorkflowRun(run) => {
                put(&mut facts.workflow_runs, run.clone(), |known, new| known.id == new.id);
            }
            CommitFact::SuiteCompleted(suite) => {
                put(&mut facts.completed_suites, *suite, |known, new| known == new);
            }
        }
        Some(*id)
    }
}

impl Remembered {
    fn make_room(&mut self, bytes: usize) {
        if self.bytes + bytes > MOST_BYTES {
            *self = Self::default();
        }
        self.bytes += bytes;
    }
}

fn put<T>(all: &mut Vec<T>, new: T, same: fn(&T, &T) -> bool) {
    match all.iter_mut().find(|known| same(known, &new)) {
        Some(known) => *known = new,
        None => all.push(new),
    }
}

fn weight(facts: &CommitFacts) -> usize {
    let runs: usize = facts.check_runs.iter().map(|run| FACT_BYTES + written(run)).sum();
    let others = facts.statuses.len() + facts.workflow_runs.len() + facts.completed_suites.len();
    runs + FACT_BYTES * (others + 1)
}

fn written(run: &CheckRun) -> usize {
    run.output.iter().chain(&run.failed_step).map(|excerpt| excerpt.text.len()).sum()
}

/// The commits of one connection, read through what it remembers.
#[derive(Clone, Copy)]
pub(super) struct Commits<'c> {
    pub(super) connection: &'c Connection,
    pub(super) memory: &'c CommitMemory,
}

impl Commits<'_> {
    /// A commit with all facts at it, if anything was ever seen of it.
    pub(super) fn known(&self, repo: RepoId, sha: &CommitSha) -> Result<Option<Known>> {
        if let Some(known) = self.memory.recall(repo, sha) {
            debug_assert!(self.is_true(&known)?, "what is remembered of {sha:?} is not so");
            return Ok(Some(known));
        }
        let id = self
            .connection
            .prepare_cached("SELECT id FROM commits WHERE repo_id = ?1 AND sha = ?2")?
            .query_row((repo, sha), |row| row.get(0))
            .optional()?;
        let Some(id) = id else { return Ok(None) };
        let known = Known { id, facts: self.read(id)? };
        self.memory.remember(repo, sha, &known);
        Ok(Some(known))
    }

    /// All facts at a commit.
    pub(super) fn facts(&self, repo: RepoId, sha: &CommitSha) -> Result<CommitFacts> {
        Ok(self.known(repo, sha)?.map(|known| known.facts).unwrap_or_default())
    }

    /// Writes a register at a commit, whose row is made where there is none.
    pub(super) fn write(
        &self,
        repo: RepoId,
        sha: &CommitSha,
        fact: &CommitFact,
        now: Timestamp,
    ) -> Result<()> {
        let commit = match self.memory.learn(repo, sha, fact) {
            Some(commit) => commit,
            None => self.row(repo, sha, false, now)?,
        };
        match fact {
            CommitFact::CheckRun(run) => self.write_check_run(commit, run),
            CommitFact::Status(status) => self.write_status(commit, status),
            CommitFact::WorkflowRun(run) => self.write_workflow_run(commit, run),
            CommitFact::SuiteCompleted(suite) => self.run(
                "INSERT OR IGNORE INTO check_suites (commit_id, suite_id) VALUES (?1, ?2)",
                (commit, suite),
            ),
        }
    }

    /// The row of a commit, made where there is none; `claimed` by a pull request it stays.
    pub(super) fn row(
        &self,
        repo: RepoId,
        sha: &CommitSha,
        claimed: bool,
        now: Timestamp,
    ) -> Result<i64> {
        let known = self
            .connection
            .prepare_cached("SELECT id, claimed FROM commits WHERE repo_id = ?1 AND sha = ?2")?
            .query_row((repo, sha), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))
            .optional()?;
        match known {
            Some((id, was_claimed)) => {
                if claimed && !was_claimed {
                    self.run("UPDATE commits SET claimed = 1 WHERE id = ?1", [id])?;
                }
                Ok(id)
            }
            None => {
                self.run(
                    "INSERT INTO commits (repo_id, sha, seen_at, claimed) VALUES (?1, ?2, ?3, ?4)",
                    (repo, sha, At(now), claimed),
                )?;
                Ok(self.connection.last_insert_rowid())
            }
        }
    }

    fn read(&self, commit: i64) -> Result<CommitFacts> {
        Ok(CommitFacts {
            check_runs: self.all(
                "SELECT name, status, conclusion, url, started_at, completed_at, run_id, source,
                        suite_id, workflow_run_id, output, failed_step
                 FROM check_runs WHERE commit_id = ?1",
                commit,
                check_run,
            )?,
            statuses: self.all(
                "SELECT context, status_id, state, description, url, created_at, updated_at
                 FROM commit_statuses WHERE commit_id = ?1",
                commit,
                status,
            )?,
            workflow_runs: self.all(
                "SELECT name, status, conclusion, url, started_at, completed_at, run_id, attempt,
                        workflow_id, event, suite_id
                 FROM workflow_runs WHERE commit_id = ?1",
                commit,
                workflow_run,
            )?,
            completed_suites: self.all(
                "SELECT suite_id FROM check_suites WHERE commit_id = ?1",
                commit,
                |row| row.get(0),
            )?,
        })
    }

    /// Whether the rows say what is remembered, in whatever order.
    fn is_true(&self, known: &Known) -> Result<bool> {
        let sorted = |mut facts: CommitFacts| {
            facts.check_runs.sort_by_key(|run| run.run_id);
            facts.statuses.sort_by(|a, b| a.context.cmp(&b.context));
            facts.workflow_runs.sort_by_key(|run| run.id);
            facts.completed_suites.sort_unstable();
            facts
        };
        Ok(sorted(known.facts.clone()) == sorted(self.read(known.id)?))
    }

    fn write_check_run(&self, commit: i64, run: &CheckRun) -> Result<()> {
        let state = &run.state;
        self.run(
            "INSERT INTO check_runs (commit_id, run_id, source, suite_id, workflow_run_id, name,
                status, conclusion, url, started_at, completed_at, output, failed_step)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT DO UPDATE SET source = excluded.source, suite_id = excluded.suite_id,
                workflow_run_id = excluded.workflow_run_id, name = excluded.name,
                status = excluded.status, conclusion = excluded.conclusion, url = excluded.url,
                started_at = excluded.started_at, completed_at = excluded.completed_at,
                output = excluded.output, failed_step = excluded.failed_step",
            (
                commit,
                run.run_id,
                &run.source,
                run.suite_id,
                run.workflow_run_id,
                &state.name,
                state.status,
                &state.conclusion,
                &state.url,
                state.started_at.map(At),
                state.completed_at.map(At),
                run.output.as_ref().map(Json),
                run.failed_step.as_ref().map(Json),
            ),
        )
    }

    fn write_status(&self, commit: i64, status: &CommitStatus) -> Result<()> {
        self.run(
            "INSERT INTO commit_statuses (commit_id, context, status_id, state, description, url,
                created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET status_id = excluded.status_id, state = excluded.state,
                description = excluded.description, url = excluded.url,
                created_at = excluded.created_at, updated_at = excluded.updated_at",
            (
                commit,
                &status.context,
                status.id,
                &status.state,
                &status.description,
                &status.url,
                At(status.created_at),
                At(status.updated_at),
            ),
        )
    }

    fn write_workflow_run(&self, commit: i64, run: &WorkflowRun) -> Result<()> {
        let state = &run.state;
        self.run(
            "INSERT INTO workflow_runs (commit_id, run_id, attempt, workflow_id, name, event,
                suite_id, status, conclusion, url, started_at, completed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT DO UPDATE SET attempt = excluded.attempt,
                workflow_id = excluded.workflow_id, name = excluded.name, event = excluded.event,
                suite_id = excluded.suite_id, status = excluded.status,
                conclusion = excluded.conclusion, url = excluded.url,
                started_at = excluded.started_at, completed_at = excluded.completed_at",
            (
                commit,
                run.id,
                run.attempt,
                run.workflow_id,
                &state.name,
                &run.event,
                run.suite_id,
                state.status,
                &state.conclusion,
                &state.url,
                state.started_at.map(At),
                state.completed_at.map(At),
            ),
        )
    }

    fn run(&self, sql: &str, params: impl rusqlite::Params) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute(params).map(drop)
    }

    fn all<T>(
        &self,
        sql: &str,
        commit: i64,
        row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.connection.prepare_cached(sql)?.query_map([commit], row)?.collect()
    }
}

fn check_run(row: &Row<'_>) -> Result<Arc<CheckRun>> {
    Ok(Arc::new(CheckRun {
        state: run_state(row)?,
        run_id: row.get(6)?,
        source: row.get(7)?,
        suite_id: row.get(8)?,
        workflow_run_id: row.get(9)?,
        output: row.get::<_, Option<Json<_>>>(10)?.map(|Json(output)| output),
        failed_step: row.get::<_, Option<Json<_>>>(11)?.map(|Json(step)| step),
    }))
}

fn status(row: &Row<'_>) -> Result<CommitStatus> {
    let (At(created_at), At(updated_at)) = (row.get(5)?, row.get(6)?);
    Ok(CommitStatus {
        updated_at,
        id: row.get(1)?,
        context: row.get(0)?,
        state: row.get(2)?,
        description: row.get(3)?,
        url: row.get(4)?,
        created_at,
    })
}

fn workflow_run(row: &Row<'_>) -> Result<WorkflowRun> {
    Ok(WorkflowRun {
        state: run_state(row)?,
        id: row.get(6)?,
        attempt: row.get(7)?,
        workflow_id: row.get(8)?,
        event: row.get(9)?,
        suite_id: row.get(10)?,
    })
}

fn run_state(row: &Row<'_>) -> Result<RunState> {
    Ok(RunState {
        name: row.get(0)?,
        status: row.get(1)?,
        conclusion: row.get(2)?,
        url: row.get(3)?,
        started_at: at(row, 4)?,
        completed_at: at(row, 5)?,
    })
}
