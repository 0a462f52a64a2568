//! Pull requests with their checks, read.

use axum::Json;
use axum::extract::{RawQuery, State};

use super::App;
use super::errors::ApiError;
use super::query::{Named, Params};
use super::wire::{List, PullJson};
use crate::domain::PrState;
use crate::store::reads::{PullFilter, PullName};

const LIST: &str = "pulls";

/// `GET /v1/pulls`
#[utoipa::path(get, path = "/pulls", params(("project" = Option<String>, Query), ("state" = Option<PrState>, Query)), responses((status = 200, description = "done", body = List<PullJson>)))]
pub(super) async fn list(
    State(app): State<App>,
    query: RawQuery,
) -> Result<Json<List<PullJson>>, ApiError> {
    let params = Params::read_list(&query, &["project", "state"])?;
    let page = params.page(LIST)?;
    let project = params.text("project")?;
    let state = params.word::<PrState>("state")?;
    let listed = app.store.pulls(PullFilter { project, state }, page).await?;
    Ok(Json(List::of(LIST, listed, PullJson::from)))
}

/// `GET /v1/pulls/{owner}/{repo}/{number}`
#[utoipa::path(get, path = "/pulls/{owner}/{repo}/{number}", params(("owner" = String, Path), ("repo" = String, Path), ("number" = i64, Path), ("history" = Option<bool>, Query)), responses((status = 200, description = "done", body = PullJson)))]
pub(super) async fn one(
    State(app): State<App>,
    Named((owner, repo, number)): Named<(String, String, i64)>,
    query: RawQuery,
) -> Result<Json<PullJson>, ApiError> {
    let history = Params::read(&query, &["history"])?.flag("history")?;
    let name = PullName::Number(format!("{owner}/{repo}"), number);
    let found = app.store.pull(name, history).await?;
    let message = "no such pull request was seen; GET /v1/pulls lists those that were";
    found.map(|pull| Json(pull.into())).ok_or_else(|| ApiError::not_found(message))
}
