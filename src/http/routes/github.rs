//! How it goes with GitHub's API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};

use crate::api::{Api, GithubStanding};
use crate::http::server::{HttpError, Params};

/// `GET /v1/github`: what does not go well there, what is left of the hour's requests, when everything was compared last.
///
/// It wants App credentials: without them 409.
#[utoipa::path(get, path = "/github", operation_id = "getGithubStanding", tag = "server", responses((status = 200, description = "done", body = GithubStanding)))]
pub(in crate::http) async fn standing(
    State(api): State<Arc<Api>>,
    query: RawQuery,
) -> Result<Json<GithubStanding>, HttpError> {
    Params::read(&query, &[])?;
    Ok(Json(api.github()?))
}
