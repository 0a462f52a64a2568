//! Processes as Linux shows them under `/proc`: who is alive, who descends from whom, who bears a mark.
//!
//! Form of `/proc/PID/stat`: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>.

use std::collections::HashSet;
use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

/// A process that cannot be taken for another one, even where its number is given out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    pub pid: i32,
    /// When it began, in clock ticks since the machine started.
    pub started: u64,
}

/// Whether a process is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Alive,
    /// It is gone, or only waits to be reaped.
    Dead,
    /// That could not be read.
    Unknown,
}

/// One line of `/proc/PID/stat`, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    pub pid: i32,
    /// The first 15 bytes of the program's name.
    pub name: String,
    /// `R`, `S`, `D`, `T`, `Z`, …
    pub state: char,
    pub parent: i32,
    pub group: i32,
    /// The process group in the foreground of its terminal; -1 without a terminal.
    pub foreground: i32,
    pub started: u64,
}

impl Stat {
    /// Who it is.
    pub const fn process(&self) -> Process {
        Process { pid: self.pid, started: self.started }
    }

    /// It does not only wait to be reaped.
    pub const fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

impl Process {
    /// The process that has this number now.
    pub fn of(pid: i32) -> Option<Self> {
        stat(pid).ok().flatten().map(|stat| stat.process())
    }

    /// Whether it is still there.
    pub fn life(self) -> Life {
        match stat(self.pid) {
            Ok(Some(stat)) if stat.started == self.started && stat.is_alive() => Life::Alive,
            Ok(_) => Life::Dead,
            Err(_) => Life::Unknown,
        }
    }

    /// It is there for sure.
    pub fn is_alive(self) -> bool {
        self.life() == Life::Alive
    }
}

/// What tells one start of the machine from the next. `None` where it cannot be read.
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// What is known of a process; `None` where there is none.
///
/// # Errors
/// It cannot be read, which says nothing of the process.
pub fn stat(pid: i32) -> io::Result<Option<Stat>> {
    match fs::read(format!("/proc/{pid}/stat")) {
        Ok(line) => Ok(parse(&String::from_utf8_lossy(&line))),
        Err(error) if is_gone(&error) => {
            // Without `/proc` nothing can be said of anybody.
            if pid != 1 && fs::metadata("/proc/self").is_err() { Err(error) } else { Ok(None) }
        }
        Err(error) => Err(error),
    }
}

/// All processes.
pub fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| stat(pid).ok().flatten()).collect()
}

/// Whether a variable stands in the environment that a process was started with: `mark` is `NAME=VALUE`.
pub fn bears(pid: i32, mark: &str) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
}

/// The program and the arguments of a process; empty where it is gone.
pub fn arguments(pid: i32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line);
    let line = line.trim_end_matches('\0');
    if line.is_empty() { Vec::new() } else { line.split('\0').map(str::to_owned).collect() }
}

/// All that descends from `root` or bears the mark, and what descends from these; never one of `spared`.
pub fn kin(root: Option<Process>, mark: &str, spared: &[i32]) -> Vec<Process> {
    let all = all();
    let mut found: HashSet<i32> = HashSet::new();
    for stat in all.iter().filter(|stat| stat.is_alive()) {
        if root == Some(stat.process()) || bears(stat.pid, mark) {
            found.insert(stat.pid);
        }
    }
    found.retain(|pid| !spared.contains(pid));
    // Parents can have higher numbers than their children, so it goes on until nobody is added.
    loop {
        let before = found.len();
        for stat in &all {
            if found.contains(&stat.parent) && !spared.contains(&stat.pid) {
                found.insert(stat.pid);
            }
        }
        if found.len() == before {
            break;
        }
    }
    let is_kin = |stat: &&Stat| stat.is_alive() && found.contains(&stat.pid);
    all.iter().filter(is_kin).map(Stat::process).collect()
}

/// Programs that execute what is typed into them.
const SHELLS: &[&str] = &[
    "ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "pwsh", "rbash", "rksh",
    "sh", "tcsh", "xonsh", "yash", "zsh",
];

/// Whether a program with these arguments executes what is typed into it: a shell that was given no script.
pub fn is_shell(arguments: &[String]) -> bool {
    let Some((program, rest)) = arguments.split_first() else { return false };
    let name = program.rsplit('/').next().unwrap_or(program).trim_start_matches('-');
    SHELLS.contains(&name) && rest.iter().all(|argument| argument.starts_with('-'))
}

fn is_gone(error: &io::Error) -> bool {
    // ESRCH: it ended while it was being read.
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3)
}

/// The name may hold spaces and parentheses, so the fields are counted from the last one.
fn parse(line: &str) -> Option<Stat> {
    let (head, tail) = line.rsplit_once(')')?;
    let (pid, name) = head.split_once(" (")?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    Some(Stat {
        pid: pid.trim().parse().ok()?,
        name: name.to_owned(),
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        foreground: fields.get(5)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_program_is_called() {
        let line = "4711 (a ) S b) Z 12 13 14 34816 15 4194560 0 0 0 0 0 0 0 0 20 0 1 0 123456 0 0";
        let stat = parse(line).expect("a line");
        assert_eq!((stat.pid, stat.name.as_str(), stat.state), (4711, "a ) S b", 'Z'));
        assert_eq!((stat.parent, stat.group, stat.foreground), (12, 13, 15));
        assert_eq!(stat.process(), Process { pid: 4711, started: 123_456 });
        assert!(!stat.is_alive());
        assert_eq!(parse("4711 (cut off"), None);
    }

    #[test]
    fn we_are_alive_and_nobody_else_is_us() {
        let us = Process::of(std::process::id().cast_signed()).expect("us");
        assert_eq!(us.life(), Life::Alive);
        assert_eq!(Process { started: us.started + 1, ..us }.life(), Life::Dead);
        assert_eq!(Process { pid: i32::MAX, started: 0 }.life(), Life::Dead);
        assert!(boot_id().is_some_and(|id| id.len() == 36));
        assert!(kin(Some(us), "NO_SUCH=MARK", &[]).contains(&us));
        assert!(!kin(Some(us), "NO_SUCH=MARK", &[us.pid]).contains(&us));
    }

    #[test]
    fn a_shell_is_one_that_was_given_no_script() {
        let is_shell =
            |line: &str| is_shell(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert!(is_shell("-bash") && is_shell("/bin/sh -i") && is_shell("zsh -l"));
        assert!(!is_shell("bash agent.sh") && !is_shell("claude") && !is_shell("sh -c agent"));
    }
}
