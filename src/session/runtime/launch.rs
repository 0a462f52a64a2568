//! The file from which an agent is started, and the step that becomes the agent.
//!
//! What tmux is told can be read by everybody in its command line, and what it starts inherits its environment.
//! So it is told a file's name alone; the step reads the file, which only we can read, removes it, and becomes the
//! agent, without a shell between.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::session::environment::Environment;

/// The variable by which all that an agent starts is found again.
pub const MARK: &str = "NUDGED_LAUNCH_ID";
/// What the terminal that it is started in says of itself, and an agent has to know.
const OF_THE_TERMINAL: &[&str] = &["TERM", "COLORTERM"];
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
}

/// Bytes of a word that need not be UTF-8.
type Bytes = Vec<u8>;

#[derive(Serialize, Deserialize)]
struct LaunchFile {
    command: Vec<Bytes>,
    environment: Vec<(Bytes, Bytes)>,
    folder: Bytes,
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
        let words = self.command.iter().map(OsString::as_os_str).chain(variables);
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
            command: self.command.iter().map(|word| word.into_bytes()).collect(),
            environment,
            folder: self.folder.as_os_str().into_bytes(),
        };
        let text = serde_json::to_vec(&file)?;
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&text)
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
    let environment = launch.environment.into_iter();
    let environment =
        environment.map(|(name, value)| (OsString::from_vec(name), OsString::from_vec(value)));
    let shown = program.clone();
    let terminal = terminal.into_iter();
    let terminal = terminal.filter(|(name, _)| OF_THE_TERMINAL.iter().any(|known| name == known));
    let error =
        Command::new(program).args(command).env_clear().envs(terminal).envs(environment).exec();
    Err(named(error, &shown.display()))
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
