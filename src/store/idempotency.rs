//! Requests that were carried out under a key of the client's, with their answers.

use rusqlite::{Connection, OptionalExtension, Result};

use crate::domain::Timestamp;

use super::codec::At;

/// What a client calls its request, and what the request was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// `Idempotency-Key`.
    pub key: String,
    /// Method and path.
    pub request: String,
    /// SHA-256 of the body.
    pub body_hash: [u8; 32],
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    No,
    /// This very request was carried out; its status and answer.
    Same(u16, String),
    /// The key was used for some other request.
    Other,
}

/// Looks a key up; one that was kept since before `oldest` is forgotten.
pub(crate) fn find(c: &Connection, wanted: &RequestKey, oldest: Timestamp) -> Result<Known> {
    let found = c
        .prepare_cached(
            "SELECT request, body_hash, status, answer FROM idempotency
             WHERE key = ?1 AND created_at >= ?2",
        )?
        .query_row((&wanted.key, At(oldest)), |row| {
            let same = row.get::<_, String>(0)? == wanted.request
                && row.get::<_, [u8; 32]>(1)? == wanted.body_hash;
            Ok(if same { Known::Same(row.get(2)?, row.get(3)?) } else { Known::Other })
        })
        .optional()?;
    Ok(found.unwrap_or(Known::No))
}

/// Keeps the answer to a request.
pub(crate) fn keep(
    c: &Connection,
    key: &RequestKey,
    (status, answer): (u16, &str),
    now: Timestamp,
) -> Result<()> {
    c.prepare_cached(
        "INSERT INTO idempotency (key, request, body_hash, status, answer, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET request = excluded.request, body_hash = excluded.body_hash,
            status = excluded.status, answer = excluded.answer, created_at = excluded.created_at",
    )?
    .execute((&key.key, &key.request, key.body_hash, status, answer, At(now)))
    .map(drop)
}

/// Forgets up to `limit` keys that were kept since before `oldest`. Says how many went.
pub(crate) fn forget(c: &Connection, oldest: Timestamp, limit: u32) -> Result<usize> {
    c.execute(
        "DELETE FROM idempotency WHERE rowid IN
            (SELECT rowid FROM idempotency WHERE created_at < ?1 LIMIT +?2)",
        (At(oldest), limit),
    )
}
