//! Performs tasks: rows of the store, worked on with no transaction open, answered by observations.
//!
//! One runner, and a performer for each kind of task with a bound of its own on how many are under way. At
//! least once: between the end of the work and the commit that takes note of it the process can die, and
//! then the same task is performed again. Of one lane one task is performed at a time, the oldest that
//! is due first; one that has to wait for its next attempt does not hold up younger ones.

mod notify_human;
mod round;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

pub use notify_human::{NotifyHuman, Receiver, is_slack};

use crate::clock::Clock;
use crate::domain::{Report, Task, TaskKind};
use crate::engine::Engine;
use crate::store::{Store, StoreError};
use round::Round;

/// What came of an attempt.
#[derive(Debug)]
pub struct Performed {
    pub report: Report,
    /// Who causes the changes that come of it, such as `notify:7`.
    pub cause: String,
}

/// The work behind a kind of task.
pub trait Performer: Send + Sync {
    /// The kind that it performs.
    fn kind(&self) -> TaskKind;

    /// How many tasks of the kind may be under way at once.
    fn at_once(&self) -> usize;

    /// Makes one attempt. `None`: it could not even be begun, and is tried again.
    fn perform(&self, task: Task) -> Pin<Box<dyn Future<Output = Option<Performed>> + Send + '_>>;
}

/// The runner; clones share their performers.
#[derive(Clone)]
pub struct Outbox {
    store: Store,
    engine: Engine,
    clock: Clock,
    performers: Vec<Arc<dyn Performer>>,
    shutdown: watch::Receiver<bool>,
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
        Self { store, engine, clock, performers, shutdown }
    }

    /// Makes all attempts that are due by now, and says how many. For a clock that is moved by hand.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn perform_due(&self) -> Result<usize, StoreError> {
        let mut made = 0;
        for performer in &self.performers {
            made += Round::new(self, performer).finish().await?;
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
            let outbox = self.clone();
            rounds.spawn(async move { Round::new(&outbox, &performer).run().await });
        }
        while let Some(ended) = rounds.join_next().await {
            ended?;
        }
        Ok(())
    }
}
