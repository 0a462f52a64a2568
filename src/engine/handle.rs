//! The handle that others hold.

use tokio::sync::{mpsc, watch};

use super::deliver::Deliver;
use super::health::Health;
use super::obey::{Command, CommandResult};
use super::observe::{Observe, Observed, Remember};
use super::retention::Retention;
use super::upkeep::{FireTimers, Sweep, TakeReport, Touch, Wake};
use super::work::{Piece, Work, job};
use super::writer::WriterThread;
use super::{EngineError, metrics, schedule};
use crate::clock::Clock;
use crate::domain::{Delivery, DeliveryOutcome, Observation, Report};
use crate::lifecycle::{Policy, Refusal};
use crate::store::{Store, StoreError};

/// Pieces of work that may wait; beyond that callers are told [`EngineError::Busy`].
pub const QUEUE: usize = 2_048;

/// A handle to the engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    work: mpsc::Sender<Box<dyn Work>>,
    head: watch::Receiver<i64>,
    commits: watch::Receiver<u64>,
    health: Health,
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
        let (work, waiting) = mpsc::channel(QUEUE);
        let health = Health::new();
        let writer =
            WriterThread::open(store, policy, retention, clock.clone(), health.clone()).await?;
        let (head, commits, next_timer) = (writer.head(), writer.commits(), writer.next_timer());
        metrics::begin();
        writer.start(waiting)?;
        let engine = Self { work, head, commits, health };
        if clock.runs() {
            let (work, health) = (engine.work.downgrade(), &engine.health);
            let sweeps = schedule::sweep(work.clone(), health.closing(), clock.clone());
            health.guard("the task that sweeps", tokio::spawn(sweeps));
            let timers = schedule::fire_timers(work, next_timer, health.closing(), clock);
            health.guard("the task that fires timers", tokio::spawn(timers));
        }
        Ok(engine)
    }

    /// Stores a delivery and what it causes; answers after COMMIT.
    ///
    /// # Errors
    /// Nothing of the delivery was stored, and it may be sent again.
    pub async fn receive(&self, delivery: Delivery) -> Result<DeliveryOutcome, EngineError> {
        self.ask(Deliver::new(delivery)).await
    }

    /// Does what somebody asks for; answers after COMMIT. A request that bears a key is done once,
    /// however often and however concurrently it comes.
    ///
    /// # Errors
    /// Nothing was stored, and the request may be repeated.
    pub async fn command(&self, command: Command) -> Result<CommandResult, EngineError> {
        self.ask(command).await
    }

    /// Stores what came of a task, with the cause that changes name.
    ///
    /// # Errors
    /// Nothing was stored, and the call may be repeated.
    pub async fn report(&self, report: Report, cause: String) -> Result<(), EngineError> {
        // What it is about may be gone: then there is nothing to take down.
        self.observe(Observation::Report(report), cause).await.map(drop)
    }

    /// Stores what is seen, with the cause that changes name; answers after COMMIT, with the reason where a rule
    /// refuses it: then nothing was changed.
    ///
    /// # Errors
    /// Nothing was stored, and the call may be repeated.
    pub async fn observe(
        &self,
        observation: Observation,
        cause: String,
    ) -> Result<Result<(), Refusal>, EngineError> {
        self.ask(TakeReport { observation, cause }).await
    }

    /// Takes in what a comparison with GitHub found.
    ///
    /// # Errors
    /// Nothing was stored, and the call may be repeated.
    pub async fn take_in(&self, found: Observe) -> Result<Observed, EngineError> {
        self.ask(found).await
    }

    /// Remembers something of GitHub's API under a name.
    ///
    /// # Errors
    /// What was remembered before still is.
    pub async fn remember(&self, name: &'static str, value: String) -> Result<(), EngineError> {
        self.ask(Remember { name, value }).await
    }

    /// Fires the timers that are due by now, without waiting for the task that watches them.
    ///
    /// # Errors
    /// The timers are as they were.
    pub async fn fire_due_timers(&self) -> Result<usize, EngineError> {
        self.ask(FireTimers { after_a_jump: true }).await
    }

    /// Drops a portion of what is kept no longer, without waiting for the task that does so now and
    /// then. Answers how many rows went; after none there is nothing more.
    ///
    /// # Errors
    /// The rows are as they were.
    pub async fn sweep(&self) -> Result<usize, EngineError> {
        self.ask(Sweep).await
    }

    async fn ask<P: Piece + 'static>(&self, piece: P) -> Result<P::Done, EngineError> {
        if self.health.closes() {
            return Err(EngineError::Closed);
        }
        let (work, answer) = job(piece);
        self.work.try_send(work).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => EngineError::Busy,
            mpsc::error::TrySendError::Closed(_) => EngineError::Closed,
        })?;
        answer.await.unwrap_or(Err(EngineError::Closed))
    }

    /// The newest committed `seq` of the change log; wakes its watchers after each commit.
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.clone()
    }

    /// Counts commits, also those of which the change log does not tell: what is being done to sessions is no change
    /// of theirs.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// How many pieces of work wait, and how many may.
    pub fn queue(&self) -> (usize, usize) {
        (self.work.max_capacity() - self.work.capacity(), self.work.max_capacity())
    }

    /// Ends when the engine can go on no more, with the reason. While it does not, the engine works.
    pub async fn failed(&self) -> String {
        self.health.failed().await
    }

    /// Why the engine can go on no more, if so.
    pub fn failure(&self) -> Option<String> {
        self.health.failure()
    }

    /// Whether a commit would come through now. Where the last one did, nothing is tried.
    ///
    /// # Errors
    /// The engine has failed or is closed, or the store refuses.
    pub async fn check(&self) -> Result<(), EngineError> {
        if let Some(reason) = self.health.failure() {
            return Err(EngineError::Store(reason));
        }
        if self.health.refusal().is_some() {
            return self.ask(Touch).await;
        }
        if self.health.closes() { Err(EngineError::Closed) } else { Ok(()) }
    }

    /// Takes no more work, finishes what waits, and returns when the writer has let go.
    pub async fn close(&self) {
        self.health.close();
        // Wakes the writer where it waits for work.
        let (nothing, _) = job(Wake);
        let _ = self.work.send(nothing).await;
        self.work.closed().await;
        // The writer drops its end of `head` last.
        let mut head = self.head.clone();
        while head.changed().await.is_ok() {}
    }
}
