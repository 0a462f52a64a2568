//! Lists of the API, page after page, as every command shows them: what is open first, then the newest.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{Client, ClientError};
use super::output::{Output, complain};
use super::table::{Column, Screen, Table};
use super::target::Target;
use crate::api::List;

/// The most that the API gives at once.
const PAGE: usize = 1000;
/// What a terminal shows where nobody says how much.
const SCREENFUL: usize = 30;

/// Parameters of a query.
pub(super) type Query = Vec<(&'static str, String)>;

/// What every list takes.
#[derive(Debug, clap::Args)]
pub(super) struct Listing {
    /// Show at most so many [default: 30 on a terminal, else all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Print one JSON object an item
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) target: Target,
}

/// Hands over item after item, `at_once` a page, until there are no more or `each` wants none.
pub(super) async fn walk(
    client: &Client,
    path: &str,
    query: &Query,
    at_once: usize,
    wait: Duration,
    mut each: impl FnMut(Value) -> io::Result<bool>,
) -> anyhow::Result<()> {
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query.clone();
        query.push(("limit", at_once.clamp(1, PAGE).to_string()));
        let wait = if cursor.is_none() { wait } else { Duration::ZERO };
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        if !wait.is_zero() {
            query.push(("wait", wait.as_secs().to_string()));
        }
        let page: List<Value> =
            client.get(path, &query, wait).await.map_err(|error| named(error, path))?;
        for item in page.items {
            if !each(item)? {
                return Ok(());
            }
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

fn named(error: ClientError, path: &str) -> anyhow::Error {
    match error {
        ClientError::Passing(_) => error.into(),
        ClientError::Lasting(_) | ClientError::Misuse(_) => {
            anyhow::Error::new(error).context(format!("GET {path}"))
        }
    }
}

/// What is listed, and how it looks as a table.
pub(super) struct View<'a, T> {
    /// The plural, for "there are no …".
    pub(super) what: &'a str,
    pub(super) path: &'a str,
    /// What is asked in turn; of what several find, the first is shown.
    pub(super) queries: Vec<Query>,
    /// The field that names an item.
    pub(super) key: &'static str,
    pub(super) wait: Duration,
    pub(super) columns: &'a [Column],
    pub(super) cells: fn(&T, Screen) -> Vec<String>,
}

/// Prints a list; whether there was anything.
pub(super) async fn print<T: DeserializeOwned>(
    listing: &Listing,
    view: View<'_, T>,
) -> anyhow::Result<bool> {
    let client = listing.target.client()?;
    let screen = Screen::detect();
    let on_terminal = screen.now.is_some();
    let limit = match listing.limit {
        Some(limit) => limit as usize,
        None if on_terminal => SCREENFUL,
        None => usize::MAX,
    };
    // One more tells that there are more.
    let most = limit.saturating_add(1);
    let mut rows = Rows {
        out: Output { json: listing.json },
        table: Table::new(view.columns),
        cells: view.cells,
        screen,
        limit,
        count: 0,
    };
    let mut seen = HashSet::new();
    for query in &view.queries {
        let wanted = most.saturating_add(seen.len());
        walk(&client, view.path, query, wanted, view.wait, |item| {
            if view.queries.len() > 1 && !seen.insert(item[view.key].to_string()) {
                return Ok(true);
            }
            rows.take(item)?;
            Ok(rows.count < most)
        })
        .await?;
        if rows.count >= most {
            break;
        }
    }
    rows.table.print(screen)?;
    let what = view.what;
    if rows.count == 0 {
        let plain = view.queries.iter().any(|query| query.iter().all(|(name, _)| is_order(name)));
        complain(&format!("there are no{} {what}", if plain { "" } else { " such" }));
    } else if rows.count > limit {
        complain(&format!("there are more {what}: --limit shows more, filters show fewer"));
    }
    Ok(rows.count > 0)
}

fn is_order(name: &str) -> bool {
    name == "order"
}

/// What is shown so far.
struct Rows<'a, T> {
    out: Output,
    table: Table<'a>,
    cells: fn(&T, Screen) -> Vec<String>,
    screen: Screen,
    limit: usize,
    count: usize,
}

impl<T: DeserializeOwned> Rows<'_, T> {
    /// Shows an item, or counts it where it is one too many.
    fn take(&mut self, item: Value) -> io::Result<()> {
        self.count += 1;
        if self.count > self.limit {
            return Ok(());
        }
        // As it came: a script may know more of it than this build does.
        self.out.object(&item)?;
        if !self.out.json {
            self.table.row((self.cells)(&serde_json::from_value(item)?, self.screen));
        }
        Ok(())
    }
}

/// The filters that were given.
pub(super) fn filters<const N: usize>(given: [(&'static str, &Option<String>); N]) -> Query {
    given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

/// The same query from the newest on.
pub(super) fn newest_first(mut query: Query) -> Query {
    query.push(("order", "newest".to_owned()));
    query
}

/// First those whose `field` has these values, value by value and each newest first, then all.
pub(super) fn in_order(query: Query, field: &'static str, values: &[&str]) -> Vec<Query> {
    let query = newest_first(query);
    let of_value = |value: &&str| {
        let mut query = query.clone();
        query.push((field, (*value).to_owned()));
        query
    };
    values.iter().map(of_value).chain([query.clone()]).collect()
}

/// A text as a cell, empty where there is none.
pub(super) fn cell(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}
