//! The only place that reads the time.

use std::sync::Arc;

use crate::domain::Timestamp;

/// Where a component gets the time from: the system, or a hand that somebody else moves.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Arc::new(now))
    }

    /// A clock that shows what `read` says.
    pub fn from_fn(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The present instant, cut to milliseconds as the store keeps it.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

/// The system's present instant, cut to milliseconds as the store keeps it.
#[allow(clippy::disallowed_methods, reason = "this is the one room that may")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
