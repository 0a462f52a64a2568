//! `POST /webhooks/github`: verify, then read, then store, then answer.
//!
//! Nothing is parsed or stored before the signature holds, and no success is answered before the
//! engine has committed. Bodies are hashed while they arrive and never exceed their budget.

use std::pin::Pin;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument, Span};

use super::errors::ApiError;
use super::{App, MAX_BODY};
use crate::domain::{Delivery, DeliveryOutcome};
use crate::github::webhook::signature::{SIGNATURE_HEADER, Signature, VerifiedBody, Verifier};
use crate::github::webhook::{self, Reading};

/// The longest header value that is kept.
const MAX_HEADER: usize = 255;

/// What is left unread of a refused request up to this size is read and dropped; beyond it the
/// connection ends.
const SMALL_BODY: u64 = 64 * 1024;

/// JSON from this size on is read on a thread of its own, so that it does not hold up others.
const LARGE_JSON: usize = 256 * 1024;

/// Why webhooks are refused: the codes of the errors below.
const REFUSALS: &[&str] = &[
    "bad_header",
    "body_incomplete",
    "body_too_large",
    "body_too_slow",
    "header_missing",
    "internal",
    "payload_missing",
    "signature_missing",
    "signature_wrong",
    "unavailable",
    "unsupported_content_type",
];

const TAKEN: &str = "nudged_deliveries_total";
const REFUSED: &str = "nudged_webhooks_refused_total";

/// Shows every series from the start, so that the first of a kind is seen as a rise.
pub(super) fn begin() {
    for event in webhook::labels() {
        for outcome in DeliveryOutcome::ALL {
            let outcome = outcome.as_str();
            metrics::counter!(TAKEN, "event" => event, "outcome" => outcome).increment(0);
        }
    }
    for code in REFUSALS {
        metrics::counter!(REFUSED, "code" => *code).increment(0);
    }
}

/// How the JSON is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Json,
    Form,
}

/// The route.
#[utoipa::path(post, path = "/webhooks/github", params(("X-Hub-Signature-256" = String, Header, pattern = "^sha256=[0-9a-fA-F]{64}$"), ("X-GitHub-Event" = String, Header, min_length = 1, max_length = 255), ("X-GitHub-Delivery" = String, Header, min_length = 1, max_length = 255)), request_body = Object, responses((status = 200, description = "done", body = Object)))]
pub(super) async fn receive(State(app): State<App>, request: Request) -> Response {
    // Of the level that no filter drops: every line inside names the delivery.
    let span = tracing::error_span!("webhook", delivery = tracing::field::Empty);
    answer(&app, request).instrument(span).await
}

async fn answer(app: &App, request: Request) -> Response {
    match accept(app, request).await {
        Ok((event, delivery, outcome)) => {
            let (event, outcome) = (webhook::label(&event), outcome.as_str());
            tracing::debug!(event, outcome, "a delivery was taken");
            metrics::counter!(TAKEN, "event" => event, "outcome" => outcome).increment(1);
            Json(json!({ "delivery": delivery, "outcome": outcome })).into_response()
        }
        Err(error) => {
            tracing::debug!(code = error.code(), "a webhook was refused");
            metrics::counter!(REFUSED, "code" => error.code()).increment(1);
            error.into_response()
        }
    }
}

async fn accept(
    app: &App,
    request: Request,
) -> Result<(String, String, DeliveryOutcome), ApiError> {
    let (parts, body) = request.into_parts();
    let small = body.size_hint().upper().is_some_and(|most| most <= SMALL_BODY);
    let early = |error: ApiError| if small { error } else { error.hanging_up() };

    let signature = signature(&parts.headers).map_err(early)?;
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(early(too_large()));
    }
    let encoding = encoding(&parts.headers).map_err(early)?;
    let reading = read(app, body);
    let (verifier, permit) = tokio::time::timeout(app.limits.body_within, reading)
        .await
        .unwrap_or_else(|_| Err(too_slow()))
        .map_err(ApiError::hanging_up)?;
    let verified = verifier.verify(signature).map_err(|_| wrong_signature())?;

    let event = named(&parts.headers, "X-GitHub-Event")?;
    let guid = named(&parts.headers, "X-GitHub-Delivery")?;
    Span::current().record("delivery", &guid);
    let hook = hook(&parts.headers)?;
    let body = json_of(verified, encoding)?;
    let Reading { action, repo, verdict } = understand(&event, &body).await?;
    let delivery =
        Delivery { hook, guid: guid.clone(), event: event.clone(), action, repo, verdict, body };
    let outcome = app.engine.receive(delivery).await?;
    // The engine is done with the body now.
    drop(permit);
    Ok((event, guid, outcome))
}

fn signature(headers: &HeaderMap) -> Result<Signature, ApiError> {
    let unsigned = |message| ApiError::new(StatusCode::UNAUTHORIZED, "signature_missing", message);
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

fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(Encoding::Json)
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(Encoding::Form)
    } else {
        let message = "send application/json, or application/x-www-form-urlencoded with `payload`";
        Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_type", message))
    }
}

/// Hashes and keeps the body as it arrives, a permit for each byte of it.
async fn read(
    app: &App,
    mut body: Body,
) -> Result<(Verifier, Option<OwnedSemaphorePermit>), ApiError> {
    let mut verifier = Verifier::new(&app.secrets);
    let mut held: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = Pin::new(&mut body).frame().await {
        let frame = frame.map_err(|_| {
            let message = "the body broke off; send it again";
            ApiError::new(StatusCode::BAD_REQUEST, "body_incomplete", message)
        })?;
        let Ok(chunk) = frame.into_data() else { continue };
        if chunk.is_empty() {
            continue;
        }
        if verifier.len() + chunk.len() > MAX_BODY {
            return Err(too_large());
        }
        let bytes = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let Ok(permit) = Arc::clone(&app.bodies).try_acquire_many_owned(bytes) else {
            return Err(ApiError::unavailable("too many bodies at once; try again in a second"));
        };
        match &mut held {
            Some(held) => held.merge(permit),
            None => held = Some(permit),
        }
        verifier.push(&chunk);
    }
    Ok((verifier, held))
}

fn too_large() -> ApiError {
    let message = format!("the body is larger than {MAX_BODY} bytes, the most that GitHub sends");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}

fn too_slow() -> ApiError {
    let message = "the body did not arrive in time; send it again";
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", message)
}

fn wrong_signature() -> ApiError {
    let message = "X-Hub-Signature-256 matches no configured secret; the webhook's secret on GitHub \
                   must be one of NUDGED_WEBHOOK_SECRET";
    ApiError::new(StatusCode::UNAUTHORIZED, "signature_wrong", message)
}

/// A header that has to be there.
fn named(headers: &HeaderMap, name: &str) -> Result<String, ApiError> {
    short(headers, name)?.ok_or_else(|| {
        ApiError::new(StatusCode::BAD_REQUEST, "header_missing", format!("{name} is missing"))
    })
}

/// A header that may be there, if it is plain ASCII of moderate length.
fn short(headers: &HeaderMap, name: &str) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str().map(str::trim) {
        Ok("") => Ok(None),
        Ok(text) if text.len() <= MAX_HEADER => Ok(Some(text.to_owned())),
        _ => {
            let message = format!("{name} has to be ASCII of at most {MAX_HEADER} characters");
            Err(ApiError::new(StatusCode::BAD_REQUEST, "bad_header", message))
        }
    }
}

/// Whose delivery it is: GUIDs are shared by all hooks on one event.
fn hook(headers: &HeaderMap) -> Result<String, ApiError> {
    match short(headers, "X-GitHub-Hook-Target-ID")? {
        Some(target) => Ok(target),
        None => Ok(short(headers, "X-GitHub-Hook-ID")?.unwrap_or_default()),
    }
}

fn json_of(verified: VerifiedBody, encoding: Encoding) -> Result<Bytes, ApiError> {
    match encoding {
        Encoding::Json => Ok(verified.into_bytes()),
        Encoding::Form => form_urlencoded::parse(verified.bytes())
            .find(|(name, _)| name == "payload")
            .map(|(_, payload)| Bytes::from(payload.into_owned()))
            .ok_or_else(|| {
                let message = "the form has no field `payload`";
                ApiError::new(StatusCode::BAD_REQUEST, "payload_missing", message)
            }),
    }
}

async fn understand(event: &str, body: &Bytes) -> Result<Reading, ApiError> {
    if body.len() < LARGE_JSON {
        return Ok(webhook::understand(event, body));
    }
    let (event, body) = (event.to_owned(), body.clone());
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(|| webhook::understand(&event, &body)))
        .await
        .map_err(|error| ApiError::internal(&error))
}
