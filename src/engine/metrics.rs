//! What the engine counts: commits, and nudges by the state they came into, after COMMIT.

use std::time::Duration;

use crate::domain::{NudgeKind, NudgeState};
use crate::lifecycle::Write;

const NUDGES: &str = "nudged_nudges_total";
const FAILURES: &str = "nudged_commit_failures_total";

/// Shows every series from the start, so that the first of a kind is seen as a rise.
pub(super) fn begin() {
    for kind in NudgeKind::ALL {
        for state in NudgeState::ALL {
            nudge(*kind, *state).increment(0);
        }
    }
    metrics::counter!(FAILURES).increment(0);
}

fn nudge(kind: NudgeKind, state: NudgeState) -> metrics::Counter {
    metrics::counter!(NUDGES, "kind" => kind.as_str(), "state" => state.as_str())
}

/// The state that a write brings a nudge into.
pub(super) fn nudge_of(write: &Write) -> Option<(NudgeKind, NudgeState)> {
    if let Write::InsertNudge(nudge) | Write::UpdateNudge(nudge) = write {
        return Some((nudge.kind, nudge.state));
    }
    None
}

/// Counts the nudges that a commit brought into a state.
pub(super) fn count_nudges(nudges: &[(NudgeKind, NudgeState)]) {
    for (kind, state) in nudges {
        nudge(*kind, *state).increment(1);
    }
}

/// Counts a transaction, whatever became of it.
pub(super) fn count_batch(pieces: usize, took: Duration) {
    metrics::histogram!("nudged_commit_batch_size").record(pieces as f64);
    metrics::histogram!("nudged_commit_seconds").record(took.as_secs_f64());
}

/// Counts a transaction that failed as a whole.
pub(super) fn count_failure() {
    metrics::counter!(FAILURES).increment(1);
}
