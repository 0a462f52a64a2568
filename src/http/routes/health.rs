//! Alive, ready, and the numbers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};

use crate::api::{Api, ApiError, GithubStanding};
use crate::clock::{Clock, Throttle};
use crate::http::feed::Readers;
use crate::http::server::HttpError;
use crate::http::webhook::Webhooks;
use crate::store::reads::Backlog;

/// Not being ready is asked for, and told, again and again: one line in this time.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What tells how the server is.
pub(in crate::http) struct Health {
    api: Arc<Api>,
    clock: Clock,
    metrics: PrometheusHandle,
    readers: Arc<Readers>,
    webhooks: Arc<Webhooks>,
    lines: Mutex<Throttle>,
}

impl Health {
    pub(in crate::http) fn new(
        api: Arc<Api>,
        clock: Clock,
        metrics: PrometheusHandle,
        readers: Arc<Readers>,
        webhooks: Arc<Webhooks>,
    ) -> Self {
        let lines = Mutex::new(Throttle::new(TOLD_EVERY));
        Self { api, clock, metrics, readers, webhooks, lines }
    }

    fn not_ready(&self, reason: &dyn std::fmt::Display) -> HttpError {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(untold) = lines.pass(Instant::now()) {
            tracing::warn!(%reason, untold, "not ready");
        }
        ApiError::unavailable(reason.to_string()).into()
    }
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "getLiveness", tag = "server", responses((status = 200, description = "done", body = Object)))]
pub(in crate::http) async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// The database is in its place, can be read and has room, and the engine takes work.
#[utoipa::path(get, path = "/readyz", operation_id = "getReadiness", tag = "server", responses((status = 200, description = "done", body = Object)))]
pub(in crate::http) async fn ready(
    State(health): State<Arc<Health>>,
) -> Result<Json<Value>, HttpError> {
    if let Err(error) = health.api.store.probe().await {
        return Err(health.not_ready(&error));
    }
    if let Err(error) = health.api.engine.check().await {
        return Err(health.not_ready(&error));
    }
    if *health.api.shutdown.borrow() {
        return Err(ApiError::unavailable("the server is shutting down").into());
    }
    let (waiting, room) = health.api.engine.queue();
    if waiting >= room {
        return Err(ApiError::unavailable("the queue is full; try again in a second").into());
    }
    // That GitHub cannot be asked is told, and is no reason to take no webhooks.
    let github = health.api.github_standing().map(GithubStanding::without_names);
    let detail = github.map_or_else(|| json!({}), |github| json!({ "github": github }));
    let mut answer = json!({ "status": "ready" });
    if let (Some(answer), Value::Object(detail)) = (answer.as_object_mut(), detail) {
        answer.extend(detail);
    }
    Ok(Json(answer))
}

/// Prometheus' text format.
#[utoipa::path(get, path = "/metrics", operation_id = "getMetrics", tag = "server", responses((status = 200, description = "the numbers", body = String, content_type = "text/plain")))]
pub(in crate::http) async fn metrics(State(health): State<Arc<Health>>) -> impl IntoResponse {
    let (waiting, room) = health.api.engine.queue();
    metrics::gauge!("nudged_engine_queue_length").set(waiting as f64);
    metrics::gauge!("nudged_engine_queue_capacity").set(room as f64);
    metrics::gauge!("nudged_change_log_head").set(*health.api.engine.head().borrow() as f64);
    let (readers, slowest) = health.readers.standing();
    let head = *health.api.engine.head().borrow();
    let lag = slowest.map_or(0, |seq| head.saturating_sub(seq).max(0));
    metrics::gauge!("nudged_feed_readers").set(readers as f64);
    metrics::gauge!("nudged_feed_lag_changes").set(lag as f64);
    let now = health.clock.now();
    match health.api.store.backlog(now).await {
        Ok(Backlog { tasks, timers }) => {
            metrics::gauge!("nudged_outbox_pending").set(tasks as f64);
            metrics::gauge!("nudged_timers_due").set(timers as f64);
        }
        Err(error) => tracing::warn!(%error, "the backlog cannot be read"),
    }
    health.webhooks.refusals.show();
    health.webhooks.signers.show();
    health.metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], health.metrics.render())
}
