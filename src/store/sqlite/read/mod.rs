//! The SQL of the typed reads. Each function expects to run in a transaction, so that all its
//! statements see one state; none decides anything.

mod changes;
mod deliveries;
mod nudges;
mod objects;
mod projects;
mod pulls;
mod rows;
mod select;
mod sessions;
mod status;
#[cfg(test)]
mod tests;
mod watched;
mod weight;

pub(in crate::store) use changes::{bounds, look};
pub(in crate::store) use deliveries::{deliveries, delivery, kept};
pub(in crate::store) use nudges::{nudge, nudges};
pub(crate) use objects::object;
pub(in crate::store) use projects::{project, projects};
pub(in crate::store) use pulls::{checked_pulls, whole_pull};
pub(in crate::store) use sessions::{at_work, of_token, session, sessions};
pub(in crate::store) use watched::{known_pulls, remembered, watched};
