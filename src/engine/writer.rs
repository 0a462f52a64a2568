//! The tasks behind the engine: the writer, and the one that wakes it when a timer is due.

use std::time::{Duration, Instant};

use deadpool_sqlite::Object;
use tokio::sync::{mpsc, oneshot, watch};

use super::batch::{self, Committed};
use super::{EngineError, Job, Work, tally};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::lifecycle::Policy;
use crate::store::{Store, StoreError, ledger};

/// Pieces of work in one transaction, at most.
const BATCH: usize = 256;
/// How often unclaimed facts are swept.
const SWEEP: Duration = Duration::from_secs(3_600);
/// The longest sleep of the timer task: a clock that is set forward is noticed within it.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The shortest: timers that cannot be fired must not spin.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);

/// Holds the one connection that writes.
pub(super) struct Writer {
    connection: Object,
    policy: Policy,
    clock: Clock,
    head: watch::Sender<i64>,
    next_timer: watch::Sender<Option<Timestamp>>,
}

impl Writer {
    pub(super) async fn open(
        store: &Store,
        policy: Policy,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let connection = store.writer().await?;
        let (head, next_timer) = connection
            .interact(|connection| {
                Ok::<_, rusqlite::Error>((
                    ledger::head(connection)?,
                    ledger::next_timer(connection)?,
                ))
            })
            .await
            .map_err(|error| StoreError::Pool(error.to_string()))??;
        let (head, next_timer) = (watch::Sender::new(head), watch::Sender::new(next_timer));
        Ok(Self { connection, policy, clock, head, next_timer })
    }

    pub(super) fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    pub(super) fn next_timer(&self) -> watch::Receiver<Option<Timestamp>> {
        self.next_timer.subscribe()
    }

    /// Takes what waits into one transaction after another, until it is closed and all is done.
    pub(super) async fn run(
        self,
        mut jobs: mpsc::Receiver<Job>,
        mut closing: watch::Receiver<bool>,
    ) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let closed = *closing.borrow();
            if closed {
                jobs.close();
            }
            tokio::select! {
                count = jobs.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    self.commit(batch.drain(..)).await;
                }
                changed = closing.changed(), if !closed => {
                    if changed.is_err() {
                        jobs.close();
                    }
                }
            }
        }
    }

    async fn commit(&self, jobs: impl Iterator<Item = Job>) {
        type Replies = Vec<oneshot::Sender<Result<super::Done, EngineError>>>;
        let (work, replies): (Vec<Work>, Replies) = jobs.map(|job| (job.work, job.reply)).unzip();
        metrics::histogram!("nudged_commit_batch_size").record(work.len() as f64);
        let (policy, clock, started) = (self.policy, self.clock.clone(), Instant::now());
        let done = self
            .connection
            .interact(move |connection| batch::commit(connection, &policy, &work, clock.now()))
            .await;
        metrics::histogram!("nudged_commit_seconds").record(started.elapsed().as_secs_f64());
        let failure = match done {
            Ok(Ok(Committed { answers, head, next_timer, nudges })) => {
                tally::count(nudges);
                for (reply, answer) in replies.into_iter().zip(answers) {
                    let _ = reply.send(answer);
                }
                self.head.send_if_modified(|known| std::mem::replace(known, head) != head);
                self.next_timer
                    .send_if_modified(|known| std::mem::replace(known, next_timer) != next_timer);
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tally::failed();
        tracing::error!(
            error = failure,
            count = replies.len(),
            "commit failed, nothing was stored"
        );
        for reply in replies {
            let _ = reply.send(Err(EngineError::Store(failure.clone())));
        }
    }
}

/// Asks the writer to fire timers when they are due, and to sweep now and then.
pub(super) async fn run_timers(
    jobs: mpsc::WeakSender<Job>,
    mut next_timer: watch::Receiver<Option<Timestamp>>,
    mut closing: watch::Receiver<bool>,
    clock: Clock,
) {
    let mut swept = Instant::now();
    loop {
        let due = *next_timer.borrow_and_update();
        let sleep = due.map_or(LONGEST_SLEEP, |due| {
            let left = due.duration_since(clock.now());
            Duration::try_from(left).unwrap_or_default().clamp(SHORTEST_SLEEP, LONGEST_SLEEP)
        });
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            changed = next_timer.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            _ = closing.changed() => return,
        }
        let is_due = due.is_some_and(|due| due <= clock.now());
        let sweep = swept.elapsed() >= SWEEP;
        if sweep {
            swept = Instant::now();
        }
        let work = [is_due.then_some(Work::Timers), sweep.then_some(Work::Sweep)];
        for work in work.into_iter().flatten() {
            let Some(jobs) = jobs.upgrade() else { return };
            let (reply, answer) = oneshot::channel();
            if jobs.send(Job { work, reply }).await.is_err() {
                return;
            }
            if let Ok(Err(error)) = answer.await {
                tracing::warn!(%error, "timers could not be fired; they are tried again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}
