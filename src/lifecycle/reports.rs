//! What comes of tasks: when to try again, and when to give up.

use crate::domain::{
    Audience, Failure, HeardLate, Nudge, NudgeId, NudgeState, Report, Subject, Task, TaskName,
};

use super::backoff::{PATIENCE, next_attempt};
use super::reducer::Reducer;
use super::refusal::Refusal;
use super::{answers, receipts};

/// Nudges that arrived late, of one pull request, which are remembered.
const MOST_HEARD_LATE: usize = 16;

pub(super) fn reduce(to: &mut Reducer<'_>, report: &Report) -> Result<(), Refusal> {
    match report {
        Report::NudgeSent { nudge, attempt } => sent(to, *nudge, *attempt),
        Report::NudgeNotSent { nudge, attempt, failure } => not_sent(to, *nudge, *attempt, failure),
        Report::NudgeTold { nudge, receipt } => receipts::reduce(to, *nudge, receipt),
        Report::Log { of, answer } => answers::log(to, of, answer),
        Report::Pull { repo, number, answer } => answers::pull(to, *repo, *number, answer),
        Report::Rerun { of, answer } => answers::rerun(to, of, answer),
        Report::Permission { of, answer } => answers::permission(to, of, answer),
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
        let due_at = next_attempt(&task, attempt, failure, PATIENCE, to.now)?;
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
