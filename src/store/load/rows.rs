//! The columns that are loaded, and what they are read into.

use rusqlite::{Result, Row};

use crate::domain::{
    CheckKey, Comment, Nudge, Project, PullCommit, PullCore, PullRequest, Session,
};

use crate::store::codec::{At, Json, at};

pub(super) const PULL: &str =
    "SELECT id, project_id, repo_id, number, url, session_id, pr_state, title, author,
    head_ref, head_sha, head_repo_id, base_ref, base_sha, created_at, core_at, core_ties, ci_state,
    review_decision, mergeability, unresolved_comments, updated_at, memory FROM pr";

pub(super) const PROJECT: &str =
    "SELECT id, repo_id, repo, named_at, repo_origin_url, display_name, path,
    adopt, ci_seen, next_session, registered_at, archived_at, claimed_repo, claimed_url,
    nudges_paused, checks_only, checks_except, api_access, api_access_at FROM projects";

pub(super) const SESSION: &str =
    "SELECT id, project_id, num, kind, session_state, termination_reason,
    is_alive, activity_state, branch, created_at, nudges_paused FROM sessions";

pub(super) const NUDGE: &str = "SELECT id, kind, state, signature, session_id FROM nudges";

/// Nudges that can still be superseded.
pub(super) const OPEN: &str = "state IN ('pending', 'held')";

pub(super) fn project_row(row: &Row<'_>) -> Result<Project> {
    let At(registered_at) = row.get(10)?;
    Ok(Project {
        id: row.get(0)?,
        repo_id: row.get(1)?,
        repo: row.get(2)?,
        named_at: at(row, 3)?,
        repo_origin_url: row.get(4)?,
        display_name: row.get(5)?,
        path: row.get(6)?,
        adopt: row.get(7)?,
        ci_seen: row.get(8)?,
        next_session: row.get(9)?,
        registered_at,
        archived_at: at(row, 11)?,
        claim: row.get::<_, Option<_>>(12)?.zip(row.get(13)?),
        nudges_paused: row.get(14)?,
        checks_only: row.get::<_, Json<_>>(15)?.0,
        checks_except: row.get::<_, Json<_>>(16)?.0,
        api_access: (row.get(17)?, at(row, 18)?),
    })
}

pub(super) fn session_row(row: &Row<'_>) -> Result<Session> {
    let At(created_at) = row.get(9)?;
    Ok(Session {
        id: row.get(0)?,
        project_id: row.get(1)?,
        num: row.get(2)?,
        kind: row.get(3)?,
        state: row.get(4)?,
        termination_reason: row.get(5)?,
        is_alive: row.get(6)?,
        activity: row.get(7)?,
        branch: row.get(8)?,
        created_at,
        nudges_paused: row.get(10)?,
    })
}

/// A comment from its first ten columns, as it is where nothing else is said.
pub(super) fn comment_row(row: &Row<'_>) -> Result<Comment> {
    let At(created_at) = row.get(9)?;
    Ok(Comment {
        deleted: false,
        updated_at: created_at,
        kind: row.get(0)?,
        id: row.get(1)?,
        root_id: row.get(2)?,
        review_id: row.get(3)?,
        author: row.get(4)?,
        file: row.get(5)?,
        line: row.get(6)?,
        body: row.get(7)?,
        url: row.get(8)?,
        created_at,
    })
}

pub(super) fn pull_row(row: &Row<'_>) -> Result<PullRequest> {
    let (At(created_at), At(core_at), At(updated_at)) = (row.get(14)?, row.get(15)?, row.get(21)?);
    let core = PullCore {
        state: row.get(6)?,
        title: row.get(7)?,
        author: row.get(8)?,
        head_ref: row.get(9)?,
        head_sha: row.get(10)?,
        head_repo: row.get(11)?,
        base_ref: row.get(12)?,
        base_sha: row.get(13)?,
        created_at,
    };
    let candidates = match row.get::<_, Option<Json<_>>>(16)? {
        Some(Json(ties)) => ties,
        None => [core.clone()].into(),
    };
    let Json(memory) = row.get(22)?;
    Ok(PullRequest {
        id: row.get(0)?,
        project_id: row.get(1)?,
        repo_id: row.get(2)?,
        number: row.get(3)?,
        url: row.get(4)?,
        session_id: row.get(5)?,
        core,
        core_at,
        candidates,
        ci: row.get(17)?,
        review: row.get(18)?,
        mergeability: row.get(19)?,
        unresolved_comments: row.get(20)?,
        updated_at,
        memory,
    })
}

pub(super) fn commit_row(row: &Row<'_>) -> Result<PullCommit> {
    let At(at) = row.get(1)?;
    Ok(PullCommit { at, superseded: row.get(2)?, sha: row.get(0)? })
}

pub(super) fn nudge_row(row: &Row<'_>) -> Result<Nudge> {
    let (id, kind) = (row.get(0)?, row.get(1)?);
    Ok(Nudge { id, kind, state: row.get(2)?, signature: row.get(3)? })
}

pub(super) fn check_key(row: &Row<'_>) -> Result<CheckKey> {
    Ok(CheckKey { source: row.get(0)?, workflow: row.get(1)?, name: row.get(2)? })
}
