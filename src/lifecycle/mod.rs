//! The rules, pure: what an observation makes of what is known, and what is to be said about it.
//!
//! Knows no clock, no SQL, no wire format, no async. Reading order: [`needs`] (which rows an observation
//! wants), [`WorkingSet`] (those rows, and the writes that come of changing them), [`reduce`] (which rule
//! an observation goes to), then `scm` (registers, roll-up, ownership), `session`, `reactions` (what is
//! said).

mod answers;
mod backoff;
mod commands;
mod delivery;
mod history;
mod needs;
mod policy;
mod reactions;
mod receipts;
mod reduce;
mod reducer;
mod refusal;
mod reports;
mod scm;
mod session;
mod session_commands;
mod sessions;
mod working_set;

pub use needs::needs;
pub use policy::Policy;
pub use reduce::reduce;
pub use refusal::Refusal;
pub use scm::{DerivedCheck, DerivedChecks, check_status, derive_checks, roll_up};
pub use session::{DrivingPull, display_status, driving_pull};
pub use session::{HookReading, evidence_hash, read_hook};
pub use working_set::{CommitRecord, Counters, Key, PullRecord, Record, WorkingSet, Write};
