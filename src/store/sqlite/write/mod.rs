//! Rows that are written. One statement a row; nothing is read, nothing decided.

mod conversation;
mod facts;
mod nudge;
mod project;
mod pull;
mod session;

use rusqlite::{Connection, Params, Result};

use crate::domain::Timestamp;
use crate::lifecycle::Write;

/// Makes one write. `now`: when a row that has no time of its own came to be.
pub(super) fn row(connection: &Connection, write: &Write, now: Timestamp) -> Result<()> {
    let on = Rows { connection, now };
    match write {
        Write::InsertProject(project) => on.insert_project(project),
        Write::UpdateProject(project) => on.update_project(project),
        Write::MovePulls { repo, origin } => on.move_pulls(*repo, origin),
        Write::InsertSession(session) => on.insert_session(session),
        Write::UpdateSession(session) => on.update_session(session),
        Write::InsertPull(pull) => on.insert_pull(pull),
        Write::UpdatePull(pull) => on.update_pull(pull),
        Write::InsertCommit { id, repo, sha, claimed } => {
            on.insert_commit(*id, *repo, sha, *claimed)
        }
        Write::ClaimCommit { id } => on.claim_commit(*id),
        Write::SetFact { commit, fact } => on.set_fact(*commit, fact),
        Write::SetPullCommit { pull, commit, seen } => on.set_pull_commit(*pull, *commit, seen),
        Write::SetAnswer { pull, answer } => on.set_answer(*pull, answer),
        Write::SetReview { pull, review } => on.set_review(*pull, review),
        Write::SetComment { repo, number, comment } => on.set_comment(*repo, *number, comment),
        Write::AddQueueFact { repo, number, fact } => on.add_queue_fact(*repo, *number, fact),
        Write::SetThread { repo, number, thread } => on.set_thread(*repo, *number, thread),
        Write::SetBasePush { repo, branch, at } => on.set_base_push(*repo, branch, *at),
        Write::SetCheckRow { pull, url, sha, check } => on.set_check_row(*pull, url, sha, check),
        Write::DeleteCheckRow { pull, sha, key } => on.delete_check_row(*pull, sha, key),
        Write::SetCommentRow { pull, url, row } => on.set_comment_row(*pull, url, row),
        Write::DeleteCommentRow { pull, name } => on.delete_comment_row(*pull, *name),
        Write::InsertNudge(nudge) => on.insert_nudge(nudge),
        Write::UpdateNudge(nudge) => on.update_nudge(nudge),
        Write::SetTimer { subject, kind, due_at } => on.set_timer(subject, *kind, *due_at),
        Write::DeleteTimer { subject, kind } => on.delete_timer(subject, *kind),
        Write::InsertTask(task) => on.insert_task(task),
        Write::UpdateTask(task) => on.update_task(task),
        Write::DeleteTask(name) => on.delete_task(name),
        Write::SetBudget { project, budget } => on.set_budget(project, *budget),
    }
}

struct Rows<'c> {
    connection: &'c Connection,
    now: Timestamp,
}

impl Rows<'_> {
    fn run(&self, sql: &'static str, params: impl Params) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute(params).map(drop)
    }
}
