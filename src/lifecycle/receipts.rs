//! What is known of a nudge on its way to the agent: handed, arrived, or nobody knows.

use jiff::SignedDuration;

use crate::domain::{
    Nudge, NudgeId, NudgeKind, NudgeState, Receipt, Session, SessionId, Task, TaskName, Text,
    Timestamp,
};

use super::delivery::{Voice, Words};
use super::reducer::Reducer;
use super::refusal::Refusal;
use crate::excerpt::one_line;

/// How the signature begins of what the human is told of a nudge of which nobody knows whether it arrived.
const UNCONFIRMED: &str = "unconfirmed:";
const UNDELIVERED: &str = "undelivered:";
/// An agent that cannot take a nudge is asked again after this many seconds at the latest.
const LONGEST_RETRY: u32 = 3_600;
const REASON_CHARS: usize = 300;

/// Takes down what is known of a nudge on its way to the agent.
pub(super) fn reduce(to: &mut Reducer<'_>, id: NudgeId, receipt: &Receipt) -> Result<(), Refusal> {
    let name = TaskName::deliver(id);
    let Some(nudge) = to.known.nudge(id).cloned() else {
        to.known.drop_task(&name);
        return Ok(());
    };
    match receipt {
        Receipt::Handed if nudge.state == NudgeState::Pending => {
            let (state, handed_at) = (NudgeState::Handed, Some(to.now));
            let attempts = nudge.attempts.saturating_add(1);
            to.known.put_nudge(Nudge { state, handed_at, attempts, ..(*nudge).clone() });
            if let Some(task) = to.known.task(&name).cloned() {
                to.known.put_task(Task { attempts, ..(*task).clone() });
            }
            Ok(())
        }
        Receipt::Handed => Err(Refusal::NudgeNotWaiting),
        Receipt::Delivered => {
            delivered(to, &nudge);
            Ok(())
        }
        Receipt::Unconfirmed { reason } => {
            to.known.drop_task(&name);
            if nudge.state == NudgeState::Handed {
                let text = format!(
                    "It cannot be known whether the agent of session {} heard nudge {} ({}): {}. It is not sent \
                     again by itself.\n\nRead it with `nudged nudges show {}`, and see in the session whether it \
                     is there.\n",
                    session_of(&nudge),
                    id.0,
                    nudge.kind,
                    one_line(reason, REASON_CHARS),
                    id.0,
                );
                give_up(to, &nudge, NudgeState::Unconfirmed, UNCONFIRMED, text);
            }
            Ok(())
        }
        Receipt::Waits { retry_after } => {
            if let Some(task) = to.known.task(&name).cloned() {
                let due_at = after(to.now, *retry_after);
                to.known.put_task(Task { due_at, ..(*task).clone() });
            }
            Ok(())
        }
        Receipt::NotNow { reason, retry_after } => not_now(to, &nudge, reason, *retry_after),
        Receipt::Failed { reason } => {
            to.known.drop_task(&name);
            if nudge.state.is_open() || nudge.state == NudgeState::Handed {
                let text = format!(
                    "The agent of session {} could not be told of nudge {} ({}): {}.\n\nRead it with `nudged \
                     nudges show {}`.\n",
                    session_of(&nudge),
                    id.0,
                    nudge.kind,
                    one_line(reason, REASON_CHARS),
                    id.0,
                );
                give_up(to, &nudge, NudgeState::Failed, UNDELIVERED, text);
            }
            Ok(())
        }
    }
}

/// The mark of a nudge was seen at the beginning of a turn of that session's agent; the nudge's kind, if there
/// is such a nudge.
pub(super) fn arrived(to: &mut Reducer<'_>, session: &SessionId, id: NudgeId) -> Option<NudgeKind> {
    let nudge = to.known.nudge(id)?.clone();
    if nudge.session_id.as_ref() != Some(session) {
        return None;
    }
    delivered(to, &nudge);
    Some(nudge.kind)
}

fn delivered(to: &mut Reducer<'_>, nudge: &Nudge) {
    to.known.drop_task(&TaskName::deliver(nudge.id));
    match nudge.state {
        NudgeState::Pending | NudgeState::Held | NudgeState::Handed | NudgeState::Unconfirmed => {
            let delivered_at = nudge.delivered_at.or(Some(to.now));
            let (state, held_because) = (NudgeState::Delivered, None);
            to.known.put_nudge(Nudge { state, held_because, delivered_at, ..nudge.clone() });
        }
        NudgeState::Delivered
        | NudgeState::Acknowledged
        | NudgeState::Superseded
        | NudgeState::Failed => {}
    }
    // What was not known is known now.
    let doubt = format!("{UNCONFIRMED}{}", nudge.id.0);
    let told: Vec<NudgeId> = to.known.open_nudges(&nudge.subject).iter().copied().collect();
    let Some(project) = to.known.project(&nudge.project_id).cloned() else { return };
    let mut voice = Voice { policy: to.policy, now: to.now, known: to.known, project: &project };
    for id in told {
        if voice.known.nudge(id).is_some_and(|told| *told.signature == *doubt) {
            voice.take_back(id);
        }
    }
}

/// Nothing was given to the channel: it is open again.
fn not_now(
    to: &mut Reducer<'_>,
    nudge: &Nudge,
    reason: &Text,
    retry_after: u32,
) -> Result<(), Refusal> {
    let name = TaskName::deliver(nudge.id);
    let waits = matches!(nudge.state, NudgeState::Pending | NudgeState::Handed);
    let task = to.known.task(&name).cloned();
    let (true, Some(task)) = (waits, task) else { return Ok(()) };
    let due_at = after(to.now, retry_after);
    let last_error = Some(one_line(reason, REASON_CHARS).into());
    to.known.put_task(Task { due_at, last_error, ..(*task).clone() });
    let Some(project) = to.known.project(&nudge.project_id).cloned() else { return Ok(()) };
    let session = session(to, nudge);
    let mut voice = Voice { policy: to.policy, now: to.now, known: to.known, project: &project };
    let open = Nudge { state: NudgeState::Pending, handed_at: None, ..nudge.clone() };
    match session.as_ref().is_some_and(|session| session.state.is_terminal()) {
        // Nobody is left who could hear it.
        true => {
            voice.known.put_nudge(Nudge { state: NudgeState::Superseded, ..open });
            voice.forget_task(&name);
        }
        false => voice.offer(open, session.as_ref()),
    }
    Ok(())
}

fn after(now: Timestamp, seconds: u32) -> Timestamp {
    let wait = SignedDuration::from_secs(seconds.clamp(1, LONGEST_RETRY).into());
    now.checked_add(wait).unwrap_or(now)
}

/// The nudge comes to its end without being known to have arrived, and the human hears of it.
fn give_up(to: &mut Reducer<'_>, nudge: &Nudge, state: NudgeState, about: &str, body: String) {
    to.known.put_nudge(Nudge { state, held_because: None, ..nudge.clone() });
    let Some(project) = to.known.project(&nudge.project_id).cloned() else { return };
    let mut voice = Voice { policy: to.policy, now: to.now, known: to.known, project: &project };
    let words = Words {
        subject: nudge.subject.clone(),
        session: nudge.session_id.clone(),
        kind: NudgeKind::Escalated,
        class: None,
        evidence: None,
        signature: &format!("{about}{}", nudge.id.0),
        body,
    };
    voice.say(words, None);
}

fn session(to: &Reducer<'_>, nudge: &Nudge) -> Option<Session> {
    let id = nudge.session_id.as_ref()?;
    to.known.session(id).map(|session| (**session).clone())
}

fn session_of(nudge: &Nudge) -> String {
    nudge.session_id.as_ref().map_or_else(|| "?".to_owned(), |id| id.0.to_string())
}
