//! A delivery's body: hashed while it arrives, never larger than GitHub's largest, all together
//! never beyond their budget.

use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::budget::{BodyBudget, Room};
use super::headers::Encoding;
use crate::api::ApiError;
use crate::github::webhook::signature::{Secrets, VerifiedBody, Verifier};
use crate::http::server::HttpError;
use crate::store::reads::LARGEST_BODY;

/// How long a body may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// From the end of the headers to the end of the body.
    pub(super) within: Duration,
    /// Bytes that have to come in each [`SPAN`] until the end.
    pub(super) least: usize,
}

/// Over which the speed of a body is measured: shorter pauses are the network's.
pub(super) const SPAN: Duration = Duration::from_secs(2);

/// Hashes and keeps the body as it arrives, with room for each byte of it.
pub(super) async fn read<'b>(
    secrets: &Secrets,
    budget: &'b BodyBudget,
    pace: Pace,
    mut body: Body,
) -> Result<(Verifier, Room<'b>), HttpError> {
    let mut verifier = Verifier::new(secrets);
    let mut room = budget.begin();
    let begun = Instant::now();
    let (mut span_ends, mut span_began_at) = (begun + SPAN, 0);
    let deadline = begun + pace.within;
    loop {
        // Also where something always comes, if only a byte.
        if Instant::now() >= deadline {
            return Err(too_slow());
        }
        if Instant::now() >= span_ends {
            if verifier.len() - span_began_at < pace.least {
                return Err(too_slow());
            }
            (span_ends, span_began_at) = (Instant::now() + SPAN, verifier.len());
        }
        let until = deadline.min(span_ends);
        let Ok(frame) = timeout_at(until, Pin::new(&mut body).frame()).await else { continue };
        let Some(frame) = frame else { return Ok((verifier, room)) };
        let frame = frame.map_err(|_| {
            let message = "the body broke off; send it again";
            HttpError::new(StatusCode::BAD_REQUEST, "body_incomplete", message)
        })?;
        let Ok(chunk) = frame.into_data() else { continue };
        if chunk.is_empty() {
            continue;
        }
        if verifier.len() + chunk.len() > LARGEST_BODY {
            return Err(too_large());
        }
        if !room.grow(chunk.len()) {
            let message = "too many bodies at once; try again in a second";
            return Err(ApiError::unavailable(message).into());
        }
        verifier.push(&chunk);
    }
}

/// The body is refused for its size.
pub(super) fn too_large() -> HttpError {
    let message =
        format!("the body is larger than {LARGEST_BODY} bytes, the most that GitHub sends");
    HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}

/// The body is refused for its slowness.
fn too_slow() -> HttpError {
    let message = "the body did not arrive in time; send it again";
    HttpError::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", message)
}

/// The JSON in a body whose signature holds.
pub(super) fn json_of(verified: VerifiedBody, encoding: Encoding) -> Result<Bytes, HttpError> {
    match encoding {
        Encoding::Json => Ok(verified.into_bytes()),
        Encoding::Form => form_urlencoded::parse(verified.bytes())
            .find(|(name, _)| name == "payload")
            .map(|(_, payload)| Bytes::from(payload.into_owned()))
            .ok_or_else(|| {
                let message = "the form has no field `payload`";
                HttpError::new(StatusCode::BAD_REQUEST, "payload_missing", message)
            }),
    }
}
