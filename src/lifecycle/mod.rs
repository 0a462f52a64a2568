//! The rules, pure: what an observation makes of what is known, and what is to be said about it.
//!
//! Knows no clock, no SQL, no wire format, no async. Reading order: [`reduce`], then the registers
//! in `facts`, the roll-up in `rollup`, who owns what in `ownership`, what is said in `reactions`.

mod body;
mod commands;
mod compare;
pub mod excerpt;
mod facts;
mod globs;
mod ownership;
mod reactions;
mod reduce;
pub mod refusal;
mod rollup;
mod sending;
mod snapshot;
mod status;

pub use ownership::slug_stem;
pub use reduce::{needs_history, reduce};
pub use rollup::{alike, check_status, derive_checks, roll_up, stirs_old_runs, telling_runs};
pub use snapshot::{
    BranchSession, CommitFact, Effect, HistoryEntry, Outcome, Policy, ProjectChange, PullFacts,
    PullOutcome, PullSnapshot, SessionChange, Snapshot, Talk,
};
pub use status::{DrivingPull, display_status, driving_pull};
