//! The other routes: HTTP read and written, everything else done by the API.

pub(super) mod agents;
pub(super) mod deliveries;
pub(super) mod github;
pub(super) mod health;
pub(super) mod logs;
pub(super) mod nudges;
pub(super) mod openapi;
pub(super) mod projects;
pub(super) mod pulls;
pub(super) mod sessions;
mod submission;
