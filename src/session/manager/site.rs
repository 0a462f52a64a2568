//! The worktree of a session: made for a new one, found again for one that goes on, taken back where its agent could
//! not be started.

use std::path::PathBuf;
use std::time::Duration;

use super::note;
use super::tools::{Halt, Tools};
use crate::session::environment::Environment;
use crate::session::runtime::MARK;
use crate::session::workspace::{
    Branch, Found, Returning, Setup, Wanted, Workspace, WorkspaceError,
};
use crate::store::views::SessionView;

/// git of a server that was cut off may still be at work: it is waited for so often, and so long each time.
const TRIES: usize = 5;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// Where an agent is to work.
pub(super) struct Site {
    pub(super) workspace: Workspace,
    /// It was made for this start: it goes again where the start fails.
    is_new: bool,
}

/// The worktree as the row knows it, or as it would be called.
fn workspace_of(tools: &Tools, row: &SessionView, repository: PathBuf) -> Result<Workspace, Halt> {
    let path = match &row.workspace_path {
        Some(path) => PathBuf::from(path),
        None => tools.worktrees.place(&row.project_id, &row.id)?,
    };
    let branch = row.branch.clone().ok_or_else(|| Halt::Failed("it has no branch".to_owned()))?;
    Ok(Workspace { repository, path, branch })
}

impl Site {
    /// Makes the worktree of a new session. What a server that was cut off has left of it goes first: no agent was
    /// started in it yet, since that is written down before.
    pub(super) async fn make(
        tools: &Tools,
        row: &SessionView,
        is_again: bool,
    ) -> Result<Self, Halt> {
        let repository = tools.repository(&row.project_id).await?;
        let workspace = workspace_of(tools, row, repository)?;
        if row.workspace_path.is_some() {
            return Self::again(tools, row, true).await;
        }
        let folder = tools.folder(&row.id);
        if is_again {
            take_back_half(tools, row, &workspace).await?;
        }
        let wanted = Wanted {
            repository: workspace.repository.clone(),
            project: row.project_id.clone(),
            session: row.id.clone(),
            name: workspace.branch.clone(),
            branch: Branch::New { from: None },
        };
        let (workspace, included) = tools.worktrees.make(&wanted).await?;
        for left in &included.left_out {
            tracing::warn!(
                session = row.id,
                left,
                "an ignored file was not copied into the worktree"
            );
        }
        let made = format!("refs/heads/{}", workspace.branch);
        let base = tools.worktrees.base(&workspace.repository, Some(&made)).await?;
        let kept = note::keep_base(&folder, &base);
        let site = Self { workspace, is_new: true };
        if let Err(error) = kept {
            site.undo(tools, row).await;
            return Err(error.into());
        }
        Ok(site)
    }

    /// Finds the worktree of a session that goes on; where its folder is gone it is made anew at the same path.
    pub(super) async fn again(
        tools: &Tools,
        row: &SessionView,
        is_new: bool,
    ) -> Result<Self, Halt> {
        let repository = tools.repository(&row.project_id).await?;
        let workspace = workspace_of(tools, row, repository)?;
        tools.worktrees.make_anew(&workspace, &row.id).await?;
        Ok(Self { workspace, is_new })
    }

    /// Runs the project's command that makes a new worktree ready.
    pub(super) async fn set_up(&self, tools: &Tools, row: &SessionView) -> Result<(), Halt> {
        let plan = tools.project_plan(&row.project_id);
        if plan.setup.is_empty() {
            return Ok(());
        }
        let environment = Environment::of(tools.plan.outer.iter().cloned(), [])
            .with("NUDGED_SESSION_ID", row.id.as_str())
            .with("NUDGED_PROJECT_ID", row.project_id.as_str())
            // So that what it leaves behind ends with the session.
            .with(MARK, row.launch_id.as_deref().unwrap_or_default());
        let setup = Setup {
            command: plan.setup.iter().map(Into::into).collect(),
            environment,
            limit: plan.setup_limit,
            log: tools.folder(&row.id).join("setup.log"),
        };
        Ok(tools.worktrees.set_up(&self.workspace, &setup).await?)
    }

    /// Takes back what was made for a start that came to nothing. Work that is nowhere else stays, whoever has done it.
    pub(super) async fn undo(self, tools: &Tools, row: &SessionView) {
        if self.is_new {
            undo(tools, row, &self.workspace).await;
        }
    }
}

/// What is left of a session of which no agent ever ran.
pub(super) async fn undo_never_started(tools: &Tools, row: &SessionView) {
    let Ok(repository) = tools.repository(&row.project_id).await else { return };
    let Ok(workspace) = workspace_of(tools, row, repository) else { return };
    if matches!(tools.worktrees.find(&workspace).await, Ok(Found::There)) {
        undo(tools, row, &workspace).await;
    }
}

async fn undo(tools: &Tools, row: &SessionView, workspace: &Workspace) {
    let base = note::base(&tools.folder(&row.id));
    let undone = async {
        tools.worktrees.give_back(workspace, &row.id, Returning::IfSaved).await?;
        tools.worktrees.take_back(workspace, base.as_deref()).await
    };
    if let Err(error) = undone.await {
        let path = workspace.path.display();
        tracing::warn!(session = row.id, %path, %error, "what was made for it could not be taken back");
    }
}

/// Takes back a worktree that was being made when the server was cut off.
async fn take_back_half(
    tools: &Tools,
    row: &SessionView,
    workspace: &Workspace,
) -> Result<(), Halt> {
    let mut last = None;
    for tried in 0..TRIES {
        if tried > 0 {
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        match try_to_take_back(tools, row, workspace).await {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

async fn try_to_take_back(
    tools: &Tools,
    row: &SessionView,
    workspace: &Workspace,
) -> Result<(), WorkspaceError> {
    let is_there = matches!(tools.worktrees.find(workspace).await, Ok(Found::There));
    let known = note::base(&tools.folder(&row.id));
    if !is_there && known.is_none() && workspace.path.symlink_metadata().is_err() {
        return Ok(());
    }
    // A branch that is checked out in a worktree of ours was made for it, and nobody has worked there.
    let made = format!("refs/heads/{}", workspace.branch);
    let base = match (known, is_there) {
        (Some(base), _) => Some(base),
        (None, true) => tools.worktrees.base(&workspace.repository, Some(&made)).await.ok(),
        (None, false) => None,
    };
    tools.worktrees.take_back(workspace, base.as_deref()).await
}
