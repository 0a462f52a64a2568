//! A count over the last hour, by minutes.

use std::collections::VecDeque;

/// Minutes that are counted.
const MINUTES: u64 = 60;

/// A count a minute, of those that had any.
#[derive(Debug, Default)]
pub(super) struct Minutes(VecDeque<(u64, u64)>);

impl Minutes {
    /// Counts one in this minute. Minutes come in their order.
    pub(super) fn note(&mut self, minute: u64) {
        match self.0.back_mut() {
            Some((known, count)) if *known == minute => *count += 1,
            _ => self.0.push_back((minute, 1)),
        }
        self.forget(minute);
    }

    /// How many there were in the hour before.
    pub(super) fn last_hour(&mut self, now: u64) -> u64 {
        self.forget(now);
        self.0.iter().map(|(_, count)| count).sum()
    }

    fn forget(&mut self, now: u64) {
        while self.0.front().is_some_and(|(minute, _)| minute + MINUTES <= now) {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_counted_and_no_more_is_kept() {
        let mut minutes = Minutes::default();
        for minute in [0, 0, 1, 59, 60] {
            minutes.note(minute);
        }
        assert_eq!(minutes.last_hour(60), 3);
        assert_eq!(minutes.last_hour(118), 2);
        assert_eq!((minutes.last_hour(500), minutes.0.len()), (0, 0));
        (0..10_000).for_each(|minute| minutes.note(minute));
        assert_eq!((minutes.last_hour(9_999), minutes.0.len()), (60, 60));
    }
}
