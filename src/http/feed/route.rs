//! `GET /v1/changes` and its parameters, which a page and a stream have in common.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;

use super::poll::Poll;
use super::stream::{Feed, last_event_id, stream};
use crate::api::{ApiError, ChangesJson, change_filter, read_cursor, wait};
use crate::http::server::{Hangup, HttpError, Params};
use crate::store::reads::{ChangeFilter, Cursor};

/// `GET /v1/changes`: a page, or where that is accepted a stream of events.
#[utoipa::path(get, path = "/changes", operation_id = "listChanges", tag = "changes", params(("after" = Option<String>, Query, description = "`0`, a `seq`, `next` of an earlier answer, or `head`", pattern = r"^(head|([^.]+\.)?[0-9]{1,18})$"), ("Last-Event-ID" = Option<String>, Header, description = "where an event stream goes on; beats `after`"), ("limit" = Option<i64>, Query, minimum = 1, maximum = 1000), ("wait" = Option<i64>, Query, minimum = 0, maximum = 60), ("project" = Option<Vec<String>>, Query), ("session" = Option<Vec<String>>, Query), ("type" = Option<Vec<String>>, Query)), responses((status = 200, description = "A page; or, with `Accept: text/event-stream`, events that go on: `id` is a cursor, `event` the change's type, `data` the change as in a page. A `heartbeat` has `{\"next\"}` as its data, `reset` what a 410 has, and ends the stream.", content((ChangesJson = "application/json"), (String = "text/event-stream")))))]
pub(in crate::http) async fn get(
    State(feed): State<Arc<Feed>>,
    hangup: Option<Extension<Hangup>>,
    headers: HeaderMap,
    query: RawQuery,
) -> Result<Response, HttpError> {
    let known = ["after", "limit", "wait", "project", "session", "type"];
    let params = Params::read(&query, &known)?;
    if !wants_stream(&headers) {
        let poll = Poll {
            cursor: after(&params)?,
            limit: params.paging()?.limit(),
            wait: wait(params.wait()?)?,
            filter: filter(&params)?,
        };
        return Ok(poll.answer(&feed).await?);
    }
    for name in ["limit", "wait"] {
        if params.one(name)?.is_some() {
            let what = "an event stream takes none, it goes on; leave it out";
            return Err(ApiError::parameter(name, what).into());
        }
    }
    let cursor = match last_event_id(&headers)? {
        Some(cursor) => cursor,
        None => after(&params)?,
    };
    let hangup = hangup.map(|Extension(hangup)| hangup);
    Ok(stream(feed, cursor, filter(&params)?, hangup).await?)
}

fn after(params: &Params) -> Result<Cursor, ApiError> {
    read_cursor(params.one("after")?.unwrap_or("0")).ok_or_else(|| {
        ApiError::parameter("after", "give 0, a `seq`, `next` of an earlier answer, or `head`")
    })
}

fn filter(params: &Params) -> Result<ChangeFilter, ApiError> {
    change_filter(params.many("project")?, params.many("session")?, params.many("type")?)
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).into_iter();
    accepts.filter_map(|it| it.to_str().ok()).any(|it| it.contains("text/event-stream"))
}
