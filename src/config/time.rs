//! Spans of time as settings give them: with units, or as plain seconds.

use std::str::FromStr;
use std::time::Duration;

/// The longest settle time that is taken for meant.
const LONGEST_SETTLE: Duration = Duration::from_secs(24 * 60 * 60);
/// The shortest time of keeping that is.
const SHORTEST_RETAIN: Duration = Duration::from_secs(60 * 60);
/// The longest: a thousand years is said as `forever`.
const LONGEST_RETAIN: Duration = Duration::from_secs(1_000 * 365 * 24 * 60 * 60);

/// How long changes are kept where nothing else is said.
pub(super) const CHANGES: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long deliveries are kept where nothing else is said.
pub(super) const DELIVERIES: Duration = Duration::from_secs(30 * 24 * 60 * 60);

fn span(text: &str) -> Result<Duration, ()> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).map_err(|_| ()),
    }
}

/// How long failing checks are collected.
pub(super) struct Settle(pub(super) Duration);

impl FromStr for Settle {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let time = span(text)?;
        if time <= LONGEST_SETTLE { Ok(Self(time)) } else { Err(()) }
    }
}

/// How long a receiver may take.
pub(super) struct NotifyTimeout(pub(super) Duration);

impl FromStr for NotifyTimeout {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let time = span(text)?;
        let sane = Duration::from_millis(100)..=Duration::from_secs(60);
        if sane.contains(&time) { Ok(Self(time)) } else { Err(()) }
    }
}

/// How long rows are kept; `None` is for ever.
pub(super) struct Retain(pub(super) Option<Duration>);

impl FromStr for Retain {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "forever" {
            return Ok(Self(None));
        }
        let time = span(text)?;
        let sane = SHORTEST_RETAIN..=LONGEST_RETAIN;
        if sane.contains(&time) { Ok(Self(Some(time))) } else { Err(()) }
    }
}
