//! The rows of what is on its way to the human.

use rusqlite::{Connection, OptionalExtension, Result};

use super::codec::At;
use super::sqlite::read;
use super::views::NudgeView;
use crate::domain::{Errand, NudgeId, Posting, PostingEnd, Timestamp};

/// A nudge whose next attempt is due.
#[derive(Debug, Clone)]
pub struct DueErrand {
    /// The same at every attempt, and of no other nudge of any database.
    pub message_id: String,
    /// The attempt that is due, counted from 1.
    pub attempt: u32,
    pub nudge: NudgeView,
}

/// What is due, the oldest of each session, in the order of creation, at most `limit`.
pub(super) fn due(c: &Connection, now: Timestamp, limit: usize) -> Result<Vec<DueErrand>> {
    let mut query = c.prepare_cached(
        "SELECT min(nudge_id), message_id, attempts FROM outbox WHERE next_attempt_at <= ?1
         GROUP BY coalesce(session_id, nudge_id) ORDER BY 1 LIMIT +?2",
    )?;
    let rows = query.query_map((At(now), limit as i64), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, u32>(2)?))
    })?;
    let mut errands = Vec::new();
    for row in rows {
        let (id, message_id, attempts) = row?;
        if let Some(nudge) = read::nudge(c, id)? {
            errands.push(DueErrand { message_id, attempt: attempts.saturating_add(1), nudge });
        }
    }
    Ok(errands)
}

/// The first instant after `now` at which something becomes due.
pub(super) fn next_after(c: &Connection, now: Timestamp) -> Result<Option<Timestamp>> {
    let next = c
        .prepare_cached("SELECT min(next_attempt_at) FROM outbox WHERE next_attempt_at > ?1")?
        .query_row([At(now)], |row| row.get::<_, Option<At>>(0))?;
    Ok(next.map(|At(at)| at))
}

/// How many rows there are, and how many timers are due by `now`.
pub(super) fn backlog(c: &Connection, now: Timestamp) -> Result<(i64, i64)> {
    c.prepare_cached(
        "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM timers WHERE due_at <= ?1)",
    )?
    .query_row([At(now)], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The row of a nudge.
pub(super) fn errand(c: &Connection, nudge: NudgeId) -> Result<Option<Errand>> {
    c.prepare_cached("SELECT attempts, created_at FROM outbox WHERE nudge_id = ?1")?
        .query_row([nudge], |row| {
            let At(since) = row.get(1)?;
            Ok(Errand { attempts: row.get(0)?, since })
        })
        .optional()
}

/// Puts a nudge that was just created on its way.
pub(super) fn enqueue(
    c: &Connection,
    nudge: i64,
    session: Option<&crate::domain::SessionId>,
    now: Timestamp,
) -> Result<()> {
    c.prepare_cached(
        "INSERT INTO outbox (nudge_id, session_id, message_id, created_at, next_attempt_at)
         SELECT ?1, ?2, 'msg_' || epoch || '_' || ?1, ?3, ?3 FROM meta",
    )?
    .execute((nudge, session, At(now)))
    .map(drop)
}

/// Writes down what came of an attempt; the nudge's state is written apart.
pub(super) fn posted(c: &Connection, posting: &Posting, now: Timestamp) -> Result<()> {
    let arrived = matches!(posting.end, PostingEnd::Arrived).then_some(At(now));
    c.prepare_cached(
        "UPDATE nudges SET attempts = max(attempts, ?2), delivered_at = coalesce(delivered_at, ?3)
         WHERE id = ?1",
    )?
    .execute((posting.nudge, posting.attempt, arrived))?;
    if let PostingEnd::Again { at, error } = &posting.end {
        c.prepare_cached(
            "UPDATE outbox SET attempts = ?2, next_attempt_at = ?3, last_error = ?4
             WHERE nudge_id = ?1",
        )?
        .execute((posting.nudge, posting.attempt, At(*at), error))?;
    }
    Ok(())
}
