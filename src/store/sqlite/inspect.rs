//! A look at a database from outside that leaves it, and its folder, as they were. (Where a killed server
//! left its log of writes, SQLite renews that log's index, `-shm`, as every reader does.)

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::At;
use super::open::{beside, newest_schema, refuse_foreign, refuse_newer};
use crate::domain::Timestamp;
use crate::store::StoreError;

/// What the file says about itself.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// Its schema version, and the newest one known here.
    pub schema: (i64, i64),
    /// What `quick_check` found, where it is damaged.
    pub damage: Option<String>,
    /// When the newest delivery came in.
    pub last_delivery: Option<Timestamp>,
    /// Deliveries that were not understood.
    pub quarantined: i64,
    /// Bytes of the log of writes that are not yet in the file itself.
    pub wal: u64,
}

/// Reads and checks a database that is there. It may be served meanwhile.
///
/// # Errors
/// It is not ours, is too new, or cannot be read.
pub fn inspect(path: &Path) -> Result<Inspection, StoreError> {
    let size = |suffix| std::fs::metadata(beside(path, suffix)).map(|file| file.len()).ok();
    let wal = size("-wal");
    let connection = open(path, wal.is_some() && size("-shm").is_some())?;
    refuse_foreign(&connection, path)?;
    refuse_newer(&connection, path)?;
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let damage = quick_check(&connection)?;
    let (mut last_delivery, mut quarantined) = (None, 0);
    if found > 0 && damage.is_none() {
        last_delivery = connection
            .query_row("SELECT received_at FROM deliveries ORDER BY id DESC LIMIT 1", (), |row| {
                row.get::<_, At>(0)
            })
            .optional()?
            .map(|At(time)| time);
        let count = "SELECT count(*) FROM deliveries WHERE outcome = 'quarantined'";
        quarantined = connection.query_row(count, (), |row| row.get(0))?;
    }
    let schema = (found, newest_schema());
    Ok(Inspection { schema, damage, last_delivery, quarantined, wal: wal.unwrap_or(0) })
}

/// Opened as usual, even a reader makes the files of the WAL and takes them away at its end. Where
/// they are not there nobody writes, and the file can be read as if it never changed.
fn open(path: &Path, has_wal: bool) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if has_wal {
        Connection::open_with_flags(path, flags)?
    } else {
        let absolute = std::path::absolute(path)
            .map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
        let mut uri = "file://".to_owned();
        for byte in absolute.as_os_str().as_encoded_bytes() {
            match byte {
                b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
                byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
                byte => uri.push_str(&format!("%{byte:02X}")),
            }
        }
        uri.push_str("?immutable=1");
        Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
    };
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// The first thing that is wrong with the file.
pub(super) fn quick_check(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    Ok((verdict != "ok").then_some(verdict))
}
