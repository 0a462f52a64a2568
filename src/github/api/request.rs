//! What is asked of GitHub, by whom, and what a question brings.

use bytes::Bytes;
use hyper::Method;

use super::budget::{Account, Priority, Quota};

/// Whom a request speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// The App itself.
    App,
    /// The App in this installation.
    Installation(i64),
}

impl Speaker {
    pub(super) const fn account(self) -> Account {
        match self {
            Self::App => Account::App,
            Self::Installation(id) => Account::Installation(id),
        }
    }
}

/// Who asks, what for, and how pressing it is.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    pub speaker: Speaker,
    /// A label of metrics.
    pub kind: &'static str,
    pub priority: Priority,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) asker: Asker,
    pub(super) method: Method,
    /// Below the API's address, with its query.
    pub(super) path: String,
    pub(super) body: Option<String>,
    /// What is held of its answer.
    pub(super) etag: Option<String>,
    pub(super) quota: Quota,
}

/// What a GET brought.
#[derive(Debug, Clone)]
pub struct Answer {
    pub body: Bytes,
    /// The path of the next page.
    pub next: Option<String>,
    /// GitHub said that it is as it was: the body is the one that was held.
    pub unchanged: bool,
}

/// All pages of a list.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    pub bodies: Vec<Bytes>,
    /// Every page is as it was.
    pub unchanged: bool,
    /// Nothing of the list is missing.
    pub whole: bool,
}

/// A GET.
pub(super) fn plain(asker: Asker, path: &str, etag: Option<String>) -> Wanted {
    Wanted {
        asker,
        method: Method::GET,
        path: path.to_owned(),
        body: None,
        etag,
        quota: Quota::Core,
    }
}
