//! Copies ignored files into a new worktree, such as `.env`: those that the repository's `.worktreeinclude` names.
//!
//! Its lines are patterns of `.gitignore`'s form, and only files that git ignores are copied, as agents that know
//! this file do it: a tracked file comes with the branch, and an untracked one may be a person's unfinished work.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::{Git, Workspace, WorkspaceError};
use crate::session::tool::ToolError;

const LIST: &str = ".worktreeinclude";
/// More is left out, and said.
const MOST_FILES: usize = 20_000;
const MOST_BYTES: u64 = 2 << 30;

/// What was copied into a worktree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Included {
    pub files: usize,
    pub bytes: u64,
    /// What could not be copied, and why; the worktree is there all the same.
    pub left_out: Vec<String>,
}

/// Copies them from the project's checkout.
pub(super) async fn copy(git: &Git, workspace: &Workspace) -> Result<Included, WorkspaceError> {
    let list = workspace.repository.join(LIST);
    if !list.is_file() {
        return Ok(Included::default());
    }
    let named = named(git, &workspace.repository).await?;
    if named.is_empty() {
        return Ok(Included::default());
    }
    let ignored = ignored(git, &workspace.repository, &named).await?;
    let (from, to) = (workspace.repository.clone(), workspace.path.clone());
    let files: Vec<PathBuf> = named.into_iter().filter(|path| ignored.contains(path)).collect();
    let copied = tokio::task::spawn_blocking(move || copy_all(&from, &to, &files));
    let path = workspace.path.clone();
    copied.await.map_err(|error| WorkspaceError::Io { path, source: io::Error::other(error) })
}

/// Untracked files that the list's patterns name.
async fn named(git: &Git, repository: &Path) -> Result<Vec<PathBuf>, WorkspaceError> {
    let exclude = format!("--exclude-from={LIST}");
    let said = git.look(repository, ["ls-files", "-z", "--others", "--ignored", &exclude]).await?;
    Ok(paths(&said.output))
}

/// Those of them that git ignores by its own rules.
async fn ignored(
    git: &Git,
    repository: &Path,
    named: &[PathBuf],
) -> Result<HashSet<PathBuf>, WorkspaceError> {
    let mut asked = git.asked(
        Some(repository),
        ["check-ignore", "-z", "--stdin"],
        std::time::Duration::from_secs(60),
    );
    for path in named {
        asked.input.extend_from_slice(path.as_os_str().as_bytes());
        asked.input.push(0);
    }
    match asked.answer().await {
        Ok(said) => Ok(paths(&said.output).into_iter().collect()),
        // None is ignored.
        Err(ToolError::Refused { status, .. }) if status.code() == Some(1) => Ok(HashSet::new()),
        Err(error) => Err(error.into()),
    }
}

fn paths(said: &[u8]) -> Vec<PathBuf> {
    let names = said.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| PathBuf::from(OsString::from(OsStr::from_bytes(name)))).collect()
}

fn copy_all(from: &Path, to: &Path, files: &[PathBuf]) -> Included {
    let mut included = Included::default();
    for file in files {
        if included.files >= MOST_FILES || included.bytes >= MOST_BYTES {
            let left = files.len() - included.files - included.left_out.len();
            included.left_out.push(format!("{left} more: there are too many to copy"));
            break;
        }
        match copy_one(from, to, file) {
            Ok(bytes) => {
                included.files += 1;
                included.bytes = included.bytes.saturating_add(bytes);
            }
            Err(error) => included.left_out.push(format!("{}: {error}", file.display())),
        }
    }
    included
}

/// Copies a file or a link, over nothing that is there, and through no link out of the worktree.
fn copy_one(from: &Path, to: &Path, file: &Path) -> io::Result<u64> {
    let mut folder = to.to_owned();
    for part in file.parent().into_iter().flat_map(Path::components) {
        let Component::Normal(name) = part else {
            return Err(io::Error::other("it lies outside"));
        };
        folder.push(name);
        match folder.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(io::Error::other("something else is in its place")),
            Err(_) => fs::create_dir(&folder)?,
        }
    }
    let (source, target) = (from.join(file), to.join(file));
    if target.symlink_metadata().is_ok() {
        return Ok(0);
    }
    let found = source.symlink_metadata()?;
    if found.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        return Ok(0);
    }
    if !found.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    fs::copy(source, target)
}
