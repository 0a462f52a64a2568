//! Pull requests with their checks, read.

use axum::Json;
use axum::extract::{RawQuery, State};

use super::App;
use super::errors::ApiError;
use super::query::{Named, Params};
use super::wire::{List, PullJson};
use crate::domain::PrState;
use crate::store::views::{self, PullName};

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
    let (items, next) = app
        .store
        .read(move |connection| {
            let listed = views::pulls(connection, project.as_deref(), state, page)?;
            let mut items = Vec::with_capacity(listed.items.len());
            for view in listed.items {
                let checks = views::checks(connection, &view, false)?;
                items.push(PullJson::new(view, Some(checks)));
            }
            Ok((items, listed.next))
        })
        .await?;
    Ok(Json(List::new(LIST, items, next)))
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
    let found = app
        .store
        .read(move |connection| {
            let Some(view) = views::pull_by_name(connection, &name)? else { return Ok(None) };
            let checks = views::checks(connection, &view, history)?;
            let comments = views::comments(connection, &view)?;
            Ok(Some(PullJson::new(view, Some(checks)).with_comments(comments)))
        })
        .await?;
    let message = "no such pull request was seen; GET /v1/pulls lists those that were";
    found.map(Json).ok_or_else(|| ApiError::not_found(message))
}
