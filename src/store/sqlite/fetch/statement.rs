//! Statements that are kept prepared.

use rusqlite::{Connection, OptionalExtension, Params, Result, Row};

pub(super) fn one<T>(
    on: &Connection,
    sql: &str,
    params: impl Params,
    row: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    on.prepare_cached(sql)?.query_row(params, row).optional()
}

pub(super) fn all<T>(
    on: &Connection,
    sql: &str,
    params: impl Params,
    row: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    on.prepare_cached(sql)?.query_map(params, row)?.collect()
}
