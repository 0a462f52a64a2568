//! The tasks behind the engine: the writer, and those that wake it when a timer is due or to sweep.

use std::time::{Duration, Instant};

use deadpool_sqlite::Object;
use tokio::sync::{mpsc, oneshot, watch};

use super::batch::{self, Committed};
use super::{Done, EngineError, Job, Retention, Work, tally};
use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::lifecycle::Policy;
use crate::store::{CommitMemory, Store, StoreError, ledger};

/// Pieces of work in one transaction, at most.
const BATCH: usize = 256;
/// How often what is kept no longer is swept away.
const SWEEP: Duration = Duration::from_secs(3_600);
/// The longest sleep of the timer task: a clock that is set forward is noticed within it.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The shortest: timers that cannot be fired must not spin.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);
/// A database that refused is not asked again before.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Holds the one connection that writes.
pub(super) struct Writer {
    connection: Object,
    /// Lent to each transaction; what does not come back is forgotten.
    memory: CommitMemory,
    policy: Policy,
    retention: Retention,
    clock: Clock,
    head: watch::Sender<i64>,
    next_timer: watch::Sender<Option<Timestamp>>,
}

impl Writer {
    pub(super) async fn open(
        store: &Store,
        policy: Policy,
        retention: Retention,
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
        let memory = CommitMemory::default();
        Ok(Self { connection, memory, policy, retention, clock, head, next_timer })
    }

    pub(super) fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    pub(super) fn next_timer(&self) -> watch::Receiver<Option<Timestamp>> {
        self.next_timer.subscribe()
    }

    /// Takes what waits into one transaction after another, until it is closed and all is done.
    pub(super) async fn run(
        mut self,
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

    async fn commit(&mut self, jobs: impl Iterator<Item = Job>) {
        type Replies = Vec<oneshot::Sender<Result<Done, EngineError>>>;
        let (work, replies): (Vec<Work>, Replies) = jobs.map(|job| (job.work, job.reply)).unzip();
        metrics::histogram!("nudged_commit_batch_size").record(work.len() as f64);
        let (policy, retention, clock) = (self.policy, self.retention, self.clock.clone());
        let started = Instant::now();
        let memory = std::mem::take(&mut self.memory);
        let done = self
            .connection
            .interact(move |connection| {
                let terms =
                    batch::Terms { policy: &policy, retention: &retention, now: clock.now() };
                let done = batch::commit(connection, &memory, terms, &work);
                (done, memory)
            })
            .await;
        metrics::histogram!("nudged_commit_seconds").record(started.elapsed().as_secs_f64());
        let done = done.map(|(done, memory)| {
            self.memory = memory;
            done
        });
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

/// Asks the writer to fire timers when they are due.
pub(super) async fn run_timers(
    jobs: mpsc::WeakSender<Job>,
    mut next_timer: watch::Receiver<Option<Timestamp>>,
    mut closing: watch::Receiver<bool>,
    clock: Clock,
) {
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
        if due.is_none_or(|due| due > clock.now()) {
            continue;
        }
        match ask(&jobs, Work::Timers).await {
            Ok(_) => {}
            Err(EngineError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "timers could not be fired; they are tried again");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Asks the writer, at the start and now and then, to drop what is kept no longer: one portion after
/// another, between which others have their turn.
pub(super) async fn run_sweeps(jobs: mpsc::WeakSender<Job>, mut closing: watch::Receiver<bool>) {
    loop {
        let rest = match ask(&jobs, Work::Sweep).await {
            Ok(Done::Count(gone)) if gone > 0 => {
                tracing::debug!(gone, "rows that are kept no longer were dropped");
                continue;
            }
            Ok(_) => SWEEP,
            Err(EngineError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "what is kept no longer could not be dropped");
                SWEEP
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = closing.changed() => return,
        }
    }
}

/// Has the writer do something when its turn comes, however long the queue is.
async fn ask(jobs: &mpsc::WeakSender<Job>, work: Work) -> Result<Done, EngineError> {
    let jobs = jobs.upgrade().ok_or(EngineError::Closed)?;
    let (reply, answer) = oneshot::channel();
    jobs.send(Job { work, reply }).await.map_err(|_| EngineError::Closed)?;
    drop(jobs);
    answer.await.unwrap_or(Err(EngineError::Closed))
}
