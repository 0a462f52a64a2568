//! Reading the log of changes.

use rusqlite::{Connection, OptionalExtension, named_params};

/// Every `event_type` that the triggers write.
pub const CHANGE_TYPES: &[&str] = &[
    "project_registered",
    "session_created",
    "session_updated",
    "pr_created",
    "pr_updated",
    "pr_check_recorded",
    "pr_comment_recorded",
    "nudge_created",
    "nudge_updated",
];

/// How many rows of the log one read looks at, so that a filter that hides nearly everything does
/// not hold a transaction open for long.
const SCAN: i64 = 20_000;

/// A row of `change_log`. `payload` is JSON.
#[derive(Debug, Clone)]
pub struct Change {
    pub seq: i64,
    pub project_id: Option<String>,
    pub session_id: Option<String>,
    pub event_type: String,
    pub payload: String,
    pub cause: String,
    pub created_at: String,
}

/// Which changes are wanted: an empty list wants all.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    pub projects: Vec<String>,
    pub sessions: Vec<String>,
    pub types: Vec<String>,
}

/// Where the log begins and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The epoch of the database: part of every cursor.
    pub epoch: String,
    /// The newest `seq` ever written.
    pub head: i64,
    /// The oldest cursor that misses nothing: one less than the oldest row kept.
    pub floor: i64,
}

/// What one look at the log found.
#[derive(Debug, Clone)]
pub struct Found {
    pub changes: Vec<Change>,
    /// Everything up to here was looked at.
    pub reached: i64,
}

/// Where the log begins and ends at this moment.
pub fn bounds(connection: &Connection) -> rusqlite::Result<Bounds> {
    let epoch = connection
        .prepare_cached("SELECT epoch FROM meta WHERE id = 1")?
        .query_row((), |row| row.get(0))?;
    // The sequence outlives the rows: a log that was pruned to nothing still knows its head.
    let head: Option<i64> = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'change_log'")?
        .query_row((), |row| row.get(0))
        .optional()?;
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT min(seq) FROM change_log")?
        .query_row((), |row| row.get(0))?;
    let head = head.unwrap_or(0);
    Ok(Bounds { epoch, head, floor: oldest.map_or(head, |seq| seq - 1) })
}

/// The changes after a cursor that pass the filter, oldest first, up to `limit` of them and not
/// beyond `head`. [`Found::reached`] may stop short of the head: ask again from there.
pub fn after(
    connection: &Connection,
    after: i64,
    head: i64,
    limit: usize,
    filter: &ChangeFilter,
) -> rusqlite::Result<Found> {
    let until = head.min(after.saturating_add(SCAN));
    let mut query = connection.prepare_cached(
        "SELECT seq, project_id, session_id, event_type, payload, cause, created_at
         FROM change_log
         WHERE seq > :after AND seq <= :until
           AND (:projects IS NULL OR project_id IN (SELECT value FROM json_each(:projects)))
           AND (:sessions IS NULL OR session_id IN (SELECT value FROM json_each(:sessions)))
           AND (:types IS NULL OR event_type IN (SELECT value FROM json_each(:types)))
         ORDER BY seq LIMIT :limit",
    )?;
    let changes = query
        .query_map(
            named_params! {
                ":after": after, ":until": until, ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
                ":projects": json_list(&filter.projects), ":sessions": json_list(&filter.sessions),
                ":types": json_list(&filter.types),
            },
            |row| {
                Ok(Change {
                    seq: row.get(0)?,
                    project_id: row.get(1)?,
                    session_id: row.get(2)?,
                    event_type: row.get(3)?,
                    payload: row.get(4)?,
                    cause: row.get(5)?,
                    created_at: row.get(6)?,
                })
            },
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let reached = match changes.last() {
        Some(last) if changes.len() >= limit => last.seq,
        _ => until.max(after),
    };
    Ok(Found { changes, reached })
}

fn json_list(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| serde_json::Value::from(values.to_vec()).to_string())
}
