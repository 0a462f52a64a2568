//! Refusals as HTTP tells them: a status for each code, and headers that say how to go on.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::api::{ApiError, Code, ErrorJson};
use crate::engine::EngineError;
use crate::store::reads::Bounds;

/// An answer `{"error": {"code", "message"}}`.
#[derive(Debug)]
pub(in crate::http) struct HttpError {
    status: StatusCode,
    code: &'static str,
    message: String,
    bounds: Option<Bounds>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl HttpError {
    /// An error that only HTTP knows.
    pub(in crate::http) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { status, code, message: message.into(), bounds: None, headers: Vec::new() }
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The word for logs and metrics.
    pub(in crate::http) fn code(&self) -> &'static str {
        self.code
    }

    pub(in crate::http) fn wrong_method() -> Self {
        let message = "this route does not take that method; the Allow header lists those it takes";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    pub(in crate::http) fn unauthorized() -> Self {
        let message = "send `Authorization: Bearer TOKEN` with the API token: NUDGED_API_TOKEN, or \
                       the file api-token beside the database";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
            .with(header::WWW_AUTHENTICATE, "Bearer realm=\"nudged\"")
    }

    /// The connection ends with this answer: the rest of the request is not read.
    pub(in crate::http) fn hanging_up(self) -> Self {
        self.with(header::CONNECTION, "close")
    }
}

/// The status of each code.
fn status(code: Code) -> StatusCode {
    match code {
        Code::BadParameter | Code::BadBody | Code::UnknownHarness => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::CursorGone => StatusCode::GONE,
        Code::IdempotencyKeyReused
        | Code::NothingKept
        | Code::RepoBound
        | Code::RepoWatched
        | Code::SessionEnded
        | Code::SessionLives
        | Code::SessionBusy
        | Code::BranchTaken
        | Code::CannotStart
        | Code::NoRepository
        | Code::BranchExists
        | Code::NotNow
        | Code::NoTerminal
        | Code::Refused
        | Code::NoGithub => StatusCode::CONFLICT,
        Code::Github => StatusCode::BAD_GATEWAY,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<ApiError> for HttpError {
    fn from(ApiError { code, message, bounds }: ApiError) -> Self {
        let error = Self { bounds, ..Self::new(status(code), code.as_str(), message) };
        match code {
            Code::Unavailable => error.with(header::RETRY_AFTER, "1"),
            Code::BadParameter
            | Code::BadBody
            | Code::NotFound
            | Code::CursorGone
            | Code::IdempotencyKeyReused
            | Code::NothingKept
            | Code::RepoBound
            | Code::RepoWatched
            | Code::SessionEnded
            | Code::SessionLives
            | Code::SessionBusy
            | Code::BranchTaken
            | Code::CannotStart
            | Code::NoRepository
            | Code::BranchExists
            | Code::UnknownHarness
            | Code::NotNow
            | Code::NoTerminal
            | Code::Refused
            | Code::NoGithub
            | Code::Github
            | Code::Internal => error,
        }
    }
}

impl From<EngineError> for HttpError {
    fn from(error: EngineError) -> Self {
        ApiError::from(error).into()
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let json = ErrorJson::new(self.code, self.message, self.bounds);
        let mut response = (self.status, Json(json)).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}
