//! What the ledger keeps of every event, whatever else is read of it.

use serde::Deserialize;

use super::scalar::Text;

/// The part that all events share.
pub(super) trait Envelope {
    fn action(&self) -> Option<&str>;
    /// `owner/name`.
    fn repo(&self) -> Option<&str>;
}

/// The same part alone: of an event whose own shape is not known, or not there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnyEvent<'a> {
    #[serde(borrow)]
    action: Option<Text<'a>>,
    #[serde(borrow)]
    repository: Option<RepositoryName<'a>>,
}

impl Envelope for AnyEvent<'_> {
    fn action(&self) -> Option<&str> {
        self.action.as_deref()
    }

    fn repo(&self) -> Option<&str> {
        self.repository.as_ref().map(|repo| &*repo.full_name)
    }
}

#[derive(Debug, Deserialize)]
struct RepositoryName<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
}
