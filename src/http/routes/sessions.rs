//! Sessions: read, paused, resumed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::submission::{Submission, answered};
use crate::api::{ActivityBody, Api, List, SessionJson, SessionQuery};
use crate::domain::DisplayStatus;
use crate::http::server::{HttpError, Named, Params};

/// `GET /v1/sessions`
#[utoipa::path(get, path = "/sessions", operation_id = "listSessions", tag = "sessions", params(("order" = Option<String>, Query, description = "`oldest` first, or `newest`", pattern = "^(oldest|newest)$"), ("project" = Option<String>, Query), ("status" = Option<DisplayStatus>, Query)), responses((status = 200, description = "done", body = List<SessionJson>)))]
pub(in crate::http) async fn list(
    State(api): State<Arc<Api>>,
    query: RawQuery,
) -> Result<Json<List<SessionJson>>, HttpError> {
    let params = Params::read_list(&query, &["project", "status", "order"])?;
    let query = SessionQuery {
        project: params.text("project")?,
        status: params.word("status")?,
        paging: params.ordered_paging()?,
    };
    Ok(Json(api.sessions(query).await?))
}

/// `GET /v1/sessions/{id}`
#[utoipa::path(get, path = "/sessions/{id}", operation_id = "getSession", tag = "sessions", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(in crate::http) async fn one(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
) -> Result<Json<SessionJson>, HttpError> {
    Params::read(&query, &[])?;
    Ok(Json(api.session(id).await?))
}

/// `POST /v1/sessions/{id}/activity`: what agent hooks call. One of an earlier start of the agent changes nothing.
#[utoipa::path(post, path = "/sessions/{id}/activity", operation_id = "reportActivity", tag = "sessions", params(("id" = String, Path)), request_body = ActivityBody, responses((status = 200, description = "done", body = SessionJson)))]
pub(in crate::http) async fn activity(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    let body = submission.json::<ActivityBody>()?;
    Ok(answered(api.report_activity(id, body, submission.into_origin()).await?))
}

/// `POST /v1/sessions/{id}/pause`: nudges to its agent are held back, not lost.
#[utoipa::path(post, path = "/sessions/{id}/pause", operation_id = "pauseSession", tag = "sessions", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(in crate::http) async fn pause(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    Ok(answered(api.pause_session(id, true, submission.into_origin()).await?))
}

/// `POST /v1/sessions/{id}/resume`: nudges that were held back go out, if they are still true.
#[utoipa::path(post, path = "/sessions/{id}/resume", operation_id = "resumeSession", tag = "sessions", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(in crate::http) async fn resume(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    Ok(answered(api.pause_session(id, false, submission.into_origin()).await?))
}
