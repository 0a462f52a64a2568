//! How long rows are kept that nobody needs for going on.

use jiff::SignedDuration;

/// How long what nobody needs for going on is kept; `None` is for ever.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retention {
    /// Changes: who polls less often has to begin anew.
    pub changes: Option<SignedDuration>,
    /// Deliveries of the ledger. One that is sent again after that is applied again, which changes
    /// nothing.
    pub deliveries: Option<SignedDuration>,
}
