//! Lists, page by page.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::errors::ApiError;
use crate::domain::UnknownSpelling;
use crate::store::reads::{Listed, Order, Page};

/// How many items a page may have.
pub const LIMITS: RangeInclusive<i64> = 1..=1_000;

const DEFAULT_LIMIT: usize = 100;

/// Which part of a list.
#[derive(Debug, Clone)]
pub struct Paging {
    limit: usize,
    cursor: Option<String>,
    order: Order,
}

impl Default for Paging {
    fn default() -> Self {
        Self { limit: DEFAULT_LIMIT, cursor: None, order: Order::Oldest }
    }
}

/// The words for whether a list begins with what came first or with what came last.
const ORDERS: [(&str, Order); 2] = [("oldest", Order::Oldest), ("newest", Order::Newest)];

/// Which end a list begins at, as it is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beginning(Order);

impl FromStr for Beginning {
    type Err = UnknownSpelling;

    fn from_str(text: &str) -> Result<Self, UnknownSpelling> {
        let found = ORDERS.iter().find(|(word, _)| *word == text);
        found.map(|(_, order)| Self(*order)).ok_or_else(|| UnknownSpelling {
            what: "Order",
            text: text.to_owned(),
            known: ORDERS.map(|(word, _)| word).join(" "),
        })
    }
}

impl Paging {
    /// Up to `limit` items (100 where none is given), from where `next` of an earlier answer points to.
    ///
    /// # Errors
    /// The limit is out of [`LIMITS`].
    pub fn new(limit: Option<i64>, cursor: Option<String>) -> Result<Self, ApiError> {
        let Some(limit) = limit else { return Ok(Self { cursor, ..Self::default() }) };
        match usize::try_from(limit) {
            Ok(limit_given) if LIMITS.contains(&limit) => {
                Ok(Self { limit: limit_given, cursor, ..Self::default() })
            }
            _ => Err(ApiError::range("limit", &LIMITS)),
        }
    }

    /// The same from the end that was asked for.
    #[must_use]
    pub fn from_end(self, beginning: Option<Beginning>) -> Self {
        let Beginning(order) = beginning.unwrap_or_default();
        Self { order, ..self }
    }

    /// The part of the list named.
    pub(super) fn page(&self, list: &str) -> Result<Page, ApiError> {
        let after = match &self.cursor {
            None => None,
            Some(text) => Some(row_of(list, text).ok_or_else(|| {
                ApiError::parameter("cursor", "give `next` of an earlier answer of this list")
            })?),
        };
        Ok(Page { after, limit: self.limit, order: self.order })
    }

    /// At most so many.
    pub fn limit(&self) -> usize {
        self.limit
    }
}

/// The cursor of a list: opaque to clients, and of no use for another list.
fn cursor(list: &str, row: i64) -> String {
    format!("{list}-{row}")
}

fn row_of(list: &str, text: &str) -> Option<i64> {
    let row = text.strip_prefix(list)?.strip_prefix('-')?;
    row.bytes().all(|b| b.is_ascii_digit()).then(|| row.parse().ok())?
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    pub items: Vec<T>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// `name` marks the cursor as this list's.
    pub(super) fn of<V>(name: &str, listed: Listed<V>, show: impl FnMut(V) -> T) -> Self {
        let items = listed.items.into_iter().map(show).collect();
        Self { items, next: listed.next.map(|row| cursor(name, row)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_limits() {
        assert_eq!(Paging::new(None, None).unwrap().limit(), 100);
        assert_eq!(Paging::new(Some(1_000), None).unwrap().limit(), 1_000);
        for limit in [0, 1_001, -1, i64::MIN] {
            assert!(Paging::new(Some(limit), None).is_err(), "{limit}");
        }
    }

    #[test]
    fn cursors_belong_to_their_list() {
        let page = |text: &str, list| Paging::new(None, Some(text.to_owned())).unwrap().page(list);
        let text = cursor("nudges", 42);
        assert_eq!(page(&text, "nudges").unwrap().after, Some(42));
        assert!(page(&text, "pulls").is_err());
        for text in ["42", "nudges-", "nudges--1", "nudges-1x"] {
            assert!(page(text, "nudges").is_err(), "{text}");
        }
    }
}
