//! Commit rows and the registers at them.

use rusqlite::Result;

use super::Rows;
use crate::domain::{CheckLog, CheckRun, CommitFact, CommitSha, CommitStatus, RepoId, WorkflowRun};
use crate::store::sqlite::codec::{At, Json};

impl Rows<'_> {
    pub(super) fn insert_commit(
        &self,
        id: i64,
        repo: RepoId,
        sha: &CommitSha,
        claimed: bool,
    ) -> Result<()> {
        self.run(
            "INSERT INTO commits (id, repo_id, sha, seen_at, claimed) VALUES (?1, ?2, ?3, ?4, ?5)",
            (id, repo, sha, At(self.now), claimed),
        )
    }

    pub(super) fn claim_commit(&self, id: i64) -> Result<()> {
        self.run("UPDATE commits SET claimed = 1 WHERE id = ?1", [id])
    }

    pub(super) fn set_fact(&self, commit: i64, fact: &CommitFact) -> Result<()> {
        match fact {
            CommitFact::CheckRun(run) => self.set_check_run(commit, run),
            CommitFact::Status(status) => self.set_status(commit, status),
            CommitFact::WorkflowRun(run) => self.set_workflow_run(commit, run),
            CommitFact::SuiteCompleted(suite) => self.run(
                "INSERT OR IGNORE INTO check_suites (commit_id, suite_id) VALUES (?1, ?2)",
                (commit, suite),
            ),
            CommitFact::Log(log) => self.set_log(commit, log),
        }
    }

    fn set_check_run(&self, commit: i64, run: &CheckRun) -> Result<()> {
        let state = &run.state;
        self.run(
            "INSERT INTO check_runs (commit_id, run_id, source, suite_id, workflow_run_id, name,
                status, conclusion, url, started_at, completed_at, output, failed_step, attempt,
                never_ran)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT DO UPDATE SET source = excluded.source, suite_id = excluded.suite_id,
                workflow_run_id = excluded.workflow_run_id, name = excluded.name,
                status = excluded.status, conclusion = excluded.conclusion, url = excluded.url,
                started_at = excluded.started_at, completed_at = excluded.completed_at,
                output = excluded.output, failed_step = excluded.failed_step,
                attempt = excluded.attempt, never_ran = excluded.never_ran",
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
                run.attempt,
                run.never_ran,
            ),
        )
    }

    fn set_log(&self, commit: i64, log: &CheckLog) -> Result<()> {
        self.run(
            "INSERT INTO check_logs (commit_id, run_id, state, blame) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET state = excluded.state, blame = excluded.blame",
            (commit, log.run_id, Json(&log.state), Json(&log.blame)),
        )
    }

    fn set_status(&self, commit: i64, status: &CommitStatus) -> Result<()> {
        self.run(
            "INSERT INTO commit_statuses (commit_id, context, status_id, state, description, url,
                created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET context = excluded.context, status_id = excluded.status_id, state = excluded.state,
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

    fn set_workflow_run(&self, commit: i64, run: &WorkflowRun) -> Result<()> {
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
}
