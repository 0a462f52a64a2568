//! A worktree as it is wanted, kept and found.

use std::path::PathBuf;

/// A worktree, as it is kept with the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The project's own checkout, or its bare repository.
    pub repository: PathBuf,
    /// The worktree's folder.
    pub path: PathBuf,
    pub branch: String,
}

/// On which branch a worktree is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Branch {
    /// A new one, from a commit, branch or tag; from the remote's main branch where nothing is said.
    New { from: Option<String> },
    /// One that is there.
    Known,
}

/// A worktree that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub repository: PathBuf,
    /// The project's and the session's ids: they name the folder.
    pub project: String,
    pub session: String,
    pub name: String,
    pub branch: Branch,
}

/// What is to be found of a session's worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there.
    There,
    /// A person has moved it with git's knowledge.
    Moved(PathBuf),
    /// Its folder is gone; its branch is there.
    Gone,
}
