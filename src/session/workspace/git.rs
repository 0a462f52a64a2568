//! git, as it is asked here: never through a shell, never asking a person, each question with a time limit.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Workspace, WorkspaceError};
use crate::session::environment::Environment;
use crate::session::tool::{Answer, Asked, ToolError, version_in};

/// `worktree list --porcelain -z` came with 2.36.
const OLDEST: (u32, u32) = (2, 36);
const OLDEST_WORDS: &str = "2.36";
/// What only looks.
const LOOK: Duration = Duration::from_secs(60);
/// What writes or removes a whole tree, or asks a remote.
const WORK: Duration = Duration::from_secs(600);

/// git, and the environment that it gets.
#[derive(Debug, Clone)]
pub struct Git {
    program: OsString,
    environment: Environment,
    /// One at a time of what makes, removes or lists worktrees of a repository: git itself stumbles over a worktree that
    /// is half made.
    turns: Arc<StdMutex<HashMap<PathBuf, Arc<Mutex<()>>>>>,
}

/// A worktree, as `git worktree list` tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// `refs/heads/…`; empty where no branch is checked out.
    pub(super) branch: String,
    /// Its folder is gone.
    pub(super) is_prunable: bool,
}

impl Entry {
    pub(super) fn is_on(&self, branch: &str) -> bool {
        self.branch.strip_prefix("refs/heads/") == Some(branch)
    }
}

impl Git {
    /// `program` is looked up in the environment's `PATH`.
    pub fn new(program: impl Into<OsString>, environment: Environment) -> Self {
        // Nobody is there to be asked, and errors are read.
        let environment = environment
            .with("GIT_TERMINAL_PROMPT", "0")
            .with("GIT_ASKPASS", "true")
            .with("SSH_ASKPASS", "true")
            .with("GIT_EDITOR", "true")
            .with("LC_ALL", "C");
        Self { program: program.into(), environment, turns: Arc::default() }
    }

    async fn turn(&self, repository: &Path) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(repository.to_owned()).or_default())
        };
        turn.lock_owned().await
    }

    pub(super) async fn version(&self) -> Result<String, ToolError> {
        let said = self.asked(None, ["--version"], LOOK).answer().await?.text();
        match version_in(&said) {
            Some(found) if found < OLDEST => Err(ToolError::TooOld {
                name: "git",
                found: said.trim_start_matches("git version ").to_owned(),
                needed: OLDEST_WORDS,
            }),
            _ => Ok(said),
        }
    }

    /// A question that changes nothing, asked in a folder; the index is not refreshed on the way.
    pub(super) async fn look<'a>(
        &self,
        folder: &Path,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<Answer, ToolError> {
        let mut asked = self.asked(Some(folder), words, LOOK);
        asked.environment.set("GIT_OPTIONAL_LOCKS", "0");
        asked.answer().await
    }

    /// Work in a folder.
    pub(super) async fn work<'a>(
        &self,
        folder: &Path,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<Answer, ToolError> {
        self.asked(Some(folder), words, WORK).answer().await
    }

    pub(super) fn asked<'a>(
        &self,
        folder: Option<&Path>,
        words: impl IntoIterator<Item = &'a str>,
        limit: Duration,
    ) -> Asked {
        Asked {
            name: "git",
            program: self.program.clone(),
            arguments: words.into_iter().map(OsString::from).collect(),
            environment: self.environment.clone(),
            folder: folder.map(Path::to_owned),
            input: Vec::new(),
            limit,
        }
    }

    /// Work with another index file.
    pub(super) fn with_index(&self, folder: &Path, words: &[&str], index: &OsStr) -> Asked {
        let mut asked = self.asked(Some(folder), words.iter().copied(), WORK);
        asked.environment.set("GIT_INDEX_FILE", index);
        asked
    }

    /// Work that makes a commit of ours.
    pub(super) fn as_us(&self, folder: &Path, words: &[&str]) -> Asked {
        let mut asked = self.asked(Some(folder), words.iter().copied(), WORK);
        for who in ["AUTHOR", "COMMITTER"] {
            asked.environment.set(format!("GIT_{who}_NAME"), "nudged");
            asked.environment.set(format!("GIT_{who}_EMAIL"), "nudged@localhost");
        }
        asked
    }

    pub(super) async fn check_repository(&self, folder: &Path) -> Result<(), WorkspaceError> {
        let refused = || WorkspaceError::NotARepository(folder.to_owned());
        if !folder.is_absolute() || !folder.is_dir() {
            return Err(refused());
        }
        match self.look(folder, ["rev-parse", "--git-common-dir"]).await {
            Ok(_) => Ok(()),
            Err(ToolError::Refused { said, .. }) if said.contains("not a git repository") => {
                Err(refused())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a branch may be called so. A leading dash, spaces and control characters are refused.
    pub(super) async fn check_branch(
        &self,
        folder: &Path,
        name: &str,
    ) -> Result<(), WorkspaceError> {
        let refused = || WorkspaceError::BadBranch(name.to_owned());
        if name.is_empty()
            || name.starts_with('-')
            || name.len() > 200
            || name == "HEAD"
            || name.contains(['@', '\0'])
                && (name == "@" || name.contains("@{") || name.contains('\0'))
        {
            return Err(refused());
        }
        match self.look(folder, ["check-ref-format", "--branch", name]).await {
            // `-` and `@{-1}` are expanded; a plain name comes back as it is.
            Ok(said) if said.text() == name => Ok(()),
            Ok(_) | Err(ToolError::Refused { .. }) => Err(refused()),
            Err(error) => Err(error.into()),
        }
    }

    /// The commit of a branch of ours; `None` where there is no such branch.
    pub(super) async fn branch(
        &self,
        folder: &Path,
        name: &str,
    ) -> Result<Option<String>, WorkspaceError> {
        let name = format!("refs/heads/{name}");
        match self.look(folder, ["rev-parse", "--verify", "--quiet", &name]).await {
            Ok(said) => Ok(Some(said.text())),
            Err(ToolError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The commit to begin with: what is asked for, else the main branch of `origin`, else what is checked out.
    pub(super) async fn base(
        &self,
        folder: &Path,
        from: Option<&str>,
    ) -> Result<String, WorkspaceError> {
        let candidates =
            from.map_or_else(|| vec!["refs/remotes/origin/HEAD", "HEAD"], |from| vec![from]);
        for candidate in &candidates {
            let commit = format!("{candidate}^{{commit}}");
            let words = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
            match self.look(folder, words).await {
                Ok(said) => return Ok(said.text()),
                Err(ToolError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(WorkspaceError::NoBase(candidates.last().copied().unwrap_or_default().to_owned()))
    }

    /// All worktrees of a repository, the main one first.
    pub(super) async fn worktrees(&self, folder: &Path) -> Result<Vec<Entry>, WorkspaceError> {
        let _turn = self.turn(folder).await;
        let said = self.look(folder, ["worktree", "list", "--porcelain", "-z"]).await?;
        Ok(parse(&said.output))
    }

    /// Adds a worktree, locked. `is_again`: it takes over what git knows of a folder that is gone.
    pub(super) async fn add(
        &self,
        workspace: &Workspace,
        base: Option<&str>,
        reason: &str,
        is_again: bool,
    ) -> Result<(), WorkspaceError> {
        let mut words =
            vec!["worktree", "add", "--quiet", "--no-track", "--lock", "--reason", reason];
        if is_again {
            // Once for the folder that is gone, once for its lock.
            words.extend(["--force", "--force"]);
        }
        if base.is_some() {
            words.extend(["-b", &workspace.branch]);
        } else {
            words.retain(|word| *word != "--no-track");
        }
        let mut asked = self.asked(Some(&workspace.repository), words, WORK);
        asked.arguments.push("--".into());
        asked.arguments.push(workspace.path.clone().into());
        asked.arguments.push(base.unwrap_or(&workspace.branch).into());
        let _turn = self.turn(&workspace.repository).await;
        asked.answer().await?;
        Ok(())
    }

    /// Removes a worktree, whatever is in it. One that git does not know is no error.
    pub(super) async fn remove(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        let words = ["worktree", "remove", "--force", "--force", "--"];
        let mut asked = self.asked(Some(&workspace.repository), words, WORK);
        asked.arguments.push(workspace.path.clone().into());
        let _turn = self.turn(&workspace.repository).await;
        match asked.answer().await {
            Ok(_) => Ok(()),
            Err(ToolError::Refused { said, .. }) if said.contains("is not a working tree") => {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a branch that still is where it was made.
    pub(super) async fn forget_branch(
        &self,
        folder: &Path,
        name: &str,
        at: &str,
    ) -> Result<(), WorkspaceError> {
        if self.branch(folder, name).await?.as_deref() == Some(at) {
            let name = format!("refs/heads/{name}");
            self.work(folder, ["update-ref", "-d", &name, at]).await?;
        }
        Ok(())
    }

    /// A path that git tells of, such as `--git-common-dir`, as an absolute one.
    pub(super) async fn path(&self, folder: &Path, words: &[&str]) -> Result<PathBuf, ToolError> {
        let all = ["rev-parse", "--path-format=absolute"].into_iter().chain(words.iter().copied());
        let mut said = self.look(folder, all).await?.output;
        if said.last() == Some(&b'\n') {
            said.pop();
        }
        Ok(PathBuf::from(OsString::from_vec(said)))
    }
}

fn parse(listing: &[u8]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in listing.split(|byte| *byte == 0) {
        if let Some(path) = line.strip_prefix(b"worktree ") {
            let path = PathBuf::from(OsString::from_vec(path.to_vec()));
            entries.push(Entry { path, ..Entry::default() });
        } else if let Some(entry) = entries.last_mut() {
            if let Some(branch) = line.strip_prefix(b"branch ") {
                entry.branch = String::from_utf8_lossy(branch).into_owned();
            }
            entry.is_prunable |= line == b"prunable" || line.starts_with(b"prunable ");
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read_whatever_the_paths_are() {
        let listing = b"worktree /a b\nc\0HEAD 1\0branch refs/heads/main\0\0worktree /d\0HEAD 2\0\
            branch refs/heads/x/y\0locked\0prunable gitdir file points to non-existent location\0\0";
        let entries = parse(listing);
        assert_eq!(entries[0].path, Path::new("/a b\nc"));
        assert!(entries[1].is_on("x/y") && !entries[1].is_on("y") && entries[1].is_prunable);
        assert!(!entries[0].is_prunable);
    }
}
