//! The ledger of deliveries.

use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, Result, Row};

use super::rows;
use super::select::Select;
use crate::store::reads::{KeptDelivery, LARGEST_BODY, Listed, Page};
use crate::store::views::DeliveryView;

const DELIVERIES: &str =
    "SELECT id, hook, guid, event, action, repo, outcome, reason, received_at FROM deliveries";

/// The ledger, newest first.
pub(in crate::store) fn deliveries(
    on: &Connection,
    outcome: Option<&str>,
    page: Page,
) -> Result<Listed<DeliveryView>> {
    let select = Select::new(DELIVERIES).and_maybe("outcome = ?", outcome);
    select.falling(on, "id", page, rows::delivery, |view| view.id)
}

/// One row of the ledger.
pub(super) fn delivery(on: &Connection, id: i64) -> Result<Option<DeliveryView>> {
    Select::new(DELIVERIES).and("id = ?", [Value::from(id)]).one(on, rows::delivery)
}

/// What a row of the ledger kept.
pub(in crate::store) fn kept(on: &Connection, id: i64) -> Result<Option<KeptDelivery>> {
    let read = |row: &Row<'_>| {
        let unpack = |packed: Vec<u8>| zstd::bulk::decompress(&packed, LARGEST_BODY);
        let body = row.get::<_, Option<Vec<u8>>>(2)?.map(unpack).transpose();
        let broken = |error: std::io::Error| {
            rusqlite::Error::FromSqlConversionFailure(2, Type::Blob, error.into())
        };
        let body = body.map_err(broken)?;
        Ok(KeptDelivery { event: row.get(0)?, observation: row.get(1)?, body })
    };
    on.prepare_cached("SELECT event, observation, body FROM deliveries WHERE id = ?1")?
        .query_row([id], read)
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_without_gap_or_repeat() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../../../migrations/0001_init.sql")).unwrap();
        for guid in 1..=5 {
            connection
                .execute(
                    "INSERT INTO deliveries (hook, guid, event, outcome, received_at)
                     VALUES ('', ?1, 'ping', iif(?1 = 3, 'applied', 'ignored'), '')",
                    [guid],
                )
                .unwrap();
        }
        let pages = |outcome: Option<&str>| {
            let (mut pages, mut after) = (Vec::new(), None);
            loop {
                let listed = deliveries(&connection, outcome, Page { after, limit: 2 }).unwrap();
                pages.push(listed.items.iter().map(|view| view.id).collect::<Vec<_>>());
                after = listed.next;
                if after.is_none() {
                    return pages;
                }
            }
        };
        assert_eq!(pages(None), [vec![5, 4], vec![3, 2], vec![1]]);
        assert_eq!(pages(Some("ignored")), [vec![5, 4], vec![2, 1]]);
        assert_eq!(pages(Some("quarantined")), [Vec::<i64>::new()]);
    }
}
