//! Display status, derived on read. A placeholder with the final signatures.

use crate::domain::{
    CiState, DisplayStatus, Mergeability, PrState, ReviewDecision, SessionState, TerminationReason,
    Timestamp,
};

/// What the display needs of the pull request that drives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrivingPull {
    pub state: PrState,
    pub ci: CiState,
    pub review: ReviewDecision,
    pub mergeability: Mergeability,
    pub unresolved_comments: i64,
}

/// The one word that people see.
pub fn display_status(
    _state: SessionState,
    _reason: Option<TerminationReason>,
    _pull: Option<&DrivingPull>,
) -> DisplayStatus {
    DisplayStatus::Working
}

/// The pull request that drives a session's display.
pub fn driving_pull<T>(pulls: &[T], key: impl Fn(&T) -> (PrState, Timestamp)) -> Option<&T> {
    pulls.iter().max_by_key(|pull| {
        let (state, at) = key(pull);
        (state.is_open(), at)
    })
}
