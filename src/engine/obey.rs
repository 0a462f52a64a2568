//! What people and bots ask for: done once, and answered from the state that it made.

use super::transaction::Transaction;
use super::work::Piece;
use crate::domain::{DeliveryOutcome, Observation, Verdict};
use crate::lifecycle::Refusal;
use crate::store::views::{ObjectRef, ObjectView};
use crate::store::{Fault, KnownRequest, RequestKey};

/// How long a key and its answer are kept.
pub(super) const KEYS: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Something that somebody asks for.
#[derive(Debug, Clone)]
pub struct Command {
    pub request: Request,
    /// Who causes the changes, such as `api:1f0c…`.
    pub cause: String,
    /// What the client calls this request, if it does.
    pub key: Option<RequestKey>,
    /// What it changes. It is read in the transaction that changed it, so that the answer can be kept
    /// with the effect.
    pub object: ObjectRef,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Request {
    /// A change that a rule decides on.
    Observe(Box<Observation>),
    /// A delivery of the ledger again: what it says, read anew or as it was read.
    Replay { delivery: i64, verdict: Verdict },
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandResult {
    /// It is done: the object as it was then. `again`: it had been done before, under the same key.
    Done { view: Box<ObjectView>, again: bool },
    /// A rule refuses it, for the reason given; nothing was changed, and the key is still free.
    Refused(Refusal),
    /// There is no such object; the key is still free.
    NotFound,
    /// The key was used for some other request.
    KeyReused,
}

impl Piece for Command {
    type Done = CommandResult;

    fn run(&self, on: &mut Transaction<'_>) -> Result<CommandResult, Fault> {
        if let Some(key) = &self.key {
            match on.writer.known_request(key, on.ago(KEYS))? {
                KnownRequest::No => {}
                KnownRequest::Same(view) => return Ok(CommandResult::Done { view, again: true }),
                KnownRequest::Other => return Ok(CommandResult::KeyReused),
            }
        }
        match &self.request {
            Request::Observe(observation) => {
                if let Err(refusal) = on.observe(observation, &self.cause)? {
                    return Ok(CommandResult::Refused(refusal));
                }
            }
            Request::Replay { delivery, verdict } => self.replay(on, *delivery, verdict)?,
        }
        let Some(view) = on.writer.object(&self.object)? else {
            return Ok(CommandResult::NotFound);
        };
        if let Some(key) = &self.key {
            on.writer.keep_answer(key, &view, on.terms.now)?;
        }
        Ok(CommandResult::Done { view: Box::new(view), again: false })
    }

    fn observation(&self) -> Option<&Observation> {
        match &self.request {
            Request::Observe(observation) => Some(observation),
            Request::Replay { .. } => None,
        }
    }
}

impl Command {
    /// Does a delivery again. The row of one that was applied stays as it is: its effect is there.
    fn replay(&self, on: &mut Transaction<'_>, id: i64, verdict: &Verdict) -> Result<(), Fault> {
        let Some(known) = on.writer.outcome_of(id)? else { return Ok(()) };
        let (outcome, reason, json) = match verdict {
            Verdict::Ignored(reason) => (DeliveryOutcome::Ignored, Some(reason.clone()), None),
            Verdict::Quarantined(reason) => {
                (DeliveryOutcome::Quarantined, Some(reason.clone()), None)
            }
            Verdict::Observed(seen) => {
                let observation = Observation::Scm((*seen.observation).clone());
                match on.part(|on| on.observe(&observation, &self.cause))? {
                    Ok(Ok(())) => (DeliveryOutcome::Applied, None, Some(&*seen.json)),
                    Ok(Err(refusal)) => {
                        (DeliveryOutcome::Ignored, Some(refusal.to_string()), Some(&*seen.json))
                    }
                    Err(reason) => {
                        let cause = &self.cause;
                        tracing::error!(cause, delivery = id, reason, "a delivery failed again");
                        (DeliveryOutcome::Quarantined, Some(reason), None)
                    }
                }
            }
        };
        if known == DeliveryOutcome::Applied {
            return Ok(());
        }
        on.writer.amend(id, outcome, reason.as_deref(), json)
    }
}
