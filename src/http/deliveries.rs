//! The ledger of what came in, read.

use axum::Json;
use axum::extract::{RawQuery, State};

use super::App;
use super::errors::ApiError;
use super::query::Params;
use super::wire::{DeliveryJson, List};
use crate::store::views;

const LIST: &str = "deliveries";

/// A delivery that came again leaves no second row, so `duplicate` is none of them.
const OUTCOMES: [&str; 3] = ["applied", "ignored", "quarantined"];

/// `GET /v1/deliveries`: newest first.
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
