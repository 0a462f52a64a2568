//! What comes of attempts to bring a nudge to the human: when to try again, and when to give up.

use jiff::SignedDuration;

use crate::domain::{Errand, NudgeId, NudgeState, Posting, PostingEnd, SendFailure, Timestamp};

use super::snapshot::{Outcome, Snapshot};

const SHORTEST: SignedDuration = SignedDuration::from_secs(5);
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// The longest that a receiver may ask to be left alone.
const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(24);
/// After this long it is given up.
const PATIENCE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// It arrived. Where it was acknowledged or overtaken meanwhile, its state stays.
pub(super) fn sent(snapshot: &Snapshot, nudge: NudgeId, attempt: u32) -> Outcome {
    outcome(snapshot, Posting { nudge, attempt, end: PostingEnd::Arrived })
}

/// It did not arrive: it is tried again later, or given up.
pub(super) fn not_sent(
    snapshot: &Snapshot,
    nudge: NudgeId,
    attempt: u32,
    failure: &SendFailure,
    now: Timestamp,
) -> Outcome {
    let again = snapshot.errand.and_then(|errand| next_attempt(errand, attempt, failure, now));
    let end = match again {
        Some(at) => PostingEnd::Again { at, error: failure.error.clone() },
        None => PostingEnd::GivenUp,
    };
    outcome(snapshot, Posting { nudge, attempt, end })
}

fn outcome(snapshot: &Snapshot, posting: Posting) -> Outcome {
    let state = match posting.end {
        PostingEnd::Arrived => Some(NudgeState::Delivered),
        PostingEnd::GivenUp => Some(NudgeState::Failed),
        PostingEnd::Again { .. } => None,
    };
    let pending = snapshot.nudge.iter().filter(|nudge| nudge.state == NudgeState::Pending);
    let nudges = pending.filter_map(|nudge| Some((nudge.id, state?))).collect();
    Outcome { nudges, posting: Some(posting), ..Outcome::default() }
}

/// Doubling from [`SHORTEST`] to [`LONGEST`], spread by a fifth to either side, never sooner than
/// the receiver asked for. The last attempt is made when [`PATIENCE`] ends.
fn next_attempt(
    errand: Errand,
    attempt: u32,
    failure: &SendFailure,
    now: Timestamp,
) -> Option<Timestamp> {
    let end = errand.since.checked_add(PATIENCE).ok()?;
    if failure.for_good || now >= end {
        return None;
    }
    let doublings = attempt.saturating_sub(1).min(10);
    let plain = SHORTEST.saturating_mul(1 << doublings).min(LONGEST);
    let share = 800 + i64::from(failure.jitter.min(999)) * 400 / 999;
    let millis = plain.as_secs() * share;
    let delay = SignedDuration::from_millis(millis).clamp(SHORTEST, LONGEST);
    let asked = SignedDuration::from_secs(failure.retry_after.unwrap_or(0).into());
    let at = now.checked_add(delay.max(asked.min(LONGEST_ASKED))).ok()?;
    Some(at.min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(retry_after: Option<u32>, jitter: u16) -> SendFailure {
        SendFailure { error: String::new(), retry_after, for_good: false, jitter }
    }

    fn seconds(attempt: u32, failure: &SendFailure, age: i64) -> Option<i64> {
        let errand = Errand { attempts: attempt - 1, since: Timestamp::UNIX_EPOCH };
        let now = Timestamp::from_second(age).unwrap();
        Some(next_attempt(errand, attempt, failure, now)?.duration_since(now).as_secs())
    }

    #[test]
    fn delays_double_from_five_seconds_to_an_hour_and_are_spread() {
        let plain: Vec<_> = (1..=12).map(|n| seconds(n, &failure(None, 500), 0).unwrap()).collect();
        assert_eq!(plain, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
        assert_eq!(seconds(3, &failure(None, 0), 0), Some(16));
        assert_eq!(seconds(3, &failure(None, 999), 0), Some(24));
        assert_eq!(seconds(1, &failure(None, 0), 0), Some(5));
        assert_eq!(seconds(4_000_000_000, &failure(None, 0), 0), Some(2_880));
    }

    #[test]
    fn a_receiver_may_ask_for_more_but_patience_ends() {
        assert_eq!(seconds(1, &failure(Some(120), 0), 0), Some(120));
        assert_eq!(seconds(1, &failure(Some(1), 0), 0), Some(5));
        assert_eq!(seconds(1, &failure(Some(u32::MAX), 0), 0), Some(24 * 3_600));
        let three_days = 3 * 24 * 3_600;
        assert_eq!(seconds(90, &failure(None, 0), three_days - 60), Some(60), "one last time");
        assert_eq!(seconds(91, &failure(None, 0), three_days), None);
        let gone = SendFailure { for_good: true, ..failure(None, 0) };
        assert_eq!(seconds(1, &gone, 0), None);
    }
}
