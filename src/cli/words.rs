//! Arguments that are words of an enumeration: checked before anything is asked, and known to completions.

use clap::builder::PossibleValuesParser;

use crate::domain::{Adopt, Audience, DisplayStatus, NudgeState, PrState, Rerun};
use crate::store::reads::CHANGE_TYPES;

macro_rules! words {
    ($($name:ident: $of:ty),+ $(,)?) => {$(
        pub(super) fn $name() -> PossibleValuesParser {
            <$of>::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().into()
        }
    )+};
}

words! {
    adopt: Adopt,
    audience: Audience,
    display_status: DisplayStatus,
    nudge_state: NudgeState,
    pr_state: PrState,
    rerun: Rerun,
}

pub(super) fn change_type() -> PossibleValuesParser {
    CHANGE_TYPES.to_vec().into()
}

/// What the ledger keeps; a delivery that came again leaves no row.
pub(super) fn outcome() -> PossibleValuesParser {
    ["applied", "ignored", "quarantined"].into()
}
