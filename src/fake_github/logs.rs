//! Job logs: kept bytes, or bytes made while they are read, so that a gibibyte costs no memory.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// A log.
#[derive(Debug, Clone)]
pub enum Log {
    /// As it is.
    Kept(Bytes),
    /// `head`, then `filler` again and again for at least this many bytes, then `tail`.
    Generated {
        /// What stands before the filler.
        head: Bytes,
        /// What is repeated; cut at the end of the last repetition, never within one.
        filler: Bytes,
        /// How many bytes of filler there are at least; `u64::MAX` is a log that never ends.
        bytes: u64,
        /// What stands after the filler.
        tail: Bytes,
    },
}

impl Log {
    /// A log that is held.
    pub fn new(text: impl Into<Bytes>) -> Self {
        Self::Kept(text.into())
    }

    /// Lines of progress, this many bytes of them, around what counts.
    pub fn large(head: impl Into<Bytes>, bytes: u64, tail: impl Into<Bytes>) -> Self {
        let line = "2026-05-01T08:00:01.0000000Z    Compiling a-crate-with-a-name v1.2.3\n";
        let filler = Bytes::from(line.repeat(64 * 1024 / line.len()));
        Self::Generated { head: head.into(), filler, bytes, tail: tail.into() }
    }

    /// Lines without an end.
    pub fn endless(head: impl Into<Bytes>) -> Self {
        Self::large(head, u64::MAX, Bytes::new())
    }

    /// Its length; `None` where it never ends.
    pub fn len(&self) -> Option<u64> {
        match self {
            Self::Kept(bytes) => Some(bytes.len() as u64),
            Self::Generated { bytes: u64::MAX, .. } => None,
            Self::Generated { head, filler, bytes, tail } => {
                let filler = bytes.div_ceil(filler.len().max(1) as u64) * filler.len() as u64;
                Some(head.len() as u64 + filler + tail.len() as u64)
            }
        }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }
}

/// A log on its way.
pub(super) struct LogBody {
    log: Log,
    stage: Stage,
}

enum Stage {
    Head,
    Filler { left: u64 },
    Done,
}

impl LogBody {
    pub(super) fn new(log: Log) -> Self {
        Self { log, stage: Stage::Head }
    }

    fn next(&mut self) -> Option<Bytes> {
        let (piece, stage) = match (&self.log, &self.stage) {
            (Log::Kept(bytes), Stage::Head) => (bytes.clone(), Stage::Done),
            (Log::Generated { head, bytes, .. }, Stage::Head) => {
                (head.clone(), Stage::Filler { left: *bytes })
            }
            (Log::Generated { tail, .. }, Stage::Filler { left: 0 }) => (tail.clone(), Stage::Done),
            (Log::Generated { filler, .. }, Stage::Filler { left }) => {
                let left = match left {
                    &u64::MAX => u64::MAX,
                    left => left.saturating_sub(filler.len().max(1) as u64),
                };
                (filler.clone(), Stage::Filler { left })
            }
            (_, Stage::Done | Stage::Filler { .. }) => return None,
        };
        self.stage = stage;
        Some(piece)
    }
}

impl Body for LogBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            match self.next() {
                Some(piece) if piece.is_empty() => {}
                piece => return Poll::Ready(piece.map(|piece| Ok(Frame::data(piece)))),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.log.len().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(log: Log) -> Vec<u8> {
        let mut body = LogBody::new(log);
        std::iter::from_fn(|| body.next()).flatten().collect()
    }

    #[test]
    fn a_generated_log_is_as_long_as_it_says() {
        assert_eq!(read(Log::new("abc")), b"abc");
        let log =
            Log::Generated { head: "<".into(), filler: "xy".into(), bytes: 5, tail: ">".into() };
        assert_eq!(log.len(), Some(8));
        assert_eq!(read(log), b"<xyxyxy>");
        assert!(Log::endless("a").len().is_none() && Log::new("").is_empty());
    }
}
