//! The rows of the read queries as plain structs. Times are the text that is stored.

use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::Type;

use super::sqlite::codec::Json;
use crate::domain::{
    ActivitySource, ActivityState, Adopt, Audience, CheckStatus, CiState, CommentKind,
    Mergeability, NudgeKind, NudgeState, PrState, Priority, ReviewDecision, SessionKind,
    SessionState, TerminationReason, UnknownSpelling,
};

/// A project row.
#[derive(Debug, Clone)]
pub struct ProjectView {
    pub row: i64,
    pub id: String,
    pub repo: String,
    pub path: Option<String>,
    pub display_name: String,
    pub adopt: Adopt,
    pub nudges_paused: bool,
    pub checks_only: Vec<String>,
    pub checks_except: Vec<String>,
    pub registered_at: String,
    pub archived_at: Option<String>,
}

/// A session row with its pull requests, in the order of their numbers in the store.
#[derive(Debug, Clone)]
pub struct SessionView {
    pub row: i64,
    pub id: String,
    pub project_id: String,
    pub issue_id: Option<String>,
    pub kind: SessionKind,
    pub harness: String,
    pub state: SessionState,
    pub termination_reason: Option<TerminationReason>,
    pub is_alive: bool,
    pub activity: ActivityState,
    pub activity_last_at: String,
    pub activity_source: ActivitySource,
    pub detecting_attempts: Option<i64>,
    pub detecting_started_at: Option<String>,
    pub branch: Option<String>,
    pub workspace_path: Option<String>,
    pub runtime_name: Option<String>,
    pub runtime_handle: Option<String>,
    pub agent_session_id: Option<String>,
    pub nudges_paused: bool,
    pub created_at: String,
    pub updated_at: String,
    pub pulls: Vec<PullView>,
}

/// A pull request row, without its checks.
#[derive(Debug, Clone)]
pub struct PullView {
    pub id: i64,
    pub url: String,
    pub project_id: String,
    pub session_id: Option<String>,
    pub repo: String,
    pub number: i64,
    pub title: String,
    pub author: String,
    pub head_ref: String,
    pub head_sha: String,
    pub base_ref: String,
    pub state: PrState,
    pub ci: CiState,
    pub review: ReviewDecision,
    pub mergeability: Mergeability,
    pub unresolved_comments: i64,
    pub created_at: String,
    pub updated_at: String,
}

/// A check at one commit of a pull request.
#[derive(Debug, Clone)]
pub struct CheckView {
    pub name: String,
    pub source: String,
    pub workflow: Option<String>,
    pub commit: String,
    pub status: CheckStatus,
    pub conclusion: Option<String>,
    pub url: String,
    pub log_tail: String,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
}

/// A comment on a pull request.
#[derive(Debug, Clone)]
pub struct CommentView {
    pub id: i64,
    pub kind: CommentKind,
    pub author: String,
    pub file: Option<String>,
    pub line: Option<i64>,
    pub body: String,
    pub resolved: bool,
    pub url: String,
    pub created_at: String,
}

/// A nudge row.
#[derive(Debug, Clone)]
pub struct NudgeView {
    pub id: i64,
    pub project_id: String,
    pub session_id: Option<String>,
    pub pull_url: Option<String>,
    pub audience: Audience,
    pub kind: NudgeKind,
    pub priority: Priority,
    pub state: NudgeState,
    pub body: String,
    pub attempts: i64,
    pub created_at: String,
    pub delivered_at: Option<String>,
    pub acknowledged_at: Option<String>,
}

/// A row of the ledger, without what it became and without its body.
#[derive(Debug, Clone)]
pub struct DeliveryView {
    pub id: i64,
    pub hook: String,
    pub guid: String,
    pub event: String,
    pub action: Option<String>,
    pub repo: Option<String>,
    pub outcome: String,
    pub reason: Option<String>,
    pub received_at: String,
}

pub(super) fn project(row: &Row<'_>) -> rusqlite::Result<ProjectView> {
    Ok(ProjectView {
        row: row.get("row")?,
        id: row.get("id")?,
        repo: row.get("repo")?,
        path: row.get("path")?,
        display_name: row.get("display_name")?,
        adopt: word(row, "adopt")?,
        nudges_paused: row.get("nudges_paused")?,
        checks_only: globs(row, "checks_only")?,
        checks_except: globs(row, "checks_except")?,
        registered_at: row.get("registered_at")?,
        archived_at: row.get("archived_at")?,
    })
}

pub(super) fn session(row: &Row<'_>) -> rusqlite::Result<SessionView> {
    Ok(SessionView {
        row: row.get("row")?,
        id: row.get("id")?,
        project_id: row.get("project_id")?,
        issue_id: row.get("issue_id")?,
        kind: word(row, "kind")?,
        harness: row.get("harness")?,
        state: word(row, "session_state")?,
        termination_reason: maybe_word(row, "termination_reason")?,
        is_alive: row.get("is_alive")?,
        activity: word(row, "activity_state")?,
        activity_last_at: row.get("activity_last_at")?,
        activity_source: word(row, "activity_source")?,
        detecting_attempts: row.get("detecting_attempts")?,
        detecting_started_at: row.get("detecting_started_at")?,
        branch: row.get("branch")?,
        workspace_path: row.get("workspace_path")?,
        runtime_name: row.get("runtime_name")?,
        runtime_handle: row.get("runtime_handle_id")?,
        agent_session_id: row.get("agent_session_id")?,
        nudges_paused: row.get("nudges_paused")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        pulls: Vec::new(),
    })
}

pub(super) fn pull(row: &Row<'_>) -> rusqlite::Result<PullView> {
    Ok(PullView {
        id: row.get("id")?,
        url: row.get("url")?,
        project_id: row.get("project_id")?,
        session_id: row.get("session_id")?,
        repo: row.get("repo")?,
        number: row.get("number")?,
        title: row.get("title")?,
        author: row.get("author")?,
        head_ref: row.get("head_ref")?,
        head_sha: row.get("head_sha")?,
        base_ref: row.get("base_ref")?,
        state: word(row, "pr_state")?,
        ci: word(row, "ci_state")?,
        review: word(row, "review_decision")?,
        mergeability: word(row, "mergeability")?,
        unresolved_comments: row.get("unresolved_comments")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

pub(super) fn check(row: &Row<'_>) -> rusqlite::Result<CheckView> {
    Ok(CheckView {
        name: row.get("name")?,
        source: row.get("source")?,
        workflow: row.get("workflow_name")?,
        commit: row.get("commit_hash")?,
        status: word(row, "status")?,
        conclusion: row.get("conclusion")?,
        url: row.get("url")?,
        log_tail: row.get("log_tail")?,
        started_at: row.get("started_at")?,
        completed_at: row.get("completed_at")?,
    })
}

pub(super) fn comment(row: &Row<'_>) -> rusqlite::Result<CommentView> {
    Ok(CommentView {
        id: row.get("comment_id")?,
        kind: word(row, "kind")?,
        author: row.get("author")?,
        file: row.get("file")?,
        line: row.get("line")?,
        body: row.get("body")?,
        resolved: row.get("resolved")?,
        url: row.get("url")?,
        created_at: row.get("created_at")?,
    })
}

pub(super) fn nudge(row: &Row<'_>) -> rusqlite::Result<NudgeView> {
    Ok(NudgeView {
        id: row.get("id")?,
        project_id: row.get("project_id")?,
        session_id: row.get("session_id")?,
        pull_url: row.get("pull_url")?,
        audience: word(row, "audience")?,
        kind: word(row, "kind")?,
        priority: word(row, "priority")?,
        state: word(row, "state")?,
        body: row.get("body")?,
        attempts: row.get("attempts")?,
        created_at: row.get("created_at")?,
        delivered_at: row.get("delivered_at")?,
        acknowledged_at: row.get("acknowledged_at")?,
    })
}

pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<DeliveryView> {
    Ok(DeliveryView {
        id: row.get("id")?,
        hook: row.get("hook")?,
        guid: row.get("guid")?,
        event: row.get("event")?,
        action: row.get("action")?,
        repo: row.get("repo")?,
        outcome: row.get("outcome")?,
        reason: row.get("reason")?,
        received_at: row.get("received_at")?,
    })
}

fn globs(row: &Row<'_>, column: &str) -> rusqlite::Result<Vec<String>> {
    row.get(column).map(|Json(globs)| globs)
}

fn word<T: FromStr<Err = UnknownSpelling>>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    spelled(row, column, row.get_ref(column)?.as_str()?)
}

fn maybe_word<T: FromStr<Err = UnknownSpelling>>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    row.get_ref(column)?.as_str_or_null()?.map(|found| spelled(row, column, found)).transpose()
}

fn spelled<T: FromStr<Err = UnknownSpelling>>(
    row: &Row<'_>,
    column: &str,
    found: &str,
) -> rusqlite::Result<T> {
    let index = row.as_ref().column_index(column)?;
    found.parse().map_err(|error: UnknownSpelling| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })
}
