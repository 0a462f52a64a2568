//! `POST /webhooks/github`: verify, then read, then store, then answer.
//!
//! Nothing is parsed or stored before the signature holds, and no success is answered before the
//! engine has committed. Bodies are hashed while they arrive and never exceed their budget.

use std::sync::Arc;

use axum::Json;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::json;
use tracing::{Instrument, Span};

use super::body::{Pace, SPAN, json_of, read, too_large};
use super::budget::{BodyBudget, SMALL};
use super::headers::{encoding, hook, named, signature};
use super::refusals::Refusals;
use super::signers::Signers;
use crate::api::ApiError;
use crate::domain::{Delivery, DeliveryOutcome};
use crate::engine::Engine;
use crate::github::webhook::signature::Secrets;
use crate::github::webhook::{self, Reading};
use crate::http::server::{HttpError, Limits};
use crate::store::reads::LARGEST_BODY;

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

/// What deliveries need.
pub(in crate::http) struct Webhooks {
    engine: Engine,
    secrets: Secrets,
    bodies: BodyBudget,
    pace: Pace,
    pub(in crate::http) refusals: Refusals,
    pub(in crate::http) signers: Signers,
}

impl Webhooks {
    /// Takes deliveries into the engine.
    pub(in crate::http) fn new(engine: Engine, secrets: Secrets, limits: &Limits) -> Self {
        begin();
        let spans = usize::try_from(SPAN.as_secs()).unwrap_or(1);
        let least = limits.body_bytes_per_second.saturating_mul(spans);
        let pace = Pace { within: limits.body_within, least };
        Self {
            engine,
            signers: Signers::new(secrets.count()),
            secrets,
            bodies: BodyBudget::new(limits.bodies),
            pace,
            refusals: Refusals::new(),
        }
    }
}

/// Shows every series from the start, so that the first of a kind is seen as a rise.
fn begin() {
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

/// The route.
#[utoipa::path(post, path = "/webhooks/github", operation_id = "receiveDelivery", tag = "webhooks", params(("X-Hub-Signature-256" = String, Header, pattern = "^sha256=[0-9a-fA-F]{64}$"), ("X-GitHub-Event" = String, Header, min_length = 1, max_length = 255), ("X-GitHub-Delivery" = String, Header, min_length = 1, max_length = 255)), request_body = Object, responses((status = 200, description = "done", body = Object)))]
pub(in crate::http) async fn receive(
    State(webhooks): State<Arc<Webhooks>>,
    request: Request,
) -> Response {
    // Of the level that no filter drops: every line inside names the delivery.
    let span = tracing::error_span!("webhook", delivery = tracing::field::Empty);
    answer(&webhooks, request).instrument(span).await
}

async fn answer(webhooks: &Webhooks, request: Request) -> Response {
    match accept(webhooks, request).await {
        Ok((event, delivery, outcome)) => {
            let event = webhook::label(&event);
            let outcome = outcome.as_str();
            tracing::debug!(event, outcome, "a delivery was taken");
            metrics::counter!(TAKEN, "event" => event, "outcome" => outcome).increment(1);
            Json(json!({ "delivery": delivery, "outcome": outcome })).into_response()
        }
        Err(error) => {
            webhooks.refusals.note(error.code());
            metrics::counter!(REFUSED, "code" => error.code()).increment(1);
            error.into_response()
        }
    }
}

async fn accept(
    webhooks: &Webhooks,
    request: Request,
) -> Result<(String, String, DeliveryOutcome), HttpError> {
    let (parts, body) = request.into_parts();
    // What is left unread of a refused request is read and dropped if it is small; else the connection ends.
    let small = body.size_hint().upper().is_some_and(|most| most <= SMALL as u64);
    let early = |error: HttpError| if small { error } else { error.hanging_up() };

    let signature = signature(&parts.headers).map_err(early)?;
    if body.size_hint().lower() > LARGEST_BODY as u64 {
        return Err(early(too_large()));
    }
    let encoding = encoding(&parts.headers).map_err(early)?;
    let reading = read(&webhooks.secrets, &webhooks.bodies, webhooks.pace, body);
    let (verifier, room) = reading.await.map_err(HttpError::hanging_up)?;
    let verified = verifier.verify(signature).map_err(|_| wrong_signature())?;
    webhooks.signers.note(verified.secret());

    let event = named(&parts.headers, "X-GitHub-Event")?;
    let guid = named(&parts.headers, "X-GitHub-Delivery")?;
    Span::current().record("delivery", &guid);
    let hook = hook(&parts.headers)?;
    let body = json_of(verified, encoding)?;
    let Reading { action, repo, verdict } = understand(&event, &body).await?;
    let delivery =
        Delivery { hook, guid: guid.clone(), event: event.clone(), action, repo, verdict, body };
    let outcome = webhooks.engine.receive(delivery).await?;
    // The engine is done with the body now.
    drop(room);
    Ok((event, guid, outcome))
}

fn wrong_signature() -> HttpError {
    let message = "X-Hub-Signature-256 matches no configured secret; the webhook's secret on GitHub \
                   must be one of NUDGED_WEBHOOK_SECRET";
    HttpError::new(StatusCode::UNAUTHORIZED, "signature_wrong", message)
}

async fn understand(event: &str, body: &Bytes) -> Result<Reading, HttpError> {
    if body.len() < LARGE_JSON {
        return Ok(webhook::understand(event, body));
    }
    let (event, body) = (event.to_owned(), body.clone());
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(|| webhook::understand(&event, &body)))
        .await
        .map_err(|error| ApiError::internal(&error).into())
}
