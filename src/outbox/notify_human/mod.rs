//! Brings nudges to the human.
//!
//! The same message bears the same `webhook-id` at every attempt, by which receivers tell repeats.

mod receiver;

use std::future::Future;
use std::pin::Pin;

pub use receiver::{Receiver, Tested, is_slack};

use super::performer::{Performed, Performer};
use crate::api::NudgeJson;
use crate::clock::Clock;
use crate::domain::{Failure, NudgeId, Report, Task, TaskKind, TaskPayload, Text};
use crate::store::Store;
use receiver::Refused;

/// Messages under way at once.
const AT_ONCE: usize = 4;

const TOTAL: &str = "nudged_notifications_total";

/// Sends nudges to a receiver.
pub struct NotifyHuman {
    store: Store,
    clock: Clock,
    receiver: Receiver,
}

impl NotifyHuman {
    /// Sends nudges to `receiver`.
    pub fn new(store: Store, clock: Clock, receiver: Receiver) -> Self {
        for outcome in ["delivered", "failed"] {
            metrics::counter!(TOTAL, "outcome" => outcome).increment(0);
        }
        Self { store, clock, receiver }
    }

    async fn notify(&self, nudge: NudgeId, id: &Text, attempt: u32) -> Option<Performed> {
        let view = match self.store.nudge(nudge.0).await {
            Ok(view) => view,
            Err(error) => {
                tracing::warn!(%error, nudge = nudge.0, "a nudge cannot be read");
                return None;
            }
        };
        // The nudge as the API shows it.
        let shown = view.map(|view| serde_json::to_value(NudgeJson::from(view)));
        let sent = match shown {
            Some(Ok(shown)) => self.receiver.send(id, &shown, self.clock.now()).await,
            Some(Err(error)) => Err(Refused::lasting(error.to_string())),
            None => Err(Refused::lasting("the nudge is gone".to_owned())),
        };
        let host = self.receiver.host();
        let (report, outcome) = match sent {
            Ok(()) => {
                tracing::info!(message_id = &**id, host, attempt, "the human was told");
                (Report::NudgeSent { nudge, attempt }, "delivered")
            }
            Err(refused) => {
                let error = refused.error;
                tracing::warn!(
                    message_id = &**id,
                    host,
                    attempt,
                    error,
                    "the human could not be told"
                );
                let failure = Failure {
                    error,
                    retry_after: refused.retry_after,
                    for_good: refused.for_good,
                    jitter: rand::random_range(0..1_000),
                };
                (Report::NudgeNotSent { nudge, attempt, failure }, "failed")
            }
        };
        metrics::counter!(TOTAL, "outcome" => outcome).increment(1);
        Some(Performed { report, cause: format!("notify:{}", nudge.0) })
    }
}

impl Performer for NotifyHuman {
    fn kind(&self) -> TaskKind {
        TaskKind::NotifyHuman
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn perform(&self, task: Task) -> Pin<Box<dyn Future<Output = Option<Performed>> + Send + '_>> {
        Box::pin(async move {
            let TaskPayload::NotifyHuman { nudge, message_id } = task.payload else { return None };
            self.notify(nudge, &message_id, task.attempts.saturating_add(1)).await
        })
    }
}
