//! How many nudges came into which state, as a metric: counted after COMMIT, from the change log.

use crate::domain::{NudgeKind, NudgeState};

const TOTAL: &str = "nudged_nudges_total";

/// Shows every series from the start, so that the first of a kind is seen as a rise.
pub(super) fn begin() {
    for kind in NudgeKind::ALL {
        for state in NudgeState::ALL {
            metrics::counter!(TOTAL, "kind" => kind.as_str(), "state" => state.as_str())
                .increment(0);
        }
    }
}

/// Counts what a commit changed.
pub(super) fn count(nudges: Vec<(String, String)>) {
    for (kind, state) in nudges {
        metrics::counter!(TOTAL, "kind" => kind, "state" => state).increment(1);
    }
}
