//! Whether a session is alive, by looking at its runtime: nothing but proof is read as death.

use jiff::SignedDuration;

use crate::domain::{
    ActivityState, Detecting, Probe, ProbeAnswer, Session, SessionState, TerminationReason,
    Timestamp,
};

use super::evidence::evidence_hash;

/// Activity that was seen so lately speaks against death.
const RECENT: SignedDuration = SignedDuration::from_secs(60);
/// So many looks in a row that find the same make it `stuck`,
const MOST_ATTEMPTS: u32 = 3;
/// and so does an episode of this length.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);

/// What a probe makes of a session. One that has ended stays as it is, and so does one to which something is
/// being done: what is found meanwhile comes of that.
pub(in crate::lifecycle) fn after_probe(
    session: &Session,
    probe: &Probe,
    now: Timestamp,
) -> Session {
    use ProbeAnswer::{Alive, Dead, Unknown};
    if session.state.is_terminal() || session.operation.is_some() {
        return session.clone();
    }
    let mut next = session.clone();
    next.is_alive = true;
    let process_is_dead = probe.process == Dead;
    match (probe.runtime, probe.process) {
        (Alive, Alive | Unknown) => {
            next.detecting = None;
            if session.state == SessionState::Detecting {
                next.state = SessionState::Working;
            }
        }
        (Dead, _) if process_is_dead && (probe.is_proof || !is_recent(session, now)) => {
            end(&mut next, TerminationReason::RuntimeLost);
        }
        (Alive, _) if process_is_dead && probe.is_proof => {
            end(&mut next, TerminationReason::AgentProcessExited);
        }
        _ => quarantine(&mut next, probe, now),
    }
    next
}

/// What a session that was not ended by its end comes to.
pub(in crate::lifecycle) fn end(session: &mut Session, reason: TerminationReason) {
    session.state = SessionState::Terminated;
    session.termination_reason = Some(reason);
    session.is_alive = false;
    session.detecting = None;
}

fn is_recent(session: &Session, now: Timestamp) -> bool {
    match session.activity.state {
        ActivityState::WaitingInput | ActivityState::Blocked => true,
        ActivityState::Exited => false,
        ActivityState::Active | ActivityState::Ready | ActivityState::Idle => {
            now.duration_since(session.activity.last_at) <= RECENT
        }
    }
}

fn quarantine(next: &mut Session, probe: &Probe, now: Timestamp) {
    let evidence_hash = evidence_hash(probe);
    let known = next.detecting.take();
    let attempts = match &known {
        Some(known) if known.evidence_hash == evidence_hash => known.attempts.saturating_add(1),
        _ => 1,
    };
    let started_at = known.map_or(now, |known| known.started_at);
    if attempts >= MOST_ATTEMPTS || now.duration_since(started_at) >= LONGEST {
        next.state = SessionState::Stuck;
        return;
    }
    next.state = SessionState::Detecting;
    next.detecting = Some(Detecting { attempts, started_at, evidence_hash });
}
