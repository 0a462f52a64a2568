//! The tasks that wake the writer: when a timer is due, and to sweep.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::sync::{mpsc, watch};

use super::EngineError;
use super::upkeep::{FireTimers, Sweep};
use super::work::{Piece, Work, job};
use crate::clock::{Clock, Pace};
use crate::domain::Timestamp;

/// How often what is kept no longer is swept away.
const SWEEP: Duration = Duration::from_secs(3_600);
/// A clock that has moved by so much more or less than time has passed was set.
const JUMP: SignedDuration = SignedDuration::from_secs(1);
/// The same over the time between two sweeps, in which clocks are corrected little by little.
const UNEVEN: SignedDuration = SignedDuration::from_mins(1);
/// The longest sleep of the timer task: a clock that is set forward is noticed within it.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The shortest: timers that cannot be fired must not spin.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);
/// A database that refused is not asked again before.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Asks the writer to fire timers when they are due.
pub(super) async fn fire_timers(
    work: mpsc::WeakSender<Box<dyn Work>>,
    mut next_timer: watch::Receiver<Option<Timestamp>>,
    mut closing: watch::Receiver<bool>,
    clock: Clock,
) {
    let mut pace = Pace::default();
    // Of the time before the start nothing is known.
    let mut after_a_jump = true;
    loop {
        after_a_jump |= jumped(&mut pace, &clock);
        let due = *next_timer.borrow_and_update();
        let sleep = due.map_or(LONGEST_SLEEP, |due| {
            let left = due.duration_since(clock.now());
            Duration::try_from(left).unwrap_or_default().clamp(SHORTEST_SLEEP, LONGEST_SLEEP)
        });
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            changed = next_timer.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            _ = closing.changed() => return,
        }
        after_a_jump |= jumped(&mut pace, &clock);
        if !after_a_jump && due.is_none_or(|due| due > clock.now()) {
            continue;
        }
        match ask(&work, FireTimers { after_a_jump }).await {
            Ok(_) => after_a_jump = false,
            Err(EngineError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "timers could not be fired; they are tried again");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Whether the clock was set since the last look.
fn jumped(pace: &mut Pace, clock: &Clock) -> bool {
    let drift = pace.drift(Instant::now(), clock.now()).unwrap_or_default();
    let jumped = clock.runs() && drift.abs() >= JUMP;
    if jumped {
        tracing::warn!(seconds = drift.as_secs(), "the clock was set, or the machine slept");
    }
    jumped
}

/// Asks the writer, now and then, to drop what is kept no longer: one portion after another, between which others
/// have their turn. Only where the clock has run evenly for a whole round: at a start, or after a jump, one look
/// at it is not enough to throw anything away.
pub(super) async fn sweep(
    work: mpsc::WeakSender<Box<dyn Work>>,
    mut closing: watch::Receiver<bool>,
    clock: Clock,
) {
    let mut pace = Pace::default();
    loop {
        let drift = pace.drift(Instant::now(), clock.now());
        if drift.is_none_or(|drift| drift.abs() >= UNEVEN) {
            tokio::select! {
                () = tokio::time::sleep(SWEEP) => continue,
                _ = closing.changed() => return,
            }
        }
        let rest = match ask(&work, Sweep).await {
            Ok(gone) if gone > 0 => {
                tracing::debug!(gone, "rows that are kept no longer were dropped");
                continue;
            }
            Ok(_) => SWEEP,
            Err(EngineError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "what is kept no longer could not be dropped");
                SWEEP
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = closing.changed() => return,
        }
    }
}

/// Has the writer do something when its turn comes, however long the queue is.
async fn ask<P: Piece + 'static>(
    work: &mpsc::WeakSender<Box<dyn Work>>,
    piece: P,
) -> Result<P::Done, EngineError> {
    let to = work.upgrade().ok_or(EngineError::Closed)?;
    let (piece, answer) = job(piece);
    to.send(piece).await.map_err(|_| EngineError::Closed)?;
    drop(to);
    answer.await.unwrap_or(Err(EngineError::Closed))
}
