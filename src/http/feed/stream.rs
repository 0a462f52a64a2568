//! The change feed as Server-Sent Events.
//!
//! A reader catches up from the store in short reads, then follows the [`Tail`], where each change
//! was rendered once for all. It holds no transaction while it waits, and a few frames at most.
//!
//! Every event carries an `id`, a cursor, in one block with an `event` and a `data`: browsers move
//! `lastEventId` on an `id` alone, but scripts see it only on events that are dispatched, and simple
//! parsers drop blocks without data. So a heartbeat is an event too. `reset` alone has no `id`:
//! after it there is nothing to go on from, and who reconnects with its old cursor is told 410.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use super::entry::Entry;
use super::readers::{Readers, Seat};
use super::tail::Tail;
use crate::api::{Api, ApiError, read_cursor, refusal};
use crate::http::server::Hangup;
use crate::store::reads::{Bounds, ChangeFilter, Cursor, CursorFault, Look};

/// Changes that a reader takes at once, from the tail or the store.
const BURST: usize = 64;

/// The first thing sent: it makes proxies and clients see that the stream is open. Clients that
/// reconnect by themselves do so after a second.
const HELLO: &[u8] = b": changes follow\nretry: 1000\n\n";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What the change feed lives from.
pub(in crate::http) struct Feed {
    pub(in crate::http) api: Arc<Api>,
    /// The newest changes, rendered.
    pub(in crate::http) tail: Arc<Tail>,
    pub(in crate::http) readers: Arc<Readers>,
    /// How long a stream is silent before it says that it lives.
    pub(in crate::http) heartbeat: Duration,
}

/// The cursor of a reader that comes back, which beats `after`; `None` where it has none.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<Cursor>, ApiError> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let cursor = value.to_str().ok().and_then(read_cursor);
    let what = "give the `id` of the last event, as it came";
    cursor.map(Some).ok_or_else(|| ApiError::parameter("Last-Event-ID", what))
}

/// Begins a stream after the cursor. All that can be refused is refused here, before it begins.
pub(super) async fn stream(
    feed: Arc<Feed>,
    cursor: Cursor,
    filter: ChangeFilter,
    hangup: Option<Hangup>,
) -> Result<Response, ApiError> {
    let full = "as many readers follow the changes as this server allows; try again, or poll";
    let seat = feed.readers.admit(hangup).ok_or_else(|| ApiError::unavailable(full))?;
    let news = feed.tail.listen();
    let at = feed.api.store.bounds().await?;
    let seq = cursor.position(&at).map_err(|fault| refusal(fault, &at))?;
    let shutdown = feed.api.shutdown.clone();
    let beat = feed.heartbeat;
    let mut reader = Box::new(Reader {
        feed,
        news,
        shutdown,
        filter,
        epoch: at.epoch,
        seq,
        frames: VecDeque::from([Bytes::from_static(HELLO)]),
        ended: false,
        beat: Box::pin(tokio::time::sleep(beat)),
    });
    // Who begins at the end has no cursor yet.
    if matches!(cursor, Cursor::Newest(_)) {
        let heartbeat = reader.heartbeat();
        reader.frames.push_back(heartbeat);
    }
    seat.reached(seq);
    let body = Body::new(Stream { seat, next: Some(Box::pin(reader.next())) });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, body).into_response())
}

/// One reader and where it stands.
struct Reader {
    feed: Arc<Feed>,
    news: watch::Receiver<i64>,
    shutdown: watch::Receiver<bool>,
    filter: ChangeFilter,
    epoch: String,
    /// Everything up to here was looked at, and what passes the filter is sent or in `frames`.
    seq: i64,
    frames: VecDeque<Bytes>,
    ended: bool,
    beat: Pin<Box<Sleep>>,
}

impl Reader {
    /// Waits for the next thing to send; `None` ends the stream.
    async fn next(mut self: Box<Self>) -> Option<(Bytes, Box<Self>)> {
        loop {
            if *self.shutdown.borrow() {
                return None;
            }
            if let Some(frame) = self.frames.pop_front() {
                let next = Instant::now() + self.feed.heartbeat;
                self.beat.as_mut().reset(next);
                return Some((frame, self));
            }
            if self.ended {
                return None;
            }
            if self.beat.is_elapsed() {
                let heartbeat = self.heartbeat();
                self.frames.push_back(heartbeat);
                continue;
            }
            self.news.mark_unchanged();
            match self.look().await {
                Ok(true) => continue,
                Ok(false) => {}
                // It was logged; the reader may resume.
                Err(_) => return None,
            }
            tokio::select! {
                changed = self.news.changed() => changed.ok()?,
                () = self.beat.as_mut() => {}
                _ = self.shutdown.wait_for(|down| *down) => {}
            }
        }
    }

    /// Looks for changes after `seq`; `false` when there is nothing to do but wait.
    async fn look(&mut self) -> Result<bool, ApiError> {
        if let Some(taken) = self.feed.tail.take(&self.epoch, self.seq, &self.filter, BURST) {
            self.frames.extend(taken.entries.iter().map(|entry| entry.frame()));
            self.seq = taken.reached;
            return Ok(!self.frames.is_empty());
        }
        let from = Cursor::Of { epoch: self.epoch.clone(), seq: self.seq };
        let Look { at, found } =
            self.feed.api.store.changes(from, BURST, self.filter.clone()).await?;
        match found {
            Ok(found) => {
                for change in found.changes {
                    self.frames.push_back(Entry::new(&self.epoch, change)?.frame());
                }
                self.seq = found.reached;
                Ok(!self.frames.is_empty() || self.seq < at.head)
            }
            Err(fault) => {
                self.frames.push_back(reset(fault, &at));
                self.ended = true;
                Ok(true)
            }
        }
    }

    fn heartbeat(&self) -> Bytes {
        let cursor = format!("{}.{}", self.epoch, self.seq);
        let data = json!({ "next": cursor });
        format!("id: {cursor}\nevent: heartbeat\ndata: {data}\n\n").into()
    }
}

/// The end of a stream that cannot go on: the same JSON as a 410 has, and no `id`.
fn reset(fault: CursorFault, at: &Bounds) -> Bytes {
    let data = serde_json::to_string(&refusal(fault, at).json()).unwrap_or_default();
    format!("event: reset\ndata: {data}\n\n").into()
}

type Next = Pin<Box<dyn Future<Output = Option<(Bytes, Box<Reader>)>> + Send>>;

/// The body of the answer.
struct Stream {
    seat: Seat,
    next: Option<Next>,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = TooSlow;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TooSlow>>> {
        if !self.seat.asks() {
            self.next = None;
            return Poll::Ready(Some(Err(TooSlow)));
        }
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let Some((frame, reader)) = ready!(next.as_mut().poll(context)) else {
            self.next = None;
            return Poll::Ready(None);
        };
        self.seat.reached(reader.seq);
        self.seat.given();
        self.next = Some(Box::pin(reader.next()));
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }
}

/// Why a stream breaks off.
#[derive(Debug, thiserror::Error)]
#[error("the reader was too slow; it may resume where it stopped")]
struct TooSlow;
