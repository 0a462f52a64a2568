//! Makes a large database: one repository whose pull requests have come and gone for two months, each
//! with its session, checks and history.
//!
//! It is made with the first four migrations, which never change, and whoever serves it brings it to a
//! newer schema: what later migrations add is filled by them, as it is for everybody's database.

use std::path::Path;

use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::large::Size;
use super::rows::Rows;

/// This file's text: a database that an older one has made is made anew.
pub(super) const SOURCE: &str = include_str!("fill.rs");

static MIGRATIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/migrations");
const SCHEMA: usize = 4;
/// "nudg" in ASCII, as `application_id`.
const APPLICATION_ID: i32 = 0x6e75_6467;

/// The repository of the deliveries that are measured, and its project.
pub(super) const REPO: &str = "orbit-works/meridian";
pub(super) const REPO_ID: i64 = 702_934_511;
const PROJECT: &str = "mer";
pub(super) const BASE_SHA: &str = "2a62272ec960e3498bd9e757416edd890762c934";
/// Beyond the numbers of the pull requests that are measured.
const FIRST_NUMBER: i64 = 1_000;

/// Beside so many pull requests there is a session without any.
const LONE: u64 = 500;

/// How far back it goes; changes are kept for longer.
const SPAN: SignedDuration = SignedDuration::from_hours(60 * 24);
/// The part of it whose deliveries are in the ledger still: of each pull request so many.
const LEDGER_PART: u64 = 3;
const LEDGER_ROWS: u64 = 15;

/// Makes an empty database with the schema that [`fill`] begins with.
pub(super) fn schema(db: &Path) -> Result<Connection> {
    let connection = Connection::open(db)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    let mut files: Vec<_> = MIGRATIONS.files().collect();
    files.sort_by_key(|file| file.path());
    for file in files.iter().take(SCHEMA) {
        connection.execute_batch(file.contents_utf8().context("a migration is no text")?)?;
    }
    connection.pragma_update(None, "user_version", i64::try_from(SCHEMA)?)?;
    Ok(connection)
}

/// Makes the database. A crash leaves a useless file.
pub(super) fn fill(db: &Path, size: Size) -> Result<()> {
    let mut connection = schema(db)?;
    // Nobody needs what a crash leaves.
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -512 * 1024)?;
    let now = nudged::clock::now();
    let begin = now.checked_sub(SPAN)?;
    let transaction = connection.transaction()?;
    begin_with(&transaction, size, begin)?;
    let mut rows = Rows::prepare(&transaction)?;
    let step = SPAN.as_millis() / i128::from(size.pulls);
    for index in 0..size.pulls {
        let millis = i64::try_from(step * i128::from(index))?;
        let at = begin.checked_add(SignedDuration::from_millis(millis))?;
        let pull = Pull::new(index, size, at);
        rows.pull(&pull)?;
        let in_ledger = index >= size.pulls / LEDGER_PART * (LEDGER_PART - 1);
        for delivery in 0..if in_ledger { LEDGER_ROWS } else { 0 } {
            rows.delivery(index * LEDGER_ROWS + delivery, &pull)?;
        }
        rows.history(&pull, size.changes * (index + 1) / size.pulls)?;
    }
    drop(rows);
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// The branch of a pull request that has failed and was told of, as there is one in every size.
pub(super) fn failing_branch() -> String {
    branch(0)
}

fn branch(index: u64) -> String {
    format!("ada/change-{index}")
}

fn text(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// What is there once.
fn begin_with(connection: &Connection, size: Size, begin: Timestamp) -> Result<()> {
    let begin = text(begin);
    connection.execute(
        "INSERT INTO meta (id, epoch, created_at) VALUES (1, '0f1e2d3c4b5a', ?1)",
        [&begin],
    )?;
    connection.execute("UPDATE cause SET cause = 'delivery:first', at = ?1", [&begin])?;
    let url = format!("https://github.com/{REPO}");
    let sessions = size.pulls + size.pulls.div_ceil(LONE);
    connection.execute(
        "INSERT INTO projects (id, repo_id, repo, named_at, repo_origin_url, display_name, ci_seen,
            next_session, registered_at, claimed_repo, claimed_url)
         VALUES (?1, ?2, ?3, '2026-03-11T15:23:30.000Z', ?4, 'meridian', 1, ?5, ?6, ?3, ?4)",
        (PROJECT, REPO_ID, REPO, url, sessions.cast_signed() + 1, &begin),
    )?;
    Ok(())
}

/// An agent's session; those of pull requests are numbered with them, others follow.
pub(super) struct Session {
    pub(super) number: i64,
    pub(super) state: &'static str,
    /// Why it ended.
    pub(super) reason: Option<&'static str>,
    pub(super) branch: String,
}

impl Session {
    pub(super) fn id(&self) -> String {
        format!("{PROJECT}-{}", self.number)
    }
}

/// A pull request of the large database.
pub(super) struct Pull {
    index: u64,
    pub(super) at: String,
    pub(super) number: i64,
    pub(super) url: String,
    pub(super) session: Session,
    /// One that has made no pull request yet.
    pub(super) other_session: Option<Session>,
    pub(super) sha: String,
    /// The head before.
    pub(super) old_sha: String,
    pub(super) state: &'static str,
    pub(super) ci: &'static str,
    pub(super) review: &'static str,
    pub(super) mergeability: &'static str,
    /// It has failed at some time, and its agent was told.
    pub(super) told: bool,
}

impl Pull {
    /// Nearly all are merged, some were closed; one in a hundred is open, and more of the newest are.
    fn new(index: u64, size: Size, at: Timestamp) -> Self {
        let number = FIRST_NUMBER + index.cast_signed();
        let is_new = size.pulls - index <= size.pulls / 100;
        let is_open = is_new || index.is_multiple_of(100);
        let (state, session, reason) = match index {
            _ if is_open && index % 10_000 == 100 => ("open", "stuck", None),
            _ if is_open && index % 1_000 == 200 => ("open", "needs_input", None),
            _ if is_open => ("open", "working", None),
            _ if index % 30 == 1 => ("closed", "done", None),
            _ => ("merged", "terminated", Some("pr_merged")),
        };
        let (ci, review, mergeability) = match (index / 100 + index) % 5 {
            _ if !is_open => ("passing", "approved", "mergeable"),
            0 | 1 => ("failing", "none", "unstable"),
            2 => ("pending", "none", "blocked"),
            3 => ("passing", "changes_requested", "blocked"),
            _ => ("passing", "none", "mergeable"),
        };
        Self {
            index,
            at: text(at),
            number,
            url: format!("https://github.com/{REPO}/pull/{number}"),
            session: Session {
                number: index.cast_signed() + 1,
                state: session,
                reason,
                branch: branch(index),
            },
            other_session: (index % LONE == 3).then(|| Session {
                number: (size.pulls + 1 + index / LONE).cast_signed(),
                state: "working",
                reason: None,
                branch: format!("ada/idea-{index}"),
            }),
            sha: format!("{:040x}", 0x0ace_0000_0000_0000 + index),
            old_sha: format!("{:040x}", 0x01d0_0000_0000_0000 + index),
            state,
            ci,
            review,
            mergeability,
            told: ci == "failing" || index.is_multiple_of(10),
        }
    }

    /// Of its row.
    pub(super) fn id(&self) -> i64 {
        self.index.cast_signed() + 1
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == "open"
    }
}
