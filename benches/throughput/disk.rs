//! The disk below the databases: how long a sync takes, and large files on it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::fs::{Advice, fadvise};

use super::table::{millis, percentile};

const SYNCS: usize = 200;
/// What an append writes: a page of the database.
const PAGE: usize = 4096;

/// How long `fdatasync` takes after an append: sorted times.
pub(super) struct Syncs(Vec<Duration>);

impl Syncs {
    /// Measures in that folder.
    pub(super) fn measure(folder: &Path) -> Result<Self> {
        let mut file = tempfile::tempfile_in(folder)?;
        let mut times = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let begun = Instant::now();
            file.write_all(&[0x6e; PAGE])?;
            rustix::fs::fdatasync(&file)?;
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        Ok(Self(times))
    }
}

impl std::fmt::Display for Syncs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = |percent| millis(percentile(&self.0, percent));
        write!(f, "fdatasync after 4 KiB: {} ms (p10 {}, p99 {})", at(50), at(10), at(99))
    }
}

/// The work that waits for a processor, as an average over a minute, where there is a `/proc`.
pub(super) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Copies a file, sharing its blocks where the file system can, and waits until it is on disk, so that
/// nothing of it is written during a run.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)?;
    File::open(to)?.sync_all()?;
    Ok(())
}

/// Lets the system forget what it has of the file in memory, as after a start of the machine.
pub(super) fn forget(path: &Path) -> Result<()> {
    let file = File::open(path)?;
    file.sync_all()?;
    fadvise(&file, 0, None, Advice::DontNeed)?;
    Ok(())
}
