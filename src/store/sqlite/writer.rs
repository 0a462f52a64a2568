//! The one connection that writes: transactions, and what they are made of.

use rusqlite::{CachedStatement, Connection};

use super::codec::At;
use super::place::Place;
use super::{fetch, read, write};
use crate::domain::Timestamp;
use crate::lifecycle::{Key, Record, Write};
use crate::store::Fault;
use crate::store::views::{ObjectRef, ObjectView};

/// Bytes that are written to see whether writing works; the next transaction frees them again.
const TOUCH: usize = 256 * 1024;

/// The one connection that writes. Whoever has it keeps everybody else from writing. All its methods but
/// [`Writer::begin`] belong into a transaction.
#[derive(Debug)]
pub struct Writer {
    pub(super) connection: Connection,
    place: Place,
}

impl Writer {
    pub(super) fn new(connection: Connection, place: Place) -> Self {
        Self { connection, place }
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// The store cannot be written now.
    pub fn begin(&self) -> Result<(), Fault> {
        self.run("BEGIN IMMEDIATE")
    }

    /// Ends the transaction; all of it is on disk then.
    ///
    /// # Errors
    /// Nothing of it is, or would be where the file has lost its name: roll back.
    pub fn commit(&self) -> Result<(), Fault> {
        self.place.check()?;
        self.run("COMMIT")
    }

    /// Undoes the transaction, where there still is one.
    ///
    /// # Errors
    /// The connection is of no use any more.
    pub fn roll_back(&self) -> Result<(), Fault> {
        if self.connection.is_autocommit() { Ok(()) } else { self.run("ROLLBACK") }
    }

    /// Begins a part of the transaction that can be undone alone.
    ///
    /// # Errors
    /// The store cannot be written now.
    pub fn begin_part(&self) -> Result<(), Fault> {
        self.run("SAVEPOINT part")
    }

    /// Ends the part; with `undo` nothing of it is left.
    ///
    /// # Errors
    /// The transaction is lost: roll back.
    pub fn end_part(&self, undo: bool) -> Result<(), Fault> {
        if undo {
            self.run("ROLLBACK TO part")?;
        }
        self.run("RELEASE part")
    }

    /// What is stored under each of `keys`. May answer further keys beside.
    ///
    /// # Errors
    /// The rows cannot be read.
    pub fn fetch(&self, keys: &[Key]) -> Result<Vec<(Key, Record)>, Fault> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            fetch::record(&self.connection, key, &mut found)?;
        }
        Ok(found)
    }

    /// Makes the writes of one observation. `cause` is named by the changes that come of them.
    ///
    /// # Errors
    /// A row cannot be written.
    pub fn apply(&self, cause: &str, writes: &[Write], now: Timestamp) -> Result<(), Fault> {
        if writes.is_empty() {
            return Ok(());
        }
        self.because(cause, now)?;
        for row in writes {
            write::row(&self.connection, row, now)?;
        }
        Ok(())
    }

    /// Writes something that changes nothing, as large as a large delivery, so that one sees whether writing
    /// works: on a full disk a small one may still find room.
    ///
    /// # Errors
    /// It does not.
    pub fn touch(&self, now: Timestamp) -> Result<(), Fault> {
        self.because(&"-".repeat(TOUCH), now)
    }

    /// Remembers something of GitHub's API under a name, in the place of what was remembered there.
    ///
    /// # Errors
    /// The row cannot be written.
    pub fn remember(&self, name: &str, value: &str) -> Result<(), Fault> {
        self.prepare(
            "INSERT INTO github_memory (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        )?
        .execute((name, value))?;
        Ok(())
    }

    /// Says whose the changes are that follow.
    fn because(&self, cause: &str, now: Timestamp) -> Result<(), Fault> {
        self.prepare("UPDATE cause SET cause = ?1, at = ?2 WHERE id = 1")?
            .execute((cause, At(now)))?;
        Ok(())
    }

    /// What there is of an object.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn object(&self, wanted: &ObjectRef) -> Result<Option<ObjectView>, Fault> {
        Ok(read::object(&self.connection, wanted)?)
    }

    fn run(&self, sql: &str) -> Result<(), Fault> {
        Ok(self.prepare(sql)?.execute(()).map(drop)?)
    }

    fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql)
    }
}
