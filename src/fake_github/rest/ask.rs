//! What is asked, what may be looked at for it, and what comes of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::fake_github::auth::Caller;
use crate::fake_github::state::{Repository, State};

/// A request.
pub(in crate::fake_github) struct Ask {
    pub(in crate::fake_github) method: String,
    /// Without its query and without an Enterprise Server's prefix.
    pub(in crate::fake_github) path: String,
    pub(in crate::fake_github) query: BTreeMap<String, String>,
    pub(in crate::fake_github) body: Value,
    pub(in crate::fake_github) caller: Caller,
    pub(in crate::fake_github) now: Timestamp,
}

impl Ask {
    /// A number of the query.
    pub(in crate::fake_github) fn number(&self, name: &str) -> Option<i64> {
        self.query.get(name)?.parse().ok()
    }

    pub(in crate::fake_github) fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::fake_github) enum Answer {
    Json(u16, Value),
    /// A page of a list, and the queries of its neighbours (`rel`, query).
    Page(Value, Vec<(&'static str, String)>),
    Redirect(u16, String),
    /// The installation lacks this permission.
    Forbidden(&'static str),
    NotFound,
    Message(u16, String),
}

/// 200 with this.
pub(super) fn ok(value: Value) -> Answer {
    Answer::Json(200, value)
}

/// A page of a list, as `per_page` and `page` say; below `key` and with a `total_count` where there is a key.
pub(super) fn page<T>(
    ask: &Ask,
    key: Option<&str>,
    all: &[T],
    write: impl Fn(&T) -> Value,
) -> Answer {
    let size = usize::try_from(ask.number("per_page").unwrap_or(30)).unwrap_or(30).clamp(1, 100);
    let number = usize::try_from(ask.number("page").unwrap_or(1)).unwrap_or(1).max(1);
    let last = all.len().div_ceil(size).max(1);
    let items: Value = all.iter().skip((number - 1) * size).take(size).map(write).collect();
    let query = |number: usize| {
        let mut query = ask.query.clone();
        query.insert("page".to_owned(), number.to_string());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
    };
    let mut links = Vec::new();
    if number > 1 {
        links.push(("prev", query(number - 1)));
    }
    if number < last {
        links.extend([("next", query(number + 1)), ("last", query(last))]);
    }
    if number > 1 {
        links.push(("first", query(1)));
    }
    let value = match key {
        Some(key) => json!({"total_count": all.len(), key: items}),
        None => items,
    };
    Answer::Page(value, links)
}

/// A repository that may be looked at.
pub(super) struct View<'a> {
    pub(super) ask: &'a Ask,
    pub(super) state: &'a State,
    pub(super) repo: &'a Repository,
}
