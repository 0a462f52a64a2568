//! Nudges: read, waited for, and acknowledged.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::App;
use super::errors::ApiError;
use super::orders::{Order, render};
use super::query::{Named, Params};
use super::wait::Patience;
use super::wire::{List, NudgeJson};
use crate::domain::{Audience, CommandObservation, NudgeId, NudgeState};
use crate::engine::Ask;
use crate::lifecycle::refusal;
use crate::store::views::{self, NudgeFilter};

const LIST: &str = "nudges";

/// `GET /v1/nudges`: oldest first. With `wait`, an empty list is answered only when the time is up.
#[utoipa::path(get, path = "/nudges", params(("session" = Option<String>, Query), ("pull" = Option<String>, Query, description = "its address, or `owner/repo/number`", pattern = r"^([^/]+/[^/]+/[0-9]{1,18}|.+://.+)$"), ("branch" = Option<String>, Query), ("audience" = Option<Audience>, Query), ("state" = Option<Vec<NudgeState>>, Query), ("wait" = Option<i64>, Query, minimum = 0, maximum = 60)), responses((status = 200, description = "done", body = List<NudgeJson>)))]
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

/// `POST /v1/nudges/{id}/ack`: somebody has taken note.
#[utoipa::path(post, path = "/nudges/{id}/ack", params(("id" = i64, Path)), responses((status = 200, description = "done", body = NudgeJson)))]
pub(super) async fn acknowledge(
    State(app): State<App>,
    Named(id): Named<i64>,
    query: RawQuery,
    order: Order,
) -> Result<Response, ApiError> {
    Params::read(&query, &[])?;
    let ask = Ask::Observe(Box::new(CommandObservation::AcknowledgeNudge { nudge: NudgeId(id) }));
    let shown =
        render(move |connection| Ok(views::nudge_by_id(connection, id)?.map(NudgeJson::from)));
    order.carry_out(&app, ask, refusal::NO_NUDGE, shown).await
}
