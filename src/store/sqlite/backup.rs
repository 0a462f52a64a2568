//! A checked copy of the database while it is served.
//!
//! `VACUUM INTO` reads one snapshot, so that a server that writes meanwhile neither disturbs the copy
//! nor waits for it; the page-wise backup of SQLite would begin anew with every commit.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, InterruptHandle, OpenFlags};

use super::ServerLock;
use super::open::{beside, new_epoch, refuse_foreign, refuse_newer};
use super::read::bounds;
use crate::store::StoreError;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target must not be touched.
    #[error("{0}")]
    Refused(String),
    /// The copy is not whole.
    #[error("the copy is damaged ({0}): the database itself may be; `nudged doctor` checks it")]
    Damaged(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The database could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What was copied.
#[derive(Debug, Clone)]
pub struct Copied {
    /// Bytes of the copy.
    pub size: u64,
    /// The newest `seq` in it.
    pub head: i64,
    /// Its epoch: cursors of the original are of another one.
    pub epoch: String,
}

/// An open original and the name of the copy, both checked.
pub struct Backup {
    from: Connection,
    to: PathBuf,
    force: bool,
}

impl Backup {
    /// Opens the original, which must be there and ours, and looks at what is at the target.
    ///
    /// # Errors
    /// Something is there and `force` is not given, or it is a database that is served.
    pub fn begin(from: &Path, to: &Path, force: bool) -> Result<Self, BackupError> {
        let refused = |why: String| Err(BackupError::Refused(why));
        if !from.is_file() {
            let from = from.display();
            return refused(format!("there is no database {from}; say with --db where it is"));
        }
        if to.is_dir() || to.file_name().is_none() {
            return refused(format!("{} is a folder; name the file in it", to.display()));
        }
        let same = |a: &Path, b: &Path| a.canonicalize().ok().zip(b.canonicalize().ok());
        if same(from, to).is_some_and(|(from, to)| from == to) {
            return refused(format!("{} is the database itself", to.display()));
        }
        if let Some(holder) = ServerLock::holder(to).map_err(|source| io(to, source))? {
            return refused(format!("{} is served by {holder}", to.display()));
        }
        if !force && let Some(there) = files(to).into_iter().find(|file| file.exists()) {
            let there = there.display();
            return refused(format!("{there} is there already; --force replaces it"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let from_connection = Connection::open_with_flags(from, flags)?;
        from_connection.busy_timeout(Duration::from_secs(5))?;
        refuse_foreign(&from_connection, from)?;
        refuse_newer(&from_connection, from)?;
        Ok(Self { from: from_connection, to: to.to_owned(), force })
    }

    /// Ends [`Self::run`] early, from any thread.
    pub fn interrupt(&self) -> InterruptHandle {
        self.from.get_interrupt_handle()
    }

    /// Copies, checks, and gives the copy its name only when all is on disk.
    pub fn run(self) -> Result<Copied, BackupError> {
        let folder = match self.to.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        // SQLite fills an empty file that is there; this one is readable by its owner only.
        let file = tempfile::Builder::new()
            .prefix(".nudged-backup-")
            .tempfile_in(folder)
            .map_err(|source| io(folder, source))?;
        let name = file.path().to_str().ok_or_else(|| {
            BackupError::Refused(format!("{} is not valid UTF-8", file.path().display()))
        })?;
        self.from.execute("VACUUM INTO ?1", [name])?;
        let (head, epoch) = renew(file.path())?;

        let error = |source| io(&self.to, source);
        file.as_file().sync_all().map_err(error)?;
        let size = file.as_file().metadata().map_err(error)?.len();
        if self.force {
            // The log of the file that was there would be taken for the copy's own.
            for left in files(&self.to).into_iter().skip(1) {
                match std::fs::remove_file(&left) {
                    Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                        return Err(io(&left, source));
                    }
                    Ok(()) | Err(_) => {}
                }
            }
            file.persist(&self.to).map_err(|failed| error(failed.error))?;
        } else {
            file.persist_noclobber(&self.to).map_err(|failed| error(failed.error))?;
        }
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| io(folder, e))?;
        Ok(Copied { size, head, epoch })
    }
}

/// The database and what SQLite keeps beside it.
fn files(database: &Path) -> Vec<PathBuf> {
    let beside = |suffix| beside(database, suffix);
    vec![database.to_owned(), beside("-wal"), beside("-shm"), beside("-journal")]
}

/// Gives the copy an epoch of its own, then checks all of it; its head and epoch.
fn renew(copy: &Path) -> Result<(i64, String), BackupError> {
    let connection = Connection::open(copy)?;
    // No journal beside it: until it has its name, a copy that fails is thrown away.
    connection.pragma_update(None, "journal_mode", "MEMORY")?;
    let changed = connection.execute("UPDATE meta SET epoch = ?1 WHERE id = 1", [new_epoch()])?;
    if changed != 1 {
        return Err(BackupError::Damaged("it has no epoch".to_owned()));
    }
    let verdict = super::inspect::quick_check(&connection)?;
    if let Some(damage) = verdict {
        return Err(BackupError::Damaged(damage));
    }
    let bounds = bounds(&connection)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok((bounds.head, bounds.epoch))
}

fn io(path: &Path, source: std::io::Error) -> BackupError {
    BackupError::Io { path: path.to_owned(), source }
}
