//! What every rule works with.

use crate::domain::Timestamp;

use super::{Policy, WorkingSet};

/// What every rule works with.
pub(super) struct Reducer<'a> {
    pub(super) policy: &'a Policy,
    pub(super) known: &'a mut WorkingSet,
    pub(super) now: Timestamp,
}
