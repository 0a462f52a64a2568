//! What people and bots ask for: done once, and answered from the state that it made.

use super::batch::{Batch, Fault};
use super::{Done, EngineError, Verdict};
use crate::domain::Observation;
use crate::store::idempotency::{self, Known, RequestKey};
use crate::store::views::{ObjectRef, ObjectView};
use crate::store::{self, ledger};

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
    Refused(&'static str),
    /// There is no such object; the key is still free.
    NotFound,
    /// The key was used for some other request.
    KeyReused,
}

impl Batch<'_> {
    pub(super) fn command(&self, command: &Command) -> rusqlite::Result<Result<Done, EngineError>> {
        let result = self.shielded(|| self.obey(command))?;
        if let Err(reason) = &result {
            tracing::error!(cause = command.cause, reason, "a request failed");
        }
        Ok(result.map(Done::Command).map_err(EngineError::Store))
    }

    fn obey(&self, command: &Command) -> Result<CommandResult, Fault> {
        if let Some(key) = &command.key {
            match idempotency::find(self.connection, key, self.ago(KEYS))? {
                Known::No => {}
                Known::Same(view) => return Ok(CommandResult::Done { view, again: true }),
                Known::Other => return Ok(CommandResult::KeyReused),
            }
        }
        let refused = match &command.request {
            Request::Observe(observation) => self.observe(observation, &command.cause)?.ignored,
            Request::Replay { delivery, verdict } => {
                self.again(*delivery, verdict, &command.cause)?;
                None
            }
        };
        if let Some(reason) = refused {
            return Ok(CommandResult::Refused(reason));
        }
        let Some(view) = store::object(self.connection, &command.object)? else {
            return Ok(CommandResult::NotFound);
        };
        if let Some(key) = &command.key {
            idempotency::keep(self.connection, key, &view, self.now)?;
        }
        Ok(CommandResult::Done { view: Box::new(view), again: false })
    }

    /// Does a delivery again. The row of one that was applied stays as it is: its effect is there.
    fn again(&self, id: i64, verdict: &Verdict, cause: &str) -> Result<(), Fault> {
        let Some(known) = ledger::outcome_of(self.connection, id)? else { return Ok(()) };
        let amend = |outcome: &str, reason: Option<&str>, seen: Option<&Observation>| {
            if known == "applied" {
                return Ok(());
            }
            ledger::amend(self.connection, id, outcome, reason, seen)
        };
        match verdict {
            Verdict::Ignored(reason) => amend("ignored", Some(reason), None)?,
            Verdict::Quarantined(reason) => amend("quarantined", Some(reason), None)?,
            Verdict::Observed(seen) => match self.shielded(|| self.observe(seen, cause))? {
                Ok(outcome) => match outcome.ignored {
                    None => amend("applied", None, Some(seen))?,
                    Some(reason) => amend("ignored", Some(reason), Some(seen))?,
                },
                Err(reason) => {
                    tracing::error!(cause, delivery = id, reason, "a delivery failed again");
                    amend("quarantined", Some(&reason), None)?;
                }
            },
        }
        Ok(())
    }
}
