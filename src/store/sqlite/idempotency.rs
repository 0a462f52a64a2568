//! Requests that were carried out under a key of the client's, with their answers.

use rusqlite::{OptionalExtension, Result};

use super::codec::{At, Json};
use super::writer::Writer;
use crate::domain::Timestamp;
use crate::store::views::ObjectView;
use crate::store::{Fault, KnownRequest, RequestKey};

impl Writer {
    /// Looks a key up; one that was kept since before `oldest` is forgotten.
    ///
    /// # Errors
    /// The rows cannot be read.
    pub fn known_request(
        &self,
        wanted: &RequestKey,
        oldest: Timestamp,
    ) -> Result<KnownRequest, Fault> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT request, body_hash, answer FROM idempotency
                 WHERE key = ?1 AND created_at >= ?2",
            )?
            .query_row((&wanted.key, At(oldest)), |row| {
                let same = row.get::<_, String>(0)? == wanted.request
                    && row.get::<_, [u8; 32]>(1)? == wanted.body_hash;
                Ok((same, row.get::<_, String>(2)?))
            })
            .optional()?;
        Ok(match found {
            None => KnownRequest::No,
            Some((false, _)) => KnownRequest::Other,
            // One that is no view was kept by an older build: the request is carried out again.
            Some((true, answer)) => match serde_json::from_str(&answer) {
                Ok(view) => KnownRequest::Same(Box::new(view)),
                Err(_) => KnownRequest::No,
            },
        })
    }

    /// Keeps the answer to a request.
    ///
    /// # Errors
    /// The row cannot be written.
    pub fn keep_answer(
        &self,
        key: &RequestKey,
        answer: &ObjectView,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.connection
            .prepare_cached(
                "INSERT INTO idempotency (key, request, body_hash, status, answer, created_at)
                 VALUES (?1, ?2, ?3, 200, ?4, ?5)
                 ON CONFLICT DO UPDATE SET request = excluded.request,
                    body_hash = excluded.body_hash, answer = excluded.answer,
                    created_at = excluded.created_at",
            )?
            .execute((&key.key, &key.request, key.body_hash, Json(answer), At(now)))?;
        Ok(())
    }

    /// Forgets up to `limit` keys that were kept since before `oldest`. Says how many went.
    ///
    /// # Errors
    /// The rows cannot be deleted.
    pub fn forget_requests(&self, oldest: Timestamp, limit: u32) -> Result<usize, Fault> {
        Ok(self.connection.execute(
            "DELETE FROM idempotency WHERE rowid IN
                (SELECT rowid FROM idempotency WHERE created_at < ?1 LIMIT +?2)",
            (At(oldest), limit),
        )?)
    }
}
