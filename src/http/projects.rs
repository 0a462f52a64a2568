//! Projects, read.

use axum::Json;
use axum::extract::{RawQuery, State};

use super::App;
use super::errors::ApiError;
use super::query::{Named, Params};
use super::wire::{List, ProjectJson};
use crate::store::views;

const LIST: &str = "projects";

/// `GET /v1/projects`: those that are not archived.
pub(super) async fn list(
    State(app): State<App>,
    query: RawQuery,
) -> Result<Json<List<ProjectJson>>, ApiError> {
    let page = Params::read_list(&query, &[])?.page(LIST)?;
    let listed = app.store.read(move |connection| views::projects(connection, page)).await?;
    let items = listed.items.into_iter().map(ProjectJson::try_from).collect::<Result<_, _>>()?;
    Ok(Json(List::new(LIST, items, listed.next)))
}

/// `GET /v1/projects/{id}`
pub(super) async fn one(
    State(app): State<App>,
    Named(id): Named<String>,
    query: RawQuery,
) -> Result<Json<ProjectJson>, ApiError> {
    Params::read(&query, &[])?;
    let found = app.store.read(move |connection| views::project_by_id(connection, &id)).await?;
    let view = found.ok_or_else(|| {
        ApiError::not_found("there is no such project; GET /v1/projects lists them all")
    })?;
    Ok(Json(view.try_into()?))
}
