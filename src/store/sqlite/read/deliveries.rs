//! The ledger of deliveries.

use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, Result, Row};

use super::rows;
use super::select::{SEARCH, Select, gather, text};
use crate::store::reads::{KeptDelivery, LARGEST_BODY, Listed, Order, Page};
use crate::store::views::DeliveryView;

const DELIVERIES: &str =
    "SELECT id, hook, guid, event, action, repo, outcome, reason, received_at FROM deliveries";

/// The ledger, newest first.
pub(in crate::store) fn deliveries(
    on: &Connection,
    outcome: Option<&str>,
    page: Page,
) -> Result<Listed<DeliveryView>> {
    let page = Page { order: Order::Newest, ..page };
    let select = Select::new(DELIVERIES);
    match outcome {
        None => select.page(on, "id", page, rows::delivery, |view| view.id),
        Some("applied") => applied(on, page),
        // The condition of the index `deliveries_unapplied` has to be written out.
        Some(outcome) => select.and("outcome <> 'applied' AND outcome = ?", [text(outcome)]).page(
            on,
            "id",
            page,
            rows::delivery,
            |view| view.id,
        ),
    }
}

/// Those that were applied, most of them as a rule: no index is worth its price at every delivery.
fn applied(on: &Connection, page: Page) -> Result<Listed<DeliveryView>> {
    let mut statement = on.prepare_cached(
        "SELECT id, outcome = 'applied' FROM deliveries WHERE id < ?1 ORDER BY id DESC LIMIT +?2",
    )?;
    let values = (page.beyond(), SEARCH as i64);
    let keys = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    gather(keys, SEARCH, page.limit, |id| delivery(on, id))
}

/// One row of the ledger.
pub(in crate::store) fn delivery(on: &Connection, id: i64) -> Result<Option<DeliveryView>> {
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
                let page = Page { after, limit: 2, order: Order::Newest };
                let listed = deliveries(&connection, outcome, page).unwrap();
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
