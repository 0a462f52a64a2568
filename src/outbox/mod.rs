//! Brings nudges to the human: rows of the store, sent with no transaction open, reported back to
//! the engine.
//!
//! At least once: between a receiver's 2xx and the commit that takes note of it the process can die,
//! and then the same message goes out again under the same `webhook-id`, by which receivers tell.
//! One message of a session is on its way at a time, the oldest that is due first; one that has to
//! wait for its next attempt does not hold up younger ones.

mod receiver;

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

pub use receiver::{Receiver, is_slack};

use crate::clock::Clock;
use crate::domain::{NudgeId, Report, SendFailure};
use crate::engine::{Engine, EngineError};
use crate::store::outbox::{DueErrand, due, next_after};
use crate::store::views::NudgeView;
use crate::store::{Store, StoreError};

/// Messages on their way at once.
const CONCURRENT: usize = 4;
/// The longest sleep: a clock that is set forward is noticed within it.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Between two looks at the store, however often it changes.
const BREATH: Duration = Duration::from_millis(20);
/// After the store or the engine could not be reached.
const RETRY: Duration = Duration::from_secs(1);

const TOTAL: &str = "nudged_notifications_total";

/// What the outbox works with.
#[derive(Clone)]
pub struct Parts {
    pub store: Store,
    pub engine: Engine,
    pub clock: Clock,
    /// A nudge as the API shows it.
    pub show: fn(NudgeView) -> serde_json::Result<serde_json::Value>,
}

/// The outbox; clones share nothing but what they are made of.
#[derive(Clone)]
pub struct Outbox {
    parts: Parts,
    receiver: Receiver,
    shutdown: watch::Receiver<bool>,
}

impl Outbox {
    /// Sends to `receiver` until `shutdown` becomes `true`.
    pub fn new(parts: Parts, receiver: Receiver, shutdown: watch::Receiver<bool>) -> Self {
        for outcome in ["delivered", "failed"] {
            metrics::counter!(TOTAL, "outcome" => outcome).increment(0);
        }
        Self { parts, receiver, shutdown }
    }

    /// Makes all attempts that are due by now, and says how many. For a clock that is moved by hand.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn deliver_due(&self) -> Result<usize, StoreError> {
        let (mut round, mut made) = (Round::new(self), 0);
        loop {
            round.fill().await?;
            if !round.land().await {
                return Ok(made);
            }
            made += 1;
        }
    }

    /// Sends whatever becomes due, until shutdown; then waits for what is on its way.
    pub async fn run(self) {
        let (mut head, mut shutdown) = (self.parts.engine.head(), self.shutdown.clone());
        let mut round = Round::new(&self);
        loop {
            head.borrow_and_update();
            let sleep = round.fill().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the outbox cannot be read; it is tried again");
                RETRY
            });
            tokio::select! {
                () = down(&mut shutdown) => break,
                landed = round.land(), if !round.flying.is_empty() => debug_assert!(landed),
                () = tokio::time::sleep(sleep) => {}
                changed = head.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
        while round.land().await {}
    }

    /// One attempt, and the report of it.
    async fn attempt(self, errand: DueErrand) {
        let nudge = NudgeId(errand.nudge.id);
        let (id, attempt) = (errand.message_id, errand.attempt);
        let sent = match (self.parts.show)(errand.nudge) {
            Ok(shown) => self.receiver.send(&id, &shown, self.parts.clock.now()).await,
            Err(error) => Err(receiver::Refused {
                error: error.to_string(),
                retry_after: None,
                for_good: false,
            }),
        };
        let host = self.receiver.host();
        let (report, outcome) = match sent {
            Ok(()) => {
                tracing::info!(message = id, host, attempt, "the human was told");
                (Report::NudgeSent { nudge, attempt }, "delivered")
            }
            Err(refused) => {
                let error = refused.error;
                tracing::warn!(message = id, host, attempt, error, "the human could not be told");
                let failure = SendFailure {
                    error,
                    retry_after: refused.retry_after,
                    for_good: refused.for_good,
                    jitter: rand::random_range(0..1_000),
                };
                (Report::NudgeNotSent { nudge, attempt, failure }, "failed")
            }
        };
        if self.report(nudge, report).await {
            metrics::counter!(TOTAL, "outcome" => outcome).increment(1);
        }
    }

    /// Tells the engine until it takes it: what has arrived must not be sent again.
    async fn report(&self, nudge: NudgeId, report: Report) -> bool {
        let mut shutdown = self.shutdown.clone();
        loop {
            let cause = format!("notify:{}", nudge.0);
            match self.parts.engine.report(report.clone(), cause).await {
                Ok(()) => return true,
                Err(EngineError::Closed) => return false,
                Err(error @ (EngineError::Busy | EngineError::Store(_))) => {
                    tracing::warn!(%error, nudge = nudge.0, "an attempt could not be noted down yet");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = down(&mut shutdown) => return false,
            }
        }
    }
}

/// What is on its way.
struct Round<'o> {
    outbox: &'o Outbox,
    flying: JoinSet<()>,
    /// Whose message each task carries.
    whose: HashMap<Id, String>,
}

impl<'o> Round<'o> {
    fn new(outbox: &'o Outbox) -> Self {
        Self { outbox, flying: JoinSet::new(), whose: HashMap::new() }
    }

    /// Starts attempts that are due while there is room. How long there is nothing to do then.
    async fn fill(&mut self) -> Result<Duration, StoreError> {
        let room = CONCURRENT - self.flying.len();
        if room == 0 {
            return Ok(LONGEST_SLEEP);
        }
        let parts = &self.outbox.parts;
        let now = parts.clock.now();
        let (errands, next) = parts
            .store
            .read(move |c| Ok((due(c, now, 2 * CONCURRENT)?, next_after(c, now)?)))
            .await?;
        let free = |errand: &DueErrand| !self.whose.values().any(|who| *who == key(errand));
        let errands: Vec<_> = errands.into_iter().filter(free).take(room).collect();
        for errand in errands {
            let who = key(&errand);
            let task = self.flying.spawn(self.outbox.clone().attempt(errand));
            self.whose.insert(task.id(), who);
        }
        let left = next.map_or(LONGEST_SLEEP, |next| {
            Duration::try_from(next.duration_since(now)).unwrap_or_default()
        });
        Ok(left.clamp(BREATH, LONGEST_SLEEP))
    }

    /// Waits for one attempt to end; `false`: there is none.
    async fn land(&mut self) -> bool {
        let Some(landed) = self.flying.join_next_with_id().await else { return false };
        let id = match landed {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "an attempt to tell the human died");
                error.id()
            }
        };
        self.whose.remove(&id);
        true
    }
}

/// Ends when the server shuts down, or when nobody is left to say so.
async fn down(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|down| *down).await;
}

fn key(errand: &DueErrand) -> String {
    let nudge = &errand.nudge;
    nudge.session_id.clone().unwrap_or_else(|| format!("nudge {}", nudge.id))
}
