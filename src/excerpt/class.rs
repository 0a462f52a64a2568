//! Who can mend a failure.

use crate::domain::{Audience, FailureClass};

/// Who is told: the agent of `code` and `flaky` and, because it can look further, of `unknown` (but see
/// [`super::Verdict::audience`]: a log without content is a human's); a human of the rest, which an agent cannot
/// mend. The log alone never says `base` or `flaky`: those need the check's history, which the caller has.
pub fn audience_of(class: FailureClass) -> Audience {
    match class {
        FailureClass::Code | FailureClass::Flaky | FailureClass::Unknown => Audience::Agent,
        FailureClass::Base
        | FailureClass::Infrastructure
        | FailureClass::Permission
        | FailureClass::Cancelled => Audience::Human,
    }
}
