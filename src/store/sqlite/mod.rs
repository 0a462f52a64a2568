//! SQLite: the only room that knows it.

mod backup;
mod codec;
mod fault;
mod fetch;
mod file_lock;
mod idempotency;
pub mod inspect;
mod ledger;
mod open;
mod place;
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
use place::Place;
pub use server_lock::ServerLock;
pub use writer::Writer;

/// How many connections read at once.
const READERS: usize = 4;

/// An open database.
#[derive(Clone)]
pub struct Store {
    path: PathBuf,
    place: Place,
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
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        let path = file_lock::real(path).map_err(io)?;
        let owned = path.clone();
        blocking(move || open::prepare(&owned)).await?;
        let readers = readers(&path, Place::of_database(&path).map_err(io)?)?;
        // All of them now, as long as the name stands for this file.
        let mut opened = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader =
                readers.get().await.map_err(|error| StoreError::Pool(error.to_string()))?;
            opened.push(reader);
        }
        drop(opened);
        let place = Place::of(&path).map_err(io)?;
        Ok(Self { path, place, readers })
    }

    /// The file, whatever links lead there.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the connection that writes. There must be one only.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub async fn writer(&self) -> Result<Writer, StoreError> {
        let (path, place) = (self.path.clone(), self.place.clone());
        blocking(move || {
            let mut connection = Connection::open(path)?;
            place.check()?;
            open::configure_writer(&mut connection)?;
            Ok(Writer::new(connection, place))
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

fn readers(path: &Path, place: Place) -> Result<Pool, StoreError> {
    let configure = Hook::async_fn(move |connection: &mut deadpool_sync::SyncWrapper<_>, _| {
        // One that is opened later, in the place of one that died, must not read another file.
        let there = place.check();
        Box::pin(async move {
            there.map_err(|fault| HookError::message(fault.to_string()))?;
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
