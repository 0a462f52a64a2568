//! Facts at commits.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Result, Row};

use super::statement::all;
use crate::domain::{
    CheckLog, CheckRun, CommitFacts, CommitSha, CommitStatus, Excerpt, RepoId, RunState,
    WorkflowRun,
};
use crate::lifecycle::CommitRecord;
use crate::store::sqlite::codec::{At, Json, at};

pub(super) fn commit(on: &Connection, repo: RepoId, sha: &CommitSha) -> Result<CommitRecord> {
    let known = on
        .prepare_cached("SELECT id, claimed FROM commits WHERE repo_id = ?1 AND sha = ?2")?
        .query_row((repo, sha), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))
        .optional()?;
    let Some((id, claimed)) = known else { return Ok(CommitRecord::default()) };
    let facts = Arc::new(facts(on, id)?);
    Ok(CommitRecord { id: Some(id), claimed, facts })
}

fn facts(on: &Connection, commit: i64) -> Result<CommitFacts> {
    let check_runs = all(
        on,
        "SELECT name, status, conclusion, url, started_at, completed_at, run_id, source, suite_id,
            workflow_run_id, output, failed_step, attempt, never_ran
         FROM check_runs WHERE commit_id = ?1",
        [commit],
        check_run,
    )?;
    let statuses = all(
        on,
        "SELECT context, status_id, state, description, url, created_at, updated_at
         FROM commit_statuses WHERE commit_id = ?1",
        [commit],
        status,
    )?;
    let workflow_runs = all(
        on,
        "SELECT name, status, conclusion, url, started_at, completed_at, run_id, attempt,
            workflow_id, event, suite_id
         FROM workflow_runs WHERE commit_id = ?1",
        [commit],
        workflow_run,
    )?;
    let logs = all(
        on,
        "SELECT run_id, state, blame FROM check_logs WHERE commit_id = ?1",
        [commit],
        |row| {
            let (Json(state), Json(blame)) = (row.get(1)?, row.get(2)?);
            Ok(Arc::new(CheckLog { run_id: row.get(0)?, state, blame }))
        },
    )?;
    let suites = "SELECT suite_id FROM check_suites WHERE commit_id = ?1";
    Ok(CommitFacts {
        check_runs: check_runs.into_iter().map(|run| (run.run_id, run)).collect(),
        statuses: statuses
            .into_iter()
            .map(|status| (status.context.to_ascii_lowercase().into(), status))
            .collect(),
        workflow_runs: workflow_runs.into_iter().map(|run| (run.id, run)).collect(),
        completed_suites: all(on, suites, [commit], |row| row.get(0))?.into_iter().collect(),
        logs: logs.into_iter().map(|log| (log.run_id, log)).collect(),
    })
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
        attempt: row.get(12)?,
        never_ran: row.get(13)?,
    }))
}

fn excerpt(row: &Row<'_>, column: usize) -> Result<Option<Excerpt>> {
    Ok(row.get::<_, Option<Json<_>>>(column)?.map(|Json(excerpt)| excerpt))
}

fn status(row: &Row<'_>) -> Result<Arc<CommitStatus>> {
    let (At(created_at), At(updated_at)) = (row.get(5)?, row.get(6)?);
    Ok(Arc::new(CommitStatus {
        updated_at,
        id: row.get(1)?,
        context: row.get(0)?,
        state: row.get(2)?,
        description: row.get(3)?,
        url: row.get(4)?,
        created_at,
    }))
}

fn workflow_run(row: &Row<'_>) -> Result<Arc<WorkflowRun>> {
    Ok(Arc::new(WorkflowRun {
        state: run_state(row)?,
        id: row.get(6)?,
        attempt: row.get(7)?,
        workflow_id: row.get(8)?,
        event: row.get(9)?,
        suite_id: row.get(10)?,
    }))
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
