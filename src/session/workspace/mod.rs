//! The folder in which an agent works: a git worktree of its own, on a branch of its own.
//!
//! What a person or an agent has made there is never lost: a worktree with uncommitted or unpushed work is given
//! back only when that was asked for, and then its state is kept under a ref first. Nothing outside the folder of
//! worktrees is ever removed.

mod disk;
mod error;
pub mod exclude;
mod git;
mod include;
mod plan;
mod returning;
mod salvage;
mod setup;
mod submodule;
mod unsaved;
mod worktrees;

pub use error::WorkspaceError;
pub use git::Git;
pub use include::Included;
pub use plan::{Branch, Found, Wanted, Workspace};
pub use returning::{GivenBack, Returning};
pub use setup::{Setup, SetupError};
pub use unsaved::Unsaved;
pub use worktrees::Worktrees;
