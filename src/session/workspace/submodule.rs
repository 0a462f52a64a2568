//! Submodules of a worktree: they are not there by themselves, and their repositories lie inside the worktree's own,
//! so that what was only committed in one would go with it.

use std::path::Path;

use super::{Git, WorkspaceError};

/// Fetches them, where there are any.
pub(super) async fn fetch(git: &Git, worktree: &Path) -> Result<(), WorkspaceError> {
    if worktree.join(".gitmodules").is_file() {
        git.work(worktree, ["submodule", "update", "--init", "--recursive", "--quiet"]).await?;
    }
    Ok(())
}

/// The first initialised submodule with work that is nowhere else: changed or new files, or commits that no remote
/// has.
pub(super) async fn with_work(
    git: &Git,
    worktree: &Path,
) -> Result<Option<String>, WorkspaceError> {
    if !worktree.join(".gitmodules").is_file() {
        return Ok(None);
    }
    let listing = git.look(worktree, ["submodule", "status", "--recursive"]).await?.text();
    for line in listing.lines() {
        // ` COMMIT PATH (NAME)`; `-` first: it was never fetched.
        if line.starts_with('-') {
            continue;
        }
        let Some((_, rest)) = line.get(1..).and_then(|line| line.split_once(' ')) else { continue };
        let path = rest.rsplit_once(" (").map_or(rest, |(path, _)| path);
        let folder = worktree.join(path);
        let status =
            ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignore-submodules=none"];
        let is_changed = !git.look(&folder, status).await?.output.is_empty();
        let unpushed = ["rev-list", "--count", "HEAD", "--branches", "--not", "--remotes"];
        let stashed = ["rev-list", "--count", "--max-count=1", "--ignore-missing", "refs/stash"];
        let is_unpushed = git.look(&folder, unpushed).await?.text() != "0";
        let is_stashed =
            git.look(&folder, stashed).await.is_ok_and(|said| !matches!(&*said.text(), "" | "0"));
        if is_changed || is_unpushed || is_stashed {
            return Ok(Some(path.to_owned()));
        }
    }
    Ok(None)
}
