//! What comes of tasks: when to try again, and when to give up.

use jiff::SignedDuration;

use crate::domain::{
    Audience, Failure, HeardLate, Nudge, NudgeId, NudgeState, Report, Subject, Task, TaskName,
    Timestamp,
};

use super::receipts;
use super::reducer::Reducer;
use super::refusal::Refusal;

const SHORTEST: SignedDuration = SignedDuration::from_secs(5);
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// The longest that a receiver may ask to be left alone.
const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(24);
/// Nudges that arrived late, of one pull request, which are remembered.
const MOST_HEARD_LATE: usize = 16;
/// An attempt that is made so long after it was due tells of a stop, or of a clock that jumped.
const LATE: SignedDuration = SignedDuration::from_hours(1);
/// After this long it is given up.
const PATIENCE: SignedDuration = SignedDuration::from_hours(3 * 24);

pub(super) fn reduce(to: &mut Reducer<'_>, report: &Report) -> Result<(), Refusal> {
    match report {
        Report::NudgeSent { nudge, attempt } => sent(to, *nudge, *attempt),
        Report::NudgeNotSent { nudge, attempt, failure } => not_sent(to, *nudge, *attempt, failure),
        Report::NudgeTold { nudge, receipt } => receipts::reduce(to, *nudge, receipt),
    }
}

/// It arrived. Where it was acknowledged meanwhile, its state stays. Where it was taken back while it was on its
/// way, it was heard all the same: the same is not said again.
fn sent(to: &mut Reducer<'_>, id: NudgeId, attempt: u32) -> Result<(), Refusal> {
    let Some(nudge) = to.known.nudge(id).cloned() else { return gone(to, id) };
    let delivered_at = nudge.delivered_at.or(Some(to.now));
    let tried = tried(&nudge, attempt, NudgeState::Delivered);
    to.known.put_nudge(Nudge { delivered_at, ..tried });
    to.known.drop_task(&TaskName::notify(id));
    if nudge.state == NudgeState::Superseded {
        heard_late(to, &nudge);
    }
    Ok(())
}

/// Takes back what says the same and has not gone out, or remembers that it need not be said.
fn heard_late(to: &mut Reducer<'_>, nudge: &Nudge) {
    let Subject::Pull(pull) = nudge.subject else { return };
    if nudge.kind.audience() == Audience::Agent {
        return;
    }
    let open: Vec<NudgeId> = to.known.open_nudges(&nudge.subject).iter().copied().collect();
    for id in open {
        let Some(twin) = to.known.nudge(id).cloned() else { continue };
        if twin.kind == nudge.kind && twin.signature == nudge.signature {
            to.known.put_nudge(Nudge { state: NudgeState::Superseded, ..(*twin).clone() });
            to.known.drop_task(&TaskName::notify(id));
            return;
        }
    }
    let Some(record) = to.known.pull(pull).cloned() else { return };
    let mut row = (*record.row).clone();
    let late = HeardLate { kind: nudge.kind, signature: nudge.signature.clone() };
    if !row.memory.heard_late.contains(&late) {
        row.memory.heard_late.push(late);
        if row.memory.heard_late.len() > MOST_HEARD_LATE {
            row.memory.heard_late.remove(0);
        }
        to.known.put_pull(row);
    }
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
    use crate::domain::TaskPayload;

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
        let overdue = Task { due_at: Timestamp::UNIX_EPOCH, ..task_at(91, three_days) };
        let years_later = Timestamp::from_second(400 * 24 * 3_600).unwrap();
        assert!(
            next_attempt(&overdue, 91, &failure(None, 0), years_later).is_some(),
            "a clock that jumps"
        );
        let gone = Failure { for_good: true, ..failure(None, 0) };
        assert_eq!(seconds(1, &gone, 0), None);
    }
}
