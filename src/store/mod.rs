//! What is kept: facts, derived rows, nudges, timers, tasks and the log of changes.
//!
//! This is the seam: upwards go plain data (keys and records, writes, typed reads), and nothing that says
//! how they are kept. One [`Writer`] changes rows (the engine's thread has it), several readers look
//! at them. No statement decides anything: rules live in `lifecycle`. `sqlite` is the one store there is.

mod fault;
mod ledger;
pub mod reads;
mod sqlite;
pub mod views;

use std::path::PathBuf;

pub use fault::Fault;
pub use ledger::{KnownRequest, LedgerEntry, Receipt, RequestKey};
pub use sqlite::{
    APPLICATION_ID, At, Backup, BackupError, Copied, ServerLock, Store, Writer, inspect,
};

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
    /// Another process holds the lock of migrations and does not let go.
    #[error(
        "{path} is held by {holder}; end that process, or wait until it is done, and start again"
    )]
    Migrating {
        /// The lock's file.
        path: PathBuf,
        /// Who has it.
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
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store said no.
    #[error("database: {0}")]
    Refused(#[from] Fault),
    /// No connection could be had, or its work died.
    #[error("database connection: {0}")]
    Pool(String),
}
