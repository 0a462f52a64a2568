//! Keeps what we put into a worktree out of git's sight: by `info/exclude` of the repository, which is nobody's to
//! commit.

use std::fs;
use std::io::Write;

use super::{Git, Workspace, WorkspaceError};

/// The folder for texts of ours inside a worktree.
pub const FOLDER: &str = ".nudged";
/// What is hidden: our folder, and the agents' own local settings that we add to.
const HIDDEN: &[&str] = &["/.nudged/", "/.claude/settings.local.json"];

/// Adds what is missing to the list.
pub(super) async fn hide(git: &Git, workspace: &Workspace) -> Result<(), WorkspaceError> {
    let path = git.path(&workspace.path, &["--git-path", "info/exclude"]).await?;
    let io = |source| WorkspaceError::Io { path: path.clone(), source };
    let known = match fs::read(&path) {
        Ok(known) => String::from_utf8_lossy(&known).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(io(error)),
    };
    let missing = HIDDEN.iter().filter(|name| !known.lines().any(|line| line.trim() == **name));
    let mut added: String = missing.map(|name| format!("{name}\n")).collect();
    if added.is_empty() {
        return Ok(());
    }
    if !known.is_empty() && !known.ends_with('\n') {
        added.insert(0, '\n');
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io)?;
    }
    // Appended in one write: others may add to it at the same time.
    let mut file = fs::OpenOptions::new().create(true).append(true).open(&path).map_err(io)?;
    file.write_all(added.as_bytes()).map_err(io)
}
