//! Sessions with their pull requests and display status: read, paused, resumed.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::App;
use super::commands::Submission;
use super::errors::ApiError;
use super::query::{Named, Params};
use super::wire::{List, SessionJson};
use crate::domain::{CommandObservation, DisplayStatus, Paused, SessionId};
use crate::engine::Request;
use crate::lifecycle::Refusal;
use crate::store::reads::SessionFilter;
use crate::store::views::ObjectRef;

const LIST: &str = "sessions";

/// `GET /v1/sessions`
#[utoipa::path(get, path = "/sessions", params(("project" = Option<String>, Query), ("status" = Option<DisplayStatus>, Query)), responses((status = 200, description = "done", body = List<SessionJson>)))]
pub(super) async fn list(
    State(app): State<App>,
    query: RawQuery,
) -> Result<Json<List<SessionJson>>, ApiError> {
    let params = Params::read_list(&query, &["project", "status"])?;
    let page = params.page(LIST)?;
    let project = params.text("project")?;
    let status = params.word::<DisplayStatus>("status")?;
    let listed = app.store.sessions(SessionFilter { project, status }, page).await?;
    Ok(Json(List::of(LIST, listed, SessionJson::new)))
}

/// `GET /v1/sessions/{id}`
#[utoipa::path(get, path = "/sessions/{id}", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(super) async fn one(
    State(app): State<App>,
    Named(id): Named<String>,
    query: RawQuery,
) -> Result<Json<SessionJson>, ApiError> {
    Params::read(&query, &[])?;
    let found = app.store.session(id).await?;
    found
        .map(|view| Json(SessionJson::new(view)))
        .ok_or_else(|| ApiError::not_found(Refusal::NoSession.to_string()))
}

/// `POST /v1/sessions/{id}/pause`: nudges to its agent are held back, not lost.
#[utoipa::path(post, path = "/sessions/{id}/pause", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(super) async fn pause(
    State(app): State<App>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, ApiError> {
    set_paused(&app, id, &query, submission, true).await
}

/// `POST /v1/sessions/{id}/resume`: nudges that were held back go out, if they are still true.
#[utoipa::path(post, path = "/sessions/{id}/resume", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(super) async fn resume(
    State(app): State<App>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, ApiError> {
    set_paused(&app, id, &query, submission, false).await
}

async fn set_paused(
    app: &App,
    id: String,
    query: &RawQuery,
    submission: Submission,
    paused: bool,
) -> Result<Response, ApiError> {
    Params::read(query, &[])?;
    let id = SessionId(id.into());
    let whom = Paused::Session(id.clone());
    let request = Request::Observe(CommandObservation::PauseNudges { whom, paused }.into());
    submission.carry_out(app, request, ObjectRef::Session(id), Refusal::NoSession).await
}
