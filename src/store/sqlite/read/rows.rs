//! Rows of the read queries as views.

use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::Type;

use crate::domain::UnknownSpelling;
use crate::store::sqlite::codec::Json;
use crate::store::views::{
    CheckView, CommentView, DeliveryView, NudgeView, ProjectView, PullView, SessionView,
    WaitingView,
};

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
        budget_burst: row.get("budget_burst")?,
        budget_per_minute: row.get("budget_per_minute")?,
        trust: row.get::<_, Json<_>>("trust")?.0,
        rerun: word(row, "rerun")?,
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
        transcript_path: row.get("transcript_path")?,
        launch_id: row.get("launch_id")?,
        operation: maybe_word(row, "operation")?,
        operation_since: row.get("operation_since")?,
        failure: row.get("failure")?,
        freed_bytes: row.get("freed_bytes")?,
        prompt: row.get("prompt")?,
        memory: row.get("memory").map(|Json(memory)| memory)?,
        nudges_paused: row.get("nudges_paused")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        nudges_waiting: WaitingView::default(),
        pulls: Vec::new(),
    })
}

pub(super) fn waiting(row: &Row<'_>) -> rusqlite::Result<WaitingView> {
    Ok(WaitingView { count: row.get("count")?, held_because: maybe_word(row, "held_because")? })
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
        id: row.get("run_id")?,
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
        class: maybe_word(row, "class")?,
        evidence: row.get("evidence")?,
        priority: word(row, "priority")?,
        state: word(row, "state")?,
        held_because: maybe_word(row, "held_because")?,
        body: row.get("body")?,
        attempts: row.get("attempts")?,
        created_at: row.get("created_at")?,
        handed_at: row.get("handed_at")?,
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
