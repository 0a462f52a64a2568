//! What is seen of sessions and asked of them: the rules of `session` make a row of it, `reactions` say what
//! there is to say, and what waits for the agent goes out or is held back.

use crate::domain::{
    Activity, ActivitySeen, ActivitySource, ActivityState, IdleEpisode, NudgeId, NudgeKind,
    OperationKind, ProbeAnswer, Runtime, Session, SessionFact, SessionId, SessionMemory,
    SessionObservation, SessionState, TaskName, TerminationReason, Text, TimerDue, TimerKind,
};

use super::delivery::{Voice, held_by_agent};
use super::reactions::{Circumstances, owns_open, react_to_session};
use super::receipts;
use super::reducer::Reducer;
use super::refusal::Refusal;
use super::scm;
use super::session::{after_activity, after_probe, end, is_stale};

/// Takes in what was seen of a session.
pub(super) fn observe(to: &mut Reducer<'_>, seen: &SessionObservation) -> Result<(), Refusal> {
    let before = to.known.session(&seen.session).cloned().ok_or(Refusal::NoSession)?;
    let next = match &seen.fact {
        SessionFact::Probed { launch_id, probe } => {
            if is_stale(&before, launch_id.as_ref()) {
                return Err(Refusal::EarlierLaunch);
            }
            after_probe(&before, probe, to.now)
        }
        SessionFact::Active(activity) => active(to, &before, activity)?,
        SessionFact::LookedAt(found) => {
            to.known.drop_task(&TaskName::look_again(&before.id));
            match found {
                Some(activity) => after_activity(&before, activity, to.now),
                None => (*before).clone(),
            }
        }
        SessionFact::WorkspaceMade { launch_id, path, token_hash } => {
            of_this_launch(&before, launch_id)?;
            let (workspace_path, token_hash) = (Some(path.clone()), Some(token_hash.clone()));
            Session { workspace_path, token_hash, freed_bytes: None, ..(*before).clone() }
        }
        SessionFact::Launched { launch_id, runtime, agent_session_id, activity, speaks } => {
            of_this_launch(&before, launch_id)?;
            launched(to, &before, runtime, agent_session_id.as_ref(), *activity, *speaks)
        }
        SessionFact::LaunchFailed { launch_id, reason } => {
            of_this_launch(&before, launch_id)?;
            launch_failed(&before, reason)
        }
        SessionFact::Killed => killed(&before),
        SessionFact::OperationFailed { reason } => {
            Session { operation: None, failure: Some(reason.clone()), ..(*before).clone() }
        }
        SessionFact::CleanedUp { freed_bytes } => {
            let cleaned = before.operation.is_some_and(|it| it.kind == OperationKind::Cleanup);
            let operation = before.operation.filter(|_| !cleaned);
            let freed_bytes = Some(*freed_bytes);
            Session {
                operation,
                workspace_path: None,
                failure: None,
                freed_bytes,
                ..(*before).clone()
            }
        }
    };
    settle(to, &before, next, None);
    Ok(())
}

/// A timer of a session rings.
pub(super) fn timer(to: &mut Reducer<'_>, id: &SessionId, due: &TimerDue) -> Result<(), Refusal> {
    let before = to.known.session(id).cloned().ok_or(Refusal::SubjectGone)?;
    let project = to.known.project(&before.project_id).ok_or(Refusal::SubjectGone)?;
    if project.archived_at.is_some() {
        return Err(Refusal::Archived);
    }
    let mut next = (*before).clone();
    if !before.state.is_terminal() {
        over_by_itself(&mut next, due.kind, to);
    }
    settle(to, &before, next, Some(due.kind));
    // It has rung: whatever came of it, it must not ring again by itself.
    if to.known.timers(&due.subject).get(&due.kind).is_some_and(|at| *at <= to.now) {
        to.known.put_timer(&due.subject, due.kind, None);
    }
    Ok(())
}

/// Whether more than the row changes: what waits for the agent goes out, is held back, or is taken back. `needs`
/// asks beforehand.
pub(super) fn changes_hearing(before: &Session, fact: &SessionFact) -> bool {
    match fact {
        SessionFact::Active(seen) | SessionFact::LookedAt(Some(seen)) => {
            // What it comes to does not depend on when.
            let next = after_activity(before, seen, before.activity.last_at);
            hears_differently(before, &next)
        }
        SessionFact::LookedAt(None) | SessionFact::WorkspaceMade { .. } => false,
        SessionFact::Probed { probe, .. } => {
            let alive = matches!(
                (probe.runtime, probe.process),
                (ProbeAnswer::Alive, ProbeAnswer::Alive | ProbeAnswer::Unknown)
            );
            !before.state.is_terminal() && (!alive || before.state == SessionState::Detecting)
        }
        SessionFact::Launched { .. }
        | SessionFact::LaunchFailed { .. }
        | SessionFact::Killed
        | SessionFact::OperationFailed { .. }
        | SessionFact::CleanedUp { .. } => true,
    }
}

fn hears_differently(before: &Session, next: &Session) -> bool {
    let hearing = |session: &Session| {
        (held_by_agent(session), session.state.is_terminal(), session.runtime.is_some())
    };
    hearing(before) != hearing(next)
}

fn of_this_launch(session: &Session, launch_id: &Text) -> Result<(), Refusal> {
    if is_stale(session, Some(launch_id)) { Err(Refusal::EarlierLaunch) } else { Ok(()) }
}

/// What an agent does. Its prompt may bear the mark of a nudge: then that has arrived.
fn active(to: &mut Reducer<'_>, before: &Session, seen: &ActivitySeen) -> Result<Session, Refusal> {
    if before.state.is_terminal() {
        let restores = matches!(
            before.operation.map(|it| it.kind),
            Some(OperationKind::Restore | OperationKind::RestoreFresh)
        );
        if !restores || seen.launch_id.is_none() || is_stale(before, seen.launch_id.as_ref()) {
            return Err(Refusal::SessionEnded);
        }
        // Its hooks speak before the one who started it does.
        let mut next = before.clone();
        next.memory.is_heard |= seen.source == ActivitySource::Hook;
        next.agent_session_id = seen.agent_session_id.clone().or(next.agent_session_id);
        next.transcript_path = seen.transcript_path.clone().or(next.transcript_path);
        return Ok(next);
    }
    let mut next = after_activity(before, seen, to.now);
    if is_stale(before, seen.launch_id.as_ref()) {
        return Ok(next);
    }
    if seen.source == ActivitySource::Hook {
        (next.memory.is_heard, next.memory.unheard_since) = (true, None);
    }
    let marked = seen.mark.as_deref().and_then(NudgeId::marked);
    let nudge = marked.and_then(|id| receipts::arrived(to, &before.id, id));
    if seen.event.as_deref() == Some("UserPromptSubmit") {
        next.memory.turn_of_idle_nudge = nudge.is_some_and(|kind| kind == NudgeKind::AgentIdle);
    }
    Ok(next)
}

/// Its agent runs. Where its hooks have spoken before, they know better what it does.
fn launched(
    to: &Reducer<'_>,
    before: &Session,
    runtime: &Runtime,
    agent_session_id: Option<&Text>,
    activity: ActivityState,
    speaks: bool,
) -> Session {
    let mut next = before.clone();
    next.runtime = Some(runtime.clone());
    next.agent_session_id = agent_session_id.cloned().or(next.agent_session_id);
    let begins = match before.operation.map(|operation| operation.kind) {
        Some(OperationKind::Spawn) => before.state == SessionState::NotStarted,
        Some(OperationKind::Restore | OperationKind::RestoreFresh) => true,
        // Somebody has it ended meanwhile: what runs now is what is to be ended.
        Some(OperationKind::Kill) => return next,
        Some(OperationKind::Cleanup) | None => return before.clone(),
    };
    let resumes = before.state.is_terminal();
    (next.operation, next.failure, next.is_alive) = (None, None, true);
    if begins {
        next.state = match activity {
            ActivityState::Ready | ActivityState::Idle => SessionState::Idle,
            ActivityState::Active
            | ActivityState::WaitingInput
            | ActivityState::Blocked
            | ActivityState::Exited => SessionState::Working,
        };
        next.activity =
            Activity { state: activity, last_at: to.now, source: ActivitySource::Runtime };
        (next.termination_reason, next.detecting) = (None, None);
        next.memory = SessionMemory::default();
        next.memory.idle = (next.state == SessionState::Idle)
            .then(|| IdleEpisode { is_excused: !resumes, ..IdleEpisode::new(to.now) });
    }
    next.memory.is_heard = before.memory.is_heard;
    next.memory.unheard_since = (speaks && !before.memory.is_heard).then_some(to.now);
    next
}

/// It could not be started; what was built for it is gone.
fn launch_failed(before: &Session, reason: &Text) -> Session {
    let mut next = before.clone();
    match before.operation.map(|operation| operation.kind) {
        Some(OperationKind::Spawn) => {
            end(&mut next, TerminationReason::ErrorInProcess);
            (next.workspace_path, next.runtime) = (None, None);
        }
        // It stays as it had ended.
        Some(OperationKind::Restore | OperationKind::RestoreFresh) => {}
        Some(OperationKind::Kill) => return killed(before),
        Some(OperationKind::Cleanup) | None => return next,
    }
    (next.operation, next.failure) = (None, Some(reason.clone()));
    next
}

fn killed(before: &Session) -> Session {
    let mut next = before.clone();
    if !next.state.is_terminal() {
        end(&mut next, TerminationReason::ManuallyKilled);
    }
    let cleans = |kind| kind == OperationKind::Cleanup;
    next.operation = before.operation.filter(|operation| cleans(operation.kind));
    next
}

/// Waits and limits whose end no event shows.
fn over_by_itself(next: &mut Session, rang: TimerKind, to: &Reducer<'_>) {
    let waits = next.memory.wait.as_ref().is_some_and(|wait| wait.after_stop);
    let resets_at = next.memory.block.as_ref().and_then(|block| block.resets_at);
    let is_reset = resets_at.is_some_and(|at| at <= to.now);
    if !(rang == TimerKind::WaitOver && waits || rang == TimerKind::LimitReset && is_reset) {
        return;
    }
    (next.memory.wait, next.memory.block) = (None, None);
    next.activity.state = ActivityState::Idle;
    next.state = SessionState::Idle;
    next.memory.idle.get_or_insert_with(|| IdleEpisode::new(to.now));
}

/// Writes what has become of a session, says what there is to say, and lets the nudges of its pull requests
/// follow.
pub(super) fn settle(
    to: &mut Reducer<'_>,
    before: &Session,
    mut next: Session,
    rang: Option<TimerKind>,
) {
    if next == *before && rang.is_none() {
        return;
    }
    let id = before.id.clone();
    let Some(project) = to.known.project(&before.project_id).cloned() else { return };
    let is_silent = project.archived_at.is_some();
    if !is_silent {
        let died = !before.state.is_terminal() && next.state == SessionState::Terminated;
        let meant = matches!(
            next.termination_reason,
            Some(
                TerminationReason::ManuallyKilled
                    | TerminationReason::AutoCleanup
                    | TerminationReason::PrMerged
            )
        );
        let owns_open = owns_open(to.known, &id);
        let circumstances = Circumstances { owns_open, has_died: died && !meant, rang };
        let voice = Voice { policy: to.policy, now: to.now, known: to.known, project: &project };
        react_to_session(voice, circumstances, &mut next);
    }
    let differs = hears_differently(before, &next);
    if next != *before {
        next.updated_at = to.now;
        to.known.put_session(next);
    }
    if differs && !is_silent {
        scm::follow_all_of(to, &project, &id);
    }
}
