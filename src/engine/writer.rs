//! The thread that writes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::batch::{self, Committed};
use super::health::Health;
use super::retention::Retention;
use super::transaction::Terms;
use super::work::Work;
use super::{EngineError, metrics};
use crate::clock::{Clock, Throttle};
use crate::domain::Timestamp;
use crate::lifecycle::{Policy, WorkingSet};
use crate::store::{Fault, Store, StoreError, Writer};

/// Pieces of work in one transaction, at most.
const BATCH: usize = 256;
/// What is remembered of the rows, about.
const REMEMBERED: usize = 16 << 20;
/// So many transactions in a row that end in a panic of the writer's own, and it gives up: whoever
/// supervises the process starts it anew.
const MOST_PANICS: u32 = 3;
/// While the store refuses, every batch fails: one line in this time tells of it.
const COMPLAINS_EVERY: Duration = Duration::from_secs(1);
const PANICKED: &str = "the writer panicked; the log says where";

/// The one connection that writes, and what it knows.
pub(super) struct WriterThread {
    writer: Writer,
    known: WorkingSet,
    policy: Policy,
    retention: Retention,
    clock: Clock,
    head: watch::Sender<i64>,
    commits: watch::Sender<u64>,
    next_timer: watch::Sender<Option<Timestamp>>,
    health: Health,
    complaints: Throttle,
}

impl WriterThread {
    pub(super) async fn open(
        store: &Store,
        policy: Policy,
        retention: Retention,
        clock: Clock,
        health: Health,
    ) -> Result<Self, StoreError> {
        let writer = store.writer().await?;
        let (head, next_timer) = (writer.head()?, writer.next_timer()?);
        Ok(Self {
            writer,
            known: WorkingSet::new(REMEMBERED),
            policy,
            retention,
            clock,
            head: watch::Sender::new(head),
            commits: watch::Sender::new(0),
            next_timer: watch::Sender::new(next_timer),
            health,
            complaints: Throttle::new(COMPLAINS_EVERY),
        })
    }

    pub(super) fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    pub(super) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    pub(super) fn next_timer(&self) -> watch::Receiver<Option<Timestamp>> {
        self.next_timer.subscribe()
    }

    /// Begins to take what waits into one transaction after another, until it is to close and all is done.
    pub(super) fn start(
        mut self,
        mut waiting: mpsc::Receiver<Box<dyn Work>>,
    ) -> Result<(), StoreError> {
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                // Whatever ends it, nobody must be left with a server that looks well and takes nothing.
                match catch_unwind(AssertUnwindSafe(|| self.run(&mut waiting))) {
                    Ok(Ok(())) => {}
                    Ok(Err(reason)) => self.health.fail(&reason),
                    Err(_) => self.health.fail(PANICKED),
                }
            })
            .map(drop)
            .map_err(|error| StoreError::Pool(format!("cannot start the writer's thread: {error}")))
    }

    /// On an error it can go on no more, for the reason given.
    fn run(&mut self, waiting: &mut mpsc::Receiver<Box<dyn Work>>) -> Result<(), String> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut panics = 0;
        loop {
            if self.health.closes() {
                waiting.close();
            }
            if waiting.blocking_recv_many(&mut batch, BATCH) == 0 {
                return Ok(());
            }
            // What is answered is taken out.
            let done = catch_unwind(AssertUnwindSafe(|| self.commit(&mut batch)));
            panics = if done.is_ok() { 0 } else { panics + 1 };
            if done.is_err() {
                self.known.forget();
                metrics::count_failure();
            }
            // Where there is nothing to undo, this does nothing.
            let undone = self.writer.roll_back();
            for piece in batch.drain(..) {
                piece.answer(Some(EngineError::Store(PANICKED.to_owned())));
            }
            if let Err(Fault::Store(reason) | Fault::Piece(reason)) = undone {
                return Err(format!("the connection that writes is lost: {reason}"));
            }
            if panics >= MOST_PANICS {
                return Err(PANICKED.to_owned());
            }
        }
    }

    fn commit(&mut self, work: &mut Vec<Box<dyn Work>>) {
        let started = Instant::now();
        let terms =
            Terms { policy: &self.policy, retention: &self.retention, now: self.clock.now() };
        let done = batch::commit(&self.writer, &mut self.known, terms, work);
        metrics::count_batch(work.len(), started.elapsed());
        match done {
            Ok(Committed { head, next_timer, nudges, failures }) => {
                self.health.commits();
                for (piece, failure) in work.drain(..).zip(failures) {
                    piece.answer(failure);
                }
                self.head.send_if_modified(|known| std::mem::replace(known, head) != head);
                self.commits.send_modify(|count| *count = count.wrapping_add(1));
                self.next_timer
                    .send_if_modified(|known| std::mem::replace(known, next_timer) != next_timer);
                metrics::count_nudges(&nudges);
            }
            Err(Fault::Store(reason) | Fault::Piece(reason)) => {
                metrics::count_failure();
                let count = work.len();
                if let Some(untold) = self.complaints.pass(Instant::now()) {
                    tracing::error!(
                        error = reason,
                        count,
                        untold,
                        "commit failed, nothing was stored"
                    );
                }
                // First: whoever was refused must not find it ready.
                self.health.refuses(reason.clone());
                for piece in work.drain(..) {
                    piece.answer(Some(EngineError::Store(reason.clone())));
                }
            }
        }
    }
}
