//! Putting a read together: only the conditions that are asked for, so that indices are used.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::weight::{Weighed, heaviest};
use crate::store::reads::{Listed, Page, Portion};

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

    /// A page by a rising key.
    pub(super) fn rising<T: Weighed>(
        self,
        on: &Connection,
        key: &str,
        page: Page,
        read: ReadRow<T>,
        key_of: fn(&T) -> i64,
    ) -> rusqlite::Result<Listed<T>> {
        self.page(on, (key, ">", "ASC"), page, read, key_of)
    }

    /// A page by a falling key.
    pub(super) fn falling<T: Weighed>(
        self,
        on: &Connection,
        key: &str,
        page: Page,
        read: ReadRow<T>,
        key_of: fn(&T) -> i64,
    ) -> rusqlite::Result<Listed<T>> {
        self.page(on, (key, "<", "DESC"), page, read, key_of)
    }

    fn page<T: Weighed>(
        self,
        on: &Connection,
        (key, beyond, order): (&str, &str, &str),
        page: Page,
        read: ReadRow<T>,
        key_of: fn(&T) -> i64,
    ) -> rusqlite::Result<Listed<T>> {
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

/// A text as a value.
pub(super) fn text(value: &str) -> Value {
    Value::from(value.to_owned())
}
