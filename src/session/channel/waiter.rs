//! The hook that waits beside Claude Code (`asyncRewake`): it ends with a text to say, or with its parent.
//!
//! One for a session: a second one ends at once. It holds nothing but a file and a pipe, and uses no time while it
//! waits.

use std::io;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};

use super::wake;
use crate::session::runtime::procfs;

/// How a wait ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waited {
    /// There is nothing to say: end with status 0.
    Nothing,
    /// To be written to stderr, and the status to be 2: the agent is woken with it.
    Woken { text: String },
}

/// The lock of a hook whose agent has just ended is free in a moment: so often it is tried.
const TRIES: u32 = 30;
const BETWEEN: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Waits. It blocks, and is meant to be all that its process does.
///
/// # Errors
/// The session's folder cannot be used.
pub fn wait(folder: &Path) -> io::Result<Waited> {
    let Some(parent) = getppid().filter(|parent| parent.as_raw_pid() != 1) else {
        return Ok(Waited::Nothing);
    };
    let parent_end = pidfd_open(parent, PidfdFlags::empty())?;
    // Its number could have been given out again meanwhile.
    if getppid() != Some(parent) {
        return Ok(Waited::Nothing);
    }
    let Some(_lock) = lock(folder, parent)? else { return Ok(Waited::Nothing) };
    let bell = wake::bell(folder)?;
    loop {
        let mut ready =
            [PollFd::new(&bell, PollFlags::IN), PollFd::new(&parent_end, PollFlags::IN)];
        let waited = match wake::take(folder) {
            Some(offer) => return Ok(Waited::Woken { text: offer.text }),
            None => poll(&mut ready, None),
        };
        match waited {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if !ready[1].revents().is_empty() {
            return Ok(Waited::Nothing);
        }
        // Emptied before the next look, so that no ring is lost.
        let mut rung = [0; 64];
        while rustix::io::read(&bell, &mut rung).is_ok_and(|count| count == rung.len()) {}
    }
}

fn lock(folder: &Path, parent: Pid) -> io::Result<Option<std::fs::File>> {
    for _ in 0..TRIES {
        let holder = match wake::lock(folder)? {
            Ok(lock) => return Ok(Some(lock)),
            Err(holder) => holder,
        };
        let of = holder
            .and_then(|pid| procfs::stat(pid.as_raw_pid()).ok().flatten())
            .map(|it| it.parent);
        if of == Some(parent.as_raw_pid()) {
            return Ok(None);
        }
        let _ = poll(&mut [], Some(&BETWEEN));
    }
    Ok(None)
}
