//! The one word that people see, derived on read.

use crate::domain::{
    CiState, DisplayStatus, Mergeability, PrState, ReviewDecision, SessionState, TerminationReason,
    Timestamp,
};

/// The pull request that drives a session's display.
#[derive(Debug, Clone, Copy)]
pub struct DrivingPull {
    pub state: PrState,
    pub ci: CiState,
    pub review: ReviewDecision,
    pub mergeability: Mergeability,
    pub unresolved_comments: i64,
}

/// Picks the most recently updated open or draft pull request, else the most recent.
pub fn driving_pull<T>(pulls: &[T], key: impl Fn(&T) -> (PrState, Timestamp)) -> Option<&T> {
    pulls.iter().max_by_key(|pull| {
        let (state, updated_at) = key(pull);
        (state.is_open(), updated_at)
    })
}

/// The display status of a session in `state`, ended for `reason`, with its driving pull request.
pub fn display_status(
    state: SessionState,
    reason: Option<TerminationReason>,
    pull: Option<&DrivingPull>,
) -> DisplayStatus {
    match state {
        SessionState::NotStarted => DisplayStatus::Spawning,
        SessionState::Detecting => DisplayStatus::Detecting,
        SessionState::NeedsInput => DisplayStatus::NeedsInput,
        SessionState::Stuck => DisplayStatus::Stuck,
        SessionState::Done => DisplayStatus::Done,
        SessionState::Terminated => ended(reason),
        SessionState::Working => pull_status(pull).unwrap_or(DisplayStatus::Working),
        SessionState::Idle => pull_status(pull).unwrap_or(DisplayStatus::Idle),
    }
}

fn ended(reason: Option<TerminationReason>) -> DisplayStatus {
    match reason {
        None => DisplayStatus::Terminated,
        Some(
            TerminationReason::ManuallyKilled
            | TerminationReason::RuntimeLost
            | TerminationReason::AgentProcessExited,
        ) => DisplayStatus::Killed,
        Some(TerminationReason::AutoCleanup | TerminationReason::PrMerged) => {
            DisplayStatus::Cleanup
        }
        Some(TerminationReason::ErrorInProcess | TerminationReason::ProbeFailure) => {
            DisplayStatus::Errored
        }
    }
}

fn pull_status(pull: Option<&DrivingPull>) -> Option<DisplayStatus> {
    let pull = pull?;
    match pull.state {
        PrState::Closed => return None,
        PrState::Merged => return Some(DisplayStatus::Merged),
        PrState::Draft | PrState::Open if pull.ci == CiState::Failing => {
            return Some(DisplayStatus::CiFailed);
        }
        PrState::Draft => return Some(DisplayStatus::Draft),
        PrState::Open => {}
    }
    let wanted = pull.review == ReviewDecision::ChangesRequested || pull.unresolved_comments > 0;
    Some(match (pull.mergeability, pull.review) {
        _ if wanted => DisplayStatus::ChangesRequested,
        (Mergeability::Mergeable, _) => DisplayStatus::Mergeable,
        (_, ReviewDecision::Approved) => DisplayStatus::Approved,
        (_, ReviewDecision::ReviewRequired) => DisplayStatus::ReviewPending,
        _ => DisplayStatus::PrOpen,
    })
}
