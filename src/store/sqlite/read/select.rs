//! Putting a read together: only the conditions that are asked for, so that indices are used.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::weight::{Weighed, heaviest};
use crate::store::reads::{HEAVIEST_ANSWER, Listed, Order, Page, Portion};

type ReadRow<T> = fn(&Row<'_>) -> rusqlite::Result<T>;

/// A `SELECT` whose conditions are added one by one. The text never holds a caller's words; these
/// go into `values`.
pub(super) struct Select {
    sql: String,
    values: Vec<Value>,
    has_condition: bool,
}

impl Select {
    /// Begins with `SELECT … FROM …`.
    pub(super) fn new(head: &str) -> Self {
        Self { sql: head.to_owned(), values: Vec::new(), has_condition: false }
    }

    /// Adds a condition and the values of its question marks.
    pub(super) fn and(mut self, condition: &str, values: impl IntoIterator<Item = Value>) -> Self {
        self.sql.push_str(if self.has_condition { " AND " } else { " WHERE " });
        self.sql.push_str(condition);
        self.has_condition = true;
        self.values.extend(values);
        self
    }

    /// Adds a condition on a text where there is one.
    pub(super) fn and_maybe(self, condition: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.and(condition, [text(value)]),
            None => self,
        }
    }

    /// Ends with `ORDER BY …`, and the values of its question marks. No condition may follow.
    pub(super) fn ending(mut self, tail: &str, values: impl IntoIterator<Item = Value>) -> Self {
        self.sql.push(' ');
        self.sql.push_str(tail);
        self.values.extend(values);
        self
    }

    /// The first rows, up to `most` of them and no more than an answer may weigh.
    pub(super) fn portion<T: Weighed>(
        self,
        on: &Connection,
        most: usize,
        read: ReadRow<T>,
    ) -> rusqlite::Result<Portion<T>> {
        let mut query = on.prepare_cached(&self.sql)?;
        let rows = query.query_map(params_from_iter(self.values), read)?;
        let (items, more) = heaviest(rows, most)?;
        Ok(Portion { items, more })
    }

    /// The first row.
    pub(super) fn one<T>(self, on: &Connection, read: ReadRow<T>) -> rusqlite::Result<Option<T>> {
        on.prepare_cached(&self.sql)?.query_row(params_from_iter(self.values), read).optional()
    }

    /// A page by a key, in the page's order.
    pub(super) fn page<T: Weighed>(
        self,
        on: &Connection,
        key: &str,
        page: Page,
        read: ReadRow<T>,
        key_of: fn(&T) -> i64,
    ) -> rusqlite::Result<Listed<T>> {
        let (beyond, order) = direction(page.order);
        let select = match page.after {
            Some(after) => self.and(&format!("{key} {beyond} ?"), [Value::from(after)]),
            None => self,
        };
        // One more than asked for tells whether there is a next page.
        let wanted = i64::try_from(page.limit).unwrap_or(i64::MAX).saturating_add(1);
        let Portion { items, more } = select
            .ending(&format!("ORDER BY {key} {order} LIMIT +?"), [Value::from(wanted)])
            .portion(on, page.limit, read)?;
        let next = if more { items.last().map(key_of) } else { None };
        Ok(Listed { items, next })
    }
}

/// How many rows one read looks at in search of what no index finds. [`Listed::next`] goes on from
/// there, however few were found.
pub(super) const SEARCH: usize = 2_000;

/// Takes those of the candidates that `load` finds to be wanted, until a page is full or heavy or there
/// are no more. `candidates` are the keys in order and whether they may be wanted, up to `most` of them: where
/// there are so many, there may be more.
pub(super) fn gather<T: Weighed>(
    candidates: impl Iterator<Item = rusqlite::Result<(i64, bool)>>,
    most: usize,
    limit: usize,
    mut load: impl FnMut(i64) -> rusqlite::Result<Option<T>>,
) -> rusqlite::Result<Listed<T>> {
    let mut items: Vec<T> = Vec::new();
    let (mut looked, mut weight, mut found, mut last) = (0, 0, 0, None);
    for candidate in candidates {
        let (key, may_be) = candidate?;
        looked += 1;
        if let Some(item) = if may_be { load(key)? } else { None } {
            weight += item.weight();
            if items.len() == limit || (weight > HEAVIEST_ANSWER && !items.is_empty()) {
                return Ok(Listed { items, next: Some(found) });
            }
            items.push(item);
            found = key;
        }
        last = Some(key);
    }
    Ok(Listed { items, next: last.filter(|_| looked >= most) })
}

/// How a key of that order goes on, and the word of `ORDER BY`.
pub(super) fn direction(order: Order) -> (&'static str, &'static str) {
    match order {
        Order::Oldest => (">", "ASC"),
        Order::Newest => ("<", "DESC"),
    }
}

/// The statement that reads the keys of several ranges together, in that order, beyond `?1`, at most
/// `?2`. Each range has to be one that an index holds in the order of its keys.
pub(super) fn merged(table: &str, key: &str, order: Order, ranges: &[String]) -> String {
    let (beyond, order) = direction(order);
    let range = |range: &String| {
        format!(
            "SELECT * FROM (SELECT {key} AS key FROM {table} WHERE {range} AND {key} {beyond} ?1 \
             ORDER BY {key} {order} LIMIT +?2)"
        )
    };
    let ranges: Vec<String> = ranges.iter().map(range).collect();
    format!("SELECT key FROM ({}) ORDER BY key {order} LIMIT +?2", ranges.join(" UNION ALL "))
}

/// A text as a value.
pub(super) fn text(value: &str) -> Value {
    Value::from(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number and its weight.
    struct Stone(i64, usize);

    impl Weighed for Stone {
        fn weight(&self) -> usize {
            self.1
        }
    }

    #[test]
    fn a_search_goes_on_where_it_stopped() {
        let candidates = |keys: std::ops::Range<i64>| keys.map(|key| Ok((key, key % 2 == 0)));
        let wanted = |key: i64| Ok((key % 4 == 0).then_some(Stone(key, 1)));
        let check = |keys, limit, items: &[i64], next| {
            let listed = gather(candidates(keys), 10, limit, wanted).unwrap();
            let found: Vec<i64> = listed.items.iter().map(|stone| stone.0).collect();
            assert_eq!((found.as_slice(), listed.next), (items, next));
        };
        check(1..11, 2, &[4, 8], Some(10)); // Looked at ten: there may be more.
        check(1..13, 2, &[4, 8], Some(8)); // A third one is there.
        check(1..10, 2, &[4, 8], None);
        check(1..2, 2, &[], None);
        check(1..11, 9, &[4, 8], Some(10));
    }

    #[test]
    fn a_page_of_a_search_ends_before_it_is_too_heavy() {
        let load = |key: i64| Ok(Some(Stone(key, HEAVIEST_ANSWER / 2)));
        let listed = gather((1..4).map(|key| Ok((key, true))), 10, 9, load).unwrap();
        assert_eq!((listed.items.len(), listed.next), (2, Some(2)));
        let load = |key: i64| Ok(Some(Stone(key, HEAVIEST_ANSWER * 2)));
        let listed = gather((1..4).map(|key| Ok((key, true))), 10, 9, load).unwrap();
        assert_eq!((listed.items.len(), listed.next), (1, Some(1)));
    }
}
