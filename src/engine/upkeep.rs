//! What the engine does by itself: reports that come back, timers that are due, what is kept no longer.

use jiff::SignedDuration;

use super::obey::KEYS;
use super::transaction::Transaction;
use super::work::Piece;
use crate::domain::{Observation, TimerDue, TimerKind};
use crate::lifecycle::Refusal;
use crate::store::Fault;

/// Timers fired in one go.
const MOST_TIMERS: usize = 64;
/// A timer whose firing failed is tried again after this long.
const TIMER_RETRY: SignedDuration = SignedDuration::from_secs(60);
/// Facts that no pull request has claimed for this long are dropped; order is promised within it
/// (`docs/github-rules.md` 9).
const UNCLAIMED: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Rows that are dropped in one go.
const MOST_SWEPT: u32 = 500;

/// What came of a task, or is seen of a session.
pub(super) struct TakeReport {
    pub(super) observation: Observation,
    /// Who causes the changes, such as `notify:7`.
    pub(super) cause: String,
}

impl Piece for TakeReport {
    /// Whether a rule refused it: then nothing was changed.
    type Done = Result<(), Refusal>;

    fn run(&self, on: &mut Transaction<'_>) -> Result<Result<(), Refusal>, Fault> {
        on.observe(&self.observation, &self.cause)
    }

    fn observation(&self) -> Option<&Observation> {
        Some(&self.observation)
    }
}

/// Fires the timers that are due.
pub(super) struct FireTimers {
    /// The clock may have been set back: what would wait longer than its kind ever does is brought nearer.
    pub(super) after_a_jump: bool,
}

impl Piece for FireTimers {
    /// How many rang.
    type Done = usize;

    fn run(&self, on: &mut Transaction<'_>) -> Result<usize, Fault> {
        if self.after_a_jump {
            let mut nearer = 0;
            for kind in TimerKind::ALL {
                let Some(wait) = on.terms.policy.longest_wait(*kind) else { continue };
                let until = on.terms.now.checked_add(wait).unwrap_or(on.terms.now);
                nearer += on.writer.bring_timers_nearer(*kind, until)?;
            }
            if nearer > 0 {
                // Rows changed that may be remembered.
                on.known.forget();
            }
        }
        let due = on.writer.due_timers(on.terms.now, MOST_TIMERS)?;
        for timer in &due {
            if let Err(reason) = on.part(|on| fire(on, timer))? {
                let TimerDue { kind, subject } = timer;
                tracing::error!(%kind, %subject, reason, "timer failed: it is tried again");
                let until = on.terms.now.checked_add(TIMER_RETRY).unwrap_or(on.terms.now);
                on.writer.postpone_timer(timer, until)?;
            }
        }
        Ok(due.len())
    }
}

fn fire(on: &mut Transaction<'_>, timer: &TimerDue) -> Result<(), Fault> {
    let rings = Observation::Timer(timer.clone());
    if on.observe(&rings, &format!("timer:{}", timer.kind))?.is_err() {
        // Nothing hears it; it must not ring again.
        on.known.forget();
        on.writer.drop_timer(timer)?;
    }
    Ok(())
}

/// Drops a portion of what is kept no longer.
pub(super) struct Sweep;

impl Piece for Sweep {
    /// How many rows went.
    type Done = usize;

    fn run(&self, on: &mut Transaction<'_>) -> Result<usize, Fault> {
        let unclaimed = on.writer.drop_unclaimed(on.ago(UNCLAIMED), MOST_SWEPT)?;
        if unclaimed > 0 {
            // Rows went that may be remembered.
            on.known.forget();
        }
        let mut gone = unclaimed + on.writer.forget_requests(on.ago(KEYS), MOST_SWEPT)?;
        if let Some(span) = on.terms.retention.changes {
            gone += on.writer.prune_changes(on.ago(span), MOST_SWEPT)?;
        }
        if let Some(span) = on.terms.retention.deliveries {
            gone += on.writer.prune_deliveries(on.ago(span), MOST_SWEPT)?;
        }
        Ok(gone)
    }
}

/// Nothing: it wakes the writer where that waits for work.
pub(super) struct Wake;

impl Piece for Wake {
    type Done = ();

    fn run(&self, _on: &mut Transaction<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

/// The least that is a write: it comes through where others would.
pub(super) struct Touch;

impl Piece for Touch {
    type Done = ();

    fn run(&self, on: &mut Transaction<'_>) -> Result<(), Fault> {
        on.writer.touch(on.terms.now)
    }
}
