//! What its pull requests do to a session.

use crate::domain::{PrState, Session, SessionKind, SessionState, TerminationReason};

/// What the states of its pull requests make of a session.
///
/// A merge ends it unless another pull request is still open. An adopted session is also `done`
/// when all are closed unmerged, and works again when one reopens: the one way back from an end
/// without a restore.
pub(in crate::lifecycle) fn follow_pulls(
    session: &Session,
    pull: PrState,
    siblings: &[PrState],
) -> Session {
    let mut next = session.clone();
    let any_open = pull.is_open() || siblings.iter().any(|state| state.is_open());
    let any_merged = pull == PrState::Merged || siblings.contains(&PrState::Merged);
    let adopted = session.kind == SessionKind::External;
    let open_to_change = match session.state {
        SessionState::Terminated => false,
        SessionState::Done => adopted,
        SessionState::NotStarted
        | SessionState::Working
        | SessionState::Idle
        | SessionState::NeedsInput
        | SessionState::Stuck
        | SessionState::Detecting => true,
    };
    if !open_to_change {
        return next;
    }
    if any_open {
        if session.state == SessionState::Done {
            next.state = SessionState::Working;
            next.is_alive = true;
        }
    } else if any_merged {
        next.state = SessionState::Terminated;
        next.termination_reason = Some(TerminationReason::PrMerged);
        next.is_alive = false;
    } else if adopted {
        next.state = SessionState::Done;
        next.is_alive = false;
    }
    next
}
