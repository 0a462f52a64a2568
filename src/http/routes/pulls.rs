//! Pull requests, read.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};

use crate::api::{Api, List, PullJson, PullQuery};
use crate::domain::PrState;
use crate::http::server::{HttpError, Named, Params};

/// `GET /v1/pulls`
#[utoipa::path(get, path = "/pulls", operation_id = "listPulls", tag = "pulls", params(("order" = Option<String>, Query, description = "`oldest` first, or `newest`", pattern = "^(oldest|newest)$"), ("project" = Option<String>, Query), ("state" = Option<PrState>, Query)), responses((status = 200, description = "done", body = List<PullJson>)))]
pub(in crate::http) async fn list(
    State(api): State<Arc<Api>>,
    query: RawQuery,
) -> Result<Json<List<PullJson>>, HttpError> {
    let params = Params::read_list(&query, &["project", "state", "order"])?;
    let query = PullQuery {
        project: params.text("project")?,
        state: params.word("state")?,
        paging: params.ordered_paging()?,
    };
    Ok(Json(api.pulls(query).await?))
}

/// `GET /v1/pulls/{owner}/{repo}/{number}`
#[utoipa::path(get, path = "/pulls/{owner}/{repo}/{number}", operation_id = "getPull", tag = "pulls", params(("owner" = String, Path), ("repo" = String, Path), ("number" = i64, Path), ("history" = Option<bool>, Query)), responses((status = 200, description = "done", body = PullJson)))]
pub(in crate::http) async fn one(
    State(api): State<Arc<Api>>,
    Named((owner, repo, number)): Named<(String, String, i64)>,
    query: RawQuery,
) -> Result<Json<PullJson>, HttpError> {
    let history = Params::read(&query, &["history"])?.flag("history")?;
    Ok(Json(api.pull(format!("{owner}/{repo}"), number, history).await?))
}
