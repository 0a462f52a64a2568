//! The file from which an agent is started, and the step that becomes the agent.
//!
//! What tmux is told can be read by everybody in its command line, and what it starts inherits its environment.
//! So it is told a file's name alone; the step reads the file, which only we can read, removes it, and becomes the
//! agent, without a shell between.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::session::environment::Environment;
use crate::session::harness::notes::replace;

/// The variable by which all that an agent starts is found again.
pub const MARK: &str = "NUDGED_LAUNCH_ID";
/// What the terminal that it is started in says of itself, and an agent has to know.
const OF_THE_TERMINAL: &[&str] = &["TERM", "COLORTERM"];
/// How long a server beside may take until it listens.
const BESIDE: Duration = Duration::from_secs(20);
const BESIDE_STEP: rustix::event::Timespec =
    rustix::event::Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// Linux takes no longer argument or variable.
const MOST_BYTES: usize = 128 * 1024 - 1;

/// One start of a program in a runtime.
#[derive(Debug, Clone)]
pub struct Launch {
    /// What the runtime is to call it: letters, digits, `-` and `_`.
    pub name: String,
    /// The mark of this start, of the same letters; another one every time.
    pub launch_id: String,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    pub environment: Environment,
    /// Where it runs.
    pub folder: PathBuf,
    /// What has to run before it.
    pub beside: Option<Beside>,
}

/// A server that a program has beside it, in the same terminal: it ends with it. Its output goes to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    pub log: PathBuf,
    /// Once somebody listens here the program itself is started.
    pub socket: PathBuf,
}

/// Bytes of a word that need not be UTF-8.
type Bytes = Vec<u8>;

#[derive(Serialize, Deserialize)]
struct LaunchFile {
    command: Vec<Bytes>,
    environment: Vec<(Bytes, Bytes)>,
    folder: Bytes,
    beside: Option<BesideFile>,
}

#[derive(Serialize, Deserialize)]
struct BesideFile {
    command: Vec<Bytes>,
    log: Bytes,
    socket: Bytes,
}

impl Launch {
    /// `NAME=VALUE`, as it stands in the environment of all that comes of this start.
    pub fn mark(&self) -> String {
        mark(&self.launch_id)
    }

    /// Says what cannot be started, before anything is made.
    pub(super) fn check(&self) -> Result<(), String> {
        if !is_plain(&self.name) || !is_plain(&self.launch_id) {
            return Err(format!("`{}` is no name for a runtime", self.name.escape_debug()));
        }
        let variables = self.environment.iter().flat_map(|(name, value)| [name, value]);
        let beside = self.beside.iter().flat_map(|it| &it.command);
        let words = self.command.iter().chain(beside).map(OsString::as_os_str).chain(variables);
        for word in words.chain([self.folder.as_os_str()]) {
            if word.as_bytes().contains(&0) {
                return Err("a text with a NUL character can be no argument".to_owned());
            }
            if word.len() > MOST_BYTES {
                return Err(format!(
                    "a text of {} KiB is too long for an argument",
                    word.len() >> 10
                ));
            }
        }
        if !self.folder.is_absolute() || !self.folder.is_dir() {
            return Err(format!("there is no folder {}", self.folder.display()));
        }
        match self.command.first() {
            Some(program) if !program.is_empty() => Ok(()),
            _ => Err("there is no program to start".to_owned()),
        }
    }

    /// Writes the file, which nobody else can read.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let pairs = self.environment.iter();
        let environment = pairs.map(|(name, value)| (name.into_bytes(), value.into_bytes()));
        let mut environment: Vec<_> = environment.collect();
        environment.push((MARK.into(), self.launch_id.clone().into()));
        let file = LaunchFile {
            command: self.command.iter().map(IntoBytes::into_bytes).collect(),
            environment,
            folder: self.folder.as_os_str().into_bytes(),
            beside: self.beside.as_ref().map(|it| BesideFile {
                command: it.command.iter().map(IntoBytes::into_bytes).collect(),
                log: it.log.as_os_str().into_bytes(),
                socket: it.socket.as_os_str().into_bytes(),
            }),
        };
        let text = serde_json::to_vec(&file)?;
        // A server that died in the middle of this start has left its own.
        replace(path, &text, 0o600)
    }
}

/// `NAME=VALUE` for the mark of a start.
pub fn mark(launch_id: &str) -> String {
    format!("{MARK}={launch_id}")
}

/// Letters, digits, `-` and `_`, not beginning with `-`: safe in file names, and in tmux's targets and formats.
pub fn is_plain(name: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.len() <= 100 && !name.starts_with('-') && name.bytes().all(is_fine)
}

/// Where it is left why a program could not be started: a terminal may lose what is said in it last.
pub(super) fn complaint_of(file: &Path) -> PathBuf {
    file.with_extension("failed")
}

/// Becomes the program of a launch file. `terminal` is the environment that the step itself was given.
///
/// # Errors
/// It comes back only where the file cannot be read or the program not be started.
pub fn become_agent(
    file: &Path,
    terminal: impl IntoIterator<Item = (OsString, OsString)>,
) -> io::Result<Infallible> {
    read_and_become(file, terminal).inspect_err(|error| {
        // It is said in the terminal, too.
        let _ = fs::write(complaint_of(file), error.to_string());
    })
}

fn read_and_become(
    file: &Path,
    terminal: impl IntoIterator<Item = (OsString, OsString)>,
) -> io::Result<Infallible> {
    let text = fs::read(file)?;
    fs::remove_file(file)?;
    let launch: LaunchFile = serde_json::from_slice(&text)?;
    let mut command = launch.command.into_iter().map(OsString::from_vec);
    let program = command.next().ok_or(io::ErrorKind::InvalidData)?;
    let folder = PathBuf::from(OsString::from_vec(launch.folder));
    let named = |error: io::Error, what: &dyn std::fmt::Display| {
        io::Error::new(error.kind(), format!("{what}: {error}"))
    };
    std::env::set_current_dir(&folder).map_err(|error| named(error, &folder.display()))?;
    let text = OsString::from_vec;
    let environment = launch.environment.into_iter();
    let environment: Vec<(OsString, OsString)> =
        environment.map(|(name, value)| (text(name), text(value))).collect();
    let terminal = terminal.into_iter();
    let terminal: Vec<_> =
        terminal.filter(|(name, _)| OF_THE_TERMINAL.iter().any(|known| name == known)).collect();
    let clean = |program: &OsString| {
        let mut command = Command::new(program);
        command.env_clear().envs(terminal.iter().cloned()).envs(environment.iter().cloned());
        command
    };
    let beside = launch.beside.map(|beside| start_beside(beside, &clean)).transpose()?;
    let error = clean(&program).args(command).exec();
    if let Some(mut server) = beside {
        // It may have ended by itself.
        let _ = server.kill();
    }
    Err(named(error, &program.display()))
}

/// Starts the server beside, and waits until it listens.
fn start_beside(beside: BesideFile, clean: &dyn Fn(&OsString) -> Command) -> io::Result<Child> {
    let mut words = beside.command.into_iter().map(OsString::from_vec);
    let program = words.next().ok_or(io::ErrorKind::InvalidData)?;
    let (log, socket) = (OsString::from_vec(beside.log), OsString::from_vec(beside.socket));
    // What an earlier one has left would be taken for it.
    let _ = fs::remove_file(&socket);
    let mut options = fs::OpenOptions::new();
    let log = options.write(true).create(true).truncate(true).mode(0o600).open(log)?;
    let mut command = clean(&program);
    command.args(words).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let failed = |why: String| io::Error::other(format!("{}: {why}", program.display()));
    let mut server = command.spawn().map_err(|error| failed(error.to_string()))?;
    let until = Instant::now() + BESIDE;
    while UnixStream::connect(&socket).is_err() {
        if let Some(status) = server.try_wait()? {
            return Err(failed(format!("it ended at once: {status}")));
        }
        if Instant::now() > until {
            server.kill()?;
            return Err(failed(format!("it did not listen within {} s", BESIDE.as_secs())));
        }
        let _ = rustix::event::poll(&mut [], Some(&BESIDE_STEP));
    }
    Ok(server)
}

trait IntoBytes {
    fn into_bytes(self) -> Bytes;
}

impl IntoBytes for &std::ffi::OsStr {
    fn into_bytes(self) -> Bytes {
        self.as_bytes().to_vec()
    }
}

impl IntoBytes for &OsString {
    fn into_bytes(self) -> Bytes {
        self.as_bytes().to_vec()
    }
}
