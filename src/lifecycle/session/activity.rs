//! What an agent's activity makes of its session: proof of life, and what it waits for.

use crate::domain::{
    Activity, ActivitySeen, ActivityState, Block, IdleEpisode, Session, SessionState, Text,
    Timestamp, Wait,
};

use super::limits::reset_time;

/// What the activity makes of a session. One that has ended stays as it is, and what an earlier start of the
/// agent says changes nothing.
pub(in crate::lifecycle) fn after_activity(
    session: &Session,
    seen: &ActivitySeen,
    now: Timestamp,
) -> Session {
    let mut next = session.clone();
    if session.state.is_terminal() || is_stale(session, seen.launch_id.as_ref()) {
        return next;
    }
    if let Some(id) = &seen.agent_session_id {
        next.agent_session_id = Some(id.clone());
    }
    if let Some(path) = &seen.transcript_path {
        next.transcript_path = Some(path.clone());
    }
    if !says_something(session, seen) {
        if seen.state != ActivityState::Exited {
            next.activity.last_at = next.activity.last_at.max(now);
        }
        return next;
    }
    let told_late = seen.event.as_deref().is_some_and(|name| event(name) == Event::Aside);
    let after_stop = told_late && !is_in_a_turn(session);
    next.activity = Activity { state: seen.state, last_at: now, source: seen.source };
    let state = match seen.state {
        ActivityState::Exited => return next,
        ActivityState::Active => SessionState::Working,
        ActivityState::Ready | ActivityState::Idle => SessionState::Idle,
        ActivityState::WaitingInput => SessionState::NeedsInput,
        ActivityState::Blocked => SessionState::Stuck,
    };
    next.state = state;
    next.is_alive = true;
    next.detecting = None;
    next.memory.wait = (state == SessionState::NeedsInput).then(|| {
        let known = session.memory.wait.clone().unwrap_or_default();
        Wait {
            tool: seen.tool.clone().or(known.tool),
            reason: seen.reason.clone().or(known.reason),
            after_stop,
        }
    });
    next.memory.block = (state == SessionState::Stuck).then(|| Block {
        reason: seen.reason.clone(),
        resets_at: seen.reason.as_deref().and_then(|reason| reset_time(reason, now)),
    });
    remember_idleness(session, &mut next, seen, now);
    next
}

/// Whether something is of an earlier start of the agent.
pub(in crate::lifecycle) fn is_stale(session: &Session, launch_id: Option<&Text>) -> bool {
    launch_id.is_some_and(|launch| session.launch_id.as_ref() != Some(launch))
}

/// A turn is under way, or waits for somebody within one.
fn is_in_a_turn(session: &Session) -> bool {
    match session.activity.state {
        ActivityState::Active | ActivityState::Blocked => true,
        ActivityState::WaitingInput => {
            session.memory.wait.as_ref().is_none_or(|wait| !wait.after_stop)
        }
        ActivityState::Ready | ActivityState::Idle | ActivityState::Exited => false,
    }
}

/// What an event of a hook is, as far as it can end a wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    /// A prompt, the end of a turn or of the session: it ends every wait.
    Turn,
    /// A tool begins, or asks.
    ToolBegins,
    /// A tool has ended.
    ToolEnds,
    /// It is told late, or is of others: it changes nothing but an agent at rest.
    Aside,
}

fn event(name: &str) -> Event {
    match name {
        "PreToolUse" | "PermissionRequest" | "permission.asked" | "question.asked" => {
            Event::ToolBegins
        }
        "PostToolUse" | "PostToolUseFailure" | "permission.replied" | "question.replied"
        | "question.rejected" => Event::ToolEnds,
        "Notification" | "SubagentStart" | "SubagentStop" | "PreCompact" | "PostCompact" => {
            Event::Aside
        }
        _ => Event::Turn,
    }
}

/// Whether an event changes what is known. Without an event the state is taken as it is.
///
/// While an agent waits for a human, other tools of it may go on and notifications come late: only the end of the
/// tool that asks, a new prompt or the end of the turn shows that it was answered.
fn says_something(session: &Session, seen: &ActivitySeen) -> bool {
    let Some(name) = seen.event.as_deref() else { return true };
    let event = event(name);
    let waits = seen.state == ActivityState::WaitingInput;
    match session.activity.state {
        ActivityState::WaitingInput if !waits => match event {
            // A status is told anew whatever the turn waits for.
            Event::Turn => name != "session.status" || seen.state != ActivityState::Active,
            Event::ToolEnds => {
                let asks = session.memory.wait.as_ref().and_then(|wait| wait.tool.as_ref());
                asks.is_none() || seen.tool.is_none() || asks == seen.tool.as_ref()
            }
            Event::ToolBegins | Event::Aside => false,
        },
        // What goes on in the background after the end of a turn begins no other.
        ActivityState::Ready | ActivityState::Idle => {
            event != Event::Aside || seen.state != ActivityState::Active
        }
        ActivityState::Blocked => event != Event::Aside || seen.state == ActivityState::Blocked,
        ActivityState::Active | ActivityState::WaitingInput | ActivityState::Exited => true,
    }
}

/// From when on the agent is idle. One that has only just been started was given nothing to do yet; what it asks
/// for after the end of its turn is no work.
fn remember_idleness(before: &Session, next: &mut Session, seen: &ActivitySeen, now: Timestamp) {
    let waits_idly = next.memory.wait.as_ref().is_some_and(|wait| wait.after_stop);
    if !is_idle(next) {
        next.memory.idle = next.memory.idle.filter(|_| waits_idly);
    } else if next.memory.idle.is_none() && !is_idle(before) {
        let is_start = seen.event.as_deref() == Some("SessionStart");
        let resumes = seen.reason.as_deref() == Some("resume");
        next.memory.idle =
            Some(IdleEpisode { is_excused: is_start && !resumes, ..IdleEpisode::new(now) });
    }
}

/// Whether the agent was last seen idle.
pub(in crate::lifecycle) fn is_idle(session: &Session) -> bool {
    matches!(session.activity.state, ActivityState::Ready | ActivityState::Idle)
}
