//! Which of the webhook secrets signed what came: while one takes another's place, it shows when the old one can go.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::minutes::Minutes;

/// By the secret's place in the settings, from 1.
const SIGNED: &str = "nudged_webhooks_signed_total";
const LAST_HOUR: &str = "nudged_webhooks_signed_last_hour";

/// What each secret signed lately.
#[derive(Debug)]
pub(in crate::http) struct Signers {
    began: Instant,
    counts: Mutex<Vec<Minutes>>,
}

impl Signers {
    /// Shows every secret from the start.
    pub(in crate::http) fn new(secrets: usize) -> Self {
        for which in 0..secrets {
            metrics::counter!(SIGNED, "secret" => place(which)).increment(0);
        }
        let counts = (0..secrets).map(|_| Minutes::default()).collect();
        Self { began: Instant::now(), counts: Mutex::new(counts) }
    }

    /// Something came that the secret at this place signed.
    pub(super) fn note(&self, which: usize) {
        metrics::counter!(SIGNED, "secret" => place(which)).increment(1);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(minutes) = counts.get_mut(which) {
            minutes.note(self.minute());
        }
    }

    /// Brings the gauges up to date.
    pub(in crate::http) fn show(&self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for (which, minutes) in counts.iter_mut().enumerate() {
            let count = minutes.last_hour(self.minute());
            metrics::gauge!(LAST_HOUR, "secret" => place(which)).set(count as f64);
        }
    }

    fn minute(&self) -> u64 {
        self.began.elapsed().as_secs() / 60
    }
}

fn place(which: usize) -> String {
    (which + 1).to_string()
}
