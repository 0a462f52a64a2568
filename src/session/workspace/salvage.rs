//! What is in a worktree and nowhere else, and how it is kept under a ref without touching the worktree or its index.

use std::fs;
use std::path::Path;

use super::unsaved::{NAMED, Unsaved};
use super::{Git, WorkspaceError};
use crate::session::tool::ToolError;

/// What git keeps of something that was begun, and how people call it.
const OPERATIONS: &[(&str, &str)] = &[
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisection"),
];

/// Looks what there is. Nothing is changed by it.
pub(super) async fn look(git: &Git, worktree: &Path) -> Result<Unsaved, WorkspaceError> {
    let words = [
        "status",
        "--porcelain=v1",
        "-z",
        "--untracked-files=all",
        "--ignore-submodules=none",
        "--no-renames",
    ];
    let said = git.look(worktree, words).await?;
    let listed = said.output.split(|byte| *byte == 0).filter(|entry| entry.len() > 3);
    let names: Vec<String> = listed
        .map(|entry| String::from_utf8_lossy(&entry[3..]).escape_debug().to_string())
        .collect();
    let folder = git.path(worktree, &["--git-dir"]).await?;
    let begun = OPERATIONS.iter().find(|(file, _)| folder.join(file).exists());
    Ok(Unsaved {
        files: names.len(),
        commits: commits(git, worktree).await?,
        named: names.into_iter().take(NAMED).collect(),
        operation: begun.map(|(_, operation)| *operation),
    })
}

async fn commits(git: &Git, worktree: &Path) -> Result<usize, WorkspaceError> {
    if !has_head(git, worktree).await? {
        return Ok(0);
    }
    let remotes = git.look(worktree, ["for-each-ref", "--count=1", "refs/remotes"]).await?.text();
    let known = if remotes.is_empty() { "--branches" } else { "--remotes" };
    let count = git.look(worktree, ["rev-list", "--count", "HEAD", "--not", known]).await?.text();
    Ok(count.parse().unwrap_or(0))
}

async fn has_head(git: &Git, worktree: &Path) -> Result<bool, WorkspaceError> {
    match git.look(worktree, ["rev-parse", "--verify", "--quiet", "HEAD"]).await {
        Ok(_) => Ok(true),
        Err(ToolError::Refused { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Keeps the state of a worktree as a commit under `refs/nudged/salvage/SESSION/N`: all files that are not ignored,
/// on top of what is checked out; what was staged otherwise is its second parent. The ref's name and the tree.
pub(super) async fn keep(
    git: &Git,
    worktree: &Path,
    session: &str,
) -> Result<Kept, WorkspaceError> {
    let tree = tree(git, worktree).await?;
    let head = has_head(git, worktree).await?;
    let staged = staged(git, worktree, head, &tree).await;
    let message = format!("Work of session {session}, kept before its worktree was given back");
    let mut words = vec!["commit-tree", "-m", &message];
    if head {
        words.extend(["-p", "HEAD"]);
    }
    if let Some(staged) = &staged {
        words.extend(["-p", staged]);
    }
    words.push(&tree);
    let commit = git.as_us(worktree, &words).answer().await?.text();
    // The names are never given out again.
    for number in 1..10_000_u32 {
        let name = format!("refs/nudged/salvage/{session}/{number}");
        // An empty old value: it must not be there yet.
        match git.work(worktree, ["update-ref", &name, &commit, ""]).await {
            Ok(_) => return Ok(Kept { name, tree }),
            Err(ToolError::Refused { said, .. }) if said.contains("already exists") => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(WorkspaceError::StillChanging(worktree.to_owned()))
}

/// Work that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) name: String,
    pub(super) tree: String,
}

/// All files that are not ignored, as a tree; the index is left as it is.
pub(super) async fn tree(git: &Git, worktree: &Path) -> Result<String, WorkspaceError> {
    let io = |source| WorkspaceError::Io { path: worktree.to_owned(), source };
    let folder = git.path(worktree, &["--git-dir"]).await?;
    let scratch =
        tempfile::Builder::new().prefix("nudged-index-").tempdir_in(&folder).map_err(io)?;
    let index = scratch.path().join("index");
    // With the known index unchanged files need not be read again.
    match fs::copy(folder.join("index"), &index) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        Ok(_) | Err(_) => {}
    }
    let words = ["-c", "advice.addEmbeddedRepo=false", "add", "--all", "--", "."];
    git.with_index(worktree, &words, index.as_os_str()).answer().await?;
    let tree = git.with_index(worktree, &["write-tree"], index.as_os_str()).answer().await?.text();
    refuse_embedded(git, worktree, &tree).await?;
    Ok(tree)
}

/// A repository inside the worktree would be kept as a mere number.
async fn refuse_embedded(git: &Git, worktree: &Path, tree: &str) -> Result<(), WorkspaceError> {
    let said = git.look(worktree, ["ls-tree", "-r", "-z", tree]).await?;
    for entry in said.output.split(|byte| *byte == 0).filter(|entry| entry.starts_with(b"160000 "))
    {
        let entry = String::from_utf8_lossy(entry);
        let what = entry.split_once('\t').map_or("", |(_, path)| path).to_owned();
        let modules =
            git.look(worktree, ["config", "--file", ".gitmodules", "--get-regexp", "path$"]);
        let modules = modules.await.map(|said| said.text()).unwrap_or_default();
        if !modules.lines().any(|line| line.split_once(' ').is_some_and(|(_, path)| path == what)) {
            return Err(WorkspaceError::Unsalvageable { at: worktree.to_owned(), what });
        }
    }
    Ok(())
}

/// A commit of what is staged, where that is neither what is checked out nor what the files are.
async fn staged(git: &Git, worktree: &Path, head: bool, tree: &str) -> Option<String> {
    // With conflicts there is no such tree; their sides are in the commits being merged.
    let staged = git.work(worktree, ["write-tree"]).await.ok()?.text();
    let known = git.look(worktree, ["rev-parse", "--verify", "--quiet", "HEAD^{tree}"]).await;
    if staged == tree || known.is_ok_and(|said| said.text() == staged) {
        return None;
    }
    let mut words = vec!["commit-tree", "-m", "What was staged"];
    if head {
        words.extend(["-p", "HEAD"]);
    }
    words.push(&staged);
    Some(git.as_us(worktree, &words).answer().await.ok()?.text())
}
