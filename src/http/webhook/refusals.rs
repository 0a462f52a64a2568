//! Deliveries that nobody vouches for: told in the log now and then, and counted over the last hour, so
//! that whoever has entered another secret at GitHub finds out.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::Throttle;

/// The codes of refusals for want of a signature of ours.
pub(in crate::http) const UNVOUCHED: [&str; 2] = ["signature_missing", "signature_wrong"];

const LAST_HOUR: &str = "nudged_webhooks_refused_last_hour";
/// Minutes that are counted.
const MINUTES: u64 = 60;
/// At most one line in this time: anybody may send what is refused.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What was refused lately.
#[derive(Debug)]
pub(in crate::http) struct Refusals {
    began: Instant,
    lately: Mutex<Lately>,
}

#[derive(Debug)]
struct Lately {
    counts: [Minutes; UNVOUCHED.len()],
    lines: Throttle,
}

impl Refusals {
    pub(in crate::http) fn new() -> Self {
        let lately = Lately { counts: Default::default(), lines: Throttle::new(TOLD_EVERY) };
        Self { began: Instant::now(), lately: Mutex::new(lately) }
    }

    /// Counts a refusal, and tells of it.
    pub(super) fn note(&self, code: &'static str) {
        let Some(which) = UNVOUCHED.iter().position(|known| *known == code) else {
            tracing::debug!(code, "a webhook was refused");
            return;
        };
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        lately.counts[which].note(self.minute());
        if let Some(untold) = lately.lines.pass(Instant::now()) {
            tracing::warn!(
                code,
                untold,
                "a webhook was refused: it is not signed with one of NUDGED_WEBHOOK_SECRET"
            );
        }
    }

    /// Brings the gauges up to date.
    pub(in crate::http) fn show(&self) {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        for (code, minutes) in UNVOUCHED.iter().zip(&mut lately.counts) {
            let count = minutes.last_hour(self.minute());
            metrics::gauge!(LAST_HOUR, "code" => *code).set(count as f64);
        }
    }

    fn minute(&self) -> u64 {
        self.began.elapsed().as_secs() / 60
    }
}

/// A count a minute, of those that had any.
#[derive(Debug, Default)]
struct Minutes(VecDeque<(u64, u64)>);

impl Minutes {
    fn note(&mut self, minute: u64) {
        match self.0.back_mut() {
            Some((known, count)) if *known == minute => *count += 1,
            _ => self.0.push_back((minute, 1)),
        }
        self.forget(minute);
    }

    fn last_hour(&mut self, now: u64) -> u64 {
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
