//! What `/metrics` shows of GitHub's API.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics::{counter, gauge};

use super::budget::{Account, Priority, Quota};
use super::error::GithubError;

const REQUESTS: &str = "nudged_github_requests_total";
const POINTS: &str = "nudged_github_graphql_points_total";
const LEFT: &str = "nudged_github_quota_left";
const WAITED: &str = "nudged_github_waited_seconds_total";
const TROUBLES: &str = "nudged_github_troubles";
const SKEW: &str = "nudged_github_clock_skew_seconds";
const REFUSED: &str = "nudged_github_held_back_total";

/// A request was answered with this status; without one nobody answered.
pub(super) fn asked(kind: &'static str, status: Option<u16>) {
    let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    counter!(REQUESTS, "kind" => kind, "status" => status).increment(1);
}

/// A query cost so many points.
pub(super) fn points(cost: u64) {
    counter!(POINTS).increment(cost);
}

/// What is left of an account's quota.
pub(super) fn left(account: Account, quota: Quota, remaining: u64) {
    let account = match account {
        Account::App => "app".to_owned(),
        Account::Installation(id) => id.to_string(),
    };
    let quota = match quota {
        Quota::Core => "core",
        Quota::Graphql => "graphql",
    };
    gauge!(LEFT, "installation" => account, "quota" => quota).set(remaining as f64);
}

/// A request waited so long for its turn.
pub(super) fn waited(priority: Priority, time: Duration) {
    // The counter holds whole numbers.
    gauge!(WAITED, "priority" => word(priority)).increment(time.as_secs_f64());
}

/// A request was not sent, because of a limit or since nobody answers.
pub(super) fn refused(priority: Priority) {
    counter!(REFUSED, "priority" => word(priority)).increment(1);
}

/// So many things do not go well, by the word for why.
pub(super) fn troubles(counts: &BTreeMap<&'static str, usize>) {
    for code in GithubError::CODES {
        let count = counts.get(code).copied().unwrap_or(0);
        gauge!(TROUBLES, "code" => *code).set(count as f64);
    }
}

/// GitHub's clock is so many seconds ahead of ours.
pub(super) fn skew(seconds: i64) {
    gauge!(SKEW).set(seconds as f64);
}

/// The word for metrics.
const fn word(priority: Priority) -> &'static str {
    match priority {
        Priority::Refresh => "refresh",
        Priority::Logs => "logs",
        Priority::Reconcile => "reconcile",
    }
}
