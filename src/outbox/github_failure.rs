//! A question that GitHub did not answer, as the rules want to hear of it.

use crate::domain::{Failure, Timestamp};
use crate::github::api::GithubError;

/// It is tried again, by the time that GitHub named where it named one: a suspended App may be let in again, a
/// wrong key be put right.
pub(super) fn failure(error: &GithubError, now: Timestamp) -> Failure {
    let mut retry_after = None;
    if let GithubError::Limited { until } = error {
        let seconds = until.duration_since(now).as_secs().max(1);
        retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
    }
    let jitter = rand::random_range(0..1_000);
    Failure { error: error.to_string(), retry_after, for_good: false, jitter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_says_when_it_ends() {
        let now: Timestamp = "2026-05-01T08:00:00Z".parse().unwrap();
        let until = "2026-05-01T08:00:37Z".parse().unwrap();
        assert_eq!(failure(&GithubError::Limited { until }, now).retry_after, Some(37));
        assert_eq!(failure(&GithubError::Suspended, now).retry_after, None);
    }
}
