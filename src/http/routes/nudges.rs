//! Nudges: read, waited for, and acknowledged.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::submission::{Submission, answered};
use crate::api::{Api, List, NudgeJson, NudgeQuery};
use crate::domain::{Audience, NudgeState};
use crate::http::server::{HttpError, Named, Params};

/// `GET /v1/nudges`: oldest first, or newest. With `wait`, an empty list is answered only when the time is up.
/// A branch alone is looked for in every repository; `repo` or `project` beside it says which is meant.
#[utoipa::path(get, path = "/nudges", operation_id = "listNudges", tag = "nudges", params(("repo" = Option<String>, Query, description = "`owner/name`, compared without case", pattern = "^[^/]+/[^/]+$"), ("project" = Option<String>, Query), ("session" = Option<String>, Query), ("pull" = Option<String>, Query, description = "its address, or `owner/repo/number`", pattern = r"^([^/]+/[^/]+/[0-9]{1,18}|.+://.+)$"), ("branch" = Option<String>, Query), ("audience" = Option<Audience>, Query), ("state" = Option<Vec<NudgeState>>, Query), ("order" = Option<String>, Query, description = "`oldest` first, or `newest`", pattern = "^(oldest|newest)$"), ("wait" = Option<i64>, Query, minimum = 0, maximum = 60)), responses((status = 200, description = "done", body = List<NudgeJson>)))]
pub(in crate::http) async fn list(
    State(api): State<Arc<Api>>,
    query: RawQuery,
) -> Result<Json<List<NudgeJson>>, HttpError> {
    let known =
        ["repo", "project", "session", "pull", "branch", "audience", "state", "wait", "order"];
    let params = Params::read_list(&query, &known)?;
    let query = NudgeQuery {
        repo: params.text("repo")?,
        project: params.text("project")?,
        session: params.text("session")?,
        pull: params.text("pull")?,
        branch: params.text("branch")?,
        audience: params.word("audience")?,
        states: params.words("state")?,
        wait: params.wait()?,
        paging: params.ordered_paging()?,
    };
    Ok(Json(api.nudges(query).await?))
}

/// `GET /v1/nudges/{id}`
#[utoipa::path(get, path = "/nudges/{id}", operation_id = "getNudge", tag = "nudges", params(("id" = i64, Path)), responses((status = 200, description = "done", body = NudgeJson)))]
pub(in crate::http) async fn one(
    State(api): State<Arc<Api>>,
    Named(id): Named<i64>,
    query: RawQuery,
) -> Result<Json<NudgeJson>, HttpError> {
    Params::read(&query, &[])?;
    Ok(Json(api.nudge(id).await?))
}

/// `POST /v1/nudges/{id}/ack`: somebody has taken note.
#[utoipa::path(post, path = "/nudges/{id}/ack", operation_id = "acknowledgeNudge", tag = "nudges", params(("id" = i64, Path)), responses((status = 200, description = "done", body = NudgeJson)))]
pub(in crate::http) async fn acknowledge(
    State(api): State<Arc<Api>>,
    Named(id): Named<i64>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    Ok(answered(api.acknowledge_nudge(id, submission.into_origin()).await?))
}
