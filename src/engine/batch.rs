//! One transaction for all that waits.
//!
//! What waits is done in order, without a savepoint each: nearly always all of it comes through. Where a
//! piece does not (a rule panics, a row cannot be written), the transaction is undone and all is done
//! again piece by piece, each in a savepoint of its own, so that a bad one spoils nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::EngineError;
use super::metrics::nudge_of;
use super::work::Work;
use crate::domain::{NudgeKind, NudgeState, Observation, Timestamp};
use crate::lifecycle::{Key, Policy, Refusal, WorkingSet, needs, reduce};
use crate::store::{Fault, LedgerEntry, Receipt, Writer};

use super::handle::Retention;

/// What a committed transaction leaves to tell.
pub(super) struct Committed {
    pub(super) head: i64,
    pub(super) next_timer: Option<Timestamp>,
    /// The states that nudges came into.
    pub(super) nudges: Vec<(NudgeKind, NudgeState)>,
    /// Of each piece, in order: why it failed.
    pub(super) failures: Vec<Option<EngineError>>,
}

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
    nudges: Vec<(NudgeKind, NudgeState)>,
}

/// Does all of `work` in one transaction. On an error nothing of it is stored.
pub(super) fn commit(
    writer: &Writer,
    known: &mut WorkingSet,
    terms: Terms<'_>,
    work: &mut [Box<dyn Work>],
) -> Result<Committed, Fault> {
    let whole = catch_unwind(AssertUnwindSafe(|| attempt(writer, known, terms, work, all_at_once)));
    let reason = match whole {
        Ok(Ok(committed)) => return Ok(committed),
        Ok(Err(Fault::Store(reason))) => return undone(writer, known, Fault::Store(reason)),
        Ok(Err(Fault::Piece(reason))) => reason,
        Err(_) => PANIC.to_owned(),
    };
    tracing::warn!(
        reason,
        pieces = work.len(),
        "a piece of work failed; all is done piece by piece"
    );
    undone(writer, known, Fault::Piece(reason))
        .or_else(|fault| match fault {
            Fault::Piece(_) => attempt(writer, known, terms, work, piece_by_piece),
            Fault::Store(_) => Err(fault),
        })
        .or_else(|fault| undone(writer, known, fault))
}

const PANIC: &str = "a rule panicked; the log says where";

/// Rolls back, and forgets what the rows do not say any more.
fn undone(writer: &Writer, known: &mut WorkingSet, fault: Fault) -> Result<Committed, Fault> {
    known.forget();
    writer.roll_back()?;
    Err(fault)
}

type Failures = Vec<Option<EngineError>>;

fn attempt(
    writer: &Writer,
    known: &mut WorkingSet,
    terms: Terms<'_>,
    work: &mut [Box<dyn Work>],
    how: fn(&mut Transaction<'_>, &mut [Box<dyn Work>]) -> Result<Failures, Fault>,
) -> Result<Committed, Fault> {
    writer.begin()?;
    let mut on = Transaction { writer, known, terms, receipt: None, nudges: Vec::new() };
    let failures = how(&mut on, work)?;
    let nudges = on.nudges;
    let (head, next_timer) = (writer.head()?, writer.next_timer()?);
    writer.commit()?;
    known.age();
    Ok(Committed { head, next_timer, nudges, failures })
}

fn all_at_once(on: &mut Transaction<'_>, work: &mut [Box<dyn Work>]) -> Result<Failures, Fault> {
    let mut receipts = Vec::with_capacity(work.len());
    for piece in work.iter() {
        let entry = piece.delivery().map(LedgerEntry::of);
        receipts.push(entry.map(|entry| on.writer.receive(entry, on.terms.now)).transpose()?);
    }
    // In rounds, since a row names further keys.
    loop {
        let wanted = work.iter().flat_map(|piece| piece.needs(on.known)).collect();
        if !on.fetch(wanted)? {
            break;
        }
    }
    for (piece, receipt) in work.iter_mut().zip(receipts) {
        on.receipt = receipt;
        piece.run(on)?;
    }
    Ok(work.iter().map(|_| None).collect())
}

fn piece_by_piece(on: &mut Transaction<'_>, work: &mut [Box<dyn Work>]) -> Result<Failures, Fault> {
    let mut failures = Vec::with_capacity(work.len());
    for piece in work {
        let failed = match on.part(|on| piece.run(on))? {
            Ok(()) => None,
            Err(reason) => {
                tracing::error!(reason, "a piece of work failed");
                on.part(|on| piece.rescue(on, &reason))?.err().map(EngineError::Store)
            }
        };
        failures.push(failed);
    }
    Ok(failures)
}

impl Transaction<'_> {
    /// Makes of the rows what an observation makes of them. `cause` is named by the changes.
    pub(super) fn observe(
        &mut self,
        observation: &Observation,
        cause: &str,
    ) -> Result<Result<(), Refusal>, Fault> {
        while self.fetch(needs(self.known, observation))? {}
        #[cfg(debug_assertions)]
        self.check_against_rows(needs(self.known, observation))?;
        if let Err(refusal) = reduce(self.terms.policy, self.known, observation, self.terms.now) {
            return Ok(Err(refusal));
        }
        let writes = self.known.take_writes();
        self.writer.apply(cause, &writes, self.terms.now)?;
        self.nudges.extend(writes.iter().filter_map(nudge_of));
        Ok(Ok(()))
    }

    /// Has the store teach what is missing of `keys`; whether anything was.
    fn fetch(&mut self, keys: Vec<Key>) -> Result<bool, Fault> {
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
    pub(super) fn ago(&self, span: jiff::SignedDuration) -> Timestamp {
        self.terms.now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
