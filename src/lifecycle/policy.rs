//! The settings that rules depend on.

use jiff::SignedDuration;

use crate::domain::{Adopt, TimerKind};

/// A conflict that the agent has not solved by then is escalated.
pub(super) const CONFLICT_PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// An agent that is still idle so long after it was told to go on is escalated.
pub(super) const IDLE_PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// What is asked for when no turn is under way is over by itself after this long.
pub(super) const WAIT_AFTER_STOP: SignedDuration = SignedDuration::from_secs(60);

/// The longest that something waits to be said for the logs that it is about.
pub(super) const LOG_WAIT: SignedDuration = SignedDuration::from_secs(60);
/// The longest that a pull request waits to be called ready for what GitHub was asked about it.
pub(super) const REFRESH_WAIT: SignedDuration = SignedDuration::from_secs(60);
/// The longest that a failure waits to be told for what comes of running it again.
pub(super) const RERUN_WAIT: SignedDuration = SignedDuration::from_mins(30);

/// The settings that rules depend on.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// How long failures are collected before they are told.
    pub settle: SignedDuration,
    /// How long something cancelled may wait for what comes in its place.
    pub cancel_wait: SignedDuration,
    /// An active agent of which nothing was heard for so long is looked at.
    pub quiet_after: SignedDuration,
    /// What a newly registered project does with pull requests that no session owns.
    pub adopt: Adopt,
    /// Whether a delivery for an unknown repository registers a project.
    pub auto_register: bool,
    /// Whether nudges to the human are sent out.
    pub notify: bool,
    /// Whether GitHub's API can be asked: there are App credentials.
    pub github: bool,
}

impl Policy {
    /// The longest that a timer of a kind can still have to run: one that says more was set by a clock that has
    /// been set back since. `None` where others say when it is over.
    pub fn longest_wait(&self, kind: TimerKind) -> Option<SignedDuration> {
        Some(match kind {
            TimerKind::CiSettle
            | TimerKind::GreenSettle
            | TimerKind::ReviewSettle
            | TimerKind::QueueSettle
            | TimerKind::IdleSettle => self.settle,
            TimerKind::ConflictEscalation => CONFLICT_PATIENCE,
            TimerKind::IdleEscalation => IDLE_PATIENCE,
            TimerKind::CancelWait => self.cancel_wait,
            TimerKind::QuietAgent => self.quiet_after,
            TimerKind::WaitOver => WAIT_AFTER_STOP,
            TimerKind::LogWait | TimerKind::QueueLogWait => LOG_WAIT,
            TimerKind::RefreshWait => REFRESH_WAIT,
            TimerKind::RerunWait => RERUN_WAIT,
            TimerKind::LimitReset | TimerKind::BudgetRefill => return None,
        })
    }
}
