//! HTTP: webhooks in, the change feed out, and the routes of the API.
//!
//! Handlers read requests and write answers; they decide nothing. What GitHub sends goes through
//! [`Engine::receive`]; what clients ask and order is the business of [`crate::api`].

mod feed;
mod routes;
mod server;
mod webhook;

use std::sync::Arc;

use axum::extract::FromRef;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use axum::{Extension, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use crate::store::reads::LARGEST_BODY as MAX_BODY;
pub use server::{ApiToken, Files, Limits, serve};

use crate::api::{Agents, Api, ApiError, GithubDoor};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::github::webhook::signature::Secrets;
use crate::store::Store;
use feed::{Feed, Readers, Tail};
use routes::health::Health;
use routes::openapi::Document;
use routes::{
    agents, deliveries, github, health, logs, nudges, openapi, projects, pulls, sessions,
};
use server::{BodyPatience, HttpError, guard, name_request};
use webhook::Webhooks;

/// Everything that the routes need.
pub struct AppState {
    pub store: Store,
    pub engine: Engine,
    /// Those who run agents here; `None`: nobody does.
    pub agents: Option<Arc<dyn Agents>>,
    pub clock: Clock,
    pub secrets: Secrets,
    pub token: ApiToken,
    pub metrics: PrometheusHandle,
    pub limits: Limits,
    /// Becomes `true` when the server shuts down: whoever waits for news is answered at once.
    pub shutdown: watch::Receiver<bool>,
    /// GitHub's API, where there are App credentials.
    pub github: Option<Arc<dyn GithubDoor>>,
}

/// The state, of which each handler takes the part that it needs.
#[derive(Clone)]
struct App {
    api: Arc<Api>,
    webhooks: Arc<Webhooks>,
    feed: Arc<Feed>,
    health: Arc<Health>,
    token: ApiToken,
    body_patience: BodyPatience,
}

macro_rules! parts {
    ($($part:ident: $type:ty),+ $(,)?) => {$(
        impl FromRef<App> for $type {
            fn from_ref(app: &App) -> Self {
                app.$part.clone()
            }
        }
    )+};
}

parts! {
    api: Arc<Api>,
    webhooks: Arc<Webhooks>,
    feed: Arc<Feed>,
    health: Arc<Health>,
    token: ApiToken,
    body_patience: BodyPatience,
}

impl App {
    /// Starts the tasks behind the change feed.
    fn new(state: AppState) -> Self {
        let AppState {
            store,
            engine,
            agents,
            clock,
            secrets,
            token,
            metrics,
            limits,
            shutdown,
            github,
        } = state;
        let tail = Tail::start(store.clone(), engine.head(), shutdown.clone(), limits.heartbeat);
        let readers = Readers::start(limits.live_readers, limits.stalled_within, shutdown.clone());
        let webhooks = Webhooks::new(engine.clone(), secrets, &limits);
        let api = Arc::new(Api { store, engine, agents, shutdown, github });
        let feed = Feed {
            api: Arc::clone(&api),
            tail,
            readers: Arc::clone(&readers),
            heartbeat: limits.heartbeat,
        };
        let webhooks = Arc::new(webhooks);
        let health = Health::new(Arc::clone(&api), clock, metrics, readers, Arc::clone(&webhooks));
        Self {
            api,
            webhooks,
            feed: Arc::new(feed),
            health: Arc::new(health),
            token,
            body_patience: BodyPatience(limits.body_within),
        }
    }
}

/// All routes, and the tasks behind the change feed, which end at `shutdown`.
///
/// # Panics
/// Outside a tokio runtime.
pub fn router(state: AppState) -> Router {
    let app = App::new(state);
    let (v1, v1_api) = OpenApiRouter::<App>::new()
        .routes(routes!(feed::route::get))
        .routes(routes!(projects::list))
        .routes(routes!(projects::one, projects::put, projects::archive))
        .routes(routes!(sessions::list, agents::spawn))
        .routes(routes!(sessions::one))
        .routes(routes!(sessions::activity))
        .routes(routes!(agents::kill))
        .routes(routes!(agents::restore))
        .routes(routes!(agents::tell))
        .routes(routes!(agents::clean_up))
        .routes(routes!(agents::terminal))
        .routes(routes!(sessions::pause))
        .routes(routes!(sessions::resume))
        .routes(routes!(pulls::list))
        .routes(routes!(pulls::one))
        .routes(routes!(logs::log))
        .routes(routes!(nudges::list))
        .routes(routes!(nudges::one))
        .routes(routes!(nudges::acknowledge))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::one))
        .routes(routes!(deliveries::replay))
        .routes(routes!(deliveries::recover))
        .routes(routes!(github::standing))
        .split_for_parts();
    let v1 = v1
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), guard))
        .layer(from_fn(name_request))
        .layer(CompressionLayer::new());
    let (open, api) = OpenApiRouter::<App>::new()
        .routes(routes!(webhook::receive::receive))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::document))
        .split_for_parts();
    open.fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .nest("/v1", v1)
        .layer(Extension(Document::new(&api.nest("/v1", v1_api))))
        .layer(map_response(harden))
        .with_state(app)
}

async fn no_route() -> HttpError {
    ApiError::not_found("there is no such route; the README lists them all").into()
}

async fn wrong_method() -> HttpError {
    HttpError::wrong_method()
}

async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
