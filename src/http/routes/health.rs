//! Alive, ready, and the numbers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};

use crate::api::{Api, ApiError};
use crate::clock::Clock;
use crate::http::feed::Readers;
use crate::http::server::HttpError;
use crate::store::reads::Backlog;

/// What tells how the server is.
pub(in crate::http) struct Health {
    pub(in crate::http) api: Arc<Api>,
    pub(in crate::http) clock: Clock,
    pub(in crate::http) metrics: PrometheusHandle,
    pub(in crate::http) readers: Arc<Readers>,
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "getLiveness", tag = "server", responses((status = 200, description = "done", body = Object)))]
pub(in crate::http) async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// The database can be read and the engine takes work.
#[utoipa::path(get, path = "/readyz", operation_id = "getReadiness", tag = "server", responses((status = 200, description = "done", body = Object)))]
pub(in crate::http) async fn ready(
    State(health): State<Arc<Health>>,
) -> Result<Json<Value>, HttpError> {
    if let Err(error) = health.api.store.probe().await {
        tracing::warn!(%error, "not ready: the database cannot be read");
        return Err(ApiError::unavailable(
            "the database cannot be read; the server's log says why",
        )
        .into());
    }
    if let Err(error) = health.api.engine.check().await {
        tracing::warn!(%error, "not ready: the engine takes nothing");
        return Err(ApiError::unavailable(error.to_string()).into());
    }
    if *health.api.shutdown.borrow() {
        return Err(ApiError::unavailable("the server is shutting down").into());
    }
    let (waiting, room) = health.api.engine.queue();
    if waiting >= room {
        return Err(ApiError::unavailable("the queue is full; try again in a second").into());
    }
    Ok(Json(json!({ "status": "ready" })))
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
    health.metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], health.metrics.render())
}
