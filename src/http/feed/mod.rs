//! The change feed out: polled, waited for, or followed as a stream of events.

mod entry;
mod poll;
mod readers;
pub(super) mod route;
mod stream;
mod tail;

pub(super) use readers::Readers;
pub(super) use stream::Feed;
pub(super) use tail::Tail;
