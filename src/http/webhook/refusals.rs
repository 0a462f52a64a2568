//! Deliveries that nobody vouches for: told in the log now and then, and counted over the last hour, so
//! that whoever has entered another secret at GitHub finds out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::minutes::Minutes;
use crate::clock::Throttle;

/// The codes of refusals for want of a signature of ours.
pub(in crate::http) const UNVOUCHED: [&str; 2] = ["signature_missing", "signature_wrong"];

const LAST_HOUR: &str = "nudged_webhooks_refused_last_hour";
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
