//! What was measured, and how it is shown.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One run, or the median of several.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Figures {
    /// Deliveries a second.
    pub(super) rate: f64,
    /// From request to answer; of the bare writer from BEGIN to the end of COMMIT.
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// Microseconds of processor time a delivery.
    pub(super) cpu: f64,
    /// Resident bytes before the run, and at most until its end.
    pub(super) at_rest: u64,
    pub(super) peak: u64,
}

/// The heading of lines that [`Figures`] and [`Ratios`] make.
pub(super) const HEADING: &str =
    "deliveries/s     p50 ms     p99 ms  CPU us each  RSS at rest  at most";

impl Figures {
    /// The median of each figure by itself.
    pub(super) fn median(of: &[Self]) -> Self {
        let middle = |read: fn(&Self) -> f64| median(of.iter().map(read).collect());
        Self {
            rate: middle(|it| it.rate),
            p50: Duration::from_secs_f64(middle(|it| it.p50.as_secs_f64())),
            p99: Duration::from_secs_f64(middle(|it| it.p99.as_secs_f64())),
            cpu: middle(|it| it.cpu),
            at_rest: middle(|it| it.at_rest as f64) as u64,
            peak: middle(|it| it.peak as f64) as u64,
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        write!(
            f,
            "{:>12.0} {:>10} {:>10} {:>12.1} {:>8.1} MiB {:>4.1} MiB",
            self.rate,
            millis(self.p50),
            millis(self.p99),
            self.cpu,
            mib(self.at_rest),
            mib(self.peak),
        )
    }
}

/// Milliseconds with two decimals.
pub(super) fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}

/// The value below which that percentage lies. `sorted` has one at least.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// The value in the middle; `values` has one at least.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}
