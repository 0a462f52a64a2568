//! A delivery's body: hashed while it arrives, never larger than GitHub's largest, all together
//! never beyond their budget.

use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::headers::Encoding;
use crate::api::ApiError;
use crate::github::webhook::signature::{Secrets, VerifiedBody, Verifier};
use crate::http::server::HttpError;
use crate::store::reads::LARGEST_BODY;

/// Hashes and keeps the body as it arrives, a permit for each byte of it.
pub(super) async fn read(
    secrets: &Secrets,
    budget: &Arc<Semaphore>,
    mut body: Body,
) -> Result<(Verifier, Option<OwnedSemaphorePermit>), HttpError> {
    let mut verifier = Verifier::new(secrets);
    let mut held: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = Pin::new(&mut body).frame().await {
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
        let bytes = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let Ok(permit) = Arc::clone(budget).try_acquire_many_owned(bytes) else {
            let message = "too many bodies at once; try again in a second";
            return Err(ApiError::unavailable(message).into());
        };
        match &mut held {
            Some(held) => held.merge(permit),
            None => held = Some(permit),
        }
        verifier.push(&chunk);
    }
    Ok((verifier, held))
}

/// The body is refused for its size.
pub(super) fn too_large() -> HttpError {
    let message =
        format!("the body is larger than {LARGEST_BODY} bytes, the most that GitHub sends");
    HttpError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}

/// The body is refused for its slowness.
pub(super) fn too_slow() -> HttpError {
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
