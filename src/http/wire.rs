//! The JSON that goes out: names and shapes of the contract, nothing else.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::errors::ApiError;
use super::live::Entry;
use super::query::cursor;
use crate::domain::{
    ActivitySource, ActivityState, Adopt, Audience, CheckStatus, CiState, CommentKind,
    DisplayStatus, Mergeability, NudgeKind, NudgeState, PrState, Priority, ReviewDecision,
    SessionKind, SessionState, TerminationReason,
};
use crate::store::reads::{Bounds, CheckedPull, Listed, Portion, WholePull};
use crate::store::views::{
    Change, CheckView, CommentView, DeliveryView, NudgeView, ObjectView, ProjectView, PullView,
    SessionView,
};

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct List<T> {
    items: Vec<T>,
    next: Option<String>,
}

impl<T> List<T> {
    /// `name` marks the cursor as this list's.
    pub(super) fn new(name: &str, items: Vec<T>, next: Option<i64>) -> Self {
        Self { items, next: next.map(|row| cursor(name, row)) }
    }

    pub(super) fn of<V>(name: &str, listed: Listed<V>, show: impl FnMut(V) -> T) -> Self {
        Self::new(name, listed.items.into_iter().map(show).collect(), listed.next)
    }
}

/// JSON that the database holds, as it is.
fn raw(json: String) -> Result<Box<RawValue>, ApiError> {
    RawValue::from_string(json).map_err(|error| ApiError::internal(&error))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProjectJson {
    id: String,
    repo: String,
    path: Option<String>,
    display_name: String,
    adopt: Adopt,
    nudges: ProjectNudges,
    registered_at: String,
    archived_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct ProjectNudges {
    paused: bool,
    checks: Globs,
}

#[derive(Serialize, ToSchema)]
struct Globs {
    only: Vec<String>,
    except: Vec<String>,
}

impl From<ProjectView> for ProjectJson {
    fn from(view: ProjectView) -> Self {
        let checks = Globs { only: view.checks_only, except: view.checks_except };
        Self {
            id: view.id,
            repo: view.repo,
            path: view.path,
            display_name: view.display_name,
            adopt: view.adopt,
            nudges: ProjectNudges { paused: view.nudges_paused, checks },
            registered_at: view.registered_at,
            archived_at: view.archived_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionJson {
    id: String,
    project_id: String,
    issue_id: Option<String>,
    kind: SessionKind,
    harness: String,
    state: SessionState,
    termination_reason: Option<TerminationReason>,
    is_alive: bool,
    status: DisplayStatus,
    activity: ActivityJson,
    detecting: Option<DetectingJson>,
    branch: Option<String>,
    workspace_path: Option<String>,
    runtime: RuntimeJson,
    agent_session_id: Option<String>,
    nudges: SessionNudges,
    created_at: String,
    updated_at: String,
    pulls: Vec<PullJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActivityJson {
    state: ActivityState,
    last_activity_at: String,
    source: ActivitySource,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DetectingJson {
    attempts: i64,
    started_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct SessionNudges {
    paused: bool,
}

#[derive(Serialize, ToSchema)]
struct RuntimeJson {
    name: Option<String>,
    handle: Option<String>,
}

impl SessionJson {
    pub(super) fn new(view: SessionView) -> Self {
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
            nudges: SessionNudges { paused: view.nudges_paused },
            created_at: view.created_at,
            updated_at: view.updated_at,
            pulls: view.pulls.into_iter().map(|pull| PullJson::new(pull, None)).collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PullJson {
    url: String,
    project_id: String,
    session_id: Option<String>,
    repo: String,
    number: i64,
    title: String,
    author: String,
    head_ref: String,
    head_sha: String,
    base_ref: String,
    state: PrState,
    ci: CiState,
    review: ReviewDecision,
    mergeability: Mergeability,
    /// Left out where a pull request is only mentioned, as in a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<CheckJson>>,
    /// There are more checks than are shown at most.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    checks_truncated: bool,
    unresolved_comments: i64,
    /// Only where one pull request is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    comments: Option<Vec<CommentJson>>,
    /// There are more comments than are shown at most.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    comments_truncated: bool,
    created_at: String,
    updated_at: String,
}

impl PullJson {
    /// With its checks where they were read.
    fn new(view: PullView, checks: Option<Portion<CheckView>>) -> Self {
        let checks_truncated = checks.as_ref().is_some_and(|checks| checks.more);
        Self {
            url: view.url,
            project_id: view.project_id,
            session_id: view.session_id,
            repo: view.repo,
            number: view.number,
            title: view.title,
            author: view.author,
            head_ref: view.head_ref,
            head_sha: view.head_sha,
            base_ref: view.base_ref,
            state: view.state,
            ci: view.ci,
            review: view.review,
            mergeability: view.mergeability,
            checks: checks.map(|checks| checks.items.into_iter().map(CheckJson::from).collect()),
            checks_truncated,
            unresolved_comments: view.unresolved_comments,
            comments: None,
            comments_truncated: false,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

impl From<CheckedPull> for PullJson {
    fn from(CheckedPull { pull, checks }: CheckedPull) -> Self {
        Self::new(pull, Some(checks))
    }
}

impl From<WholePull> for PullJson {
    fn from(WholePull { pull, checks, comments }: WholePull) -> Self {
        Self {
            comments_truncated: comments.more,
            comments: Some(comments.items.into_iter().map(CommentJson::from).collect()),
            ..Self::new(pull, Some(checks))
        }
    }
}

/// The object that a request changed.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ObjectJson {
    Project(ProjectJson),
    Session(Box<SessionJson>),
    Nudge(NudgeJson),
    Delivery(DeliveryJson),
}

impl From<ObjectView> for ObjectJson {
    fn from(view: ObjectView) -> Self {
        match view {
            ObjectView::Project(view) => Self::Project(view.into()),
            ObjectView::Session(view) => Self::Session(Box::new(SessionJson::new(view))),
            ObjectView::Nudge(view) => Self::Nudge(view.into()),
            ObjectView::Delivery(view) => Self::Delivery(view.into()),
        }
    }
}

/// Declares a struct that shows the fields of a view under the same names.
macro_rules! shows {
    ($(#[$meta:meta])* $json:ident of $view:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct $json { $($field: $type),+ }

        impl From<$view> for $json {
            fn from(view: $view) -> Self {
                Self { $($field: view.$field),+ }
            }
        }
    };
}

shows! {
    CheckJson of CheckView {
        name: String,
        source: String,
        workflow: Option<String>,
        commit: String,
        status: CheckStatus,
        conclusion: Option<String>,
        url: String,
        log_tail: String,
        started_at: Option<String>,
        completed_at: Option<String>,
    }
}

shows! {
    CommentJson of CommentView {
        id: i64,
        kind: CommentKind,
        author: String,
        file: Option<String>,
        line: Option<i64>,
        body: String,
        resolved: bool,
        url: String,
        created_at: String,
    }
}

shows! {
    NudgeJson of NudgeView {
        id: i64,
        project_id: String,
        session_id: Option<String>,
        pull_url: Option<String>,
        audience: Audience,
        kind: NudgeKind,
        priority: Priority,
        state: NudgeState,
        body: String,
        attempts: i64,
        created_at: String,
        delivered_at: Option<String>,
        acknowledged_at: Option<String>,
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryJson {
    id: i64,
    hook: String,
    delivery: String,
    event: String,
    action: Option<String>,
    repo: Option<String>,
    outcome: String,
    reason: Option<String>,
    received_at: String,
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

/// A page of the change feed.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangesJson {
    #[schema(value_type = Vec<ChangeJson>)]
    changes: Vec<ShownChange>,
    next: String,
    head: i64,
    floor: i64,
    epoch: String,
}

impl ChangesJson {
    /// `reached` is the last `seq` that was looked at, shown or not.
    pub(super) fn new(changes: Vec<ShownChange>, reached: i64, at: &Bounds) -> Self {
        Self {
            changes,
            next: format!("{}.{reached}", at.epoch),
            head: at.head,
            floor: at.floor,
            epoch: at.epoch.clone(),
        }
    }
}

fn as_rendered<S: Serializer>(entry: &Arc<Entry>, serializer: S) -> Result<S::Ok, S::Error> {
    entry.json().serialize(serializer)
}

/// A change, read for this answer or rendered before.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ShownChange {
    Read(ChangeJson),
    #[serde(serialize_with = "as_rendered")]
    Rendered(Arc<Entry>),
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeJson {
    seq: i64,
    project_id: Option<String>,
    session_id: Option<String>,
    #[serde(rename = "type")]
    event_type: String,
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    cause: String,
    created_at: String,
}

impl TryFrom<Change> for ChangeJson {
    type Error = ApiError;
    fn try_from(change: Change) -> Result<Self, ApiError> {
        Ok(Self {
            seq: change.seq,
            project_id: change.project_id,
            session_id: change.session_id,
            event_type: change.event_type,
            payload: raw(change.payload)?,
            cause: change.cause,
            created_at: change.created_at,
        })
    }
}
