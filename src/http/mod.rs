//! HTTP: webhooks in, the change feed and the read routes out.
//!
//! Handlers translate; they decide nothing. What GitHub sends goes through [`Engine::receive`]; what
//! clients ask is read from the store in short transactions, never held across a wait.

mod auth;
mod changes;
mod deliveries;
mod errors;
mod files;
mod health;
mod linger;
mod live;
mod nudges;
mod openapi;
mod orders;
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

use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use axum::{Extension, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{Semaphore, watch};
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use auth::ApiToken;
pub use files::Files;
pub use serve::serve;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::github::webhook::signature::Secrets;
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
    /// Readers of the event stream; further ones are refused, so that there are always connections
    /// left for webhooks.
    pub live_readers: usize,
    /// How long an event stream is silent before it says that it lives.
    pub heartbeat: Duration,
    /// How long a reader of the event stream may take nothing of what waits for it. A connection on
    /// which nothing at all is taken ends after twice that time.
    pub stalled_within: Duration,
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
            connections: 4_096,
            live_readers: 2_048,
            heartbeat: live::HEARTBEAT,
            stalled_within: live::PATIENCE,
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
    /// The newest changes, rendered.
    tail: Arc<live::Tail>,
    readers: Arc<live::Readers>,
}

impl std::ops::Deref for App {
    type Target = AppState;
    fn deref(&self) -> &AppState {
        &self.state
    }
}

/// All routes, and the tasks behind the change feed, which end at `shutdown`.
///
/// # Panics
/// Outside a tokio runtime.
pub fn router(state: AppState) -> Router {
    let bodies = state.limits.bodies.min(Semaphore::MAX_PERMITS);
    let (limits, shutdown) = (&state.limits, &state.shutdown);
    let (store, head) = (state.store.clone(), state.engine.head());
    let tail = live::Tail::start(store, head, shutdown.clone(), limits.heartbeat);
    let readers =
        live::Readers::start(limits.live_readers, limits.stalled_within, shutdown.clone());
    let bodies = Arc::new(Semaphore::new(bodies));
    let app = App { state: Arc::new(state), bodies, tail, readers };
    webhook::begin();
    let (v1, v1_api) = OpenApiRouter::<App>::new()
        .routes(routes!(changes::get))
        .routes(routes!(projects::list))
        .routes(routes!(projects::one, projects::put, projects::archive))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::one))
        .routes(routes!(sessions::pause))
        .routes(routes!(sessions::resume))
        .routes(routes!(pulls::list))
        .routes(routes!(pulls::one))
        .routes(routes!(nudges::list))
        .routes(routes!(nudges::acknowledge))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::replay))
        .split_for_parts();
    let v1 = v1
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), auth::guard))
        .layer(from_fn(orders::name_request))
        .layer(CompressionLayer::new());
    let (open, api) = OpenApiRouter::<App>::new()
        .routes(routes!(webhook::receive))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::document))
        .split_for_parts();
    open.fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .nest("/v1", v1)
        .layer(Extension(openapi::Document::new(&api.nest("/v1", v1_api))))
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
