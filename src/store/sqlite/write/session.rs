//! Session rows.

use rusqlite::{Result, params};

use super::Rows;
use crate::domain::Session;
use crate::store::sqlite::codec::{At, Json};

impl Rows<'_> {
    pub(super) fn insert_session(&self, session: &Session) -> Result<()> {
        self.run(
            "INSERT INTO sessions (id, project_id, num, issue_id, kind, harness, session_state,
                termination_reason, is_alive, activity_state, activity_last_at, activity_source,
                detecting_attempts, detecting_started_at, detecting_evidence_hash, branch,
                workspace_path, runtime_name, runtime_handle_id, agent_session_id, prompt,
                nudges_paused, memory, created_at, updated_at, transcript_path, launch_id, operation,
                operation_since, failure)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)",
            params![
                session.id,
                session.project_id,
                session.num,
                session.issue_id,
                session.kind,
                session.harness,
                session.state,
                session.termination_reason,
                session.is_alive,
                session.activity.state,
                At(session.activity.last_at),
                session.activity.source,
                session.detecting.as_ref().map(|it| it.attempts),
                session.detecting.as_ref().map(|it| At(it.started_at)),
                session.detecting.as_ref().map(|it| &it.evidence_hash),
                session.branch,
                session.workspace_path,
                session.runtime.as_ref().map(|it| &it.name),
                session.runtime.as_ref().map(|it| &it.handle),
                session.agent_session_id,
                session.prompt,
                session.nudges_paused,
                Json(&session.memory),
                At(session.created_at),
                At(session.updated_at),
                session.transcript_path,
                session.launch_id,
                session.operation.map(|it| it.kind),
                session.operation.map(|it| At(it.since)),
                session.failure,
            ],
        )
    }

    pub(super) fn update_session(&self, session: &Session) -> Result<()> {
        self.run(
            "UPDATE sessions SET session_state = ?2, termination_reason = ?3, is_alive = ?4,
                activity_state = ?5, activity_last_at = ?6, activity_source = ?7,
                detecting_attempts = ?8, detecting_started_at = ?9, detecting_evidence_hash = ?10,
                branch = ?11, workspace_path = ?12, runtime_name = ?13, runtime_handle_id = ?14,
                agent_session_id = ?15, prompt = ?16, nudges_paused = ?17, memory = ?18,
                harness = ?19, updated_at = ?20, transcript_path = ?21, launch_id = ?22,
                operation = ?23, operation_since = ?24, failure = ?25
             WHERE id = ?1",
            params![
                session.id,
                session.state,
                session.termination_reason,
                session.is_alive,
                session.activity.state,
                At(session.activity.last_at),
                session.activity.source,
                session.detecting.as_ref().map(|it| it.attempts),
                session.detecting.as_ref().map(|it| At(it.started_at)),
                session.detecting.as_ref().map(|it| &it.evidence_hash),
                session.branch,
                session.workspace_path,
                session.runtime.as_ref().map(|it| &it.name),
                session.runtime.as_ref().map(|it| &it.handle),
                session.agent_session_id,
                session.prompt,
                session.nudges_paused,
                Json(&session.memory),
                session.harness,
                At(session.updated_at),
                session.transcript_path,
                session.launch_id,
                session.operation.map(|it| it.kind),
                session.operation.map(|it| At(it.since)),
                session.failure,
            ],
        )
    }
}
