//! How a hook that waits beside an agent is given something to say: files in the session's folder.
//!
//! The server puts a file `offer-ID` there and rings; who renames it to `taken-ID` has it, and only one can: a waiting
//! hook, a hook that answers a `Stop`, or the server itself, which takes it back by removing it. So it is always known
//! whether it was taken. Whether a hook waits is seen by its lock, which ends with its process.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, fcntl_lock, mkfifoat};
use rustix::process::{Flock, FlockType, Pid, fcntl_getlk};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::word_of;
use crate::session::harness::notes::{make_folder, replace};
use crate::session::harness::report::{Hook, remember_answer};

/// Something to be said. Hooks may say no more than 10,000 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub mark: String,
    pub text: String,
}

/// The most characters that an [`Offer`] may have.
pub const MOST: usize = 9_500;

fn room(folder: &Path) -> PathBuf {
    folder.join("wake")
}

fn offered(folder: &Path, mark: &str) -> PathBuf {
    room(folder).join(format!("offer-{}", word_of(mark)))
}

fn taken(folder: &Path, mark: &str) -> PathBuf {
    room(folder).join(format!("taken-{}", word_of(mark)))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Takes the lock of the hook that waits, for as long as the file is open and this process lives. `Err`: the process
/// that has it.
pub(super) fn lock(folder: &Path) -> io::Result<Result<File, Option<Pid>>> {
    make_folder(&room(folder))?;
    let file = open(&room(folder).join("lock"))?;
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Ok(file)),
        Err(error) if error == rustix::io::Errno::AGAIN || error == rustix::io::Errno::ACCESS => {
            Ok(Err(holder(&file)?))
        }
        Err(error) => Err(error.into()),
    }
}

fn holder(file: &File) -> io::Result<Option<Pid>> {
    let found = fcntl_getlk(file, &Flock::from(FlockType::WriteLock))?;
    Ok(found.and_then(|lock| lock.pid))
}

/// Whether a hook waits. Looking does not disturb one that is about to.
pub fn is_armed(folder: &Path) -> bool {
    let file = OpenOptions::new().read(true).write(true).open(room(folder).join("lock"));
    file.is_ok_and(|file| holder(&file).is_ok_and(|pid| pid.is_some()))
}

/// What the hook that waits is woken by.
pub(super) fn bell(folder: &Path) -> io::Result<File> {
    let path = room(folder).join("bell");
    match mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    // Open for both, it neither waits for the other side nor ends with it.
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(&path, flags, Mode::empty())?))
}

/// Puts an offer there.
///
/// # Errors
/// It cannot be written; it is not there then.
pub fn offer(folder: &Path, offer: &Offer) -> io::Result<()> {
    make_folder(&room(folder))?;
    replace(&offered(folder, &offer.mark), &serde_json::to_vec(offer)?, 0o600)?;
    if let Ok(bell) = bell(folder) {
        // A full pipe has woken it already.
        let _ = rustix::io::write(&bell, b".");
    }
    Ok(())
}

/// Takes an offer back. `true`: nobody has taken it, and nobody can any more.
pub(super) fn withdraw(folder: &Path, mark: &str) -> bool {
    fs::remove_file(offered(folder, mark)).is_ok()
}

/// Whether an offer was taken by a hook.
pub fn was_taken(folder: &Path, mark: &str) -> bool {
    taken(folder, mark).exists()
}

/// Takes what is offered, if there is anything.
pub(super) fn take(folder: &Path) -> Option<Offer> {
    for entry in fs::read_dir(room(folder)).ok()?.flatten() {
        let name = entry.file_name();
        let Some(word) = name.to_str().and_then(|name| name.strip_prefix("offer-")) else {
            continue;
        };
        // One that is still being written.
        if word.contains('.') {
            continue;
        }
        let to = room(folder).join(format!("taken-{word}"));
        if fs::rename(entry.path(), &to).is_err() {
            continue;
        }
        if let Some(offer) = fs::read(&to).ok().and_then(|text| serde_json::from_slice(&text).ok())
        {
            return Some(offer);
        }
    }
    None
}

/// What Claude Code's `Stop` hook answers, where something is offered and no hook waits for it: with it the turn goes
/// on. To be printed to stdout.
pub fn answer_stop(folder: &Path, hook: &Hook) -> Option<String> {
    if hook.event.name != "Stop" || hook.event.of_subagent || is_armed(folder) {
        return None;
    }
    let offer = take(folder)?;
    // Without it the proof is looked for in the transcript.
    let _ = remember_answer(folder, &offer.mark);
    let answer =
        json!({"hookSpecificOutput": {"hookEventName": "Stop", "additionalContext": offer.text}});
    Some(answer.to_string())
}
