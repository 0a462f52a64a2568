//! The settings that rules depend on.

use jiff::SignedDuration;

use crate::domain::Adopt;

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
}
