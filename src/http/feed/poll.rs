//! A page of the change feed: at once, or as soon as there is something on it.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;

use super::stream::Feed;
use super::tail::Taken;
use crate::api::{ApiError, ChangesJson, Patience};
use crate::store::reads::{ChangeFilter, Cursor};

/// What one request asks for.
pub(super) struct Poll {
    pub(super) cursor: Cursor,
    pub(super) limit: usize,
    pub(super) wait: Duration,
    pub(super) filter: ChangeFilter,
}

/// A page of changes that were rendered before, in the form of [`ChangesJson`].
#[derive(Serialize)]
struct RenderedPage<'t> {
    changes: Vec<&'t RawValue>,
    next: String,
    head: i64,
    floor: i64,
    epoch: &'t str,
}

impl Poll {
    /// Answers, and where there is nothing waits for the first change that passes the filter.
    pub(super) async fn answer(self, feed: &Feed) -> Result<Response, ApiError> {
        let Self { cursor, limit, wait, filter } = self;
        // Nobody who does not wait keeps the tail at work.
        let head = if wait.is_zero() { feed.api.engine.head() } else { feed.tail.listen() };
        let mut patience = Patience::new(head, feed.api.shutdown.clone(), wait);
        let mut page = feed.api.changes(cursor, limit, &filter).await?;
        while page.changes.is_empty() && patience.news().await {
            let taken = feed.tail.take(&page.at.epoch, page.reached, &filter, limit);
            match taken {
                Some(taken) if !taken.entries.is_empty() => return Ok(rendered(&taken)),
                Some(taken) => {
                    page.reached = taken.reached;
                    page.at = taken.at.as_ref().clone();
                }
                None => {
                    let from = Cursor::Of { epoch: page.at.epoch, seq: page.reached };
                    page = feed.api.changes(from, limit, &filter).await?;
                }
            }
        }
        Ok(Json(ChangesJson::from(page)).into_response())
    }
}

fn rendered(Taken { entries, reached, at }: &Taken) -> Response {
    let page = RenderedPage {
        changes: entries.iter().map(|entry| entry.json()).collect(),
        next: format!("{}.{reached}", at.epoch),
        head: at.head,
        floor: at.floor,
        epoch: &at.epoch,
    };
    Json(page).into_response()
}
