//! Alive, ready, and the numbers.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::App;
use super::errors::ApiError;
use crate::store::reads::Backlog;

/// The process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "done", body = Object)))]
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// The database can be read and the engine takes work.
#[utoipa::path(get, path = "/readyz", responses((status = 200, description = "done", body = Object)))]
pub(super) async fn ready(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    if let Err(error) = app.store.probe().await {
        tracing::warn!(%error, "not ready: the database cannot be read");
        return Err(ApiError::unavailable(
            "the database cannot be read; the server's log says why",
        ));
    }
    if let Err(error) = app.engine.check().await {
        tracing::warn!(%error, "not ready: the engine takes nothing");
        return Err(ApiError::unavailable(error.to_string()));
    }
    if *app.shutdown.borrow() {
        return Err(ApiError::unavailable("the server is shutting down"));
    }
    let (waiting, room) = app.engine.queue();
    if waiting >= room {
        return Err(ApiError::unavailable("the queue is full; try again in a second"));
    }
    Ok(Json(json!({ "status": "ready" })))
}

/// Prometheus' text format.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "the numbers", body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let (waiting, room) = app.engine.queue();
    metrics::gauge!("nudged_engine_queue_length").set(waiting as f64);
    metrics::gauge!("nudged_engine_queue_capacity").set(room as f64);
    metrics::gauge!("nudged_change_log_head").set(*app.engine.head().borrow() as f64);
    let (readers, slowest) = app.readers.standing();
    let head = *app.engine.head().borrow();
    let lag = slowest.map_or(0, |seq| head.saturating_sub(seq).max(0));
    metrics::gauge!("nudged_feed_readers").set(readers as f64);
    metrics::gauge!("nudged_feed_lag_changes").set(lag as f64);
    let now = app.clock.now();
    match app.store.backlog(now).await {
        Ok(Backlog { tasks, timers }) => {
            metrics::gauge!("nudged_outbox_pending").set(tasks as f64);
            metrics::gauge!("nudged_timers_due").set(timers as f64);
        }
        Err(error) => tracing::warn!(%error, "the backlog cannot be read"),
    }
    app.metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}
