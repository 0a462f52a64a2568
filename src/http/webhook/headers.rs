//! What a delivery's headers say, read strictly.

use axum::http::{HeaderMap, StatusCode, header};

use crate::github::webhook::signature::{SIGNATURE_HEADER, Signature};
use crate::http::server::HttpError;

/// The longest header value that is kept.
const MAX_HEADER: usize = 255;

/// How the JSON is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Json,
    Form,
}

/// The signature, which has to be there once.
pub(super) fn signature(headers: &HeaderMap) -> Result<Signature, HttpError> {
    let unsigned = |message| HttpError::new(StatusCode::UNAUTHORIZED, "signature_missing", message);
    let mut given = headers.get_all(SIGNATURE_HEADER).into_iter();
    match (given.next(), given.next()) {
        (Some(header), None) => Signature::parse(header.as_bytes()).ok_or_else(|| {
            unsigned("X-Hub-Signature-256 is malformed; it is `sha256=` and 64 hex digits")
        }),
        (None, _) => Err(unsigned(
            "X-Hub-Signature-256 is missing; set the webhook's secret on GitHub to one of \
             NUDGED_WEBHOOK_SECRET (X-Hub-Signature, SHA-1, is not enough)",
        )),
        (Some(_), Some(_)) => Err(unsigned("X-Hub-Signature-256 is given twice; give it once")),
    }
}

/// How the body is encoded, where that is one of the ways that GitHub knows.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Encoding, HttpError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(Encoding::Json)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(Encoding::Form)
    } else {
        let message = "send application/json, or application/x-www-form-urlencoded with `payload`";
        Err(HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_type", message))
    }
}

/// A header that has to be there.
pub(super) fn named(headers: &HeaderMap, name: &str) -> Result<String, HttpError> {
    short(headers, name)?.ok_or_else(|| {
        HttpError::new(StatusCode::BAD_REQUEST, "header_missing", format!("{name} is missing"))
    })
}

/// A header that may be there, if it is plain ASCII of moderate length.
fn short(headers: &HeaderMap, name: &str) -> Result<Option<String>, HttpError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str().map(str::trim) {
        Ok("") => Ok(None),
        Ok(text) if text.len() <= MAX_HEADER => Ok(Some(text.to_owned())),
        _ => {
            let message = format!("{name} has to be ASCII of at most {MAX_HEADER} characters");
            Err(HttpError::new(StatusCode::BAD_REQUEST, "bad_header", message))
        }
    }
}

/// Whose delivery it is: GUIDs are shared by all hooks on one event.
pub(super) fn hook(headers: &HeaderMap) -> Result<String, HttpError> {
    match short(headers, "X-GitHub-Hook-Target-ID")? {
        Some(target) => Ok(target),
        None => Ok(short(headers, "X-GitHub-Hook-ID")?.unwrap_or_default()),
    }
}
