//! Ending an agent, and giving its worktree back.

use std::path::PathBuf;

use super::site;
use super::tools::{Halt, Tools, text};
use crate::domain::{SessionFact, SessionState};
use crate::session::runtime::ending::{Left, end};
use crate::session::runtime::launch::mark;
use crate::session::runtime::{Handle, Runtime, RuntimeError};
use crate::session::workspace::{Returning, Workspace};
use crate::store::views::SessionView;

/// Ends the agent and all that it has started; of a session that never came to life nothing is left.
pub(super) async fn kill(tools: &Tools, row: &SessionView) {
    let done = end_agent(tools, row).await;
    if done.is_ok() && row.state == SessionState::NotStarted {
        site::undo_never_started(tools, row).await;
    }
    answer(tools, row, done.map(|()| SessionFact::Killed), "kill").await;
}

async fn end_agent(tools: &Tools, row: &SessionView) -> Result<(), Halt> {
    let known = row.runtime_handle.as_deref().and_then(Handle::parse);
    if let Some(handle) = &known {
        tools.tmux.kill(handle).await?;
    }
    let Some(launch_id) = row.launch_id.as_deref() else { return Ok(()) };
    if known.is_none_or(|handle| handle.launch_id != launch_id) {
        match tools.tmux.find(&row.id, launch_id).await {
            Ok(Some(handle)) => tools.tmux.kill(&handle).await?,
            Ok(None) => {}
            // Whatever runs of it is found by its mark.
            Err(error) => {
                tracing::warn!(session = row.id, %error, "tmux could not be asked for an agent");
            }
        }
    }
    let spared = [std::process::id().cast_signed()];
    let left = end(None, &mark(launch_id), &spared).await;
    left.map_err(|Left(pids)| RuntimeError::StillThere { name: row.id.clone(), pids })?;
    Ok(())
}

/// Gives its worktree back, unless there is work in it that is nowhere else.
pub(super) async fn clean_up(tools: &Tools, row: &SessionView) {
    let done = give_back(tools, row).await;
    answer(tools, row, done, "cleanup").await;
}

async fn give_back(tools: &Tools, row: &SessionView) -> Result<SessionFact, Halt> {
    // What an agent has left running there would go on writing.
    end_agent(tools, row).await?;
    let repository = tools.repository(&row.project_id).await?;
    let (Some(path), Some(branch)) = (&row.workspace_path, &row.branch) else {
        return Ok(SessionFact::CleanedUp { freed_bytes: 0 });
    };
    let workspace = Workspace { repository, path: PathBuf::from(path), branch: branch.clone() };
    let given = tools.worktrees.give_back(&workspace, &row.id, Returning::IfSaved).await?;
    if let Some(at) = given.left {
        tracing::warn!(session = row.id, at = %at.display(), "a person has moved its worktree: it was left there");
    }
    let freed_bytes = i64::try_from(given.bytes).unwrap_or(i64::MAX);
    tracing::info!(session = row.id, freed_bytes, "a worktree was given back");
    Ok(SessionFact::CleanedUp { freed_bytes })
}

async fn answer(tools: &Tools, row: &SessionView, done: Result<SessionFact, Halt>, cause: &str) {
    let fact = match done {
        Ok(fact) => fact,
        Err(Halt::Left) => return,
        Err(Halt::Failed(reason)) => {
            tracing::warn!(session = row.id, reason, "{cause} failed");
            SessionFact::OperationFailed { reason: text(&reason) }
        }
    };
    // Where even that cannot be stored the server closes, and the next one tries again.
    let _ = tools.observe(&row.id, fact, cause).await;
}
