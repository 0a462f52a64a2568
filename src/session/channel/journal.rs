//! Which channel a message left by: written before it leaves, so that after a crash the right record is asked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Leave, word_of};
use crate::session::Later;
use crate::session::harness::ChannelName;
use crate::session::harness::notes::{make_folder, replace};

fn path(folder: &Path, mark: &str) -> PathBuf {
    folder.join("told").join(word_of(mark))
}

/// By which channel it left, or was about to. `None`: by none.
pub(super) fn channel_of(folder: &Path, mark: &str) -> Option<ChannelName> {
    let word = fs::read_to_string(path(folder, mark)).ok()?;
    serde_json::from_value(word.trim().into()).ok()
}

/// It was taken back for sure.
pub(super) fn forget(folder: &Path, mark: &str) {
    // Where it stays, the channel's record is asked in vain, and says so.
    let _ = fs::remove_file(path(folder, mark));
}

fn write(folder: &Path, mark: &str, channel: ChannelName) -> io::Result<()> {
    make_folder(&folder.join("told"))?;
    replace(&path(folder, mark), channel.word().as_bytes(), 0o600)
}

/// Writes the channel down first, and asks then whether it may leave.
pub(super) struct Noted<'a> {
    pub(super) folder: &'a Path,
    pub(super) mark: &'a str,
    pub(super) channel: ChannelName,
    pub(super) leave: &'a dyn Leave,
    /// It was let go before, by a channel that has taken it back.
    pub(super) has_left: &'a AtomicBool,
}

impl Leave for Noted<'_> {
    fn leave(&self) -> Later<'_, bool> {
        Box::pin(async {
            if let Err(error) = write(self.folder, self.mark, self.channel) {
                tracing::warn!(folder = %self.folder.display(), %error, "nothing can be noted here");
                return false;
            }
            let may = self.has_left.load(Ordering::Relaxed) || self.leave.leave().await;
            self.has_left.store(may, Ordering::Relaxed);
            if !may {
                forget(self.folder, self.mark);
            }
            may
        })
    }
}
