//! Gives a worktree back: only what is kept elsewhere goes, and only inside the folder of worktrees.

use std::path::PathBuf;

use super::worktrees::remove_folder;
use super::{Found, Workspace, WorkspaceError, Worktrees, disk, salvage, submodule};

/// What is to become of work that exists in the worktree alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returning {
    /// The worktree stays, and it is said what there is.
    IfSaved,
    /// It is kept under a ref first.
    Salvaged,
}

/// What came of giving back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenBack {
    /// The disk that is free again.
    pub bytes: u64,
    /// The ref under which unsaved work is kept.
    pub salvaged: Option<String>,
    /// A person has moved it here: it is theirs now, and was left alone.
    pub left: Option<PathBuf>,
}

impl Worktrees {
    /// Gives a worktree back. Its branch stays. Nobody may work in it any more: its agent was ended.
    ///
    /// # Errors
    /// [`WorkspaceError::Unsaved`] and its like: it stays as it is.
    pub async fn give_back(
        &self,
        workspace: &Workspace,
        session: &str,
        how: Returning,
    ) -> Result<GivenBack, WorkspaceError> {
        self.check_inside(&workspace.path)?;
        match self.find(workspace).await? {
            Found::There => {}
            Found::Moved(at) => {
                return Ok(GivenBack { left: Some(at), ..GivenBack::default() });
            }
            Found::Gone => {
                // git may still know of it.
                self.git.remove(workspace).await?;
                return Ok(GivenBack::default());
            }
        }
        let (git, at) = (&self.git, workspace.path.as_path());
        if let Some(what) = submodule::with_work(git, at).await? {
            let what = format!("the submodule {what}");
            return Err(WorkspaceError::Unsalvageable { at: at.to_owned(), what });
        }
        let unsaved = salvage::look(git, at).await?;
        let mut salvaged = None;
        if !unsaved.is_empty() {
            if how == Returning::IfSaved {
                return Err(WorkspaceError::Unsaved { at: at.to_owned(), unsaved });
            }
            salvaged = Some(salvage::keep(git, at, session).await?);
        }
        let bytes = disk::used(workspace.path.clone()).await;
        // The last look before force: nothing may have changed since.
        let is_same = match &salvaged {
            Some(kept) => salvage::tree(git, at).await? == kept.tree,
            None => salvage::look(git, at).await?.is_empty(),
        };
        if !is_same {
            return Err(WorkspaceError::StillChanging(at.to_owned()));
        }
        git.remove(workspace).await?;
        // git leaves a folder in which something was made meanwhile; its ignored files go with the worktree.
        remove_folder(at).await?;
        Ok(GivenBack { bytes, salvaged: salvaged.map(|kept| kept.name), left: None })
    }
}
