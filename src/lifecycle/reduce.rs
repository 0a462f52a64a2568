//! The one rule that all observations go through.

use crate::domain::{Observation, Subject, Timestamp};

use super::reducer::Reducer;
use super::refusal::Refusal;
use super::{Policy, WorkingSet, commands, reports, scm, sessions};

/// Makes of what is known what `observation` makes of it. Pure: the same arguments change the same rows.
///
/// All keys that [`super::needs`] names must have been fetched. Applied twice, the second time changes
/// nothing; in any order, the same observations end in the same pull request and check rows.
///
/// # Errors
/// The observation is of no interest, or asks for what cannot be done; then nothing was changed.
///
/// # Panics
/// A rule asks for a row that `needs` does not name: a fault of ours, caught where transactions are made.
pub fn reduce(
    policy: &Policy,
    known: &mut WorkingSet,
    observation: &Observation,
    now: Timestamp,
) -> Result<(), Refusal> {
    let mut reducer = Reducer { policy, known, now };
    match observation {
        Observation::Scm(seen) => scm::reduce(&mut reducer, seen),
        Observation::Command(asked) => commands::reduce(&mut reducer, asked),
        Observation::Report(report) => reports::reduce(&mut reducer, report),
        Observation::Session(seen) => sessions::observe(&mut reducer, seen),
        Observation::Timer(due) => match &due.subject {
            Subject::Pull(id) => scm::timer(&mut reducer, *id, due),
            Subject::Session(id) => sessions::timer(&mut reducer, id, due),
        },
    }
}
