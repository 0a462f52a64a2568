//! What the ledger notes of every event, whatever else is read of it.

use std::borrow::Cow;

use serde::Deserialize;

use super::payload::{
    CheckRunEvent, CheckSuiteEvent, InstallationEvent, IssueCommentEvent, PullRequestEvent,
    PushEvent, RepositoryEvent, ReviewCommentEvent, ReviewEvent, StatusEvent, ThreadEvent,
    WorkflowJobEvent, WorkflowRunEvent,
};

/// What the ledger notes of an event.
pub(super) trait Noted {
    fn action(&self) -> Option<&str>;
    /// `owner/name`.
    fn repo(&self) -> Option<&str>;
}

macro_rules! noted {
    ($($event:ident),+ $(,)?) => {$(
        impl Noted for $event<'_> {
            fn action(&self) -> Option<&str> {
                self.action.as_deref()
            }

            fn repo(&self) -> Option<&str> {
                Some(&self.repository.full_name)
            }
        }
    )+};
}

noted!(
    CheckRunEvent,
    CheckSuiteEvent,
    IssueCommentEvent,
    PullRequestEvent,
    PushEvent,
    RepositoryEvent,
    ReviewCommentEvent,
    ReviewEvent,
    StatusEvent,
    ThreadEvent,
    WorkflowJobEvent,
    WorkflowRunEvent,
);

impl Noted for InstallationEvent<'_> {
    fn action(&self) -> Option<&str> {
        self.action.as_deref()
    }

    fn repo(&self) -> Option<&str> {
        None
    }
}

/// The same of an event whose own shape is not known, or not there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow)]
    repository: Option<RepositoryName<'a>>,
}

impl Noted for Envelope<'_> {
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
    full_name: Cow<'a, str>,
}
