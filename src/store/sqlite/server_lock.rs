//! One server per file: a lock beside the database that says who holds it, and one on the file itself,
//! which it has under all its names.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::file_lock;
use super::open::{beside, make_private};
use crate::store::StoreError;

/// Held by a server for as long as it lives; the system lets go of it at the latest when the
/// process ends, however it ends.
#[derive(Debug)]
pub struct ServerLock {
    /// The file beside the database, with the holder's description in it.
    named: File,
    /// The database itself.
    inode: Option<File>,
    /// What was not there before.
    absent: Vec<PathBuf>,
}

impl ServerLock {
    /// Takes the lock of the database at `path` and writes `holder` into it. Makes an empty database where
    /// there is none.
    ///
    /// # Errors
    /// [`StoreError::Served`] with who has it, when another server does.
    pub fn take(path: &Path, holder: &str) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        let real = file_lock::real(path).map_err(io)?;
        let lock_file = beside(&real, ".lock");
        let served = |holder| StoreError::Served { path: path.to_owned(), holder };
        let (named, is_new) = loop {
            let is_new = !lock_file.exists();
            let file = file_lock::open(&lock_file).map_err(io)?;
            match file.try_lock() {
                Ok(()) if file_lock::is_at(&file, &lock_file).map_err(io)? => break (file, is_new),
                // Whoever made it has just removed it, after a start that failed.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(served(file_lock::described(&file).map_err(io)?));
                }
                Err(TryLockError::Error(source)) => return Err(io(source)),
            }
        };
        // Looked at under the lock: what comes to be from now on is this server's.
        let mut absent = vec![beside(&real, "-migrate.lock")];
        if !real.exists() {
            // Of a database that was there, what lies beside it is SQLite's to clear away.
            absent.extend([beside(&real, "-wal"), beside(&real, "-shm"), real.clone()]);
        }
        absent.retain(|file| !file.exists());
        if is_new {
            absent.push(lock_file);
        }
        let mut lock = Self { named, inode: None, absent };
        let taken = lock.take_inode(&real, holder).map_err(io);
        match taken {
            Ok(None) => Ok(lock),
            Ok(Some(other)) => {
                lock.abandon(&[]);
                Err(served(format!("{other}, under another name of the file")))
            }
            Err(error) => {
                lock.abandon(&[]);
                Err(error)
            }
        }
    }

    /// Locks the database itself; who has it, if somebody has.
    fn take_inode(&mut self, real: &Path, holder: &str) -> std::io::Result<Option<String>> {
        make_private(real)?;
        // Elsewhere such a lock is in the way of those that SQLite takes.
        if cfg!(target_os = "linux") {
            let inode = File::open(real)?;
            match inode.try_lock() {
                Ok(()) => self.inode = Some(inode),
                Err(TryLockError::WouldBlock) => {
                    let other = file_lock::holder(&inode.metadata()?);
                    return Ok(Some(other.unwrap_or_else(|| "another process".to_owned())));
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        self.describe(holder)?;
        Ok(None)
    }

    /// Writes anew who holds it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn describe(&self, holder: &str) -> std::io::Result<()> {
        file_lock::describe(&self.named, holder)
    }

    /// Lets go of it after a start that failed, and leaves nothing that was not there before: neither
    /// database nor lock, nor the files of `others`, which the caller knows to be its own.
    pub fn abandon(self, others: &[PathBuf]) {
        for file in others.iter().chain(&self.absent) {
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::warn!(%error, file = %file.display(), "a file of the failed start stays");
                }
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Who serves the database at `path`, by its own word or the system's; `None` where nobody does. Makes
    /// and changes nothing.
    ///
    /// # Errors
    /// The lock's file cannot be read.
    pub fn holder(path: &Path) -> std::io::Result<Option<String>> {
        let real = file_lock::real(path)?;
        match File::open(beside(&real, ".lock")) {
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return file_lock::described(&file).map(Some),
                Err(TryLockError::Error(error)) => return Err(error),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let other = std::fs::metadata(&real).ok().and_then(|file| file_lock::holder(&file));
        Ok(other.map(|other| format!("{other}, under another name of the file")))
    }
}

impl Drop for ServerLock {
    fn drop(&mut self) {
        // An empty file says that nobody holds it.
        let _ = self.named.set_len(0);
        // Closing is not enough: a process that is just being started has a copy of the handle for
        // a moment, and with it the lock.
        let _ = self.named.unlock();
        if let Some(inode) = self.inode.take() {
            let _ = inode.unlock();
            // Never closed: that would let go of all locks that this process has on the file (fcntl(2)),
            // and with them of those by which SQLite's readers, which may be closing still, hold it.
            std::mem::forget(inode);
        }
    }
}
