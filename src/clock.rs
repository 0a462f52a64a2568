//! The only place that reads the time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;

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

/// Whether a clock runs evenly: its time is held against the machine's own, which is never set.
#[derive(Debug, Default)]
pub struct Pace {
    last: Option<(Instant, Timestamp)>,
}

impl Pace {
    /// How much more the clock has moved since the last look than time has passed, rounded to seconds; negative
    /// where it was set back. `None` at the first look.
    pub fn drift(&mut self, passed: Instant, shown: Timestamp) -> Option<SignedDuration> {
        let (then, before) = self.last.replace((passed, shown))?;
        let passed = SignedDuration::try_from(passed.saturating_duration_since(then)).ok()?;
        let drift = shown.duration_since(before) - passed;
        Some(SignedDuration::from_secs(drift.round(jiff::Unit::Second).ok()?.as_secs()))
    }
}

/// Lets one of what repeats through in a span of time, and counts what it keeps back.
#[derive(Debug)]
pub struct Throttle {
    span: Duration,
    last: Option<Instant>,
    kept_back: u64,
}

impl Throttle {
    /// One in each span.
    pub fn new(span: Duration) -> Self {
        Self { span, last: None, kept_back: 0 }
    }

    /// How many were kept back since the last one that passed; `None` where this one is kept back too.
    pub fn pass(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < self.span) {
            self.kept_back += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.kept_back))
    }
}

/// The system's present instant, cut to milliseconds as the store keeps it.
#[allow(clippy::disallowed_methods, reason = "this is the one room that may")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_told_from_one_that_runs() {
        let (begun, start) = (Instant::now(), Timestamp::UNIX_EPOCH);
        let mut pace = Pace::default();
        let mut look = |passed: u64, shown: i64| {
            let shown = start.checked_add(SignedDuration::from_secs(shown)).unwrap();
            pace.drift(begun + Duration::from_secs(passed), shown).map(|drift| drift.as_secs())
        };
        assert_eq!(look(0, 0), None);
        assert_eq!(look(60, 60), Some(0));
        assert_eq!(look(62, 3_662), Some(3_600));
        assert_eq!(look(64, 64), Some(-3_600));
    }

    #[test]
    fn what_repeats_passes_once_in_a_span() {
        let begun = Instant::now();
        let mut throttle = Throttle::new(Duration::from_secs(1));
        let passed: Vec<_> = [0, 1, 999, 1_000, 1_500, 5_000, 5_001]
            .map(|millis| throttle.pass(begun + Duration::from_millis(millis)))
            .into();
        assert_eq!(passed, [Some(0), None, None, Some(2), None, Some(1), None]);
    }
}
