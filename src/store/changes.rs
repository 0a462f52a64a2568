//! Pruning the log of changes.

use rusqlite::Connection;

use super::codec::At;
use crate::domain::Timestamp;

/// Drops the beginning of the log: of its `most` oldest rows those until the first that was written at
/// `before` or later. Says how many went. No gap can come of it.
pub(crate) fn prune(
    connection: &Connection,
    before: Timestamp,
    most: u32,
) -> rusqlite::Result<usize> {
    connection.execute(
        "WITH oldest AS (SELECT seq, created_at FROM change_log ORDER BY seq LIMIT +?2)
         DELETE FROM change_log WHERE seq <= (SELECT max(seq) FROM oldest) AND seq <
             coalesce((SELECT min(seq) FROM oldest WHERE created_at >= ?1), 9223372036854775807)",
        (At(before), most),
    )
}
