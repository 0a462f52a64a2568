//! Why a worktree could not be made, found or given back.

use std::path::PathBuf;

use super::unsaved::Unsaved;
use crate::session::runtime::server::PlaceError;
use crate::session::tool::ToolError;

/// Why a worktree could not be made, found or given back.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// git gave no answer.
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("{} is no git repository", .0.display())]
    NotARepository(PathBuf),
    #[error("`{}` is no name for a branch", .0.escape_debug())]
    BadBranch(String),
    #[error("`{}` is no name for a worktree", .0.escape_debug())]
    BadName(String),
    #[error("there is no commit `{}` to begin with", .0.escape_debug())]
    NoBase(String),
    #[error("the branch {0} is there already")]
    BranchExists(String),
    #[error("there is no branch {0}")]
    NoBranch(String),
    /// Two agents on one branch would overwrite each other's work.
    #[error("the branch {branch} is worked on in {}", at.display())]
    BranchInUse { branch: String, at: PathBuf },
    #[error("{} is there already", .0.display())]
    PathTaken(PathBuf),
    /// A folder of that path is there, and it is not the session's worktree: it is left alone.
    #[error("{} is not the worktree of this session", .0.display())]
    NotOurs(PathBuf),
    /// There is work that exists nowhere else.
    #[error("{} is not given back: {unsaved}", at.display())]
    Unsaved { at: PathBuf, unsaved: Unsaved },
    /// There is work that cannot be kept under a ref.
    #[error("{} is not given back: the work in {what} can only be kept by hand", at.display())]
    Unsalvageable { at: PathBuf, what: String },
    /// Its files changed while they were being kept.
    #[error("{} is not given back: something still changes files there", .0.display())]
    StillChanging(PathBuf),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
}
