//! The ledger of what came in: read, and done again.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::commands::{Answer, Origin};
use super::errors::{ApiError, Code};
use super::paging::{List, Paging};
use crate::domain::{Observed, Verdict};
use crate::engine::Request;
use crate::github::webhook;
use crate::store::reads::KeptDelivery;
use crate::store::views::{DeliveryView, ObjectRef, ObjectView};

const LIST: &str = "deliveries";
const MISSING: &str = "there is no such delivery; GET /v1/deliveries lists them all";

/// A delivery that came again leaves no second row, so `duplicate` is none of them.
const OUTCOMES: [&str; 3] = ["applied", "ignored", "quarantined"];

/// A delivery of the ledger.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryJson {
    pub id: i64,
    pub hook: String,
    pub delivery: String,
    pub event: String,
    pub action: Option<String>,
    pub repo: Option<String>,
    pub outcome: String,
    pub reason: Option<String>,
    pub received_at: String,
}

impl From<DeliveryView> for DeliveryJson {
    fn from(view: DeliveryView) -> Self {
        Self {
            id: view.id,
            hook: view.hook,
            delivery: view.guid,
            event: view.event,
            action: view.action,
            repo: view.repo,
            outcome: view.outcome,
            reason: view.reason,
            received_at: view.received_at,
        }
    }
}

/// A delivery with what the ledger kept of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeptDeliveryJson {
    #[serde(flatten)]
    pub delivery: DeliveryJson,
    /// What it became, in the server's own words; null where it is not used, or could not be understood.
    #[schema(value_type = Option<Object>)]
    pub observation: Option<Value>,
    /// The bytes of its body, which is kept where it could not be understood; null: it was not.
    pub body_bytes: Option<usize>,
}

/// Which deliveries are wanted; what is `None` does not restrict.
#[derive(Debug, Clone, Default)]
pub struct DeliveryQuery {
    pub outcome: Option<String>,
    pub paging: Paging,
}

fn shown(view: ObjectView) -> Option<DeliveryJson> {
    if let ObjectView::Delivery(view) = view { Some(view.into()) } else { None }
}

impl Api {
    /// The ledger, newest first.
    ///
    /// # Errors
    /// A parameter is not as it should be, or the store cannot be read.
    pub async fn deliveries(&self, query: DeliveryQuery) -> Result<List<DeliveryJson>, ApiError> {
        let page = query.paging.page(LIST)?;
        let outcome = query.outcome;
        if let Some(unknown) = outcome.as_deref().filter(|it| !OUTCOMES.contains(it)) {
            let what = format!("`{unknown}` is not kept; it is one of {}", OUTCOMES.join(", "));
            return Err(ApiError::parameter("outcome", what));
        }
        let listed = self.store.deliveries(outcome, page).await?;
        Ok(List::of(LIST, listed, DeliveryJson::from))
    }

    /// One delivery, with what it became.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub async fn delivery(&self, id: i64) -> Result<KeptDeliveryJson, ApiError> {
        let (found, kept) = (self.store.delivery(id).await?, self.store.kept_delivery(id).await?);
        let (Some(view), Some(kept)) = (found, kept) else {
            return Err(ApiError::not_found(MISSING));
        };
        let observation = kept.observation.map(|json| serde_json::from_str(&json)).transpose();
        Ok(KeptDeliveryJson {
            delivery: view.into(),
            observation: observation.map_err(|error| ApiError::internal(&error))?,
            body_bytes: kept.body.map(|body| body.len()),
        })
    }

    /// Applies again what a delivery became; the body of a quarantined one is read anew. One that was
    /// applied changes nothing.
    ///
    /// # Errors
    /// There is none, nothing of it was kept, or nothing can be stored now.
    pub async fn replay_delivery(
        &self,
        id: i64,
        origin: Origin,
    ) -> Result<Answer<DeliveryJson>, ApiError> {
        let kept = self.store.kept_delivery(id).await?;
        let verdict = understand(kept.ok_or_else(|| ApiError::not_found(MISSING))?).await?;
        let request = Request::Replay { delivery: id, verdict };
        self.carry_out(request, ObjectRef::Delivery(id), origin, MISSING, shown).await
    }
}

/// What the delivery says by today's understanding.
async fn understand(kept: KeptDelivery) -> Result<Verdict, ApiError> {
    let KeptDelivery { event, observation, body } = kept;
    if let Some(body) = body {
        let read = move || webhook::understand(&event, &Bytes::from(body)).verdict;
        let read = tokio::task::spawn_blocking(read).await;
        return read.map_err(|error| ApiError::internal(&error));
    }
    let Some(observation) = observation else {
        let message = "nothing of this delivery was kept, since its event is not used; redeliver \
                       it from GitHub";
        return Err(ApiError::new(Code::NothingKept, message));
    };
    let seen = serde_json::from_str(&observation).map_err(|e| ApiError::internal(&e))?;
    Ok(Verdict::Observed(Observed { observation: Box::new(seen), json: observation }))
}
