//! How far the brake looks back.

use crate::domain::PullCommit;

use super::PullRecord;

/// Commits of a pull request that the brake looks back on.
const HISTORY_COMMITS: usize = 30;

/// The commits that the brake looks back on, the newest last.
pub(super) fn history_of(pull: &PullRecord) -> Vec<&PullCommit> {
    let mut commits: Vec<_> = pull.registers.commits.values().collect();
    commits.sort_by_key(|commit| (commit.at, !commit.superseded, &commit.sha));
    commits.split_off(commits.len().saturating_sub(HISTORY_COMMITS))
}
