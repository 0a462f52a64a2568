//! All worktrees of sessions: made, found, made anew, taken back.

use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::git::{Entry, Git};
use super::include::Included;
use super::plan::{Branch, Found, Wanted, Workspace};
use super::setup::{Setup, SetupError};
use super::{disk, exclude, include, setup, submodule};
use crate::session::runtime::launch::is_plain;
use crate::session::runtime::server::make_ours;

/// All worktrees of sessions: they lie in one folder, `ROOT/PROJECT/SESSION`.
#[derive(Debug, Clone)]
pub struct Worktrees {
    pub(super) git: Git,
    root: PathBuf,
}

impl Worktrees {
    /// Makes the folder `root` where it is not there.
    ///
    /// # Errors
    /// It cannot be made, or is not ours alone.
    pub fn within(root: &Path, git: Git) -> Result<Self, WorkspaceError> {
        make_ours(root)?;
        let root = canonical(root)?;
        Ok(Self { git, root })
    }

    /// Says by name where git is missing or too old; else its version.
    ///
    /// # Errors
    /// git is missing or too old.
    pub async fn version(&self) -> Result<String, WorkspaceError> {
        Ok(self.git.version().await?)
    }

    /// Says what is in the way of a worktree before anything is made: no repository, no commit to begin with, or a
    /// branch that cannot be made.
    ///
    /// # Errors
    /// See [`WorkspaceError`].
    pub async fn check(
        &self,
        repository: &Path,
        branch: Option<&str>,
    ) -> Result<(), WorkspaceError> {
        self.git.version().await?;
        self.git.check_repository(repository).await?;
        if let Some(branch) = branch {
            self.git.check_branch(repository, branch).await?;
            if self.git.branch(repository, branch).await?.is_some() {
                return Err(WorkspaceError::BranchExists(branch.to_owned()));
            }
        }
        self.git.base(repository, None).await.map(drop)
    }

    /// The folder that a session's worktree has, or would have.
    ///
    /// # Errors
    /// The names cannot be those of a folder.
    pub fn place(&self, project: &str, session: &str) -> Result<PathBuf, WorkspaceError> {
        self.path_of(project, session)
    }

    /// Makes a worktree on its branch, locked against pruning, with its submodules and the ignored files that the
    /// repository's `.worktreeinclude` names. Where a step fails, everything is taken back: the folder, git's
    /// knowledge of it, and a branch that was made for it.
    ///
    /// # Errors
    /// See [`WorkspaceError`].
    pub async fn make(&self, wanted: &Wanted) -> Result<(Workspace, Included), WorkspaceError> {
        let path = self.path_of(&wanted.project, &wanted.session)?;
        let repository = &wanted.repository;
        self.git.check_repository(repository).await?;
        self.git.check_branch(repository, &wanted.name).await?;
        let workspace = Workspace {
            repository: repository.clone(),
            path: path.clone(),
            branch: wanted.name.clone(),
        };
        self.refuse_second(&workspace).await?;
        if path.symlink_metadata().is_ok() {
            return Err(WorkspaceError::PathTaken(path));
        }
        let is_known = self.git.branch(repository, &wanted.name).await?.is_some();
        let base = match &wanted.branch {
            Branch::New { .. } if is_known => {
                return Err(WorkspaceError::BranchExists(wanted.name.clone()));
            }
            Branch::New { from } => Some(self.git.base(repository, from.as_deref()).await?),
            Branch::Known if !is_known => {
                return Err(WorkspaceError::NoBranch(wanted.name.clone()));
            }
            Branch::Known => None,
        };
        if let Some(parent) = path.parent() {
            make_ours(parent)?;
        }
        let filled = async {
            let reason = format!("nudged session {}", wanted.session);
            self.git.add(&workspace, base.as_deref(), &reason, false).await?;
            self.fill(&workspace).await
        };
        match filled.await {
            Ok(included) => Ok((workspace, included)),
            Err(error) => {
                if let Err(left) = self.take_back(&workspace, base.as_deref()).await {
                    tracing::warn!(path = %path.display(), %left, "a half-made worktree is left");
                }
                Err(error)
            }
        }
    }

    /// Takes back a worktree in which nobody has worked yet: for a spawn of which a later step failed. `base` is the
    /// commit from which its branch was made; the branch goes, too, if it is still there alone.
    ///
    /// # Errors
    /// git refuses, or the folder cannot be removed.
    pub async fn take_back(
        &self,
        workspace: &Workspace,
        base: Option<&str>,
    ) -> Result<(), WorkspaceError> {
        self.check_inside(&workspace.path)?;
        self.git.remove(workspace).await?;
        remove_folder(&workspace.path).await?;
        if let Some(base) = base {
            self.git.forget_branch(&workspace.repository, &workspace.branch, base).await?;
        }
        Ok(())
    }

    /// The commit from which a new branch begins, as [`Worktrees::take_back`] wants to have it.
    ///
    /// # Errors
    /// There is no such commit.
    pub async fn base(
        &self,
        repository: &Path,
        from: Option<&str>,
    ) -> Result<String, WorkspaceError> {
        self.git.base(repository, from).await
    }

    /// What is to be found of it now.
    ///
    /// # Errors
    /// Its path is taken by something else, or its repository is gone.
    pub async fn find(&self, workspace: &Workspace) -> Result<Found, WorkspaceError> {
        self.git.check_repository(&workspace.repository).await?;
        let entries = self.git.worktrees(&workspace.repository).await?;
        let on_branch = entries.iter().find(|entry| entry.is_on(&workspace.branch));
        let is_there = workspace.path.symlink_metadata().is_ok();
        let is_same = |entry: &Entry| same(&entry.path, &workspace.path);
        if is_there && entries.iter().any(is_same) {
            return Ok(Found::There);
        }
        if is_there {
            return Err(WorkspaceError::NotOurs(workspace.path.clone()));
        }
        match on_branch {
            Some(entry) if !is_same(entry) && entry.path.is_dir() => {
                Ok(Found::Moved(entry.path.clone()))
            }
            _ => Ok(Found::Gone),
        }
    }

    /// Makes a worktree anew at its old path where its folder is gone: an agent finds its conversation by the path.
    ///
    /// # Errors
    /// It was moved and its branch is checked out there, its path is taken, or its branch is gone.
    pub async fn make_anew(
        &self,
        workspace: &Workspace,
        session: &str,
    ) -> Result<Included, WorkspaceError> {
        self.check_inside(&workspace.path)?;
        match self.find(workspace).await? {
            Found::There => return Ok(Included::default()),
            Found::Moved(at) => {
                let branch = workspace.branch.clone();
                return Err(WorkspaceError::BranchInUse { branch, at });
            }
            Found::Gone => {}
        }
        self.refuse_second(workspace).await?;
        if self.git.branch(&workspace.repository, &workspace.branch).await?.is_none() {
            return Err(WorkspaceError::NoBranch(workspace.branch.clone()));
        }
        if let Some(parent) = workspace.path.parent() {
            make_ours(parent)?;
        }
        let filled = async {
            let reason = format!("nudged session {session}");
            self.git.add(workspace, None, &reason, true).await?;
            self.fill(workspace).await
        };
        match filled.await {
            Ok(included) => Ok(included),
            Err(error) => {
                if let Err(left) = self.take_back(workspace, None).await {
                    let path = workspace.path.display();
                    tracing::warn!(%path, %left, "a half-made worktree is left");
                }
                Err(error)
            }
        }
    }

    /// How much disk it takes, in bytes.
    pub async fn disk(&self, workspace: &Workspace) -> u64 {
        disk::used(workspace.path.clone()).await
    }

    /// Runs the project's command that makes a worktree ready.
    ///
    /// # Errors
    /// It failed or took too long; what it said is in its log.
    pub async fn set_up(&self, workspace: &Workspace, setup: &Setup) -> Result<(), SetupError> {
        setup::run(&workspace.path, setup).await
    }

    /// What a branch has not got from its repository: submodules, and the ignored files it is to have.
    async fn fill(&self, workspace: &Workspace) -> Result<Included, WorkspaceError> {
        exclude::hide(&self.git, workspace).await?;
        submodule::fetch(&self.git, &workspace.path).await?;
        include::copy(&self.git, workspace).await
    }

    /// git itself refuses a second worktree on a branch, unless it is forced.
    async fn refuse_second(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        let entries = self.git.worktrees(&workspace.repository).await?;
        let is_other =
            |entry: &&Entry| entry.is_on(&workspace.branch) && !same(&entry.path, &workspace.path);
        match entries.iter().find(is_other) {
            // Its folder was removed by hand: nobody works there.
            Some(entry) if entry.is_prunable || !entry.path.exists() => Ok(()),
            Some(entry) => Err(WorkspaceError::BranchInUse {
                branch: workspace.branch.clone(),
                at: entry.path.clone(),
            }),
            None => Ok(()),
        }
    }

    fn path_of(&self, project: &str, session: &str) -> Result<PathBuf, WorkspaceError> {
        for name in [project, session] {
            if !is_plain(name) {
                return Err(WorkspaceError::BadName(name.to_owned()));
            }
        }
        Ok(self.root.join(project).join(session))
    }

    /// Two levels below the root, and by no link anywhere else.
    pub(super) fn check_inside(&self, path: &Path) -> Result<(), WorkspaceError> {
        let refused = || WorkspaceError::NotOurs(path.to_owned());
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(refused());
        };
        let (Some(root), Some(project)) = (parent.parent(), parent.file_name()) else {
            return Err(refused());
        };
        let is_plain_os = |name: &std::ffi::OsStr| name.to_str().is_some_and(is_plain);
        let is_here = canonical(root).is_ok_and(|root| root == self.root);
        let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|it| it.is_symlink());
        let is_fine = is_here && is_plain_os(name) && is_plain_os(project);
        if !is_fine || is_link(path) || is_link(parent) { Err(refused()) } else { Ok(()) }
    }
}

fn canonical(path: &Path) -> Result<PathBuf, WorkspaceError> {
    let io = |source| WorkspaceError::Io { path: path.to_owned(), source };
    path.canonicalize().map_err(io)
}

/// Whether two paths name the same place, also where it is gone.
fn same(one: &Path, other: &Path) -> bool {
    one == other
        || match (one.canonicalize(), other.canonicalize()) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        }
}

/// Removes a folder and all in it, following no links.
pub(super) async fn remove_folder(path: &Path) -> Result<(), WorkspaceError> {
    let path = path.to_owned();
    let gone = path.clone();
    let removed = tokio::task::spawn_blocking(move || match std::fs::remove_dir_all(&gone) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    });
    let io = |source| WorkspaceError::Io { path, source };
    removed.await.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(io)
}
