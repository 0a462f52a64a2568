//! The rules, pure.

mod status;

pub use status::{DrivingPull, display_status, driving_pull};
