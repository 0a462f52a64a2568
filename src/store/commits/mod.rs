//! Facts at commits: the registers as rows, and those that the writer remembers.
//!
//! All deliveries about a head want all its facts. Nobody but the writer changes them, so it keeps
//! those of recent commits instead of reading them again. What it remembers is what the rows say:
//! whoever rolls back, or deletes commits, makes it forget. With debug assertions each recollection
//! is compared with the rows.

mod memory;

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::domain::{
    CheckRun, CommitFacts, CommitSha, CommitStatus, Excerpt, RepoId, RunState, Timestamp,
    WorkflowRun,
};
use crate::lifecycle::{CommitFact, stirs_old_runs, telling_runs};

use super::codec::{At, Json, at};
pub(crate) use memory::CommitMemory;
use memory::Known;

/// The commits of one connection, read through what it remembers.
#[derive(Clone, Copy)]
pub(super) struct Commits<'c> {
    pub(super) connection: &'c Connection,
    pub(super) memory: &'c CommitMemory,
}

impl Commits<'_> {
    /// A commit with the facts at it, if anything was ever seen of it. `seen`: the check run that they
    /// are wanted for.
    pub(super) fn known(
        &self,
        repo: RepoId,
        sha: &CommitSha,
        seen: Option<&CheckRun>,
    ) -> Result<Option<Known>> {
        let known = match self.memory.recall(repo, sha) {
            Some(known) => {
                debug_assert!(self.is_true(&known)?, "what is remembered of {sha:?} is not so");
                known
            }
            None => {
                let Some(id) = self.id(repo, sha)? else { return Ok(None) };
                let mut facts = self.read(id, false)?;
                self.read_told(id, &mut facts)?;
                let known = Known { id, facts };
                self.memory.remember(repo, sha, &known);
                known
            }
        };
        if seen.is_some_and(|run| stirs_old_runs(&known.facts, run)) {
            return Ok(Some(Known { facts: self.read(known.id, true)?, ..known }));
        }
        Ok(Some(known))
    }

    /// The facts at a commit.
    pub(super) fn facts(&self, repo: RepoId, sha: &CommitSha) -> Result<CommitFacts> {
        Ok(self.known(repo, sha, None)?.map(|known| known.facts).unwrap_or_default())
    }

    fn id(&self, repo: RepoId, sha: &CommitSha) -> Result<Option<i64>> {
        self.connection
            .prepare_cached("SELECT id FROM commits WHERE repo_id = ?1 AND sha = ?2")?
            .query_row((repo, sha), |row| row.get(0))
            .optional()
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

    /// All facts at a commit, with or without what its check runs wrote.
    fn read(&self, commit: i64, excerpts: bool) -> Result<CommitFacts> {
        let check_runs = if excerpts {
            "SELECT name, status, conclusion, url, started_at, completed_at, run_id, source,
                    suite_id, workflow_run_id, output, failed_step
             FROM check_runs WHERE commit_id = ?1"
        } else {
            "SELECT name, status, conclusion, url, started_at, completed_at, run_id, source,
                    suite_id, workflow_run_id, NULL, NULL
             FROM check_runs WHERE commit_id = ?1"
        };
        Ok(CommitFacts {
            check_runs: self.all(check_runs, commit, check_run)?,
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

    /// Adds what the telling check runs wrote.
    fn read_told(&self, commit: i64, facts: &mut CommitFacts) -> Result<()> {
        let telling = telling_runs(facts);
        let mut excerpts = self.connection.prepare_cached(
            "SELECT output, failed_step FROM check_runs WHERE commit_id = ?1 AND run_id = ?2",
        )?;
        for run in facts.check_runs.iter_mut().filter(|run| telling.contains(&run.run_id)) {
            let (output, step) = excerpts
                .query_row((commit, run.run_id), |row| Ok((excerpt(row, 0)?, excerpt(row, 1)?)))?;
            let run = Arc::make_mut(run);
            (run.output, run.failed_step) = (output, step);
        }
        Ok(())
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
        let mut read = self.read(known.id, false)?;
        self.read_told(known.id, &mut read)?;
        Ok(sorted(known.facts.clone()) == sorted(read))
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
        output: excerpt(row, 10)?,
        failed_step: excerpt(row, 11)?,
    }))
}

fn excerpt(row: &Row<'_>, column: usize) -> Result<Option<Excerpt>> {
    Ok(row.get::<_, Option<Json<_>>>(column)?.map(|Json(excerpt)| excerpt))
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
