//! The change feed: what happened after a cursor, at once or as soon as something does, and its
//! parameters, which the event stream has too.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::App;
use super::errors::ApiError;
use super::live;
use super::query::Params;
use super::serve::Hangup;
use super::wait::Patience;
use super::wire::{ChangeJson, ChangesJson, ShownChange};
use crate::store::reads::{Bounds, CHANGE_TYPES, ChangeFilter, Cursor, CursorFault, Look};

/// Reads a cursor: `0`, a bare `seq`, `EPOCH.SEQ` or `head`.
pub(super) fn read_cursor(text: &str) -> Option<Cursor> {
    let number = |digits: &str| {
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    match text.split_once('.') {
        None if text == "head" => Some(Cursor::Newest(0)),
        None => number(text).map(Cursor::Seq),
        Some(("", _)) => None,
        Some((epoch, seq)) => number(seq).map(|seq| Cursor::Of { epoch: epoch.to_owned(), seq }),
    }
}

/// Why a reader cannot go on, and how it can.
pub(super) fn refusal(fault: CursorFault, at: &Bounds) -> ApiError {
    match fault {
        CursorFault::Pruned => ApiError::gone(
            "changes after this cursor have been pruned; read the lists afresh, then go on from \
             `head` or `floor`",
            at,
        ),
        CursorFault::OtherEpoch => ApiError::gone(
            "the database was restored from a copy since this cursor was given out; read the \
             lists afresh, then go on from `head`",
            at,
        ),
        CursorFault::AboveHead => ApiError::parameter(
            "after",
            format!("beyond the newest change, {}; use `next` of an earlier answer", at.head),
        ),
    }
}

/// `GET /v1/changes`: a page, or where that is accepted a stream of events.
#[utoipa::path(get, path = "/changes", params(("after" = Option<String>, Query, description = "`0`, a `seq`, `next` of an earlier answer, or `head`", pattern = r"^(head|([^.]+\.)?[0-9]{1,18})$"), ("Last-Event-ID" = Option<String>, Header, description = "where an event stream goes on; beats `after`"), ("limit" = Option<i64>, Query, minimum = 1, maximum = 1000), ("wait" = Option<i64>, Query, minimum = 0, maximum = 60), ("project" = Option<Vec<String>>, Query), ("session" = Option<Vec<String>>, Query), ("type" = Option<Vec<String>>, Query)), responses((status = 200, description = "A page; or, with `Accept: text/event-stream`, events that go on: `id` is a cursor, `event` the change's type, `data` the change as in a page. A `heartbeat` has `{\"next\"}` as its data, `reset` what a 410 has, and ends the stream.", content((ChangesJson = "application/json"), (String = "text/event-stream")))))]
pub(super) async fn get(
    State(app): State<App>,
    hangup: Option<Extension<Hangup>>,
    headers: HeaderMap,
    query: RawQuery,
) -> Result<Response, ApiError> {
    let known = ["after", "limit", "wait", "project", "session", "type"];
    let params = Params::read(&query, &known)?;
    if !wants_stream(&headers) {
        return Ok(Json(poll(&app, &params).await?).into_response());
    }
    for name in ["limit", "wait"] {
        if params.one(name)?.is_some() {
            let what = "an event stream takes none, it goes on; leave it out";
            return Err(ApiError::parameter(name, what));
        }
    }
    let cursor = match live::last_event_id(&headers)? {
        Some(cursor) => cursor,
        None => after(&params)?,
    };
    live::stream(app, cursor, filter(&params)?, hangup.map(|Extension(hangup)| hangup)).await
}

async fn poll(app: &App, params: &Params) -> Result<ChangesJson, ApiError> {
    let (cursor, limit, filter) = (after(params)?, params.limit()?, filter(params)?);
    let mut patience = Patience::with_tail(app, params.wait()?);
    let mut page = read_page(app, cursor, limit, &filter).await?;
    while page.changes.is_empty() && patience.news().await {
        page = match app.tail.take(&page.at.epoch, page.reached, &filter, limit) {
            Some(taken) => PageRead {
                changes: taken.entries.into_iter().map(ShownChange::Rendered).collect(),
                reached: taken.reached,
                at: taken.at,
            },
            None => {
                let from = Cursor::Of { epoch: page.at.epoch.clone(), seq: page.reached };
                read_page(app, from, limit, &filter).await?
            }
        };
    }
    Ok(ChangesJson::new(page.changes, page.reached, &page.at))
}

fn after(params: &Params) -> Result<Cursor, ApiError> {
    read_cursor(params.one("after")?.unwrap_or("0")).ok_or_else(|| {
        ApiError::parameter("after", "give 0, a `seq`, `next` of an earlier answer, or `head`")
    })
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).into_iter();
    accepts.filter_map(|it| it.to_str().ok()).any(|it| it.contains("text/event-stream"))
}

fn filter(params: &Params) -> Result<ChangeFilter, ApiError> {
    let types = params.many("type")?;
    if let Some(unknown) = types.iter().find(|name| !CHANGE_TYPES.contains(&name.as_str())) {
        let known = CHANGE_TYPES.join(", ");
        let what = format!("`{unknown}` is unknown; it is one of {known}");
        return Err(ApiError::parameter("type", what));
    }
    Ok(ChangeFilter { projects: params.many("project")?, sessions: params.many("session")?, types })
}

struct PageRead {
    changes: Vec<ShownChange>,
    reached: i64,
    at: Arc<Bounds>,
}

/// Reads until the page is full or the end is reached, in as many short transactions as it takes.
async fn read_page(
    app: &App,
    mut cursor: Cursor,
    limit: usize,
    filter: &ChangeFilter,
) -> Result<PageRead, ApiError> {
    let mut page: Option<PageRead> = None;
    loop {
        let have = page.as_ref().map_or(0, |page| page.changes.len());
        let Look { at, found } =
            app.store.changes(cursor.clone(), limit - have, filter.clone()).await?;
        let found = match found {
            Ok(found) => found,
            // The log was cut off under our feet: give what we have, the next request will be told.
            Err(fault) => return page.ok_or_else(|| refusal(fault, &at)),
        };
        let mut changes = page.map(|page| page.changes).unwrap_or_default();
        for change in found.changes {
            changes.push(ShownChange::Read(ChangeJson::try_from(change)?));
        }
        let done = changes.len() >= limit || found.reached >= at.head;
        cursor = Cursor::Of { epoch: at.epoch.clone(), seq: found.reached };
        let now = PageRead { changes, reached: found.reached, at: Arc::new(at) };
        if done {
            return Ok(now);
        }
        page = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_in_four_forms() {
        let of = |epoch: &str, seq| Some(Cursor::Of { epoch: epoch.into(), seq });
        for (text, cursor) in [
            ("0", Some(Cursor::Seq(0))),
            ("17", Some(Cursor::Seq(17))),
            ("head", Some(Cursor::Newest(0))),
            ("e1.17", of("e1", 17)),
            ("123.17", of("123", 17)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            (".1", None),
            ("e1.", None),
            ("e1.x", None),
            ("e1.1.2", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(read_cursor(text), cursor, "{text}");
        }
    }
}
