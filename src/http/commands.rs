//! Requests that change something: each has a name, and one that bears an `Idempotency-Key` is
//! carried out once.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, OriginalUri, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::App;
use super::errors::ApiError;
use super::wire::ObjectJson;
use crate::engine::{Command, CommandResult, Request as Wish};
use crate::lifecycle::Refusal;
use crate::store::RequestKey;
use crate::store::views::ObjectRef;

/// The largest body that a request to the API may have.
const MOST: usize = 64 * 1024;
const LONGEST_KEY: usize = 255;

const KEY: &str = "Idempotency-Key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The server's name for a request; its changes bear it as their cause.
#[derive(Clone)]
struct RequestId(String);

/// Gives each request that may change something a name, for its answer, its changes and the log.
pub(super) async fn name_request(mut request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let id = format!("{:012x}", rand::random::<u64>() >> 16);
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", id, method = %request.method(), path);
    request.extensions_mut().insert(RequestId(id.clone()));
    let answer = async {
        let answer = next.run(request).await;
        tracing::info!(status = answer.status().as_u16(), "answered");
        answer
    };
    let mut answer = answer.instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    answer
}

/// A request that asks for a change, read as far as all of them are alike.
pub(super) struct Submission {
    cause: String,
    key: Option<RequestKey>,
    is_json: bool,
    body: Bytes,
}

impl FromRequest<App> for Submission {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let reading = axum::body::to_bytes(body, MOST);
        let body = match tokio::time::timeout(app.limits.body_within, reading).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => {
                let message = format!("the body broke off, or is larger than {MOST} bytes");
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(ApiError::new(status, "body_too_large", message).hanging_up());
            }
            Err(_) => {
                let message = "the body did not arrive in time; send it again";
                let status = StatusCode::REQUEST_TIMEOUT;
                return Err(ApiError::new(status, "body_too_slow", message).hanging_up());
            }
        };
        let id = parts.extensions.get::<RequestId>().map_or("", |RequestId(id)| id);
        let path = match parts.extensions.get::<OriginalUri>() {
            Some(OriginalUri(uri)) => uri.path(),
            None => parts.uri.path(),
        };
        let key = key(&parts.headers)?.map(|key| RequestKey {
            key,
            request: format!("{} {path}", parts.method),
            body_hash: Sha256::digest(&body).into(),
        });
        Ok(Self { cause: format!("api:{id}"), key, is_json: is_json(&parts.headers), body })
    }
}

impl Submission {
    /// The body as JSON of a fixed form.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if !self.is_json {
            let message = "send the body as application/json";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(ApiError::new(status, "unsupported_content_type", message));
        }
        serde_json::from_slice(&self.body).map_err(|error| ApiError::bad_body(&error))
    }

    /// Has it done, and answers with the object that it changed.
    pub(super) async fn carry_out(
        self,
        app: &App,
        request: Wish,
        object: ObjectRef,
        missing: impl ToString,
    ) -> Result<Response, ApiError> {
        let Self { cause, key, .. } = self;
        match app.engine.command(Command { request, cause, key, object }).await? {
            CommandResult::Done { view, again } => {
                let mut response = Json(ObjectJson::from(*view)).into_response();
                if again {
                    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
                }
                Ok(response)
            }
            CommandResult::Refused(reason) => Err(refused(reason)),
            CommandResult::NotFound => Err(ApiError::not_found(missing.to_string())),
            CommandResult::KeyReused => {
                let message = "this Idempotency-Key was used for another request; use a new one";
                Err(ApiError::conflict("idempotency_key_reused", message))
            }
        }
    }
}

/// A rule's refusal as the client sees it.
fn refused(refusal: Refusal) -> ApiError {
    let reason = refusal.to_string();
    match refusal {
        Refusal::NoNudge | Refusal::NoProject | Refusal::NoSession => ApiError::not_found(reason),
        Refusal::RepoMissing => ApiError::bad_body(&reason),
        Refusal::RepoBound => ApiError::conflict("repo_bound", reason),
        Refusal::RepoWatched => ApiError::conflict("repo_watched", reason),
        Refusal::NotWatched | Refusal::Archived | Refusal::NotAdopted | Refusal::SubjectGone => {
            ApiError::conflict("refused", reason)
        }
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut given = headers.get_all(KEY).into_iter();
    let bad =
        |what: &str| ApiError::new(StatusCode::BAD_REQUEST, "bad_header", format!("{KEY} {what}"));
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(bad("is given twice; give it once")),
        (Some(key), None) => match key.to_str() {
            Ok(key)
                if (1..=LONGEST_KEY).contains(&key.len())
                    && key.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                Ok(Some(key.to_owned()))
            }
            _ => Err(bad("has to be printable ASCII of 1 to 255 characters, without spaces")),
        },
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
