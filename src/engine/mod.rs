//! The one door: observations in, one transaction, wake-ups out.
//!
//! One writer takes what waits (no linger) into one transaction, a savepoint each, and answers
//! after COMMIT. It is the only writer of session, pull request and check state. It never waits
//! for the network, and never holds more than [`QUEUE`] pieces of work.

mod batch;
mod command;
mod tally;
mod writer;

use jiff::SignedDuration;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::domain::{Delivery, DeliveryOutcome, Report};
use crate::lifecycle::Policy;
use crate::store::{Store, StoreError};

pub use command::{Ask, Command, Render, Told};

/// Pieces of work that may wait; beyond that callers are told [`EngineError::Busy`].
pub const QUEUE: usize = 2_048;

/// How long what nobody needs for going on is kept; `None` is for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retention {
    /// Changes: who polls less often has to begin anew.
    pub changes: Option<SignedDuration>,
    /// Deliveries of the ledger. One that is sent again after that is applied again, which changes
    /// nothing.
    pub deliveries: Option<SignedDuration>,
}

/// Why the engine did not take something; nothing of it was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The queue is full; try again in a moment.
    #[error("the queue is full; try again in a second")]
    Busy,
    /// The engine has shut down.
    #[error("the server is shutting down")]
    Closed,
    /// The transaction failed.
    #[error("the store cannot take it: {0}")]
    Store(String),
}

/// Something for the writer to do.
enum Work {
    Delivery(Delivery),
    Command(Box<Command>),
    /// What came back from performing an effect, and the cause to name.
    Report(Report, String),
    /// Fires the timers that are due.
    Timers,
    /// Drops a portion of what is kept no longer.
    Sweep,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Done {
    Delivery(DeliveryOutcome),
    Command(Told),
    /// How many timers fired or rows went.
    Count(usize),
}

struct Job {
    work: Work,
    reply: oneshot::Sender<Result<Done, EngineError>>,
}

/// A handle to the engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    jobs: mpsc::Sender<Job>,
    head: watch::Receiver<i64>,
    close: watch::Sender<bool>,
}

impl Engine {
    /// Starts the writer and the timers on a database that this process alone serves.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn start(
        store: &Store,
        policy: Policy,
        retention: Retention,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let (close, closing) = watch::channel(false);
        let writer = writer::Writer::open(store, policy, retention, clock.clone()).await?;
        let (head, next_timer) = (writer.head(), writer.next_timer());
        tally::begin();
        let engine = Self { jobs, head, close };
        tokio::spawn(writer.run(waiting, closing.clone()));
        if clock.runs() {
            let jobs = engine.jobs.downgrade();
            tokio::spawn(writer::run_sweeps(jobs.clone(), closing.clone()));
            tokio::spawn(writer::run_timers(jobs, next_timer, closing, clock));
        }
        Ok(engine)
    }

    /// Stores a delivery and what it causes; answers after COMMIT.
    ///
    /// # Errors
    /// Nothing of the delivery was stored, and it may be sent again.
    pub async fn receive(&self, delivery: Delivery) -> Result<DeliveryOutcome, EngineError> {
        match self.work(Work::Delivery(delivery)).await? {
            Done::Delivery(outcome) => Ok(outcome),
            Done::Command(_) | Done::Count(_) => Err(EngineError::Closed),
        }
    }

    /// Does what somebody asks for; answers after COMMIT. A request that bears a key is done once,
    /// however often and however concurrently it comes.
    ///
    /// # Errors
    /// Nothing was stored, and the request may be repeated.
    pub async fn command(&self, command: Command) -> Result<Told, EngineError> {
        match self.work(Work::Command(Box::new(command))).await? {
            Done::Command(told) => Ok(told),
            Done::Delivery(_) | Done::Count(_) => Err(EngineError::Closed),
        }
    }

    /// Stores what came back from performing an effect, with the cause that changes name.
    ///
    /// # Errors
    /// Nothing was stored, and the call may be repeated.
    pub async fn report(&self, report: Report, cause: String) -> Result<(), EngineError> {
        self.work(Work::Report(report, cause)).await.map(drop)
    }

    /// Fires the timers that are due by now, without waiting for the task that watches them.
    ///
    /// # Errors
    /// The timers are as they were.
    pub async fn fire_due_timers(&self) -> Result<usize, EngineError> {
        match self.work(Work::Timers).await? {
            Done::Count(fired) => Ok(fired),
            Done::Delivery(_) | Done::Command(_) => Err(EngineError::Closed),
        }
    }

    /// Drops a portion of what is kept no longer, without waiting for the task that does so now and
    /// then. Answers how many rows went; after none there is nothing more.
    ///
    /// # Errors
    /// The rows are as they were.
    pub async fn sweep(&self) -> Result<usize, EngineError> {
        match self.work(Work::Sweep).await? {
            Done::Count(gone) => Ok(gone),
            Done::Delivery(_) | Done::Command(_) => Err(EngineError::Closed),
        }
    }

    async fn work(&self, work: Work) -> Result<Done, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(Job { work, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => EngineError::Busy,
            mpsc::error::TrySendError::Closed(_) => EngineError::Closed,
        })?;
        answer.await.unwrap_or(Err(EngineError::Closed))
    }

    /// The newest committed `seq` of the change log; wakes its watchers after each commit.
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.clone()
    }

    /// How many pieces of work wait, and how many may.
    pub fn queue(&self) -> (usize, usize) {
        (self.jobs.max_capacity() - self.jobs.capacity(), self.jobs.max_capacity())
    }

    /// Takes no more work, finishes what waits, and returns when the writer has let go.
    pub async fn close(&self) {
        let _ = self.close.send(true);
        self.jobs.closed().await;
        // The writer drops its end of `head` last.
        let mut head = self.head.clone();
        while head.changed().await.is_ok() {}
    }
}
