//! Sessions: whether they are alive, what their agents do, what their pull requests do to them, and the one
//! word that people see.

mod activity;
mod evidence;
mod hooks;
mod limits;
mod liveness;
mod pulls;
mod status;

pub(super) use activity::{after_activity, is_idle, is_stale};
pub use evidence::evidence_hash;
pub use hooks::{HookReading, read_hook};
pub(super) use liveness::{after_probe, end};
pub(super) use pulls::follow_pulls;
pub use status::{DrivingPull, display_status, driving_pull};
