//! The project's own command that makes a new worktree ready, such as an installation of packages: with a time limit,
//! and with all that it says in a log.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use crate::session::environment::Environment;

/// From being asked to end to being ended.
const GOODBYE: Duration = Duration::from_secs(2);
/// Of the log that an error tells.
const TOLD: u64 = 1_500;

/// A command that is run in a new worktree.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The program and its arguments; it is the operator's own, so a shell may be among them.
    pub command: Vec<OsString>,
    pub environment: Environment,
    pub limit: Duration,
    /// Where all that it says is kept; an older log is overwritten.
    pub log: PathBuf,
}

/// Why a worktree could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the setup command could not be started: {0}")]
    NotStarted(std::io::Error),
    #[error("the setup command did not end within {} s; see {}\n{said}", limit.as_secs_f32(), log.display())]
    TooLong { limit: Duration, log: PathBuf, said: String },
    #[error("the setup command failed ({status}); see {}\n{said}", log.display())]
    Failed { status: std::process::ExitStatus, log: PathBuf, said: String },
}

/// Ends all that the command has started, when nobody waits for it any more.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

pub(super) async fn run(worktree: &Path, setup: &Setup) -> Result<(), SetupError> {
    let Some((program, arguments)) = setup.command.split_first() else { return Ok(()) };
    let mut options = fs::OpenOptions::new();
    let log = options.create(true).write(true).truncate(true).mode(0o600).open(&setup.log);
    let log = log.map_err(SetupError::NotStarted)?;
    let second = log.try_clone().map_err(SetupError::NotStarted)?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(setup.environment.iter()).current_dir(worktree);
    command.stdin(Stdio::null()).stdout(log).stderr(second).process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(SetupError::NotStarted)?;
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    let mut group = Group(pid);
    let (limit, log) = (setup.limit, setup.log.clone());
    match tokio::time::timeout(limit, child.wait()).await {
        Ok(Ok(status)) if status.success() => {
            // What it left in the background, such as a database, is the worktree's.
            group.0 = None;
            Ok(())
        }
        Ok(Ok(status)) => Err(SetupError::Failed { status, said: end_of(&log), log }),
        Ok(Err(error)) => Err(SetupError::NotStarted(error)),
        Err(_) => {
            if let Some(pid) = pid {
                let _ = kill_process_group(pid, Signal::TERM);
            }
            // The rest is ended by force when the group is dropped.
            let _ = tokio::time::timeout(GOODBYE, child.wait()).await;
            Err(SetupError::TooLong { limit, said: end_of(&log), log })
        }
    }
}

/// The last lines of a log, without control characters.
fn end_of(log: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TOLD)))?;
        let mut end = Vec::new();
        file.take(TOLD).read_to_end(&mut end)?;
        Ok(end)
    };
    let end = read().unwrap_or_default();
    let end = String::from_utf8_lossy(&end);
    let plain: String = end.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    plain.trim().to_owned()
}
