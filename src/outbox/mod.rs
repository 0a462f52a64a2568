//! Performs tasks: rows of the store, worked on with no transaction open, answered by observations.
//!
//! One runner, and a performer for each kind of task with a bound of its own on how many are under way. At
//! least once: between the end of the work and the commit that takes note of it the process can die, and
//! then the same task is performed again. Of one lane one task is performed at a time, the oldest that
//! is due first; one that has to wait for its next attempt does not hold up younger ones.

mod ask_permission;
mod deliver_nudge;
mod fetch_log;
mod github_failure;
mod look_again;
mod notify_human;
mod performer;
mod refresh_pull;
mod rerun_checks;
mod round;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

pub use ask_permission::AskPermissions;
pub use deliver_nudge::DeliverNudge;
pub use fetch_log::FetchLogs;
pub use look_again::LookAgain;
pub use notify_human::{NotifyHuman, Receiver, Tested, is_slack};
pub use performer::{Performed, Performer};
pub use refresh_pull::RefreshPulls;
pub use rerun_checks::RerunFailed;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::store::{Store, StoreError};
use round::{Round, Tools};

/// The runner; clones share their performers.
#[derive(Clone)]
pub struct Outbox {
    tools: Tools,
    performers: Vec<Arc<dyn Performer>>,
}

impl Outbox {
    /// Has `performers` do what becomes due until `shutdown` becomes `true`.
    pub fn new(
        store: Store,
        engine: Engine,
        clock: Clock,
        performers: Vec<Arc<dyn Performer>>,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        Self { tools: Tools { store, engine, clock, shutdown }, performers }
    }

    /// Makes all attempts that are due by now, and says how many. For a clock that is moved by hand.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn perform_due(&self) -> Result<usize, StoreError> {
        let mut made = 0;
        for performer in &self.performers {
            made += Round::new(&self.tools, performer).finish().await?;
        }
        Ok(made)
    }

    /// Performs whatever becomes due, until shutdown; then waits for what is under way.
    ///
    /// # Errors
    /// It panicked: from then on nothing of one kind would be performed.
    pub async fn run(self) -> Result<(), JoinError> {
        let mut rounds = JoinSet::new();
        for performer in self.performers.clone() {
            let tools = self.tools.clone();
            rounds.spawn(async move { Round::new(&tools, &performer).run().await });
        }
        while let Some(ended) = rounds.join_next().await {
            ended?;
        }
        Ok(())
    }
}
