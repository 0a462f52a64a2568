//! SQLite: the only room that knows it.

mod backup;
mod codec;
mod fault;
mod fetch;
mod idempotency;
pub mod inspect;
mod ledger;
mod open;
mod queries;
mod read;
mod schedule;
mod server_lock;
mod write;
mod writer;

use std::path::{Path, PathBuf};

use deadpool_sqlite::{Hook, HookError, Pool, Runtime};
use rusqlite::Connection;

use super::StoreError;
pub use backup::{Backup, BackupError, Copied};
pub use codec::At;
pub use open::APPLICATION_ID;
pub use server_lock::ServerLock;
pub use writer::Writer;

/// How many connections read at once.
const READERS: usize = 4;

/// An open database.
#[derive(Clone)]
pub struct Store {
    path: PathBuf,
    readers: Pool,
}

impl Store {
    /// Opens the file, makes it where there is none, and brings it to the current schema.
    ///
    /// Several processes or threads may open the same new file at once.
    ///
    /// # Errors
    /// The file is not ours, of a later release, or cannot be used.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let owned = path.to_owned();
        blocking(move || open::prepare(&owned)).await?;
        Ok(Self { path: path.to_owned(), readers: readers(path)? })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the connection that writes. There must be one only.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub async fn writer(&self) -> Result<Writer, StoreError> {
        let path = self.path.clone();
        blocking(move || {
            let mut connection = Connection::open(path)?;
            open::configure_writer(&mut connection)?;
            Ok(Writer::new(connection))
        })
        .await
    }

    /// Runs a read in a transaction of its own, so that all its statements see one state.
    /// Nothing may wait inside: an open read keeps the WAL from being reused.
    async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let reader = self.readers.get().await.map_err(|e| StoreError::Pool(e.to_string()))?;
        let read = reader
            .interact(move |connection| {
                let transaction = connection.transaction()?;
                let answer = query(&transaction)?;
                transaction.commit()?;
                Ok::<_, rusqlite::Error>(answer)
            })
            .await
            .map_err(|error| StoreError::Pool(error.to_string()))?;
        Ok(read?)
    }
}

async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(run).await.map_err(|error| StoreError::Pool(error.to_string()))?
}

fn readers(path: &Path) -> Result<Pool, StoreError> {
    let configure = Hook::async_fn(move |connection: &mut deadpool_sync::SyncWrapper<_>, _| {
        Box::pin(async move {
            match connection.interact(open::configure_reader).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(HookError::Backend(error)),
                Err(error) => Err(HookError::message(error.to_string())),
            }
        })
    });
    let Ok(builder) = deadpool_sqlite::Config::new(path).builder(Runtime::Tokio1);
    builder
        .max_size(READERS)
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
