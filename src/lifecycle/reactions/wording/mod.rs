//! The words of a nudge. Ours come first; all that strangers chose (names of checks, files, branches and
//! accounts, addresses, output, comments) stands below a label that says so, fenced and cut to size.

mod ci;
mod log_command;
mod names;
mod queue;
mod review;
mod state;
mod untrusted;

pub(super) use ci::{brake, cancelled, cannot_mend, ci_failed};
pub(super) use queue::{left_again, queue_failed};
pub(super) use review::{review_feedback, too_much_feedback};
pub(super) use state::{approved_and_green, ended, merge_conflicts, still_conflicting};

/// The most that a nudge's body may hold, in bytes.
pub(super) const MOST_BYTES: usize = 16 * 1024;
