//! SQLite: facts, derived rows, nudges, timers and the log of changes.
//!
//! One connection writes (the engine's writer holds it), several read. No statement here decides
//! anything: rules live in `lifecycle`, this room moves rows.

mod backup;
pub(crate) mod changes;
mod codec;
mod commits;
pub mod idempotency;
pub mod inspect;
pub(crate) mod ledger;
mod load;
mod open;
pub mod outbox;
mod queries;
pub mod reads;
mod save;
mod server_lock;
mod sqlite;
pub mod views;

use std::path::{Path, PathBuf};

use deadpool_sqlite::{Hook, HookError, Object, Pool, Runtime};
use rusqlite::Connection;

pub use backup::{Backup, BackupError, Copied};
pub use codec::At;
pub(crate) use commits::CommitMemory;
pub(crate) use load::load;
pub use open::APPLICATION_ID;
pub(crate) use save::{save, set_cause};
pub use server_lock::ServerLock;
pub(crate) use sqlite::read::object;

/// How many connections read at once.
const READERS: usize = 4;

/// The store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file belongs to some other program.
    #[error("{path} is not a nudged database ({why}); choose another file with --db or NUDGED_DB")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        why: String,
    },
    /// A later release has written the file.
    #[error(
        "{path} was written by a newer nudged (schema {found}, this one knows {known}); \
         upgrade nudged, or choose another file with --db or NUDGED_DB"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest version known here.
        known: usize,
    },
    /// Another server has the file.
    #[error(
        "{path} is already served by {holder}; stop that server, or choose another file with --db"
    )]
    Served {
        /// The file.
        path: PathBuf,
        /// What the other server wrote about itself.
        holder: String,
    },
    /// The file or its folder cannot be used.
    #[error("cannot open {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The migrations did not apply.
    #[error("cannot bring {path} to the current schema: {source}")]
    Migration {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: rusqlite_migration::Error,
    },
    /// SQLite said no.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// No connection could be had, or its work died.
    #[error("database connection: {0}")]
    Pool(String),
}

/// An open database.
#[derive(Clone)]
pub struct Store {
    path: PathBuf,
    writers: Pool,
    readers: Pool,
}

impl Store {
    /// Opens the file, makes it where there is none, and brings it to the current schema.
    ///
    /// Several processes or threads may open the same new file at once.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let owned = path.to_owned();
        tokio::task::spawn_blocking(move || open::prepare(&owned))
            .await
            .map_err(|error| StoreError::Pool(error.to_string()))??;
        Ok(Self {
            path: path.to_owned(),
            writers: pool(path, 1, open::configure_writer)?,
            readers: pool(path, READERS, open::configure_reader)?,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The one connection that writes. Whoever holds it keeps everybody else from writing.
    pub async fn writer(&self) -> Result<Object, StoreError> {
        self.writers.get().await.map_err(|error| StoreError::Pool(error.to_string()))
    }

    /// Runs a read in a transaction of its own, so that all its statements see one state.
    /// Nothing may wait inside: an open read keeps the WAL from being reused.
    async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let reader = self.readers.get().await.map_err(|e| StoreError::Pool(e.to_string()))?;
        reader
            .interact(move |connection| {
                let transaction = connection.transaction()?;
                let answer = query(&transaction)?;
                transaction.commit()?;
                Ok(answer)
            })
            .await
            .map_err(|error| StoreError::Pool(error.to_string()))?
    }
}

fn pool(
    path: &Path,
    size: usize,
    configure: fn(&mut Connection) -> rusqlite::Result<()>,
) -> Result<Pool, StoreError> {
    let configure = Hook::async_fn(move |connection: &mut deadpool_sync::SyncWrapper<_>, _| {
        Box::pin(async move {
            match connection.interact(configure).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(HookError::Backend(error)),
                Err(error) => Err(HookError::message(error.to_string())),
            }
        })
    });
    let Ok(builder) = deadpool_sqlite::Config::new(path).builder(Runtime::Tokio1);
    builder
        .max_size(size)
        .post_create(configure)
        .build()
        .map_err(|error| StoreError::Pool(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("n.db")).await.unwrap();
        let write = store.read(|connection| connection.execute("DELETE FROM meta", ())).await;
        assert!(write.is_err(), "a reader wrote");
    }
}
