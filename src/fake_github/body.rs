//! Bodies: whole, or those that come slowly, or end before their time.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::faults::Fault;

/// A body that may end before its time.
pub(super) type Body = BoxBody<Bytes, std::io::Error>;

/// A body that is there.
pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// How much comes at once where a body is slow.
const PIECE: usize = 512;

/// A body whose pieces are late, and which may end before its time.
pub(super) struct Paced {
    inner: Body,
    between: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    waiting: Bytes,
    /// After so many bytes the connection ends.
    left: Option<u64>,
}

impl Paced {
    /// A body with this fault, or the status and the body that stand in its place.
    pub(super) fn of(fault: Fault, inner: Body) -> Result<Body, (u16, Body)> {
        let paced = |inner, between, left| {
            Self { inner, between, pause: None, waiting: Bytes::new(), left }.boxed()
        };
        match fault {
            Fault::Slow(between) | Fault::Late(between) => Ok(paced(inner, between, None)),
            Fault::CutInHalf => {
                let half = inner.size_hint().exact().unwrap_or(1_000_000) / 2;
                Ok(paced(inner, Duration::ZERO, Some(half)))
            }
            Fault::Status(status, text) => Err((status, full(text))),
            Fault::HtmlStatus(status) => Err((status, full("<html></html>".to_owned()))),
            Fault::Html => Err((200, full("<html></html>".to_owned()))),
            Fault::Hangup | Fault::ToOtherHost(_) | Fault::To(..) | Fault::Forbidden(_) => {
                Err((503, full(String::new())))
            }
        }
    }
}

impl hyper::body::Body for Paced {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = &mut *self;
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(context));
            this.pause = None;
        }
        if this.left == Some(0) {
            return Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into())));
        }
        if this.waiting.is_empty() {
            match ready!(Pin::new(&mut this.inner).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.waiting = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return Poll::Ready(other),
            }
        }
        let mut size = this.waiting.len();
        if !this.between.is_zero() {
            size = size.min(PIECE);
            this.pause = Some(Box::pin(sleep(this.between)));
        }
        if let Some(left) = &mut this.left {
            size = size.min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= size as u64;
        }
        let piece = this.waiting.split_to(size);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
