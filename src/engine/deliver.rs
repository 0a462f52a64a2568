//! A webhook delivery: entered into the ledger once, and done once.

use super::transaction::Transaction;
use super::work::Piece;
use crate::domain::{Delivery, DeliveryOutcome, Observation, Verdict};
use crate::store::{Fault, LedgerEntry};

/// A delivery that is to be taken. Its observation stands apart from the text that the ledger keeps.
pub(super) struct Deliver {
    delivery: Delivery,
    observation: Option<Observation>,
}

impl Deliver {
    pub(super) fn new(delivery: Delivery) -> Self {
        let observation = match &delivery.verdict {
            Verdict::Observed(seen) => Some(Observation::Scm((*seen.observation).clone())),
            Verdict::Ignored(_) | Verdict::Quarantined(_) => None,
        };
        Self { delivery, observation }
    }

    fn take(&self, on: &mut Transaction<'_>) -> Result<DeliveryOutcome, Fault> {
        let receipt = match on.receipt.take() {
            Some(receipt) => receipt,
            None => on.writer.receive(LedgerEntry::of(&self.delivery), on.terms.now)?,
        };
        let (Verdict::Observed(seen), Some(observation)) =
            (&self.delivery.verdict, &self.observation)
        else {
            return Ok(match receipt.before {
                Some(_) => DeliveryOutcome::Duplicate,
                None => LedgerEntry::of(&self.delivery).outcome,
            });
        };
        // What was not understood then may be now.
        let again = receipt.before == Some(DeliveryOutcome::Quarantined);
        if receipt.before.is_some() && !again {
            return Ok(DeliveryOutcome::Duplicate);
        }
        let cause = format!("delivery:{}", self.delivery.guid);
        match on.observe(observation, &cause)? {
            Ok(()) => {
                if again {
                    let applied = DeliveryOutcome::Applied;
                    on.writer.amend(receipt.id, applied, None, Some(&seen.json))?;
                }
                Ok(DeliveryOutcome::Applied)
            }
            Err(refusal) => {
                // What is of no interest now may be later: it can be replayed.
                let reason = refusal.to_string();
                let ignored = DeliveryOutcome::Ignored;
                on.writer.amend(receipt.id, ignored, Some(&reason), Some(&seen.json))?;
                Ok(ignored)
            }
        }
    }
}

impl Piece for Deliver {
    type Done = DeliveryOutcome;

    fn run(&self, on: &mut Transaction<'_>) -> Result<DeliveryOutcome, Fault> {
        self.take(on)
    }

    /// A fault of ours must not lose what GitHub will not send again.
    fn rescue(&self, on: &mut Transaction<'_>, reason: &str) -> Result<DeliveryOutcome, Fault> {
        tracing::error!(delivery = self.delivery.guid, reason, "delivery failed: quarantined");
        on.writer.receive(LedgerEntry::quarantined(&self.delivery, reason), on.terms.now)?;
        Ok(DeliveryOutcome::Quarantined)
    }

    fn observation(&self) -> Option<&Observation> {
        self.observation.as_ref()
    }

    fn delivery(&self) -> Option<&Delivery> {
        Some(&self.delivery)
    }
}
