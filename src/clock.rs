//! The only place that reads the time.

use crate::domain::Timestamp;

/// The present instant, cut to milliseconds as the store keeps it.
#[allow(clippy::disallowed_methods, reason = "this is the one room that may")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
