//! One transaction for all that waits; a savepoint for each piece, so that a bad one spoils nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, ErrorCode};

use super::command::KEYS;
use super::{Done, EngineError, Retention, Work};
use crate::domain::{
    Delivery, DeliveryOutcome, Observation, PullId, TimerDue, TimerKind, Timestamp, Verdict,
};
use crate::lifecycle::{Outcome, Policy, reduce};
use crate::store::ledger::{self, LedgerEntry};
use crate::store::{CommitMemory, changes, idempotency, load, save, set_cause};

/// Timers fired in one go.
const MOST_TIMERS: u32 = 64;
/// A timer whose firing failed is tried again after this long.
const TIMER_RETRY: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);
/// Facts that no pull request has claimed for this long are dropped; order is promised within it.
const UNCLAIMED: jiff::SignedDuration = jiff::SignedDuration::from_hours(14 * 24);
const MOST_SWEPT: u32 = 500;

/// What a committed batch leaves to tell.
pub(super) struct Committed {
    pub(super) answers: Vec<Result<Done, EngineError>>,
    pub(super) head: i64,
    pub(super) next_timer: Option<Timestamp>,
    /// The states that nudges came into.
    pub(super) nudges: Vec<(String, String)>,
}

/// Why a piece of work did not come through.
pub(super) enum Fault {
    /// The database itself refuses: the whole batch is off.
    Database(rusqlite::Error),
    /// This piece alone is at fault.
    Piece(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::CannotOpen
                | ErrorCode::NotADatabase,
            ) => Self::Database(error),
            _ => Self::Piece(error.to_string()),
        }
    }
}

/// What holds for all pieces of a batch.
#[derive(Clone, Copy)]
pub(super) struct Terms<'c> {
    pub(super) policy: &'c Policy,
    pub(super) retention: &'c Retention,
    pub(super) now: Timestamp,
}

/// Commits all `work` as one transaction. On an error nothing of it is stored.
pub(super) fn commit(
    connection: &mut Connection,
    memory: &CommitMemory,
    Terms { policy, retention, now }: Terms<'_>,
    work: &[Work],
) -> rusqlite::Result<Committed> {
    let batch = Batch { connection, memory, policy, retention, now };
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute(())?;
    let done = batch.all(work).and_then(|committed| {
        connection.prepare_cached("COMMIT")?.execute(())?;
        Ok(committed)
    });
    if done.is_err() {
        memory.forget();
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK")?;
        }
    }
    done
}

pub(super) struct Batch<'c> {
    pub(super) connection: &'c Connection,
    memory: &'c CommitMemory,
    policy: &'c Policy,
    retention: &'c Retention,
    pub(super) now: Timestamp,
}

impl Batch<'_> {
    fn all(&self, work: &[Work]) -> rusqlite::Result<Committed> {
        let before = ledger::head(self.connection)?;
        let answers = work.iter().map(|work| self.piece(work)).collect::<Result<_, _>>()?;
        let (head, next_timer) =
            (ledger::head(self.connection)?, ledger::next_timer(self.connection)?);
        let nudges = ledger::nudge_changes(self.connection, before)?;
        Ok(Committed { answers, head, next_timer, nudges })
    }

    /// The instant so long before now.
    pub(super) fn ago(&self, span: jiff::SignedDuration) -> Timestamp {
        self.now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn piece(&self, work: &Work) -> rusqlite::Result<Result<Done, EngineError>> {
        match work {
            Work::Delivery(delivery) => {
                // Of the level that no filter drops: every line inside names the delivery.
                let span = tracing::error_span!("commit", delivery = %delivery.guid);
                span.in_scope(|| self.delivery(delivery))
            }
            Work::Command(command) => self.command(command),
            Work::Report(report, cause) => {
                let observation = Observation::Report(report.clone());
                let done = self.shielded(|| self.observe(&observation, cause))?;
                Ok(done.map(|_| Done::Count(1)).map_err(EngineError::Store))
            }
            Work::Timers => self.timers(),
            Work::Sweep => {
                let gone = self.shielded(|| Ok(self.sweep()?))?;
                Ok(gone.map(Done::Count).map_err(EngineError::Store))
            }
        }
    }

    /// Drops a portion of what is kept no longer; says how many rows went.
    fn sweep(&self) -> rusqlite::Result<usize> {
        let (on, most) = (self.connection, MOST_SWEPT);
        // Commits go with their facts.
        self.memory.forget();
        let mut gone = ledger::drop_unclaimed(on, self.ago(UNCLAIMED), most)?;
        gone += idempotency::forget(on, self.ago(KEYS), most)?;
        if let Some(span) = self.retention.changes {
            gone += changes::prune(on, self.ago(span), most)?;
        }
        if let Some(span) = self.retention.deliveries {
            gone += ledger::prune(on, self.ago(span), most)?;
        }
        Ok(gone)
    }

    fn delivery(&self, delivery: &Delivery) -> rusqlite::Result<Result<Done, EngineError>> {
        let outcome = match self.shielded(|| self.apply(delivery))? {
            Ok(outcome) => Ok(outcome),
            // A fault of ours must not lose what GitHub will not send again.
            Err(reason) => {
                tracing::error!(reason, "delivery failed: quarantined");
                self.shielded(|| self.quarantine(delivery, &reason))?
            }
        };
        Ok(outcome.map(Done::Delivery).map_err(EngineError::Store))
    }

    fn apply(&self, delivery: &Delivery) -> Result<DeliveryOutcome, Fault> {
        let known = ledger::known_outcome(self.connection, &delivery.hook, &delivery.guid)?;
        let again = known.as_deref() == Some("quarantined");
        if known.is_some() && !(again && matches!(delivery.verdict, Verdict::Observed(_))) {
            return Ok(DeliveryOutcome::Duplicate);
        }
        let seen = match &delivery.verdict {
            Verdict::Ignored(reason) => return self.ignore(delivery, reason),
            Verdict::Quarantined(reason) => return self.quarantine(delivery, reason),
            Verdict::Observed(seen) => seen,
        };
        let observation = Observation::Scm((*seen.observation).clone());
        let outcome = self.observe(&observation, &format!("delivery:{}", delivery.guid))?;
        if let Some(reason) = outcome.ignored {
            // What is of no interest now may be later: it can be replayed.
            let entry = LedgerEntry {
                reason: Some(reason),
                observation: Some(&seen.json),
                ..entry(delivery, "ignored")
            };
            ledger::record(self.connection, entry, self.now)?;
            return Ok(DeliveryOutcome::Ignored);
        }
        let entry = LedgerEntry { observation: Some(&seen.json), ..entry(delivery, "applied") };
        ledger::record(self.connection, entry, self.now)?;
        Ok(DeliveryOutcome::Applied)
    }

    fn ignore(&self, delivery: &Delivery, reason: &str) -> Result<DeliveryOutcome, Fault> {
        let entry = LedgerEntry { reason: Some(reason), ..entry(delivery, "ignored") };
        ledger::record(self.connection, entry, self.now)?;
        Ok(DeliveryOutcome::Ignored)
    }

    fn quarantine(&self, delivery: &Delivery, reason: &str) -> Result<DeliveryOutcome, Fault> {
        let entry = LedgerEntry {
            reason: Some(reason),
            body: Some(&delivery.body),
            ..entry(delivery, "quarantined")
        };
        ledger::record(self.connection, entry, self.now)?;
        Ok(DeliveryOutcome::Quarantined)
    }

    /// Load, reduce, save.
    pub(super) fn observe(&self, observation: &Observation, cause: &str) -> Result<Outcome, Fault> {
        let snapshot = load(self.connection, self.memory, observation)?;
        let outcome = reduce(self.policy, snapshot, observation, self.now);
        if outcome.ignored.is_none() {
            set_cause(self.connection, cause, self.now)?;
            let repo = match observation {
                Observation::Scm(seen) => seen.repo(),
                Observation::Command(_) | Observation::Report(_) | Observation::Timer(_) => None,
            };
            save(self.connection, self.memory, repo, &outcome, self.policy.notify, self.now)?;
        }
        Ok(outcome)
    }

    fn timers(&self) -> rusqlite::Result<Result<Done, EngineError>> {
        let due = ledger::due_timers(self.connection, self.now, MOST_TIMERS)?;
        for &(pull, kind) in &due {
            self.timer(pull, kind)?;
        }
        Ok(Ok(Done::Count(due.len())))
    }

    fn timer(&self, pull: PullId, kind: TimerKind) -> rusqlite::Result<()> {
        let fired = self.shielded(|| {
            let due = Observation::Timer(TimerDue { pull, kind });
            self.observe(&due, &format!("timer:{kind}"))
        })?;
        if let Err(reason) = fired {
            tracing::error!(%kind, pull = pull.0, reason, "timer failed: it is tried again");
            let until = self.now.checked_add(TIMER_RETRY).unwrap_or(self.now);
            ledger::postpone_timer(self.connection, (pull, kind), until)?;
        }
        Ok(())
    }

    /// Runs one piece in a savepoint. Its own fault, a panic included, undoes the piece alone.
    pub(super) fn shielded<T>(
        &self,
        piece: impl FnOnce() -> Result<T, Fault>,
    ) -> rusqlite::Result<Result<T, String>> {
        let run = |sql: &str| self.connection.prepare_cached(sql)?.execute(()).map(drop);
        run("SAVEPOINT piece")?;
        let done = catch_unwind(AssertUnwindSafe(piece))
            .unwrap_or_else(|_| Err(Fault::Piece("a rule panicked; the log says where".into())));
        match done {
            Ok(done) => {
                run("RELEASE piece")?;
                Ok(Ok(done))
            }
            Err(Fault::Database(error)) => Err(error),
            Err(Fault::Piece(reason)) => {
                self.memory.forget();
                run("ROLLBACK TO piece")?;
                run("RELEASE piece")?;
                Ok(Err(reason))
            }
        }
    }
}

fn entry<'a>(delivery: &'a Delivery, outcome: &'static str) -> LedgerEntry<'a> {
    LedgerEntry {
        hook: &delivery.hook,
        guid: &delivery.guid,
        event: &delivery.event,
        action: delivery.action.as_deref(),
        repo: delivery.repo.as_deref(),
        outcome,
        reason: None,
        observation: None,
        body: None,
    }
}
