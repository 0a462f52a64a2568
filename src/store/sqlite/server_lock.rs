//! One server per file: a lock beside the database that says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

use super::open::beside;
use crate::store::StoreError;

/// Held by a server for as long as it lives; the system lets go of it at the latest when the
/// process ends, however it ends.
#[derive(Debug)]
pub struct ServerLock(File);

impl ServerLock {
    /// Takes the lock of the database at `path` and writes `holder` into it.
    ///
    /// # Errors
    /// [`StoreError::Served`] with what the holder wrote, when another server has it.
    pub fn take(path: &Path, holder: &str) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(beside(path, ".lock"))
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(io)?;
                let holder = holder.trim().to_owned();
                return Err(StoreError::Served { path: path.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let lock = Self(file);
        lock.describe(holder).map_err(io)?;
        Ok(lock)
    }

    /// Writes anew who holds it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn describe(&self, holder: &str) -> std::io::Result<()> {
        let mut file = &self.0;
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{holder}")?;
        file.flush()
    }

    /// What the server that has the database at `path` wrote about itself; `None` where there is none.
    /// Makes and changes nothing.
    pub fn holder(path: &Path) -> std::io::Result<Option<String>> {
        let mut file = match File::open(beside(path, ".lock")) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder)?;
                Ok(Some(holder.trim().to_owned()))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for ServerLock {
    fn drop(&mut self) {
        // An empty file says that nobody holds it.
        let _ = self.0.set_len(0);
        // Closing is not enough: a process that is just being started has a copy of the handle for
        // a moment, and with it the lock.
        let _ = self.0.unlock();
    }
}
