//! How far apart requests are: under a hundred an hour, and a few at once where none went for long.

use std::time::{Duration, Instant};

/// One request in this time, in the long run.
const APART: Duration = Duration::from_secs(40);
/// As many may go at once.
const BURST: u32 = 5;

/// The pace of requests.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When all that went would have gone, had they been apart.
    paid_until: Option<Instant>,
}

impl Pace {
    /// Takes the right to send one; where it has to wait, it takes nothing and says for how long.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        let paid_until = self.paid_until.map_or(now, |at| at.max(now));
        let early = paid_until.saturating_duration_since(now);
        let wait = early.saturating_sub(APART * (BURST - 1));
        if wait.is_zero() {
            self.paid_until = Some(paid_until + APART);
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_go_at_once_and_under_a_hundred_an_hour() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        let (mut sent, mut second) = (0, 0);
        while second < 3_600 {
            let wait = pace.take(begun + Duration::from_secs(second));
            if wait.is_zero() {
                sent += 1;
            } else {
                assert!(sent >= BURST && wait <= APART, "{sent} {wait:?}");
                second += wait.as_secs();
            }
        }
        assert!((90..100).contains(&sent), "{sent}");
    }
}
