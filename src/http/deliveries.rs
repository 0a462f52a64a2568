//! The ledger of what came in: read, and done again.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::errors::ApiError;
use super::orders::{Order, render};
use super::query::{Named, Params};
use super::wire::{DeliveryJson, List};
use super::{App, MAX_BODY};
use crate::domain::{Observed, Verdict};
use crate::engine::Ask;
use crate::github::webhook;
use crate::store::ledger::{self, Kept};
use crate::store::views;

const LIST: &str = "deliveries";
const MISSING: &str = "there is no such delivery; GET /v1/deliveries lists them all";

/// A delivery that came again leaves no second row, so `duplicate` is none of them.
const OUTCOMES: [&str; 3] = ["applied", "ignored", "quarantined"];

/// `GET /v1/deliveries`: newest first.
#[utoipa::path(get, path = "/deliveries", params(("outcome" = Option<String>, Query, pattern = "^(applied|ignored|quarantined)$")), responses((status = 200, description = "done", body = List<DeliveryJson>)))]
pub(super) async fn list(
    State(app): State<App>,
    query: RawQuery,
) -> Result<Json<List<DeliveryJson>>, ApiError> {
    let params = Params::read_list(&query, &["outcome"])?;
    let page = params.page(LIST)?;
    let outcome = params.text("outcome")?;
    if let Some(unknown) = outcome.as_deref().filter(|it| !OUTCOMES.contains(it)) {
        let what = format!("`{unknown}` is not kept; it is one of {}", OUTCOMES.join(", "));
        return Err(ApiError::parameter("outcome", what));
    }
    let listed = app
        .store
        .read(move |connection| views::deliveries(connection, outcome.as_deref(), page))
        .await?;
    Ok(Json(List::of(LIST, listed, DeliveryJson::from)))
}

/// `POST /v1/deliveries/{id}/replay`: applies again what the delivery became; the body of a
/// quarantined one is read anew. One that was applied changes nothing.
///
/// The ledger keeps what a delivery became, also where no project wanted it, and the body of what
/// was quarantined. An event that is never used leaves nothing to replay: 409.
#[utoipa::path(post, path = "/deliveries/{id}/replay", params(("id" = i64, Path)), responses((status = 200, description = "done", body = DeliveryJson)))]
pub(super) async fn replay(
    State(app): State<App>,
    Named(id): Named<i64>,
    query: RawQuery,
    order: Order,
) -> Result<Response, ApiError> {
    Params::read(&query, &[])?;
    let kept = app.store.read(move |connection| ledger::kept(connection, id, MAX_BODY)).await?;
    let verdict = understand(kept.ok_or_else(|| ApiError::not_found(MISSING))?).await?;
    let ask = Ask::Replay { delivery: id, verdict };
    let shown =
        render(
            move |connection| Ok(views::delivery_by_id(connection, id)?.map(DeliveryJson::from)),
        );
    order.carry_out(&app, ask, MISSING, shown).await
}

/// What the delivery says by today's understanding.
async fn understand(kept: Kept) -> Result<Verdict, ApiError> {
    let Kept { event, observation, body } = kept;
    if let Some(body) = body {
        let read = move || webhook::understand(&event, &body).verdict;
        let read = tokio::task::spawn_blocking(read).await;
        return read.map_err(|error| ApiError::internal(&error));
    }
    let Some(json) = observation else {
        let message = "nothing of this delivery was kept, since its event is not used; redeliver \
                       it from GitHub";
        return Err(ApiError::conflict("nothing_kept", message));
    };
    let observation = serde_json::from_str(&json).map_err(|e| ApiError::internal(&e))?;
    Ok(Verdict::Observed(Observed { observation: Box::new(observation), json }))
}
