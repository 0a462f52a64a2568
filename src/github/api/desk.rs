//! Where requests wait for their turn: the budget, with somebody to wake at each decision.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::budget::{Account, Budget, Claim, Closed, Left, Quota, Seen, Ticket, Turn};
use super::metrics;
use crate::clock::Clock;
use crate::domain::Timestamp;

/// Whoever waits looks again after so long, whatever else happens.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The limiter, shared by all that ask.
pub(super) struct Desk {
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    budget: Budget,
    doors: HashMap<Ticket, oneshot::Sender<Turn>>,
}

/// The right to send one request. Dropped without an end, it counts as given up.
pub(super) struct Pass {
    desk: Arc<Desk>,
    ticket: Option<Ticket>,
}

impl Desk {
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        // Where the clock stands, nobody could wait for a minute to pass.
        let budget = Budget::new(clock.runs());
        Arc::new(Self { clock, state: Mutex::new(State { budget, doors: HashMap::new() }) })
    }

    /// Waits for the turn of a request.
    ///
    /// # Errors
    /// Nothing of its kind may be sent until the instant that is given.
    pub(super) async fn admit(self: &Arc<Self>, claim: Claim) -> Result<Pass, (Timestamp, Closed)> {
        let begun = std::time::Instant::now();
        let (ask, mut answer) = oneshot::channel();
        let ticket = {
            let mut state = self.state();
            let ticket = state.budget.enter(claim);
            state.doors.insert(ticket, ask);
            ticket
        };
        let pass = Pass { desk: Arc::clone(self), ticket: Some(ticket) };
        self.call();
        let turn = loop {
            let now = self.clock.now();
            let next = self.state().budget.next_turn(now);
            let nap = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
            let nap = nap.map_or(LOOK_AGAIN, |nap| nap.clamp(Duration::from_millis(1), LOOK_AGAIN));
            tokio::select! {
                turn = &mut answer => break turn.unwrap_or(Turn::Go),
                () = tokio::time::sleep(nap) => self.call(),
            }
        };
        metrics::waited(claim.priority, begun.elapsed());
        match turn {
            Turn::Go => Ok(pass),
            Turn::Refused { until, why } => {
                metrics::refused(claim.priority);
                Err((until, why))
            }
        }
    }

    /// What is left of a quota.
    pub(super) fn left(&self, account: Account, quota: Quota) -> Option<Left> {
        self.state().budget.left(account, quota)
    }

    /// Until when nothing of the account is sent, if so.
    pub(super) fn closed(&self, account: Account) -> Option<(Timestamp, Closed)> {
        let now = self.clock.now();
        self.state().budget.closed(account, now)
    }

    /// Wakes those whose turn has come.
    fn call(&self) {
        let now = self.clock.now();
        let mut state = self.state();
        let turns = state.budget.turns(now);
        for (ticket, turn) in turns {
            let waits = state.doors.remove(&ticket).is_some_and(|door| door.send(turn).is_ok());
            if !waits {
                state.budget.leave(ticket);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// The request was answered.
    pub(super) fn end(mut self, seen: &Seen, account: Account, quota: Quota) {
        if let Some(ticket) = self.ticket.take() {
            let now = self.desk.clock.now();
            self.desk.state().budget.end(ticket, seen, now);
            if let Some(left) = self.desk.left(account, quota) {
                metrics::left(account, quota, left.remaining);
            }
            self.desk.call();
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            {
                let mut state = self.desk.state();
                state.doors.remove(&ticket);
                state.budget.leave(ticket);
            }
            self.desk.call();
        }
    }
}
