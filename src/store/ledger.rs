//! The ledger of deliveries, timers that are due, and what is swept away.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::domain::{PullId, TimerKind, Timestamp};

use super::codec::At;

/// A row for the ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LedgerEntry<'a> {
    pub(crate) hook: &'a str,
    pub(crate) guid: &'a str,
    pub(crate) event: &'a str,
    pub(crate) action: Option<&'a str>,
    pub(crate) repo: Option<&'a str>,
    /// `applied`, `ignored` or `quarantined`.
    pub(crate) outcome: &'a str,
    pub(crate) reason: Option<&'a str>,
    /// As JSON.
    pub(crate) observation: Option<&'a str>,
    /// The raw body of what is quarantined; it is stored compressed.
    pub(crate) body: Option<&'a [u8]>,
}

/// The outcome of a delivery that was seen before.
pub(crate) fn known_outcome(c: &Connection, hook: &str, guid: &str) -> Result<Option<String>> {
    c.prepare_cached("SELECT outcome FROM deliveries WHERE hook = ?1 AND guid = ?2")?
        .query_row((hook, guid), |row| row.get(0))
        .optional()
}

/// Records a delivery; one that was quarantined before is recorded anew in its place.
pub(crate) fn record(c: &Connection, entry: LedgerEntry<'_>, now: Timestamp) -> Result<()> {
    let body = entry.body.map(|body| zstd::bulk::compress(body, 3)).transpose();
    let body = body.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    c.prepare_cached(
        "INSERT INTO deliveries (hook, guid, event, action, repo, outcome, reason, observation,
            body, received_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT DO UPDATE SET event = excluded.event, action = excluded.action,
            repo = excluded.repo, outcome = excluded.outcome, reason = excluded.reason,
            observation = excluded.observation, body = excluded.body",
    )?
    .execute((
        entry.hook,
        entry.guid,
        entry.event,
        entry.action,
        entry.repo,
        entry.outcome,
        entry.reason,
        entry.observation,
        body,
        At(now),
    ))?;
    Ok(())
}

/// Up to `limit` timers that are due, the oldest first.
pub(crate) fn due_timers(
    c: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(PullId, TimerKind)>> {
    c.prepare_cached("SELECT pr_id, kind FROM timers WHERE due_at <= ?1 ORDER BY due_at LIMIT +?2")?
        .query_map((At(now), limit), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Moves a timer whose firing failed, so that it is tried again later and not at once.
pub(crate) fn postpone_timer(
    c: &Connection,
    (pull, kind): (PullId, TimerKind),
    until: Timestamp,
) -> Result<()> {
    c.execute(
        "UPDATE timers SET due_at = ?3 WHERE pr_id = ?1 AND kind = ?2",
        (pull, kind, At(until)),
    )?;
    Ok(())
}

/// When the next timer is due.
pub(crate) fn next_timer(c: &Connection) -> Result<Option<Timestamp>> {
    let next = c
        .prepare_cached("SELECT min(due_at) FROM timers")?
        .query_row((), |row| row.get::<_, Option<At>>(0))?;
    Ok(next.map(|At(at)| at))
}

/// The newest `seq` that the change log has given out, 0 before the first: pruning does not lower it.
pub(crate) fn head(c: &Connection) -> Result<i64> {
    let seq = c
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'change_log'")?
        .query_row((), |row| row.get(0))
        .optional()?;
    Ok(seq.unwrap_or(0))
}

/// Kind and state of each nudge that came into a state after `seq`, by the change log.
pub(crate) fn nudge_changes(c: &Connection, seq: i64) -> Result<Vec<(String, String)>> {
    c.prepare_cached(
        "SELECT payload ->> 'kind', payload ->> 'state' FROM change_log
         WHERE seq > ?1 AND event_type IN ('nudge_created', 'nudge_updated')",
    )?
    .query_map([seq], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

/// Drops up to `limit` commits with their facts, and as many comments, that no pull request has claimed
/// since `before`. Says how many went.
pub(crate) fn drop_unclaimed(c: &Connection, before: Timestamp, limit: u32) -> Result<usize> {
    let commits = c.execute(
        "DELETE FROM commits WHERE id IN
            (SELECT id FROM commits WHERE claimed = 0 AND seen_at < ?1 LIMIT +?2)",
        (At(before), limit),
    )?;
    let comments = c.execute(
        "DELETE FROM comments WHERE rowid IN
            (SELECT rowid FROM comments WHERE seen_at < ?1 AND NOT EXISTS
                (SELECT 1 FROM pr WHERE pr.repo_id = comments.repo_id AND pr.number = comments.number)
             LIMIT +?2)",
        (At(before), limit),
    )?;
    Ok(commits + comments)
}

/// Drops those of the `most` oldest rows of the ledger that came before `before`. Says how many went.
pub(crate) fn prune(c: &Connection, before: Timestamp, most: u32) -> Result<usize> {
    c.execute(
        "DELETE FROM deliveries
         WHERE id IN (SELECT id FROM deliveries ORDER BY id LIMIT +?2) AND received_at < ?1",
        (At(before), most),
    )
}

/// What the ledger kept of a delivery, for doing it again.
#[derive(Debug, Clone)]
pub struct Kept {
    pub event: String,
    /// What it became, as JSON.
    pub observation: Option<String>,
    /// The raw body.
    pub body: Option<Vec<u8>>,
}

/// A row of the ledger with what was kept. `most`: a body that would be larger is refused.
pub(crate) fn kept(c: &Connection, id: i64, most: usize) -> Result<Option<Kept>> {
    let read = |row: &Row<'_>| {
        let unpack = |packed: Vec<u8>| zstd::bulk::decompress(&packed, most);
        let body = row.get::<_, Option<Vec<u8>>>(2)?.map(unpack).transpose();
        Ok(Kept {
            event: row.get(0)?,
            observation: row.get(1)?,
            body: body.map_err(|error| conversion(2, error))?,
        })
    };
    c.prepare_cached("SELECT event, observation, body FROM deliveries WHERE id = ?1")?
        .query_row([id], read)
        .optional()
}

fn conversion(column: usize, error: std::io::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, error.into())
}

/// The outcome of a row of the ledger.
pub(crate) fn outcome_of(c: &Connection, id: i64) -> Result<Option<String>> {
    c.prepare_cached("SELECT outcome FROM deliveries WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()
}

/// Takes down what became of a delivery that was done again. Its body is let go once it is applied.
pub(crate) fn amend(
    c: &Connection,
    id: i64,
    outcome: &str,
    reason: Option<&str>,
    observation: Option<&str>,
) -> Result<()> {
    c.prepare_cached(
        "UPDATE deliveries SET outcome = ?2, reason = ?3,
            observation = coalesce(?4, observation), body = iif(?2 = 'applied', NULL, body)
         WHERE id = ?1",
    )?
    .execute((id, outcome, reason, observation))
    .map(drop)
}
