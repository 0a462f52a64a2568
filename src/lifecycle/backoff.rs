//! When an attempt that failed is made again, and when it is given up.

use jiff::SignedDuration;

use crate::domain::{Failure, Task, Timestamp};

const SHORTEST: SignedDuration = SignedDuration::from_secs(5);
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// The longest that a receiver may ask to be left alone.
const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(24);
/// An attempt that is made so long after it was due tells of a stop, or of a clock that jumped.
const LATE: SignedDuration = SignedDuration::from_hours(1);
/// After this long it is given up.
pub(super) const PATIENCE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Doubling from [`SHORTEST`] to [`LONGEST`], spread by a fifth to either side, never sooner than
/// the receiver asked for. The last attempt is made when `patience` ends; `None` after it.
pub(super) fn next_attempt(
    task: &Task,
    attempt: u32,
    failure: &Failure,
    patience: SignedDuration,
    now: Timestamp,
) -> Option<Timestamp> {
    let end = task.created_at.checked_add(patience).ok()?;
    // Nothing is given up because one look at the clock says that it is late.
    let in_time = now.duration_since(task.due_at) <= LATE;
    if failure.for_good || (now >= end && in_time) {
        return None;
    }
    let doublings = attempt.saturating_sub(1).min(10);
    let plain = SHORTEST.saturating_mul(1 << doublings).min(LONGEST);
    let share = 800 + i64::from(failure.jitter.min(999)) * 400 / 999;
    let millis = plain.as_secs() * share;
    let delay = SignedDuration::from_millis(millis).clamp(SHORTEST, LONGEST);
    let asked = SignedDuration::from_secs(failure.retry_after.unwrap_or(0).into());
    let at = now.checked_add(delay.max(asked.min(LONGEST_ASKED))).ok()?;
    Some(if now < end { at.min(end) } else { at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{NudgeId, TaskPayload};

    fn failure(retry_after: Option<u32>, jitter: u16) -> Failure {
        Failure { error: String::new(), retry_after, for_good: false, jitter }
    }

    /// The task of an attempt that was due at `age`.
    fn task_at(attempt: u32, age: i64) -> Task {
        let payload = TaskPayload::NotifyHuman { nudge: NudgeId(1), message_id: "msg".into() };
        let (created_at, due_at) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(age).unwrap());
        Task { payload, lane: None, attempts: attempt - 1, created_at, due_at, last_error: None }
    }

    fn seconds(attempt: u32, failure: &Failure, age: i64) -> Option<i64> {
        let task = task_at(attempt, age);
        let now = task.due_at;
        Some(next_attempt(&task, attempt, failure, PATIENCE, now)?.duration_since(now).as_secs())
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
        let overdue = Task { due_at: Timestamp::UNIX_EPOCH, ..task_at(91, three_days) };
        let years_later = Timestamp::from_second(400 * 24 * 3_600).unwrap();
        assert!(
            next_attempt(&overdue, 91, &failure(None, 0), PATIENCE, years_later).is_some(),
            "a clock that jumps"
        );
        let gone = Failure { for_good: true, ..failure(None, 0) };
        assert_eq!(seconds(1, &gone, 0), None);
    }
}
