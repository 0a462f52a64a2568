//! Sessions: what their pull requests do to them, and the one word that people see.

mod pulls;
mod status;

pub(super) use pulls::follow_pulls;
pub use status::{DrivingPull, display_status, driving_pull};
