//! A transaction, as the pieces of work see it: observations are reduced in it, and parts can be undone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::SignedDuration;

use super::metrics::nudge_of;
use super::retention::Retention;
use crate::domain::{CommandObservation, NudgeId, NudgeKind, NudgeState, Observation, Timestamp};
use crate::lifecycle::{Key, Policy, Refusal, WorkingSet, Write, needs, reduce};
use crate::store::{Fault, Receipt, Writer};

pub(super) const PANIC: &str = "a rule panicked; the log says where";

/// What holds for all pieces of a transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'c> {
    pub(super) policy: &'c Policy,
    pub(super) retention: &'c Retention,
    pub(super) now: Timestamp,
}

/// A transaction, as the pieces see it.
pub(super) struct Transaction<'c> {
    pub(super) writer: &'c Writer,
    pub(super) known: &'c mut WorkingSet,
    pub(super) terms: Terms<'c>,
    /// Where the piece's delivery stands in the ledger, if that was looked up with those of others.
    pub(super) receipt: Option<Receipt>,
    /// The states that nudges came into.
    pub(super) nudges: Vec<(NudgeKind, NudgeState)>,
}

impl<'c> Transaction<'c> {
    pub(super) fn new(writer: &'c Writer, known: &'c mut WorkingSet, terms: Terms<'c>) -> Self {
        Self { writer, known, terms, receipt: None, nudges: Vec::new() }
    }

    /// Makes of the rows what an observation makes of them. `cause` is named by the changes.
    pub(super) fn observe(
        &mut self,
        observation: &Observation,
        cause: &str,
    ) -> Result<Result<(), Refusal>, Fault> {
        let done = self.observe_under(self.terms.policy, observation, cause)?;
        Ok(done.map(drop))
    }

    /// The same of what nobody is to hear of, since it is from before the project was watched: what it leads
    /// to say is noted as acknowledged in the same transaction, and so is never said later either.
    pub(super) fn observe_quietly(
        &mut self,
        observation: &Observation,
        cause: &str,
    ) -> Result<Result<(), Refusal>, Fault> {
        let at_once = SignedDuration::ZERO;
        let policy = Policy {
            settle: at_once,
            cancel_wait: at_once,
            notify: false,
            github: false,
            ..*self.terms.policy
        };
        let said = match self.observe_under(&policy, observation, cause)? {
            Ok(said) => said,
            Err(refusal) => return Ok(Err(refusal)),
        };
        for nudge in said {
            let noted = CommandObservation::AcknowledgeNudge { nudge };
            let noted = self.observe_under(&policy, &Observation::Command(noted), cause)?;
            debug_assert!(noted.is_ok(), "a nudge that was just made can be acknowledged");
        }
        Ok(Ok(()))
    }

    /// The nudges that it made.
    fn observe_under(
        &mut self,
        policy: &Policy,
        observation: &Observation,
        cause: &str,
    ) -> Result<Result<Vec<NudgeId>, Refusal>, Fault> {
        while self.fetch(needs(self.known, observation))? {}
        #[cfg(debug_assertions)]
        self.check_against_rows(needs(self.known, observation))?;
        if let Err(refusal) = reduce(policy, self.known, observation, self.terms.now) {
            return Ok(Err(refusal));
        }
        let writes = self.known.take_writes();
        self.writer.apply(cause, &writes, self.terms.now)?;
        self.nudges.extend(writes.iter().filter_map(nudge_of));
        let made = writes.iter().filter_map(|write| {
            if let Write::InsertNudge(nudge) = write { Some(nudge.id) } else { None }
        });
        Ok(Ok(made.collect()))
    }

    /// Has the store teach what is missing of `keys`; whether anything was.
    pub(super) fn fetch(&mut self, keys: Vec<Key>) -> Result<bool, Fault> {
        let mut missing = self.known.missing(keys);
        if missing.is_empty() {
            return Ok(false);
        }
        missing.sort_unstable();
        missing.dedup();
        for (key, record) in self.writer.fetch(&missing)? {
            self.known.learn(key, record);
        }
        Ok(true)
    }

    /// Whether what is remembered is what the rows say.
    #[cfg(debug_assertions)]
    fn check_against_rows(&self, keys: Vec<Key>) -> Result<(), Fault> {
        for (key, record) in self.writer.fetch(&keys)? {
            assert!(
                self.known.record(&key) == Some(&record),
                "what is remembered under {key:?} is not so.\nremembered {:#?}\nstored {record:#?}",
                self.known.record(&key)
            );
        }
        Ok(())
    }

    /// Does something that can be undone alone. Its own fault, a panic included, undoes it alone.
    pub(super) fn part<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<Result<T, String>, Fault> {
        self.writer.begin_part()?;
        self.receipt = None;
        let counted = self.nudges.len();
        let done = catch_unwind(AssertUnwindSafe(|| run(self)))
            .unwrap_or_else(|_| Err(Fault::Piece(PANIC.to_owned())));
        match done {
            Ok(done) => {
                self.writer.end_part(false)?;
                Ok(Ok(done))
            }
            Err(Fault::Store(reason)) => Err(Fault::Store(reason)),
            Err(Fault::Piece(reason)) => {
                self.known.forget();
                self.nudges.truncate(counted);
                self.writer.end_part(true)?;
                Ok(Err(reason))
            }
        }
    }

    /// The instant so long before now.
    pub(super) fn ago(&self, span: SignedDuration) -> Timestamp {
        self.terms.now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
