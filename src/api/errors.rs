//! What goes wrong, as a client is told. What the log is told is another matter.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::domain::UnknownSpelling;
use crate::engine::EngineError;
use crate::store::StoreError;
use crate::store::reads::Bounds;

/// A kind of error; clients branch on its spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A parameter is not as it should be.
    BadParameter,
    /// The body is not as it should be.
    BadBody,
    /// There is no such object.
    NotFound,
    /// The cursor points to where nothing is any more.
    CursorGone,
    /// The key was used for another request.
    IdempotencyKeyReused,
    /// Nothing of the delivery was kept that could be done again.
    NothingKept,
    /// The project belongs to another repository.
    RepoBound,
    /// The repository belongs to another project.
    RepoWatched,
    /// The session has ended.
    SessionEnded,
    /// The session has not ended.
    SessionLives,
    /// Something is being done to the session.
    SessionBusy,
    /// Another session works on the branch.
    BranchTaken,
    /// Nothing can be started here.
    CannotStart,
    /// The project's path is no git repository, or there is none.
    NoRepository,
    /// The branch is there already.
    BranchExists,
    /// There is no such harness.
    UnknownHarness,
    /// The agent cannot listen right now, or nobody can be sure that it would.
    NotNow,
    /// The agent has no terminal here.
    NoTerminal,
    /// A rule refuses it.
    Refused,
    /// It wants GitHub's API, and there are no App credentials.
    NoGithub,
    /// GitHub cannot give it: the message says why.
    Github,
    /// Not now: nothing was stored, and the request may be repeated in a second.
    Unavailable,
    /// A fault of the server.
    Internal,
}

impl Code {
    /// The spelling in answers, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadParameter => "bad_parameter",
            Self::BadBody => "bad_body",
            Self::NotFound => "not_found",
            Self::CursorGone => "cursor_gone",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::NothingKept => "nothing_kept",
            Self::RepoBound => "repo_bound",
            Self::RepoWatched => "repo_watched",
            Self::SessionEnded => "session_ended",
            Self::SessionLives => "session_lives",
            Self::SessionBusy => "session_busy",
            Self::BranchTaken => "branch_taken",
            Self::CannotStart => "cannot_start",
            Self::NoRepository => "no_repository",
            Self::BranchExists => "branch_exists",
            Self::UnknownHarness => "unknown_harness",
            Self::NotNow => "not_now",
            Self::NoTerminal => "no_terminal",
            Self::Refused => "refused",
            Self::NoGithub => "no_github_app",
            Self::Github => "github",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// Why something was not done, and what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    pub code: Code,
    /// Says what to do.
    pub message: String,
    /// Where the log began and ended, for who has lost its place in it.
    pub bounds: Option<Bounds>,
}

impl ApiError {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), bounds: None }
    }

    /// A parameter is not as it should be; `what` says what to do.
    pub fn parameter(name: &str, what: impl Display) -> Self {
        Self::new(Code::BadParameter, format!("parameter `{name}`: {what}"))
    }

    /// A parameter is no number of the range.
    pub fn range(name: &str, range: &RangeInclusive<i64>) -> Self {
        let (least, most) = (range.start(), range.end());
        Self::parameter(name, format!("give a whole number from {least} to {most}"))
    }

    /// A parameter is none of the words that it may be.
    pub fn spelling(name: &str, error: &UnknownSpelling) -> Self {
        let known = error.known.replace(' ', ", ");
        Self::parameter(name, format!("`{}` is unknown; it is one of {known}", error.text))
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// The body is not as it should be; `what` says what to do.
    pub fn bad_body(what: &dyn Display) -> Self {
        Self::new(Code::BadBody, format!("the body: {what}"))
    }

    /// Try again in a second; nothing was stored.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, message)
    }

    /// The cursor points to where nothing is any more.
    pub fn gone(message: impl Into<String>, bounds: &Bounds) -> Self {
        Self { bounds: Some(bounds.clone()), ..Self::new(Code::CursorGone, message) }
    }

    /// A fault of ours: the log is told which, the client only that there was one.
    pub fn internal(error: &dyn Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(Code::Internal, "the server could not do this; its log says why")
    }

    /// The JSON of the answer.
    pub fn json(&self) -> ErrorJson {
        ErrorJson::new(self.code.as_str(), self.message.clone(), self.bounds.clone())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            // The engine has told the log, though not once for each request.
            EngineError::Busy | EngineError::Closed | EngineError::Store(_) => {
                Self::unavailable(error.to_string())
            }
        }
    }
}

/// `{"error": {"code", "message"}}`, and the log's bounds where a cursor is gone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ErrorJson {
    pub error: ErrorBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
}

/// What went wrong.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ErrorBody {
    pub code: String,
    pub message: String,
}

impl ErrorJson {
    /// An answer of its own code.
    pub fn new(code: &str, message: String, bounds: Option<Bounds>) -> Self {
        let error = ErrorBody { code: code.to_owned(), message };
        let Some(Bounds { epoch, head, floor }) = bounds else {
            return Self { error, ..Self::default() };
        };
        Self { error, floor: Some(floor), head: Some(head), epoch: Some(epoch) }
    }
}
