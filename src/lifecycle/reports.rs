//! What comes of tasks: when to try again, and when to give up.

use jiff::SignedDuration;

use crate::domain::{Failure, Nudge, NudgeId, NudgeState, Report, Task, TaskName, Timestamp};

use super::receipts;
use super::reducer::Reducer;
use super::refusal::Refusal;

const SHORTEST: SignedDuration = SignedDuration::from_secs(5);
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// The longest that a receiver may ask to be left alone.
const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(24);
/// After this long it is given up.
const PATIENCE: SignedDuration = SignedDuration::from_hours(3 * 24);

pub(super) fn reduce(to: &mut Reducer<'_>, report: &Report) -> Result<(), Refusal> {
    match report {
        Report::NudgeSent { nudge, attempt } => sent(to, *nudge, *attempt),
        Report::NudgeNotSent { nudge, attempt, failure } => not_sent(to, *nudge, *attempt, failure),
        Report::NudgeTold { nudge, receipt } => receipts::reduce(to, *nudge, receipt),
    }
}

/// It arrived. Where it was acknowledged or overtaken meanwhile, its state stays.
fn sent(to: &mut Reducer<'_>, id: NudgeId, attempt: u32) -> Result<(), Refusal> {
    let Some(nudge) = to.known.nudge(id).cloned() else { return gone(to, id) };
    let delivered_at = nudge.delivered_at.or(Some(to.now));
    let tried = tried(&nudge, attempt, NudgeState::Delivered);
    to.known.put_nudge(Nudge { delivered_at, ..tried });
    to.known.drop_task(&TaskName::notify(id));
    Ok(())
}

/// It did not arrive: it is tried again later, or given up.
fn not_sent(
    to: &mut Reducer<'_>,
    id: NudgeId,
    attempt: u32,
    failure: &Failure,
) -> Result<(), Refusal> {
    let Some(nudge) = to.known.nudge(id).cloned() else { return gone(to, id) };
    let name = TaskName::notify(id);
    let task = to.known.task(&name).cloned();
    let again = task.and_then(|task| {
        let due_at = next_attempt(&task, attempt, failure, to.now)?;
        let last_error = Some(failure.error.as_str().into());
        Some(Task { attempts: attempt, due_at, last_error, ..(*task).clone() })
    });
    match again {
        Some(task) => {
            to.known.put_nudge(tried(&nudge, attempt, nudge.state));
            to.known.put_task(task);
        }
        None => {
            to.known.put_nudge(tried(&nudge, attempt, NudgeState::Failed));
            to.known.drop_task(&name);
        }
    }
    Ok(())
}

/// A task that is about nothing any more.
fn gone(to: &mut Reducer<'_>, id: NudgeId) -> Result<(), Refusal> {
    to.known.drop_task(&TaskName::notify(id));
    Ok(())
}

/// The nudge after an attempt; only one that still waits comes into `state`.
fn tried(nudge: &Nudge, attempt: u32, state: NudgeState) -> Nudge {
    let waits = nudge.state == NudgeState::Pending;
    Nudge {
        attempts: nudge.attempts.max(attempt),
        state: if waits { state } else { nudge.state },
        ..nudge.clone()
    }
}

/// Doubling from [`SHORTEST`] to [`LONGEST`], spread by a fifth to either side, never sooner than
/// the receiver asked for. The last attempt is made when [`PATIENCE`] ends.
fn next_attempt(task: &Task, attempt: u32, failure: &Failure, now: Timestamp) -> Option<Timestamp> {
    let end = task.created_at.checked_add(PATIENCE).ok()?;
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
    use crate::domain::TaskPayload;

    fn failure(retry_after: Option<u32>, jitter: u16) -> Failure {
        Failure { error: String::new(), retry_after, for_good: false, jitter }
    }

    fn seconds(attempt: u32, failure: &Failure, age: i64) -> Option<i64> {
        let payload = TaskPayload::NotifyHuman { nudge: NudgeId(1), message_id: "msg".into() };
        let (created_at, due_at) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        let attempts = attempt - 1;
        let task = Task { payload, lane: None, attempts, created_at, due_at, last_error: None };
        let now = Timestamp::from_second(age).unwrap();
        Some(next_attempt(&task, attempt, failure, now)?.duration_since(now).as_secs())
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
        let gone = Failure { for_good: true, ..failure(None, 0) };
        assert_eq!(seconds(1, &gone, 0), None);
    }
}
