//! The only place that reads the time.

use std::sync::Arc;

use crate::domain::Timestamp;

/// Where a component gets the time from.
#[derive(Clone)]
pub struct Clock {
    read: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    runs: bool,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self { read: Arc::new(now), runs: true }
    }

    /// A clock that stands still between the moments at which somebody moves its hand. Whoever does
    /// also fires the timers that came due.
    pub fn by_hand(read: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read), runs: false }
    }

    /// Whether time passes by itself.
    pub fn runs(&self) -> bool {
        self.runs
    }

    /// The present instant, cut to milliseconds as the store keeps it.
    pub fn now(&self) -> Timestamp {
        (self.read)()
    }
}

/// The system's present instant, cut to milliseconds as the store keeps it.
#[allow(clippy::disallowed_methods, reason = "this is the one room that may")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
