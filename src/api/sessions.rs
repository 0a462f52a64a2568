//! Sessions with their pull requests and display status: read, paused, resumed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::commands::{Answer, Origin};
use super::errors::ApiError;
use super::paging::{List, Paging};
use super::pulls::PullJson;
use crate::domain::{
    ActivitySource, ActivityState, CommandObservation, DisplayStatus, HeldReason, OperationKind,
    Paused, SessionId, SessionKind, SessionState, TerminationReason,
};
use crate::engine::Request;
use crate::lifecycle::Refusal;
use crate::store::reads::SessionFilter;
use crate::store::views::{ObjectRef, ObjectView, SessionView};

const LIST: &str = "sessions";

/// A session with its pull requests.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionJson {
    pub id: String,
    pub project_id: String,
    pub issue_id: Option<String>,
    pub kind: SessionKind,
    pub harness: String,
    pub state: SessionState,
    pub termination_reason: Option<TerminationReason>,
    pub is_alive: bool,
    pub status: DisplayStatus,
    pub activity: ActivityJson,
    pub detecting: Option<DetectingJson>,
    pub branch: Option<String>,
    pub workspace_path: Option<String>,
    pub runtime: RuntimeJson,
    pub agent_session_id: Option<String>,
    /// What its agent asks of a human, while it waits for one.
    pub waits_for: Option<WaitJson>,
    /// Why its agent is blocked, while it is.
    pub blocked: Option<BlockJson>,
    /// Its agent was started then, and no hook of it has spoken since, as it should.
    #[serde(default)]
    pub unheard_since: Option<String>,
    /// What is being done to it: `spawn`, `restore`, `restore_fresh`, `kill`, `cleanup`.
    pub operation: Option<OperationKind>,
    /// Why the last thing that was done to it failed.
    pub failure: Option<String>,
    /// The bytes of disk that giving back its worktree freed.
    pub freed_bytes: Option<i64>,
    pub nudges: SessionNudges,
    pub created_at: String,
    pub updated_at: String,
    pub pulls: Vec<PullJson>,
}

/// What the agent was last seen doing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActivityJson {
    pub state: ActivityState,
    pub last_activity_at: String,
    pub source: ActivitySource,
}

/// The quarantine of a session whose life is in doubt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetectingJson {
    pub attempts: i64,
    pub started_at: Option<String>,
}

/// What an agent asks of a human.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WaitJson {
    pub tool: Option<String>,
    pub reason: Option<String>,
}

/// Why an agent is blocked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockJson {
    pub reason: Option<String>,
    /// When its usage limit is reset, where that was said.
    pub resets_at: Option<String>,
}

/// What is said to a session's agent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionNudges {
    pub paused: bool,
    /// So many wait for its agent.
    #[serde(default)]
    pub waiting: i64,
    /// Why the first of them is held back, where one is.
    #[serde(default)]
    pub held_because: Option<HeldReason>,
}

/// Where the agent runs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RuntimeJson {
    pub name: Option<String>,
    pub handle: Option<String>,
}

impl From<SessionView> for SessionJson {
    fn from(view: SessionView) -> Self {
        let status = view.status();
        let detecting = view
            .detecting_attempts
            .map(|attempts| DetectingJson { attempts, started_at: view.detecting_started_at });
        Self {
            id: view.id,
            project_id: view.project_id,
            issue_id: view.issue_id,
            kind: view.kind,
            harness: view.harness,
            state: view.state,
            termination_reason: view.termination_reason,
            is_alive: view.is_alive,
            status,
            activity: ActivityJson {
                state: view.activity,
                last_activity_at: view.activity_last_at,
                source: view.activity_source,
            },
            detecting,
            branch: view.branch,
            workspace_path: view.workspace_path,
            runtime: RuntimeJson { name: view.runtime_name, handle: view.runtime_handle },
            agent_session_id: view.agent_session_id,
            waits_for: view.memory.wait.map(|wait| WaitJson {
                tool: wait.tool.map(|tool| tool.to_string()),
                reason: wait.reason.map(|reason| reason.to_string()),
            }),
            blocked: view.memory.block.map(|block| BlockJson {
                reason: block.reason.map(|reason| reason.to_string()),
                resets_at: block.resets_at.map(|at| at.to_string()),
            }),
            operation: view.operation,
            failure: view.failure,
            freed_bytes: view.freed_bytes,
            unheard_since: view
                .memory
                .unheard_since
                .filter(|_| !view.state.is_terminal())
                .map(|at| at.to_string()),
            nudges: SessionNudges {
                paused: view.nudges_paused,
                waiting: view.nudges_waiting.count,
                held_because: view.nudges_waiting.held_because,
            },
            created_at: view.created_at,
            updated_at: view.updated_at,
            pulls: view.pulls.into_iter().map(PullJson::from).collect(),
        }
    }
}

/// Which sessions are wanted; what is `None` does not restrict.
#[derive(Debug, Clone, Default)]
pub struct SessionQuery {
    pub project: Option<String>,
    pub status: Option<DisplayStatus>,
    pub paging: Paging,
}

pub(super) fn shown(view: ObjectView) -> Option<SessionJson> {
    if let ObjectView::Session(view) = view { Some((*view).into()) } else { None }
}

impl Api {
    /// Sessions, in the order of their making. With a status a page may be short of its limit and still have a next.
    ///
    /// # Errors
    /// The cursor is of another list, or the store cannot be read.
    pub async fn sessions(&self, query: SessionQuery) -> Result<List<SessionJson>, ApiError> {
        let SessionQuery { project, status, paging } = query;
        let page = paging.page(LIST)?;
        let listed = self.store.sessions(SessionFilter { project, status }, page).await?;
        Ok(List::of(LIST, listed, SessionJson::from))
    }

    /// One session.
    ///
    /// # Errors
    /// There is none, or the store cannot be read.
    pub async fn session(&self, id: String) -> Result<SessionJson, ApiError> {
        let found = self.store.session(id).await?;
        found
            .map(SessionJson::from)
            .ok_or_else(|| ApiError::not_found(Refusal::NoSession.to_string()))
    }

    /// Holds back the nudges to a session's agent, or lets those go out that are still true.
    ///
    /// # Errors
    /// There is no such session, or nothing can be stored now.
    pub async fn pause_session(
        &self,
        id: String,
        paused: bool,
        origin: Origin,
    ) -> Result<Answer<SessionJson>, ApiError> {
        let id = SessionId(id.into());
        let whom = Paused::Session(id.clone());
        let request = Request::Observe(CommandObservation::PauseNudges { whom, paused }.into());
        self.carry_out(request, ObjectRef::Session(id), origin, Refusal::NoSession, shown).await
    }
}
