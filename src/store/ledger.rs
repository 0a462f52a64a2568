//! The ledger of deliveries, and the answers kept for requests that may be repeated: plain data.

use super::views::ObjectView;
use crate::domain::{Delivery, DeliveryOutcome, Verdict};

/// A row for the ledger.
#[derive(Debug, Clone, Copy)]
pub struct LedgerEntry<'a> {
    pub delivery: &'a Delivery,
    /// What becomes of it, if nothing goes wrong. Never `duplicate`.
    pub outcome: DeliveryOutcome,
    pub reason: Option<&'a str>,
    /// The observation that it tells, as JSON.
    pub observation: Option<&'a str>,
    /// Whether its raw body is kept, compressed.
    pub keeps_body: bool,
}

impl<'a> LedgerEntry<'a> {
    /// The row of a delivery whose verdict is carried out.
    pub fn of(delivery: &'a Delivery) -> Self {
        let entry = |outcome, reason, observation, keeps_body| Self {
            delivery,
            outcome,
            reason,
            observation,
            keeps_body,
        };
        match &delivery.verdict {
            Verdict::Observed(seen) => {
                entry(DeliveryOutcome::Applied, None, Some(&*seen.json), false)
            }
            Verdict::Ignored(why) => entry(DeliveryOutcome::Ignored, Some(why), None, false),
            Verdict::Quarantined(why) => Self::quarantined(delivery, why),
        }
    }

    /// The row of a delivery that is kept for later.
    pub fn quarantined(delivery: &'a Delivery, reason: &'a str) -> Self {
        let outcome = DeliveryOutcome::Quarantined;
        Self { delivery, outcome, reason: Some(reason), observation: None, keeps_body: true }
    }
}

/// Where a delivery stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The ledger's row.
    pub id: i64,
    /// What became of it before; `None`: it is received for the first time, and the row was made.
    pub before: Option<DeliveryOutcome>,
}

/// What a client calls its request, and what the request was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// `Idempotency-Key`.
    pub key: String,
    /// Method and path.
    pub request: String,
    /// SHA-256 of the body.
    pub body_hash: [u8; 32],
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownRequest {
    /// Nothing.
    No,
    /// This very request was carried out; the object that it changed, as it was then.
    Same(Box<ObjectView>),
    /// The key was used for some other request.
    Other,
}
