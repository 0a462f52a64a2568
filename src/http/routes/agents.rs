//! Sessions whose agents run here: started, told, looked at, ended, restored, given back.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::submission::{Submission, answered, created};
use crate::api::{
    Api, MessageBody, RestoreBody, SessionJson, SpawnBody, TERMINAL_LINES, TerminalJson,
};
use crate::http::server::{HttpError, Named, Params};

/// `POST /v1/sessions`: makes a session, and starts its agent where that is to run here. Answers when it runs or could
/// not be started (`state` is `terminated` then, and `failure` says why), after half a minute with `operation: spawn`.
#[utoipa::path(post, path = "/sessions", operation_id = "spawnSession", tag = "sessions", request_body = SpawnBody, responses((status = 201, description = "the session", body = SessionJson)))]
pub(in crate::http) async fn spawn(
    State(api): State<Arc<Api>>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    let body = submission.json::<SpawnBody>()?;
    Ok(created(api.spawn_session(body, submission.into_origin()).await?))
}

/// `POST /v1/sessions/{id}/kill`: ends its agent and all that this has started; its worktree stays.
#[utoipa::path(post, path = "/sessions/{id}/kill", operation_id = "killSession", tag = "sessions", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(in crate::http) async fn kill(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    Ok(answered(api.kill_session(id, submission.into_origin()).await?))
}

/// `POST /v1/sessions/{id}/restore`: one that has ended goes on in its own conversation, in the same worktree. It never
/// begins anew by itself: where that conversation cannot go on, `failure` says why, and `fresh` begins a new one.
#[utoipa::path(post, path = "/sessions/{id}/restore", operation_id = "restoreSession", tag = "sessions", params(("id" = String, Path)), request_body = Option<RestoreBody>, responses((status = 200, description = "done", body = SessionJson)))]
pub(in crate::http) async fn restore(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    let body = submission.json_or_default::<RestoreBody>()?;
    Ok(answered(api.restore_session(id, body, submission.into_origin()).await?))
}

/// `POST /v1/sessions/{id}/messages`: says something to its agent, in the words of a person. Under one
/// `Idempotency-Key` the same is said once at most.
#[utoipa::path(post, path = "/sessions/{id}/messages", operation_id = "tellSession", tag = "sessions", params(("id" = String, Path)), request_body = MessageBody, responses((status = 200, description = "done", body = SessionJson)))]
pub(in crate::http) async fn tell(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    let body = submission.json::<MessageBody>()?;
    Ok(answered(api.tell_session(id, body, submission.into_origin()).await?))
}

/// `POST /v1/sessions/{id}/cleanup`: gives back the worktree of one that has ended; `freedBytes` says how much disk that
/// freed. Work that is nowhere else is never deleted: then `failure` says what there is, and the worktree stays.
#[utoipa::path(post, path = "/sessions/{id}/cleanup", operation_id = "cleanUpSession", tag = "sessions", params(("id" = String, Path)), responses((status = 200, description = "done", body = SessionJson)))]
pub(in crate::http) async fn clean_up(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    Ok(answered(api.clean_up_session(id, submission.into_origin()).await?))
}

/// `GET /v1/sessions/{id}/terminal`: the last lines of its agent's terminal, and where that is.
#[utoipa::path(get, path = "/sessions/{id}/terminal", operation_id = "getTerminal", tag = "sessions", params(("id" = String, Path), ("lines" = Option<i64>, Query, minimum = 1, maximum = 20_000)), responses((status = 200, description = "done", body = TerminalJson), (status = 409, description = "it has no terminal here")))]
pub(in crate::http) async fn terminal(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
) -> Result<Json<TerminalJson>, HttpError> {
    let params = Params::read(&query, &["lines"])?;
    let lines = params.number("lines", &TERMINAL_LINES)?;
    Ok(Json(api.terminal(id, lines).await?))
}
