//! Projects: read, registered, configured, archived.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::submission::{Submission, answered};
use crate::api::{Api, List, ProjectBody, ProjectJson};
use crate::http::server::{HttpError, Named, Params};

/// `GET /v1/projects`: those that are not archived.
#[utoipa::path(get, path = "/projects", operation_id = "listProjects", tag = "projects", responses((status = 200, description = "done", body = List<ProjectJson>)))]
pub(in crate::http) async fn list(
    State(api): State<Arc<Api>>,
    query: RawQuery,
) -> Result<Json<List<ProjectJson>>, HttpError> {
    let paging = Params::read_list(&query, &[])?.paging()?;
    Ok(Json(api.projects(&paging).await?))
}

/// `GET /v1/projects/{id}`
#[utoipa::path(get, path = "/projects/{id}", operation_id = "getProject", tag = "projects", params(("id" = String, Path)), responses((status = 200, description = "done", body = ProjectJson)))]
pub(in crate::http) async fn one(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
) -> Result<Json<ProjectJson>, HttpError> {
    Params::read(&query, &[])?;
    Ok(Json(api.project(id).await?))
}

/// `PUT /v1/projects/{id}`: registers a project, or changes the settings of one. One that was
/// archived is watched again.
#[utoipa::path(put, path = "/projects/{id}", operation_id = "putProject", tag = "projects", params(("id" = String, Path, pattern = "^[a-z0-9-]{1,40}$")), request_body = ProjectBody, responses((status = 200, description = "done", body = ProjectJson)))]
pub(in crate::http) async fn put(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    let body = submission.json::<ProjectBody>()?;
    Ok(answered(api.configure_project(id, body, submission.into_origin()).await?))
}

/// `DELETE /v1/projects/{id}`: the project is watched no longer; what is known of it stays.
#[utoipa::path(delete, path = "/projects/{id}", operation_id = "archiveProject", tag = "projects", params(("id" = String, Path)), responses((status = 200, description = "done", body = ProjectJson)))]
pub(in crate::http) async fn archive(
    State(api): State<Arc<Api>>,
    Named(id): Named<String>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    Ok(answered(api.archive_project(id, submission.into_origin()).await?))
}
