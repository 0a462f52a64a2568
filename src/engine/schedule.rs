//! The tasks that wake the writer: when a timer is due, and to sweep.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::EngineError;
use super::upkeep::{FireTimers, Sweep};
use super::work::{Piece, Work, job};
use crate::clock::Clock;
use crate::domain::Timestamp;

/// How often what is kept no longer is swept away.
const SWEEP: Duration = Duration::from_secs(3_600);
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
    loop {
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
        if due.is_none_or(|due| due > clock.now()) {
            continue;
        }
        match ask(&work, FireTimers).await {
            Ok(_) => {}
            Err(EngineError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "timers could not be fired; they are tried again");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Asks the writer, at the start and now and then, to drop what is kept no longer: one portion after
/// another, between which others have their turn.
pub(super) async fn sweep(
    work: mpsc::WeakSender<Box<dyn Work>>,
    mut closing: watch::Receiver<bool>,
) {
    loop {
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
