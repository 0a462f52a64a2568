//! HTTP: webhooks in, the change feed and the read routes out.
//!
//! Handlers translate; they decide nothing. What GitHub sends goes through [`Engine::receive`]; what
//! clients ask is read from the store in short transactions, never held across a wait.

mod auth;
mod changes;
mod deliveries;
mod errors;
mod health;
mod linger;
mod nudges;
mod projects;
mod pulls;
mod query;
mod serve;
mod sessions;
mod wait;
mod webhook;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{Semaphore, watch};
use tower_http::compression::CompressionLayer;

pub use auth::ApiToken;
pub use serve::serve;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::github::signature::Secrets;
use crate::store::Store;
use crate::store::views::NudgeView;
use errors::ApiError;

/// The largest body that GitHub sends.
pub const MAX_BODY: usize = 26_214_400;

/// What the server allows.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections; further ones wait in the system's backlog.
    pub connections: usize,
    /// From the first byte of a request (or the opening of the connection) to the end of its headers.
    pub headers_within: Duration,
    /// From the end of the headers to the end of the body.
    pub body_within: Duration,
    /// Bytes of webhook bodies that may be in memory at once.
    pub bodies: usize,
    /// How long accepted requests may take to finish after shutdown began.
    pub finish_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            headers_within: Duration::from_secs(10),
            body_within: Duration::from_secs(20),
            bodies: 256 * 1024 * 1024,
            finish_within: Duration::from_secs(20),
        }
    }
}

/// Everything that the routes need.
pub struct AppState {
    pub store: Store,
    pub engine: Engine,
    pub clock: Clock,
    pub secrets: Secrets,
    pub token: ApiToken,
    pub metrics: PrometheusHandle,
    pub limits: Limits,
    /// Becomes `true` when the server shuts down: whoever waits for news is answered at once.
    pub shutdown: watch::Receiver<bool>,
}

/// The state as handlers get it.
#[derive(Clone)]
struct App {
    state: Arc<AppState>,
    /// A permit for each byte of a webhook body in memory.
    bodies: Arc<Semaphore>,
}

impl std::ops::Deref for App {
    type Target = AppState;
    fn deref(&self) -> &AppState {
        &self.state
    }
}

/// All routes.
pub fn router(state: AppState) -> Router {
    let bodies = state.limits.bodies.min(Semaphore::MAX_PERMITS);
    let app = App { state: Arc::new(state), bodies: Arc::new(Semaphore::new(bodies)) };
    let v1 = Router::new()
        .route("/changes", get(changes::poll))
        .route("/projects", get(projects::list))
        .route("/projects/{id}", get(projects::one))
        .route("/sessions", get(sessions::list))
        .route("/sessions/{id}", get(sessions::one))
        .route("/pulls", get(pulls::list))
        .route("/pulls/{owner}/{repo}/{number}", get(pulls::one))
        .route("/nudges", get(nudges::list))
        .route("/nudges/{id}/ack", post(nudges::acknowledge))
        .route("/deliveries", get(deliveries::list))
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), auth::guard))
        .layer(CompressionLayer::new());
    Router::new()
        .route("/webhooks/github", post(webhook::receive))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .nest("/v1", v1)
        .layer(map_response(harden))
        .with_state(app)
}

/// A nudge as the API shows it.
///
/// # Errors
/// It cannot be written as JSON.
pub fn nudge_json(view: NudgeView) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(wire::NudgeJson::from(view))
}

async fn no_route() -> ApiError {
    ApiError::not_found("there is no such route; the README lists them all")
}

async fn wrong_method() -> ApiError {
    ApiError::wrong_method()
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
