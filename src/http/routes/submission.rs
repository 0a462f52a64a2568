//! Requests that change something: one that bears an `Idempotency-Key` is carried out once.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, OriginalUri, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::api::{Answer, ApiError, Origin};
use crate::http::server::{BodyPatience, HttpError, RequestId};
use crate::store::RequestKey;

/// The largest body that a request to the API may have.
const MOST: usize = 64 * 1024;
const LONGEST_KEY: usize = 255;

const KEY: &str = "Idempotency-Key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A request that asks for a change, read as far as all of them are alike.
pub(in crate::http) struct Submission {
    origin: Origin,
    is_json: bool,
    body: Bytes,
}

impl<S> FromRequest<S> for Submission
where
    S: Send + Sync,
    BodyPatience: FromRef<S>,
{
    type Rejection = HttpError;

    async fn from_request(request: Request, state: &S) -> Result<Self, HttpError> {
        let BodyPatience(patience) = BodyPatience::from_ref(state);
        let (parts, body) = request.into_parts();
        let reading = axum::body::to_bytes(body, MOST);
        let body = match tokio::time::timeout(patience, reading).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => {
                let message = format!("the body broke off, or is larger than {MOST} bytes");
                let status = StatusCode::PAYLOAD_TOO_LARGE;
                return Err(HttpError::new(status, "body_too_large", message).hanging_up());
            }
            Err(_) => {
                let message = "the body did not arrive in time; send it again";
                let status = StatusCode::REQUEST_TIMEOUT;
                return Err(HttpError::new(status, "body_too_slow", message).hanging_up());
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
        let origin = Origin { cause: format!("api:{id}"), key };
        Ok(Self { origin, is_json: is_json(&parts.headers), body })
    }
}

impl Submission {
    /// The body as JSON of a fixed form.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        if !self.is_json {
            let message = "send the body as application/json";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(HttpError::new(status, "unsupported_content_type", message));
        }
        serde_json::from_slice(&self.body).map_err(|error| ApiError::bad_body(&error).into())
    }

    /// The same where all of it may be left out, the body too.
    pub(super) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, HttpError> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// Who asks.
    pub(super) fn into_origin(self) -> Origin {
        self.origin
    }
}

/// Shows what was made by a command.
pub(super) fn created<T: Serialize>(answer: Answer<T>) -> Response {
    let mut response = answered(answer);
    *response.status_mut() = StatusCode::CREATED;
    response
}

/// Shows what came of a command.
pub(super) fn answered<T: Serialize>(Answer { object, again }: Answer<T>) -> Response {
    let mut response = Json(object).into_response();
    if again {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

fn key(headers: &HeaderMap) -> Result<Option<String>, HttpError> {
    let mut given = headers.get_all(KEY).into_iter();
    let bad =
        |what: &str| HttpError::new(StatusCode::BAD_REQUEST, "bad_header", format!("{KEY} {what}"));
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
