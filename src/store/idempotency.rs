//! Requests that were carried out under a key of the client's, with their answers.

use rusqlite::{Connection, OptionalExtension, Result};

use crate::domain::Timestamp;

use super::codec::{At, Json};
use super::views::ObjectView;

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
    /// This very request was carried out; the object that it changed, as it was then.
    Same(Box<ObjectView>),
    /// The key was used for some other request.
    Other,
}

/// The status of every request that was carried out: a column from when it could be another one.
const DONE: u16 = 200;

/// Looks a key up; one that was kept since before `oldest` is forgotten.
///
/// So is one whose answer is no view, kept by a build that kept the JSON which the client was shown:
/// the request is carried out again, and every request that such a build knew may be.
pub(crate) fn find(c: &Connection, wanted: &RequestKey, oldest: Timestamp) -> Result<Known> {
    let found = c
        .prepare_cached(
            "SELECT request, body_hash, answer FROM idempotency WHERE key = ?1 AND created_at >= ?2",
        )?
        .query_row((&wanted.key, At(oldest)), |row| {
            let same = row.get::<_, String>(0)? == wanted.request
                && row.get::<_, [u8; 32]>(1)? == wanted.body_hash;
            Ok((same, row.get::<_, String>(2)?))
        })
        .optional()?;
    Ok(match found {
        None => Known::No,
        Some((false, _)) => Known::Other,
        Some((true, answer)) => serde_json::from_str(&answer).map_or(Known::No, Known::Same),
    })
}

/// Keeps what a request made of the object that it changed.
pub(crate) fn keep(
    c: &Connection,
    key: &RequestKey,
    view: &ObjectView,
    now: Timestamp,
) -> Result<()> {
    c.prepare_cached(
        "INSERT INTO idempotency (key, request, body_hash, status, answer, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET request = excluded.request, body_hash = excluded.body_hash,
            status = excluded.status, answer = excluded.answer, created_at = excluded.created_at",
    )?
    .execute((&key.key, &key.request, key.body_hash, DONE, Json(view), At(now)))
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
