//! What every event states, whatever else is read of it: its action and its repository.

use std::borrow::Cow;

use serde::Deserialize;

use super::payload::{
    CheckRunEvent, CheckSuiteEvent, InstallationEvent, IssueCommentEvent, PullRequestEvent,
    PushEvent, RepositoryEvent, ReviewCommentEvent, ReviewEvent, StatusEvent, ThreadEvent,
    WorkflowJobEvent, WorkflowRunEvent,
};

/// What the ledger keeps of an event.
pub(super) trait Stated {
    fn action(&self) -> Option<&str>;
    /// `owner/name`.
    fn repo(&self) -> Option<&str>;
}

macro_rules! stated {
    ($($event:ident),+ $(,)?) => {$(
        impl Stated for $event<'_> {
            fn action(&self) -> Option<&str> {
                self.action.as_deref()
            }

            fn repo(&self) -> Option<&str> {
                Some(&self.repository.full_name)
            }
        }
    )+};
}

stated!(
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

impl Stated for InstallationEvent<'_> {
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

impl Stated for Envelope<'_> {
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
