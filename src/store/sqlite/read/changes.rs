//! The log of changes.

use rusqlite::{Connection, OptionalExtension, Result, named_params};

use super::weight::heaviest;
use crate::store::reads::{Bounds, ChangeFilter, Cursor, Found, Look};
use crate::store::views::Change;

/// How many rows of the log one read looks at, so that a filter that hides nearly everything does
/// not hold a transaction open for long.
const SCAN: i64 = 20_000;

/// Where the log begins and ends at this moment.
pub(in crate::store) fn bounds(connection: &Connection) -> Result<Bounds> {
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

/// The changes after a cursor that pass the filter, oldest first, up to `limit` of them.
pub(in crate::store) fn look(
    on: &Connection,
    from: &Cursor,
    limit: usize,
    filter: &ChangeFilter,
) -> Result<Look> {
    let at = bounds(on)?;
    let found = match from.position(&at) {
        Ok(seq) => Ok(after(on, seq, at.head, limit, filter)?),
        Err(fault) => Err(fault),
    };
    Ok(Look { at, found })
}

/// The changes after a `seq` that pass the filter, oldest first, up to `limit` of them and not
/// beyond `head`. [`Found::reached`] may stop short of the head: ask again from there.
fn after(
    connection: &Connection,
    after: i64,
    head: i64,
    limit: usize,
    filter: &ChangeFilter,
) -> Result<Found> {
    let until = head.min(after.saturating_add(SCAN));
    let mut query = connection.prepare_cached(
        "SELECT seq, project_id, session_id, event_type, payload, cause, created_at
         FROM change_log
         WHERE seq > :after AND seq <= :until
           AND (:projects IS NULL OR project_id IN (SELECT value FROM json_each(:projects)))
           AND (:sessions IS NULL OR session_id IN (SELECT value FROM json_each(:sessions)))
           AND (:types IS NULL OR event_type IN (SELECT value FROM json_each(:types)))
         ORDER BY seq LIMIT +:limit",
    )?;
    let rows = query.query_map(
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
    )?;
    let (changes, heavy): (Vec<Change>, bool) = heaviest(rows, limit)?;
    let reached = match changes.last() {
        Some(last) if heavy || changes.len() >= limit => last.seq,
        _ => until.max(after),
    };
    Ok(Found { changes, reached, heavy })
}

fn json_list(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| serde_json::Value::from(values.to_vec()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(rows: i64) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../../../migrations/0001_init.sql")).unwrap();
        connection.execute("INSERT INTO meta VALUES (1, 'e1', '')", ()).unwrap();
        connection
            .execute(
                "WITH RECURSIVE n (i) AS (SELECT 1 WHERE ?1 > 0 UNION ALL
                                          SELECT i + 1 FROM n WHERE i < ?1)
                 INSERT INTO change_log (project_id, event_type, payload, cause, created_at)
                 SELECT iif(i = ?1, 'last', 'p'), iif(i % 2, 'pr_updated', 'pr_created'), '{}', '', ''
                 FROM n",
                [rows],
            )
            .unwrap();
        connection
    }

    fn seqs(found: &Found) -> Vec<i64> {
        found.changes.iter().map(|change| change.seq).collect()
    }

    #[test]
    fn the_log_knows_its_ends_even_when_it_is_pruned_to_nothing() {
        let ends = |connection: &Connection| {
            let at = bounds(connection).unwrap();
            (at.floor, at.head)
        };
        assert_eq!(ends(&log(0)), (0, 0));
        let connection = log(9);
        assert_eq!(ends(&connection), (0, 9));
        connection.execute("DELETE FROM change_log WHERE seq <= 4", ()).unwrap();
        assert_eq!(ends(&connection), (4, 9));
        connection.execute("DELETE FROM change_log", ()).unwrap();
        assert_eq!(ends(&connection), (9, 9));
    }

    #[test]
    fn a_full_page_reaches_its_last_row_and_a_short_one_the_head() {
        let connection = log(9);
        let all = ChangeFilter::default();
        let full = after(&connection, 2, 9, 3, &all).unwrap();
        assert_eq!((seqs(&full), full.reached), (vec![3, 4, 5], 5));
        let odd = ChangeFilter { types: vec!["pr_updated".into()], ..all };
        let short = after(&connection, 5, 8, 3, &odd).unwrap();
        assert_eq!((seqs(&short), short.reached), (vec![7], 8));
    }

    #[test]
    fn a_filter_that_hides_nearly_everything_is_served_in_steps() {
        let head = SCAN * 2 + 5;
        let connection = log(head);
        let last = ChangeFilter { projects: vec!["x".into(), "last".into()], ..Default::default() };
        let (mut at, mut looks) = (0, 0);
        let found = loop {
            let found = after(&connection, at, head, 10, &last).unwrap();
            (at, looks) = (found.reached, looks + 1);
            if !found.changes.is_empty() || at >= head {
                break found;
            }
        };
        assert_eq!((seqs(&found), looks), (vec![head], 3));
    }
}
