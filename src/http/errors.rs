//! What goes wrong, as the client sees it. What the log sees is another matter.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::domain::UnknownSpelling;
use crate::engine::EngineError;
use crate::store::StoreError;
use crate::store::reads::Bounds;

/// An answer `{"error": {"code", "message"}}`.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Keys beside `error`.
    beside: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), beside: Map::new(), headers: Vec::new() }
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// The word for logs and metrics.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    /// A parameter of the query is not as it should be; `what` says what to do.
    pub(super) fn parameter(name: &str, what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_parameter", format!("parameter `{name}`: {what}"))
    }

    pub(super) fn spelling(name: &str, error: &UnknownSpelling) -> Self {
        let known = error.known.replace(' ', ", ");
        Self::parameter(name, format!("`{}` is unknown; it is one of {known}", error.text))
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The body is not as it should be; `what` says what to do.
    pub(super) fn bad_body(what: &dyn std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_body", format!("the body: {what}"))
    }

    /// It does not go together with what is there.
    pub(super) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    pub(super) fn wrong_method() -> Self {
        let message = "this route does not take that method; the Allow header lists those it takes";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    pub(super) fn unauthorized() -> Self {
        let message = "send `Authorization: Bearer TOKEN` with the API token: NUDGED_API_TOKEN, or \
                       the file api-token beside the database";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
            .with(header::WWW_AUTHENTICATE, "Bearer realm=\"nudged\"")
    }

    /// Try again in a second; nothing was stored.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
            .with(header::RETRY_AFTER, "1")
    }

    /// The connection ends with this answer: the rest of the request is not read.
    pub(super) fn hanging_up(self) -> Self {
        self.with(header::CONNECTION, "close")
    }

    /// The cursor points to where nothing is any more.
    pub(super) fn gone(message: impl Into<String>, bounds: &Bounds) -> Self {
        let mut error = Self::new(StatusCode::GONE, "cursor_gone", message);
        error.beside.insert("floor".into(), json!(bounds.floor));
        error.beside.insert("head".into(), json!(bounds.head));
        error.beside.insert("epoch".into(), json!(bounds.epoch));
        error
    }

    /// The JSON of the answer.
    pub(super) fn body(&self) -> Value {
        let mut body = self.beside.clone();
        body.insert("error".into(), json!({ "code": self.code, "message": self.message }));
        Value::Object(body)
    }

    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        let message = "the server could not do this; its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
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
            EngineError::Busy | EngineError::Closed => Self::unavailable(error.to_string()),
            EngineError::Store(_) => {
                tracing::error!(%error, "the engine could not store");
                Self::unavailable("the store cannot take it now; try again in a second")
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}
