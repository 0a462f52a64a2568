//! A tmux server of our own: its place, its settings, and how it is spoken to.
//!
//! Facts about tmux are of trials with 3.3a. A server keeps the environment and the folder of whoever started it,
//! so it is started from a folder that stays, with a small environment. Without its socket it is unreachable and
//! lives on; at SIGUSR1 it makes the socket anew.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Signal, getuid, pidfd_send_signal};

use super::ending::watched;
use super::procfs::Process;
use crate::session::environment::Environment;
use crate::session::tool::{Answer, Asked, ToolError, version_in};

/// `sun_path` holds 108 bytes, with a zero at the end.
const LONGEST_SOCKET: usize = 107;
/// `-f` formats, `paste-buffer -p` and `remain-on-exit` as they are used here.
const OLDEST: (u32, u32) = (3, 2);
const OLDEST_WORDS: &str = "3.2";
/// How long a server may take to make its socket anew.
const MENDING: Duration = Duration::from_secs(2);
const MENDING_STEP: Duration = Duration::from_millis(20);

/// A pane stays when its program ends, so that its end can be seen; keys are passed on as they are; nothing
/// that a program prints can name windows or reach a clipboard.
const SETTINGS: &str = "\
set -g remain-on-exit on
set -s exit-empty off
set -s exit-unattached off
set -s extended-keys off
set -s escape-time 20
set -s set-clipboard off
set -s command-alias ''
set -g update-environment ''
set -g default-shell /bin/sh
set -g allow-rename off
set -g automatic-rename off
set -g set-titles off
set -g visual-bell off
set -g bell-action none
set -g history-limit 20000
set -g window-size latest
set -g default-size 200x50
set -g status-right ''
";

/// Why there is no place for a server.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// No socket can be made there.
    #[error(
        "{} is too long for a socket ({bytes} bytes; {LONGEST_SOCKET} is the limit): choose a shorter folder for data",
        path.display()
    )]
    TooLong { path: PathBuf, bytes: usize },
    /// The folder belongs to somebody else, or others may write into it.
    #[error("{} must belong to us alone", .0.display())]
    NotOurs(PathBuf),
    /// It cannot be made.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Where a server has its socket, its settings, and the files that agents are started from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
}

impl Place {
    /// The folder `tmux` inside `data`, made where it is not there. Where its path is too long for a socket, one
    /// of its own inside `short` (such as `XDG_RUNTIME_DIR`) is taken.
    ///
    /// # Errors
    /// Both are too long, or not ours alone, or cannot be made.
    pub fn choose(data: &Path, short: &Path) -> Result<Self, PlaceError> {
        let inside = data.join("tmux");
        let folder = match fits(&inside) {
            Ok(()) => inside,
            Err(error) => {
                let name = format!("nudged-{}-{:016x}", getuid().as_raw(), name_of(data));
                let outside = short.join(name);
                if fits(&outside).is_err() {
                    return Err(error);
                }
                outside
            }
        };
        make_ours(&folder)?;
        make_ours(&folder.join("launch"))?;
        Ok(Self { folder })
    }

    /// The server's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("s")
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.folder.join("tmux.conf")
    }

    pub(super) fn launch_file(&self, launch_id: &str) -> PathBuf {
        self.folder.join("launch").join(launch_id)
    }

    /// Makes it again where somebody has removed it.
    pub(super) fn keep(&self) -> io::Result<()> {
        let made = make_ours(&self.folder).and_then(|()| make_ours(&self.folder.join("launch")));
        made.map_err(|error| io::Error::other(error.to_string()))?;
        if fs::read(self.settings()).ok().as_deref() != Some(SETTINGS.as_bytes()) {
            fs::write(self.settings(), SETTINGS)?;
        }
        Ok(())
    }
}

fn fits(folder: &Path) -> Result<(), PlaceError> {
    let path = folder.join("s");
    let bytes = path.as_os_str().as_bytes().len();
    if bytes > LONGEST_SOCKET { Err(PlaceError::TooLong { path, bytes }) } else { Ok(()) }
}

/// A number that stands for a path (FNV-1a): the same at every start.
fn name_of(path: &Path) -> u64 {
    let bytes = path.as_os_str().as_bytes().iter();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A folder that nobody else may look into.
pub(in crate::session) fn make_ours(folder: &Path) -> Result<(), PlaceError> {
    let io = |source| PlaceError::Io { path: folder.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
    let found = fs::symlink_metadata(folder).map_err(io)?;
    if !found.is_dir() || found.uid() != getuid().as_raw() {
        return Err(PlaceError::NotOurs(folder.to_owned()));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(io)?;
    }
    Ok(())
}

/// How the server is asked.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) program: OsString,
    pub(super) place: Place,
    pub(super) environment: Environment,
    /// For one question.
    pub(super) limit: Duration,
}

impl Client {
    /// One question, which may be several commands with `;` between.
    pub(super) async fn ask<'a>(
        &self,
        words: impl IntoIterator<Item = &'a str>,
        input: &[u8],
    ) -> Result<Answer, ToolError> {
        let mut arguments: Vec<OsString> = vec![
            "-S".into(),
            self.place.socket().into(),
            "-f".into(),
            self.place.settings().into(),
        ];
        arguments.extend(words.into_iter().map(OsString::from));
        self.asked(arguments, input).answer().await
    }

    /// Says by name where tmux is missing or too old; else its version.
    pub(super) async fn version(&self) -> Result<String, ToolError> {
        let said = self.asked(vec!["-V".into()], b"").answer().await?.text();
        match version_in(&said) {
            Some(found) if found < OLDEST => Err(ToolError::TooOld {
                name: "tmux",
                found: said.trim_start_matches("tmux ").to_owned(),
                needed: OLDEST_WORDS,
            }),
            _ => Ok(said),
        }
    }

    fn asked(&self, arguments: Vec<OsString>, input: &[u8]) -> Asked {
        let folder = self.place.folder();
        Asked {
            name: "tmux",
            program: self.program.clone(),
            arguments,
            environment: self.environment.clone(),
            // The first question starts the server, which stays in this folder.
            folder: folder.is_dir().then(|| folder.to_owned()),
            input: input.to_vec(),
            limit: self.limit,
        }
    }

    /// Somebody listens at the socket.
    pub(super) fn is_reachable(&self) -> bool {
        UnixStream::connect(self.place.socket()).is_ok()
    }

    /// Has a living server make its socket anew. Whether it can be reached now.
    pub(super) async fn mend(&self, server: Process) -> bool {
        if self.place.keep().is_err() {
            return false;
        }
        let Some(fd) = watched(server) else { return false };
        if pidfd_send_signal(&fd, Signal::USR1).is_err() {
            return false;
        }
        let until = tokio::time::Instant::now() + MENDING;
        while tokio::time::Instant::now() < until {
            if self.is_reachable() {
                tracing::warn!(pid = server.pid, "the tmux server had lost its socket: it is back");
                return true;
            }
            tokio::time::sleep(MENDING_STEP).await;
        }
        false
    }
}

/// Whether an error says that nobody listens at the socket. A missing socket, a missing folder and a dead server
/// all read alike.
pub(super) fn is_unreachable(error: &ToolError) -> bool {
    let said = error.said();
    said.contains("error connecting to")
        || said.contains("no server running")
        || said.contains("server exited")
        || said.contains("lost server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_place() {
        let home = tempfile::tempdir().expect("a folder");
        let short = Place::choose(home.path(), Path::new("/nowhere")).expect("a place");
        assert_eq!(short.socket(), home.path().join("tmux/s"));
        let long = home.path().join("x".repeat(100));
        let other = Place::choose(&long, home.path()).expect("a place");
        assert_eq!(other.socket().parent().and_then(Path::parent), Some(home.path()));
        assert!(other.socket().as_os_str().len() <= LONGEST_SOCKET);
        assert_eq!(Place::choose(&long, home.path()).expect("the same"), other);
        let error = Place::choose(&long, &long).expect_err("too long").to_string();
        assert!(error.contains("too long for a socket") && error.contains("107"), "{error}");
    }
}
