//! The ledger of what came in: read, and done again.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::submission::{Submission, answered};
use crate::api::{Api, DeliveryJson, DeliveryQuery, KeptDeliveryJson, List, Recovery};
use crate::http::server::{HttpError, Named, Params};

/// `GET /v1/deliveries`: newest first.
#[utoipa::path(get, path = "/deliveries", operation_id = "listDeliveries", tag = "deliveries", params(("outcome" = Option<String>, Query, pattern = "^(applied|ignored|quarantined)$")), responses((status = 200, description = "done", body = List<DeliveryJson>)))]
pub(in crate::http) async fn list(
    State(api): State<Arc<Api>>,
    query: RawQuery,
) -> Result<Json<List<DeliveryJson>>, HttpError> {
    let params = Params::read_list(&query, &["outcome"])?;
    let query = DeliveryQuery { outcome: params.text("outcome")?, paging: params.paging()? };
    Ok(Json(api.deliveries(query).await?))
}

/// `GET /v1/deliveries/{id}`: with what it became.
#[utoipa::path(get, path = "/deliveries/{id}", operation_id = "getDelivery", tag = "deliveries", params(("id" = i64, Path)), responses((status = 200, description = "done", body = KeptDeliveryJson)))]
pub(in crate::http) async fn one(
    State(api): State<Arc<Api>>,
    Named(id): Named<i64>,
    query: RawQuery,
) -> Result<Json<KeptDeliveryJson>, HttpError> {
    Params::read(&query, &[])?;
    Ok(Json(api.delivery(id).await?))
}

/// `POST /v1/deliveries/{id}/replay`: applies again what the delivery became; the body of a
/// quarantined one is read anew. One that was applied changes nothing.
///
/// The ledger keeps what a delivery became, also where no project wanted it, and the body of what
/// was quarantined. An event that is never used leaves nothing to replay: 409.
#[utoipa::path(post, path = "/deliveries/{id}/replay", operation_id = "replayDelivery", tag = "deliveries", params(("id" = i64, Path)), responses((status = 200, description = "done", body = DeliveryJson)))]
pub(in crate::http) async fn replay(
    State(api): State<Arc<Api>>,
    Named(id): Named<i64>,
    query: RawQuery,
    submission: Submission,
) -> Result<Response, HttpError> {
    Params::read(&query, &[])?;
    Ok(answered(api.replay_delivery(id, submission.into_origin()).await?))
}

/// `POST /v1/deliveries/recover`: what never arrived is fetched from GitHub's own list and processed now.
///
/// It wants App credentials: without them 409.
#[utoipa::path(post, path = "/deliveries/recover", operation_id = "recoverDeliveries", tag = "deliveries", responses((status = 200, description = "done", body = Recovery)))]
pub(in crate::http) async fn recover(
    State(api): State<Arc<Api>>,
    query: RawQuery,
) -> Result<Json<Recovery>, HttpError> {
    Params::read(&query, &[])?;
    Ok(Json(api.recover_deliveries().await?))
}
