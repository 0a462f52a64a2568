//! One transaction for all that waits.
//!
//! What waits is done in order, without a savepoint each: nearly always all of it comes through. Where a
//! piece does not (a rule panics, a row cannot be written), the transaction is undone and all is done
//! again piece by piece, each in a savepoint of its own, so that a bad one spoils nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::EngineError;
use super::transaction::{PANIC, Terms, Transaction};
use super::work::Work;
use crate::domain::{NudgeKind, NudgeState, Timestamp};
use crate::lifecycle::WorkingSet;
use crate::store::{Fault, LedgerEntry, Writer};

/// What a committed transaction leaves to tell.
pub(super) struct Committed {
    pub(super) head: i64,
    pub(super) next_timer: Option<Timestamp>,
    /// The states that nudges came into.
    pub(super) nudges: Vec<(NudgeKind, NudgeState)>,
    /// Of each piece, in order: why it failed.
    pub(super) failures: Vec<Option<EngineError>>,
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

/// Rolls back, and forgets what the rows do not say any more.
fn undone(writer: &Writer, known: &mut WorkingSet, fault: Fault) -> Result<Committed, Fault> {
    known.forget();
    writer.roll_back()?;
    Err(fault)
}

type Failures = Vec<Option<EngineError>>;

/// All at once, or piece by piece.
type Way = fn(&mut Transaction<'_>, &mut [Box<dyn Work>]) -> Result<Failures, Fault>;

fn attempt(
    writer: &Writer,
    known: &mut WorkingSet,
    terms: Terms<'_>,
    work: &mut [Box<dyn Work>],
    how: Way,
) -> Result<Committed, Fault> {
    writer.begin()?;
    let mut on = Transaction::new(writer, known, terms);
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
