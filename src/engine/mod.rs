//! The one door: observations in, one transaction, wake-ups out.
//!
//! One writer, on a thread of its own, takes what waits (no linger) into one transaction and answers after
//! COMMIT. It is the only writer of session, pull request and check state. It never waits for the
//! network, and never holds more than [`QUEUE`] pieces of work. Reading order: [`Engine`] (the handle),
//! `work` (the pieces, each with its own answer), `transaction` (what they are done in), `batch` (one for all that waits), `writer`
//! (the thread), `schedule` (timers and sweeps), `health` (whether it can still store).

mod batch;
mod deliver;
mod error;
mod handle;
mod health;
mod metrics;
mod obey;
mod observe;
mod retention;
mod schedule;
mod transaction;
mod upkeep;
mod work;
mod writer;

pub use error::EngineError;
pub use handle::{Engine, QUEUE};
pub use obey::{Command, CommandResult, Request};
pub use observe::{Found, Observe, Observed};
pub use retention::Retention;
