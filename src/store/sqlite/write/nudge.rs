//! Nudges, timers and tasks.

use rusqlite::Result;

use super::Rows;
use crate::domain::{Budget, Nudge, ProjectId, Subject, Task, TaskName, TimerKind, Timestamp};
use crate::store::sqlite::codec::{At, Json};

impl Rows<'_> {
    pub(super) fn insert_nudge(&self, nudge: &Nudge) -> Result<()> {
        let pull = match &nudge.subject {
            Subject::Pull(pull) => Some(pull),
            Subject::Session(_) => None,
        };
        self.run(
            "INSERT INTO nudges (id, project_id, session_id, pr_id, audience, kind, priority, state,
                signature, body, attempts, created_at, class, held_because, is_budgeted,
                evidence)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            (
                nudge.id,
                &nudge.project_id,
                &nudge.session_id,
                pull,
                nudge.kind.audience(),
                nudge.kind,
                nudge.kind.priority(),
                nudge.state,
                &nudge.signature,
                &nudge.body,
                nudge.attempts,
                At(nudge.created_at),
                nudge.class,
                nudge.held_because,
                nudge.is_budgeted,
                &nudge.evidence,
            ),
        )
    }

    pub(super) fn update_nudge(&self, nudge: &Nudge) -> Result<()> {
        self.run(
            "UPDATE nudges SET state = ?2, body = ?3, attempts = ?4, delivered_at = ?5,
                acknowledged_at = ?6, class = ?7, held_because = ?8, is_budgeted = ?9, handed_at = ?10,
                evidence = ?11
             WHERE id = ?1",
            (
                nudge.id,
                nudge.state,
                &nudge.body,
                nudge.attempts,
                nudge.delivered_at.map(At),
                nudge.acknowledged_at.map(At),
                nudge.class,
                nudge.held_because,
                nudge.is_budgeted,
                nudge.handed_at.map(At),
                &nudge.evidence,
            ),
        )
    }

    pub(super) fn set_budget(&self, project: &ProjectId, budget: Budget) -> Result<()> {
        self.run(
            "INSERT INTO nudge_budgets (project_id, burst, per_minute, spent_until, told)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET burst = excluded.burst, per_minute = excluded.per_minute,
                spent_until = excluded.spent_until, told = excluded.told",
            (
                project,
                budget.rule.burst,
                budget.rule.per_minute,
                At(budget.spent_until),
                budget.told,
            ),
        )
    }

    pub(super) fn set_timer(
        &self,
        subject: &Subject,
        kind: TimerKind,
        due_at: Timestamp,
    ) -> Result<()> {
        match subject {
            Subject::Pull(pull) => self.run(
                "INSERT INTO timers (kind, pr_id, due_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET due_at = excluded.due_at",
                (kind, pull, At(due_at)),
            ),
            Subject::Session(session) => self.run(
                "INSERT INTO timers (kind, session_id, due_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET due_at = excluded.due_at",
                (kind, session, At(due_at)),
            ),
        }
    }

    pub(super) fn delete_timer(&self, subject: &Subject, kind: TimerKind) -> Result<()> {
        match subject {
            Subject::Pull(pull) => {
                self.run("DELETE FROM timers WHERE pr_id = ?1 AND kind = ?2", (pull, kind))
            }
            Subject::Session(session) => {
                self.run("DELETE FROM timers WHERE session_id = ?1 AND kind = ?2", (session, kind))
            }
        }
    }

    pub(super) fn insert_task(&self, task: &Task) -> Result<()> {
        let name = task.payload.name();
        self.run(
            "INSERT INTO tasks (kind, dedupe_key, lane, payload, attempts, created_at, due_at,
                last_error)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                name.kind,
                &name.dedupe_key,
                &task.lane,
                Json(&task.payload),
                task.attempts,
                At(task.created_at),
                At(task.due_at),
                &task.last_error,
            ),
        )
    }

    pub(super) fn update_task(&self, task: &Task) -> Result<()> {
        let name = task.payload.name();
        self.run(
            "UPDATE tasks SET payload = ?3, attempts = ?4, due_at = ?5, last_error = ?6
             WHERE kind = ?1 AND dedupe_key = ?2",
            (
                name.kind,
                &name.dedupe_key,
                Json(&task.payload),
                task.attempts,
                At(task.due_at),
                &task.last_error,
            ),
        )
    }

    pub(super) fn delete_task(&self, name: &TaskName) -> Result<()> {
        self.run(
            "DELETE FROM tasks WHERE kind = ?1 AND dedupe_key = ?2",
            (name.kind, &name.dedupe_key),
        )
    }
}
