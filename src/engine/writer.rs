//! The thread that writes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use super::batch::{self, Committed, Terms};
use super::handle::Retention;
use super::work::Work;
use super::{EngineError, metrics};
use crate::clock::Clock;
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

/// The one connection that writes, and what it knows.
pub(super) struct WriterThread {
    writer: Writer,
    known: WorkingSet,
    policy: Policy,
    retention: Retention,
    clock: Clock,
    head: watch::Sender<i64>,
    next_timer: watch::Sender<Option<Timestamp>>,
    failed: watch::Sender<Option<String>>,
}

impl WriterThread {
    pub(super) async fn open(
        store: &Store,
        policy: Policy,
        retention: Retention,
        clock: Clock,
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
            next_timer: watch::Sender::new(next_timer),
            failed: watch::Sender::new(None),
        })
    }

    pub(super) fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    pub(super) fn next_timer(&self) -> watch::Receiver<Option<Timestamp>> {
        self.next_timer.subscribe()
    }

    /// Why it can go on no more.
    pub(super) fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.subscribe()
    }

    /// Begins to take what waits into one transaction after another, until `close` says so and all is done.
    pub(super) fn start(
        self,
        waiting: mpsc::Receiver<Box<dyn Work>>,
        close: watch::Sender<bool>,
    ) -> Result<(), StoreError> {
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || self.run(waiting, &close))
            .map(drop)
            .map_err(|error| StoreError::Pool(format!("cannot start the writer's thread: {error}")))
    }

    fn run(mut self, mut waiting: mpsc::Receiver<Box<dyn Work>>, close: &watch::Sender<bool>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut panics = 0;
        loop {
            if *close.borrow() {
                waiting.close();
            }
            if waiting.blocking_recv_many(&mut batch, BATCH) == 0 {
                return;
            }
            let work = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            // Whatever happens in there, nobody must be left with a server that looks well and takes nothing.
            if catch_unwind(AssertUnwindSafe(|| self.commit(work))).is_ok() {
                panics = 0;
                continue;
            }
            panics += 1;
            self.known.forget();
            let rolled_back = self.writer.roll_back();
            if panics >= MOST_PANICS || rolled_back.is_err() {
                let reason = "the writer panicked and cannot go on; the log says where";
                tracing::error!(reason, "the engine has failed");
                close.send_replace(true);
                self.failed.send_replace(Some(reason.to_owned()));
                return;
            }
        }
    }

    fn commit(&mut self, mut work: Vec<Box<dyn Work>>) {
        let started = Instant::now();
        let terms =
            Terms { policy: &self.policy, retention: &self.retention, now: self.clock.now() };
        let done = batch::commit(&self.writer, &mut self.known, terms, &mut work);
        metrics::count_batch(work.len(), started.elapsed());
        match done {
            Ok(Committed { head, next_timer, nudges, failures }) => {
                for (piece, failure) in work.into_iter().zip(failures) {
                    piece.answer(failure);
                }
                self.head.send_if_modified(|known| std::mem::replace(known, head) != head);
                self.next_timer
                    .send_if_modified(|known| std::mem::replace(known, next_timer) != next_timer);
                metrics::count_nudges(&nudges);
            }
            Err(Fault::Store(reason) | Fault::Piece(reason)) => {
                metrics::count_failure();
                let count = work.len();
                tracing::error!(error = reason, count, "commit failed, nothing was stored");
                for piece in work {
                    piece.answer(Some(EngineError::Store(reason.clone())));
                }
            }
        }
    }
}
