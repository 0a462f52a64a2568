//! Programs that are asked for something and answer at once, such as git and tmux: with a time limit, a limit of
//! what they may say, and errors that name them.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::environment::Environment;

/// Of what a program says about its failure.
const MOST_COMPLAINT: usize = 2_000;
/// Of what it answers, where nothing else is said.
const MOST_ANSWER: usize = 64 << 20;

/// Something that is asked of a program. Its arguments never go through a shell.
#[derive(Debug, Clone)]
pub struct Asked {
    /// How people call the program.
    pub name: &'static str,
    /// The executable: a path, or a name that is looked up in the environment's `PATH`.
    pub program: OsString,
    pub arguments: Vec<OsString>,
    pub environment: Environment,
    /// Where it runs.
    pub folder: Option<PathBuf>,
    /// What it reads.
    pub input: Vec<u8>,
    pub limit: Duration,
}

/// What a program answered, having ended well.
#[derive(Debug, Clone)]
pub struct Answer {
    pub output: Vec<u8>,
}

impl Answer {
    /// The output as text, without the last line's end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).trim_end_matches('\n').to_owned()
    }
}

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// There is no such program.
    #[error("{name} is not installed: `{program}` was not found")]
    Missing { name: &'static str, program: String },
    /// It is there, but too old to be used.
    #[error("{name} {found} is too old: {needed} or newer is needed")]
    TooOld { name: &'static str, found: String, needed: &'static str },
    /// It did not end in time, and was ended.
    #[error("`{what}` did not end within {} s", limit.as_secs_f32())]
    Hung { what: String, limit: Duration },
    /// It ended badly.
    #[error("`{what}` failed: {said}")]
    Refused { what: String, status: ExitStatus, said: String },
    /// It said more than is read.
    #[error("`{what}` said more than {} MiB", most >> 20)]
    TooMuch { what: String, most: usize },
    /// It could not be started, or not be spoken to.
    #[error("`{what}` could not be run: {source}")]
    Io { what: String, source: io::Error },
}

impl ToolError {
    /// What the program itself said about its failure.
    pub fn said(&self) -> &str {
        match self {
            Self::Refused { said, .. } => said,
            Self::Missing { .. }
            | Self::TooOld { .. }
            | Self::Hung { .. }
            | Self::TooMuch { .. }
            | Self::Io { .. } => "",
        }
    }
}

/// Ends the whole process group of a program when nobody waits for it any more: its children hold files and
/// locks, too.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may have ended by itself meanwhile.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Asked {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The program is not there, did not end in time, or ended with another status than 0.
    pub async fn answer(self) -> Result<Answer, ToolError> {
        let what = self.what();
        let (status, output, complaint) = self.finish().await?;
        if status.success() {
            return Ok(Answer { output });
        }
        let mut said = complaint;
        if said.is_empty() {
            said = status.to_string();
        }
        Err(ToolError::Refused { what, status, said })
    }

    /// Asks, and waits for the end, whatever it is: status, output, and what was said on stderr.
    ///
    /// # Errors
    /// The program is not there, did not end in time, or cannot be spoken to.
    pub async fn finish(self) -> Result<(ExitStatus, Vec<u8>, String), ToolError> {
        let (what, limit) = (self.what(), self.limit);
        let mut child = self.spawn()?;
        let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let mut group = Group(pid);
        let io = |source| ToolError::Io { what: what.clone(), source };
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let input = self.input;
        let write = async move {
            if let Some(mut stdin) = stdin {
                // A program that does not read all it is given may still answer.
                let _ = stdin.write_all(&input).await;
            }
        };
        let talk = async {
            let ((), output, complaint, status) =
                tokio::join!(write, read(stdout, MOST_ANSWER), read(stderr, 1 << 20), child.wait());
            Ok::<_, io::Error>((status?, output?, complaint?))
        };
        let Ok(talked) = tokio::time::timeout(limit, talk).await else {
            return Err(ToolError::Hung { what, limit });
        };
        let (status, output, complaint) = talked.map_err(io)?;
        group.0 = None;
        if output.len() > MOST_ANSWER {
            return Err(ToolError::TooMuch { what, most: MOST_ANSWER });
        }
        Ok((status, output, complaint_of(&complaint)))
    }

    fn spawn(&self) -> Result<Child, ToolError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(self.environment.iter());
        command.stdin(if self.input.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        // A folder that is not there gives the same error.
        let is_folder = self.folder.as_ref().is_none_or(|folder| folder.is_dir());
        command.spawn().map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound && is_folder {
                let program = self.program.to_string_lossy().into_owned();
                return ToolError::Missing { name: self.name, program };
            }
            ToolError::Io { what: self.what(), source }
        })
    }

    /// The program and what is asked of it, short enough for an error.
    fn what(&self) -> String {
        let mut what = self.name.to_owned();
        for argument in &self.arguments {
            let argument = argument.to_string_lossy();
            let short: String = argument.chars().filter(|c| !c.is_control()).take(120).collect();
            what.push(' ');
            what.push_str(&short);
            if what.len() > 300 {
                what.push_str(" …");
                break;
            }
        }
        what
    }
}

/// Reads to the end; of what is beyond `most` one byte is kept, to be seen.
async fn read(from: Option<impl AsyncRead + Unpin>, most: usize) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return Ok(kept) };
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    (&mut from).take(most.saturating_add(1)).read_to_end(&mut kept).await?;
    // The rest is read too, or the program would wait for ever.
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(kept)
}

/// The end of what was said, without control characters.
fn complaint_of(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let plain: String = said.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    let plain = plain.trim();
    let cut = plain.len().saturating_sub(MOST_COMPLAINT);
    let cut = (cut..=plain.len()).find(|at| plain.is_char_boundary(*at)).unwrap_or(0);
    plain[cut..].to_owned()
}

/// The first number of a version, as `3.3` in `tmux 3.3a` or `2.47` in `git version 2.47.3`. `None` where there
/// is none, as in a build of the main branch: taken as new.
pub fn version_in(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut parts = text[start..].split(|c: char| !c.is_ascii_digit());
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(program: &str, arguments: &[&str], limit: u64) -> Asked {
        Asked {
            name: "tool",
            program: program.into(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment: Environment::default().with("PATH", "/usr/bin:/bin"),
            folder: None,
            input: Vec::new(),
            limit: Duration::from_millis(limit),
        }
    }

    #[tokio::test]
    async fn errors_name_what_went_wrong() {
        let missing = asked("no-such-tool-here", &[], 1_000).answer().await.expect_err("missing");
        assert_eq!(missing.to_string(), "tool is not installed: `no-such-tool-here` was not found");
        let hung = asked("sh", &["-c", "sleep 30 & wait"], 50).answer().await.expect_err("hung");
        assert!(hung.to_string().contains("did not end within 0.05 s"), "{hung}");
        let refused = asked("sh", &["-c", "printf 'no\\033[31mpe' >&2; exit 3"], 5_000);
        assert_eq!(refused.answer().await.expect_err("refused").said(), "no[31mpe");
        let echo = Asked { input: b"words".to_vec(), ..asked("cat", &[], 5_000) };
        assert_eq!(echo.answer().await.expect("an answer").text(), "words");
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(version_in("tmux 3.3a"), Some((3, 3)));
        assert_eq!(version_in("tmux next-3.5"), Some((3, 5)));
        assert_eq!(version_in("git version 2.47.3 (x 1)"), Some((2, 47)));
        assert_eq!(version_in("tmux master"), None);
    }
}
