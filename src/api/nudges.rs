//! Nudges: read, waited for, and acknowledged.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::commands::{Answer, Origin};
use super::errors::ApiError;
use super::paging::{List, Paging};
use super::pulls::pull_name;
use super::waiting::wait;
use crate::domain::{
    Audience, CommandObservation, FailureClass, HeldReason, NudgeId, NudgeKind, NudgeState,
    Priority,
};
use crate::engine::Request;
use crate::lifecycle::Refusal;
use crate::store::reads::NudgeFilter;
use crate::store::views::{NudgeView, ObjectRef, ObjectView};

const LIST: &str = "nudges";

/// A nudge.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NudgeJson {
    pub id: i64,
    pub project_id: String,
    pub session_id: Option<String>,
    pub pull_url: Option<String>,
    pub audience: Audience,
    pub kind: NudgeKind,
    /// Whose the failure is; null where it is about no failure.
    pub class: Option<FailureClass>,
    /// What shows whose it is, in the words of a log or of ours: untrusted.
    pub evidence: Option<String>,
    pub priority: Priority,
    pub state: NudgeState,
    /// Why it is held back; null where it is not.
    pub held_because: Option<HeldReason>,
    pub body: String,
    pub attempts: i64,
    pub created_at: String,
    /// When it was given to the agent's channel.
    pub handed_at: Option<String>,
    pub delivered_at: Option<String>,
    pub acknowledged_at: Option<String>,
}

impl From<NudgeView> for NudgeJson {
    fn from(view: NudgeView) -> Self {
        Self {
            id: view.id,
            project_id: view.project_id,
            session_id: view.session_id,
            pull_url: view.pull_url,
            audience: view.audience,
            kind: view.kind,
            class: view.class,
            evidence: view.evidence,
            priority: view.priority,
            state: view.state,
            held_because: view.held_because,
            body: view.body,
            attempts: view.attempts,
            created_at: view.created_at,
            handed_at: view.handed_at,
            delivered_at: view.delivered_at,
            acknowledged_at: view.acknowledged_at,
        }
    }
}

/// Which nudges are wanted; what is `None` or empty does not restrict.
#[derive(Debug, Clone, Default)]
pub struct NudgeQuery {
    /// `owner/name`, compared without case.
    pub repo: Option<String>,
    pub project: Option<String>,
    pub session: Option<String>,
    /// The pull request's address, or `owner/repo/number`.
    pub pull: Option<String>,
    /// In every repository, where none is named.
    pub branch: Option<String>,
    pub audience: Option<Audience>,
    pub states: Vec<NudgeState>,
    /// For how many seconds an empty list waits for the first nudge.
    pub wait: Option<i64>,
    pub paging: Paging,
}

fn shown(view: ObjectView) -> Option<NudgeJson> {
    if let ObjectView::Nudge(view) = view { Some(view.into()) } else { None }
}

impl Api {
    /// Nudges, in the order of their making. With `wait`, an empty list is answered only when the time is up.
    ///
    /// # Errors
    /// A parameter is not as it should be, or the store cannot be read.
    pub async fn nudges(&self, query: NudgeQuery) -> Result<List<NudgeJson>, ApiError> {
        let page = query.paging.page(LIST)?;
        let pull = query.pull.map(|text| pull_name("pull", &text)).transpose()?;
        if let Some(repo) = &query.repo {
            let is_name = |(owner, name): (&str, &str)| {
                !owner.is_empty() && !name.is_empty() && !name.contains('/')
            };
            if !repo.split_once('/').is_some_and(is_name) {
                return Err(ApiError::parameter("repo", "give it as owner/name"));
            }
        }
        let mut patience = self.patience(wait(query.wait)?);
        let filter = NudgeFilter {
            repo: query.repo,
            project: query.project,
            session: query.session,
            pull,
            branch: query.branch,
            audience: query.audience,
            states: query.states,
        };
        loop {
            let listed = self.store.nudges(filter.clone(), page).await?;
            if !listed.items.is_empty() || !patience.news().await {
                return Ok(List::of(LIST, listed, NudgeJson::from));
            }
        }
    }

    /// One nudge.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub async fn nudge(&self, id: i64) -> Result<NudgeJson, ApiError> {
        let found = self.store.nudge(id).await?;
        found.map(NudgeJson::from).ok_or_else(|| ApiError::not_found(Refusal::NoNudge.to_string()))
    }

    /// Somebody has taken note of a nudge.
    ///
    /// # Errors
    /// There is none, or nothing can be stored now.
    pub async fn acknowledge_nudge(
        &self,
        id: i64,
        origin: Origin,
    ) -> Result<Answer<NudgeJson>, ApiError> {
        let nudge = NudgeId(id);
        let request = Request::Observe(CommandObservation::AcknowledgeNudge { nudge }.into());
        self.carry_out(request, ObjectRef::Nudge(nudge), origin, Refusal::NoNudge, shown).await
    }
}
