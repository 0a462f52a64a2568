//! Opening: is the file ours, is it of our age, and the settings of each connection.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{M, Migrations};

use super::file_lock;
use crate::clock;
use crate::store::StoreError;

/// SQLite's `application_id` of our files: "nudg" in ASCII.
pub const APPLICATION_ID: i32 = 0x6e75_6467;

/// SQLite before this can corrupt a WAL that several connections share.
const OLDEST_SAFE_SQLITE: i32 = 3_051_003;

/// The writer's page cache, at most.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

/// The WAL goes over into the file once it has so many pages of 4 KiB: a page that many deliveries
/// changed is then written once.
const CHECKPOINT_PAGES: i64 = 4_000;

const SCHEMA: &[M<'static>] = &[
    M::up(include_str!("../../../migrations/0001_init.sql")),
    M::up(include_str!("../../../migrations/0002_conversation.sql")),
    M::up(include_str!("../../../migrations/0003_idempotency.sql")),
    M::up(include_str!("../../../migrations/0004_outbox.sql")),
    M::up(include_str!("../../../migrations/0005_subjects_and_tasks.sql")),
    M::up(include_str!("../../../migrations/0006_what_counts.sql")),
    M::up(include_str!("../../../migrations/0007_read_indices.sql")),
    M::up(include_str!("../../../migrations/0008_whom_an_agent_hears.sql")),
    M::up(include_str!("../../../migrations/0009_sessions.sql")),
    M::up(include_str!("../../../migrations/0010_github.sql")),
    M::up(include_str!("../../../migrations/0011_logs_and_refresh.sql")),
    M::up(include_str!("../../../migrations/0012_agents.sql")),
    M::up(include_str!("../../../migrations/0013_waiting_nudges.sql")),
    M::up(include_str!("../../../migrations/0014_access_and_permission.sql")),
];

/// From an empty file, or one of any release before, to the schema of this one.
pub(super) static MIGRATIONS: LazyLock<Migrations<'static>> =
    LazyLock::new(|| Migrations::from_slice(SCHEMA));

/// How long another process may take to bring the file to the current schema.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(10);

/// Brings the file to the current schema, one process or thread at a time.
pub(super) fn prepare(path: &Path) -> Result<(), StoreError> {
    assert!(rusqlite::version_number() >= OLDEST_SAFE_SQLITE, "SQLite is older than 3.51.3");
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    let _lock = migration_lock(path)?;

    make_private(path).map_err(io)?;
    let mut connection = Connection::open_with_flags(path, OpenFlags::default())?;
    refuse_foreign(&connection, path)?;
    refuse_newer(&connection, path)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    configure_writer(&mut connection)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    MIGRATIONS
        .to_latest(&mut connection)
        .map_err(|source| StoreError::Migration { path: path.to_owned(), source: source.into() })?;
    if found < newest_schema() {
        tracing::info!(from = found, to = newest_schema(), "the database has a new schema");
    }
    connection.execute(
        "INSERT OR IGNORE INTO meta (id, epoch, created_at) VALUES (1, ?1, ?2)",
        (new_epoch(), clock::now().to_string()),
    )?;
    Ok(())
}

/// Waits for the lock of migrations, though not for ever.
fn migration_lock(path: &Path) -> Result<File, StoreError> {
    let name = beside(path, "-migrate.lock");
    let io = |source| StoreError::Io { path: name.clone(), source };
    loop {
        let file = file_lock::open(&name).map_err(io)?;
        let lock = match file.try_lock() {
            Ok(()) => file,
            Err(TryLockError::Error(source)) => return Err(io(source)),
            Err(TryLockError::WouldBlock) => {
                let (send, taken) = mpsc::channel();
                let waiting = file.try_clone().map_err(io)?;
                // It outlives this call where the lock is never given back, and ends with the process.
                std::thread::spawn(move || send.send(waiting.lock().map(|()| waiting)));
                match taken.recv_timeout(MIGRATION_PATIENCE) {
                    Ok(lock) => lock.map_err(io)?,
                    Err(_) => {
                        let holder = file_lock::described(&file).map_err(io)?;
                        return Err(StoreError::Migrating { path: name, holder });
                    }
                }
            }
        };
        // A start that failed removes what it made.
        if file_lock::is_at(&lock, &name).map_err(io)? {
            return Ok(lock);
        }
    }
}

/// Makes a new file readable by its owner alone, as SQLite then makes those beside it: it holds what
/// people wrote about private code. One that is there keeps the rights it was given.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The part of cursors that says which life of the database they belong to.
pub(super) fn new_epoch() -> String {
    format!("{:012x}", rand::random::<u64>() >> 16)
}

/// The newest schema version that is known here.
pub(super) fn newest_schema() -> i64 {
    i64::try_from(SCHEMA.len()).unwrap_or(i64::MAX)
}

/// The path with something added to its file name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let not_ours = |why: &str| StoreError::NotOurs { path: path.to_owned(), why: why.to_owned() };
    let id = match connection.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0))
    {
        Ok(id) => id,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Err(not_ours("it is no SQLite file"));
        }
        Err(error) => return Err(error.into()),
    };
    if id == APPLICATION_ID {
        return Ok(());
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    match (id, tables) {
        (0, 0) => Ok(()),
        (0, _) => Err(not_ours("it holds another program's tables")),
        _ => Err(not_ours("its application id is another program's")),
    }
}

pub(super) fn refuse_newer(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = SCHEMA.len();
    if usize::try_from(found).is_ok_and(|found| found <= known) {
        Ok(())
    } else {
        Err(StoreError::Newer { path: path.to_owned(), found, known })
    }
}

/// Acknowledged means durable: `FULL` costs nothing where commits are shared.
pub(super) fn configure_writer(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Savepoint journals stay in memory: a service may have no temporary folder to write to.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // The rows of open pull requests stay in memory; SQLite's own 2 MB are read again and again.
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(())
}

pub(super) fn configure_reader(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Opens the log of writes as well: later another one may have its name.
    connection.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_syncs_each_commit_and_minds_references() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("n.db")).unwrap();
        configure_writer(&mut connection).unwrap();
        for (name, value) in [("synchronous", 2), ("foreign_keys", 1)] {
            let found = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            assert_eq!(found, Ok(value), "{name}");
        }
    }
}
