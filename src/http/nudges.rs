//! Nudges: read, waited for, and acknowledged.

use axum::Json;
use axum::extract::{RawQuery, State};

use super::App;
use super::errors::ApiError;
use super::query::{Named, Params};
use super::wait::Patience;
use super::wire::{List, NudgeJson};
use crate::domain::NudgeId;
use crate::store::views::{self, NudgeFilter};

const LIST: &str = "nudges";

/// `GET /v1/nudges`: oldest first. With `wait`, an empty list is answered only when the time is up.
pub(super) async fn list(
    State(app): State<App>,
    query: RawQuery,
) -> Result<Json<List<NudgeJson>>, ApiError> {
    let known = ["session", "pull", "branch", "audience", "state", "wait"];
    let params = Params::read_list(&query, &known)?;
    let page = params.page(LIST)?;
    let filter = NudgeFilter {
        session: params.text("session")?,
        pull: params.pull("pull")?,
        branch: params.text("branch")?,
        audience: params.word("audience")?,
        states: params.words("state")?,
    };
    let mut patience = Patience::new(&app, params.wait()?);
    loop {
        let wanted = filter.clone();
        let listed =
            app.store.read(move |connection| views::nudges(connection, &wanted, page)).await?;
        if !listed.items.is_empty() || !patience.news().await {
            return Ok(Json(List::of(LIST, listed, NudgeJson::from)));
        }
    }
}

/// `POST /v1/nudges/{id}/ack`
pub(super) async fn acknowledge(
    State(app): State<App>,
    Named(id): Named<i64>,
    query: RawQuery,
) -> Result<Json<NudgeJson>, ApiError> {
    Params::read(&query, &[])?;
    let unknown = || ApiError::not_found("there is no such nudge; GET /v1/nudges lists them all");
    if !app.engine.acknowledge(NudgeId(id)).await? {
        return Err(unknown());
    }
    let found = app.store.read(move |connection| views::nudge_by_id(connection, id)).await?;
    found.map(|view| Json(view.into())).ok_or_else(unknown)
}
