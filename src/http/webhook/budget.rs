//! The memory that deliveries' bodies may take, all together.
//!
//! A part of it is kept for small bodies, which nearly all deliveries are: whoever fills the rest with
//! large ones that come slowly keeps out large ones alone. There is no share per peer, since behind a
//! proxy all deliveries come from one address.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most of GitHub's deliveries are below it.
pub(super) const SMALL: usize = 64 * 1024;

/// Of the whole budget, the part that is kept for small bodies.
const KEPT: usize = 4;

/// A permit for each byte that may be in memory.
#[derive(Debug)]
pub(in crate::http) struct BodyBudget {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl BodyBudget {
    /// So many bytes in all.
    pub(in crate::http) fn new(bytes: usize) -> Self {
        let bytes = bytes.min(Semaphore::MAX_PERMITS);
        let small = bytes / KEPT;
        let permits = |count| Arc::new(Semaphore::new(count));
        Self { small: permits(small), large: permits(bytes - small) }
    }

    /// Room for a body of which nothing has come yet.
    pub(super) fn begin(&self) -> Room<'_> {
        Room { budget: self, length: 0, held: None }
    }
}

/// What one body holds of the budget; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room<'b> {
    budget: &'b BodyBudget,
    length: usize,
    held: Option<OwnedSemaphorePermit>,
}

impl Room<'_> {
    /// Makes room for what has come, not for what was announced. A body that grows beyond [`SMALL`] moves
    /// to where large ones are, and leaves its place to others. `false`: there is no room.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let (before, length) = (self.length, self.length + bytes);
        let moves = before <= SMALL && length > SMALL;
        let share = if length > SMALL { &self.budget.large } else { &self.budget.small };
        let wanted = if moves { length } else { bytes };
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(share).try_acquire_many_owned(wanted) else { return false };
        match &mut self.held {
            Some(held) if !moves => held.merge(more),
            held => *held = Some(more),
        }
        self.length = length;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_leave_room_for_small_ones_and_give_theirs_back() {
        let budget = BodyBudget::new(8 * SMALL);
        let mut large = budget.begin();
        assert!(large.grow(SMALL) && large.grow(1), "it moves");
        assert!(large.grow(5 * SMALL - 1), "all that is not kept");
        assert!(!budget.begin().grow(SMALL + 1));
        let (mut one, mut two, mut three) = (budget.begin(), budget.begin(), budget.begin());
        assert!(one.grow(SMALL) && two.grow(SMALL - 1) && two.grow(1));
        assert!(!three.grow(1), "the part that is kept is full too");
        drop(one);
        assert!(three.grow(SMALL));
        drop(large);
        assert!(two.grow(1), "now it is a large one");
        assert!(budget.begin().grow(SMALL), "and has left its place");
    }
}
