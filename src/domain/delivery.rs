//! Webhook deliveries: what came in, what it says, and what became of it.

use bytes::Bytes;

use super::ScmObservation;
use super::spelling::spelled;

/// What a delivery tells, with the text that the ledger keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    pub observation: Box<ScmObservation>,
    /// The observation as JSON. It is made where the body is read, so that the writer need not.
    pub json: String,
}

/// What a webhook delivery turned out to be, before anything is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It tells a fact.
    Observed(Observed),
    /// It is understood and of no interest, for the reason given.
    Ignored(String),
    /// It should have been understood, but for the reason given was not: its body is kept.
    Quarantined(String),
}

/// One webhook POST whose signature holds.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The hook's or its target's id, or empty.
    pub hook: String,
    /// `X-GitHub-Delivery`.
    pub guid: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The payload's `action`.
    pub action: Option<String>,
    /// The payload's repository, `owner/name`.
    pub repo: Option<String>,
    pub verdict: Verdict,
    /// The raw JSON, for the case that it has to be quarantined.
    pub body: Bytes,
}

spelled! {
    /// What became of a delivery. A `duplicate` leaves no row in the ledger.
    DeliveryOutcome {
        Applied = "applied", Ignored = "ignored", Duplicate = "duplicate",
        Quarantined = "quarantined",
    }
}
