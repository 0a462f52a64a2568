//! What the engine counts: nudges by the state they came into (after COMMIT, from the change log),
//! and commits that failed.

use crate::domain::{NudgeKind, NudgeState};

const TOTAL: &str = "nudged_nudges_total";
const FAILURES: &str = "nudged_commit_failures_total";

/// Shows every series from the start, so that the first of a kind is seen as a rise.
pub(super) fn begin() {
    for kind in NudgeKind::ALL {
        for state in NudgeState::ALL {
            metrics::counter!(TOTAL, "kind" => kind.as_str(), "state" => state.as_str())
                .increment(0);
        }
    }
    metrics::counter!(FAILURES).increment(0);
}

/// Counts what a commit changed.
pub(super) fn count(nudges: Vec<(String, String)>) {
    for (kind, state) in nudges {
        metrics::counter!(TOTAL, "kind" => kind, "state" => state).increment(1);
    }
}

/// Counts a commit that failed as a whole.
pub(super) fn failed() {
    metrics::counter!(FAILURES).increment(1);
}
