//! When everything is compared next. It knows no clock.

use jiff::SignedDuration;

use crate::domain::Timestamp;

/// After a pass that failed, the next one comes after this long, then twice as long, …
const RETRY: SignedDuration = SignedDuration::from_secs(60);

/// When the next pass is due.
#[derive(Debug)]
pub(super) struct Timetable {
    every: SignedDuration,
    due: Timestamp,
    failures: u32,
}

impl Timetable {
    /// One is due at once, and then every so often.
    pub(super) fn new(every: SignedDuration, now: Timestamp) -> Self {
        Self { every, due: now, failures: 0 }
    }

    /// Whether one is due. A clock that was set back must not put it off for ever.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.due <= now || self.due.duration_since(now) > self.every
    }

    /// A pass has ended, whole or not; GitHub's limits let none go until `closed`.
    pub(super) fn ended(&mut self, whole: bool, closed: Option<Timestamp>, now: Timestamp) {
        let wait = if whole {
            self.failures = 0;
            self.every
        } else {
            let wait = RETRY * (1 << self.failures.min(6));
            self.failures = self.failures.saturating_add(1);
            wait.min(self.every)
        };
        self.due = now.checked_add(wait).unwrap_or(now).max(closed.unwrap_or(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: SignedDuration = SignedDuration::from_mins(15);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// Seconds until the next one, after passes that went so.
    fn after(passes: &[bool]) -> i64 {
        let mut table = Timetable::new(EVERY, at(0));
        passes.iter().for_each(|whole| table.ended(*whole, None, at(0)));
        (0..).find(|seconds| table.is_due(at(*seconds))).unwrap()
    }

    #[test]
    fn one_is_due_at_start_and_then_every_so_often() {
        assert_eq!(after(&[]), 0);
        assert_eq!(after(&[true]), 900);
        assert_eq!(after(&[true, true]), 900);
    }

    #[test]
    fn one_that_failed_is_made_again_sooner_then_later_and_later() {
        assert_eq!(after(&[false]), 60);
        assert_eq!(after(&[false, false]), 120);
        assert_eq!(after(&[false; 4]), 480);
        assert_eq!(after(&[false; 5]), 900, "never later than it would have come anyway");
        assert_eq!(after(&[false; 100]), 900);
        assert_eq!(after(&[false, false, true, false]), 60, "a whole one ends the row");
    }

    #[test]
    fn none_is_due_inside_a_limit_and_a_clock_that_was_set_back_puts_none_off() {
        let mut table = Timetable::new(EVERY, at(10_000));
        table.ended(false, Some(at(10_300)), at(10_000));
        assert!(!table.is_due(at(10_299)) && table.is_due(at(10_300)));
        table.ended(true, None, at(10_000));
        assert!(!table.is_due(at(10_001)) && table.is_due(at(5_000)));
    }
}
