//! What people and bots ask for: done once, and answered from the state that it made.

use rusqlite::Connection;

use super::batch::{Batch, Fault};
use super::{Done, EngineError};
use crate::domain::{CommandObservation, Observation, Verdict};
use crate::store::idempotency::{self, Known, RequestKey};
use crate::store::ledger;

/// How long a key and its answer are kept.
pub(super) const KEYS: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Shows the object that a command changed, as JSON. It reads in the transaction that changed it, so
/// that the answer can be kept with the effect. `None`: there is no such object.
pub type Render = Box<dyn Fn(&Connection) -> rusqlite::Result<Option<String>> + Send>;

/// Something that somebody asks for.
pub struct Command {
    pub ask: Ask,
    /// Who causes the changes, such as `api:1f0c…`.
    pub cause: String,
    /// What the client calls this request, if it does.
    pub key: Option<RequestKey>,
    /// The status of the answer when it is done.
    pub status: u16,
    pub render: Render,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Ask {
    /// A change that a rule decides on.
    Observe(Box<CommandObservation>),
    /// A delivery of the ledger again: what it says, read anew or as it was read.
    Replay { delivery: i64, verdict: Verdict },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It is done. `again`: it had been done before, under the same key.
    Done { status: u16, answer: String, again: bool },
    /// A rule refuses it, for the reason given; nothing was changed, and the key is still free.
    Refused(&'static str),
    /// There is no such object; the key is still free.
    NotFound,
    /// The key was used for some other request.
    KeyReused,
}

impl Batch<'_> {
    pub(super) fn command(&self, command: &Command) -> rusqlite::Result<Result<Done, EngineError>> {
        let told = self.shielded(|| self.obey(command))?;
        if let Err(reason) = &told {
            tracing::error!(cause = command.cause, reason, "a request failed");
        }
        Ok(told.map(Done::Command).map_err(EngineError::Store))
    }

    fn obey(&self, command: &Command) -> Result<Told, Fault> {
        if let Some(key) = &command.key {
            match idempotency::find(self.connection, key, self.ago(KEYS))? {
                Known::No => {}
                Known::Same(status, answer) => {
                    return Ok(Told::Done { status, answer, again: true });
                }
                Known::Other => return Ok(Told::KeyReused),
            }
        }
        let refused = match &command.ask {
            Ask::Observe(asked) => {
                let observation = Observation::Command((**asked).clone());
                self.observe(&observation, &command.cause)?.ignored
            }
            Ask::Replay { delivery, verdict } => {
                self.again(*delivery, verdict, &command.cause)?;
                None
            }
        };
        if let Some(reason) = refused {
            return Ok(Told::Refused(reason));
        }
        let Some(answer) = (command.render)(self.connection)? else { return Ok(Told::NotFound) };
        if let Some(key) = &command.key {
            idempotency::keep(self.connection, key, (command.status, &answer), self.now)?;
        }
        Ok(Told::Done { status: command.status, answer, again: false })
    }

    /// Does a delivery again. The row of one that was applied stays as it is: its effect is there.
    fn again(&self, id: i64, verdict: &Verdict, cause: &str) -> Result<(), Fault> {
        let Some(known) = ledger::outcome_of(self.connection, id)? else { return Ok(()) };
        let amend = |outcome: &str, reason: Option<&str>, seen: Option<&str>| {
            if known == "applied" {
                return Ok(());
            }
            ledger::amend(self.connection, id, outcome, reason, seen)
        };
        match verdict {
            Verdict::Ignored(reason) => amend("ignored", Some(reason), None)?,
            Verdict::Quarantined(reason) => amend("quarantined", Some(reason), None)?,
            Verdict::Observed(seen) => {
                let observation = Observation::Scm((*seen.observation).clone());
                match self.shielded(|| self.observe(&observation, cause))? {
                    Ok(outcome) => match outcome.ignored {
                        None => amend("applied", None, Some(&seen.json))?,
                        Some(reason) => amend("ignored", Some(reason), Some(&seen.json))?,
                    },
                    Err(reason) => {
                        tracing::error!(cause, delivery = id, reason, "a delivery failed again");
                        amend("quarantined", Some(&reason), None)?;
                    }
                }
            }
        }
        Ok(())
    }
}
