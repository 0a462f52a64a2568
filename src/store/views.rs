//! What people and bots read, page by page. No rules here.
//!
//! Lists are paged by the number of the row, so that rows which come or go meanwhile never make a
//! page repeat or skip one.

use rusqlite::Connection;
use rusqlite::types::Value;

pub use super::rows::{
    CheckView, CommentView, DeliveryView, NudgeView, ProjectView, PullView, SessionView,
};
use super::rows::{check, comment, delivery, nudge, project, pull, session};
use super::select::{Select, text};
use crate::domain::{Audience, NudgeState, PrState};

/// At most this many comments of one pull request are read.
const COMMENTS: usize = 1_000;

/// At most this many checks of one pull request are read.
const CHECKS: usize = 1_000;

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The row number that the page before ended with.
    pub after: Option<i64>,
    /// At most this many.
    pub limit: usize,
}

/// Part of a list.
#[derive(Debug, Clone)]
pub struct Listed<T> {
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<i64>,
}

/// How callers name a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullName {
    Url(String),
    /// `owner/name`, compared without case, and the number.
    Number(String, i64),
}

/// Which nudges are wanted; what is `None` or empty does not restrict.
#[derive(Debug, Clone, Default)]
pub struct NudgeFilter {
    pub session: Option<String>,
    pub pull: Option<PullName>,
    /// The branch of the session, or of the pull request where it is no fork's.
    pub branch: Option<String>,
    pub audience: Option<Audience>,
    pub states: Vec<NudgeState>,
}

const PROJECTS: &str = "SELECT rowid AS row, id, repo, path, display_name, adopt, nudges_paused,
    checks_only, checks_except, registered_at, archived_at FROM projects";

/// The projects that are not archived, oldest first.
pub fn projects(connection: &Connection, page: Page) -> rusqlite::Result<Listed<ProjectView>> {
    let select = Select::new(PROJECTS).and("archived_at IS NULL", []);
    select.rising(connection, "rowid", page, project, |view| view.row)
}

/// One project, archived or not.
pub fn project_by_id(connection: &Connection, id: &str) -> rusqlite::Result<Option<ProjectView>> {
    Select::new(PROJECTS).and("id = ?", [text(id)]).one(connection, project)
}

const SESSIONS: &str = "SELECT rowid AS row, * FROM sessions";

/// Sessions with their pull requests, oldest first.
pub fn sessions(
    connection: &Connection,
    in_project: Option<&str>,
    page: Page,
) -> rusqlite::Result<Listed<SessionView>> {
    let select = Select::new(SESSIONS).and_maybe("project_id = ?", in_project);
    let mut listed = select.rising(connection, "rowid", page, session, |view| view.row)?;
    for view in &mut listed.items {
        view.pulls = pulls_of(connection, &view.id)?;
    }
    Ok(listed)
}

/// One session with its pull requests.
pub fn session_by_id(connection: &Connection, id: &str) -> rusqlite::Result<Option<SessionView>> {
    let mut found = Select::new(SESSIONS).and("id = ?", [text(id)]).one(connection, session)?;
    if let Some(view) = &mut found {
        view.pulls = pulls_of(connection, &view.id)?;
    }
    Ok(found)
}

const PULLS: &str = "SELECT pr.*, projects.repo AS repo FROM pr
    JOIN projects ON projects.id = pr.project_id";

/// Pull requests, in the order in which they were first seen.
pub fn pulls(
    connection: &Connection,
    in_project: Option<&str>,
    state: Option<PrState>,
    page: Page,
) -> rusqlite::Result<Listed<PullView>> {
    Select::new(PULLS)
        .and_maybe("pr.project_id = ?", in_project)
        .and_maybe("pr.pr_state = ?", state.map(PrState::as_str))
        .rising(connection, "pr.id", page, pull, |view| view.id)
}

/// One pull request. Of two repositories that bore the name one after the other, the later.
pub fn pull_by_name(
    connection: &Connection,
    name: &PullName,
) -> rusqlite::Result<Option<PullView>> {
    let select = match name {
        PullName::Url(url) => Select::new(PULLS).and("pr.url = ?", [text(url)]),
        PullName::Number(repo, number) => Select::new(PULLS).and(
            "projects.repo = ? COLLATE NOCASE AND pr.number = ?",
            [text(repo), Value::from(*number)],
        ),
    };
    select.ending("ORDER BY pr.id DESC LIMIT 1", []).one(connection, pull)
}

fn pulls_of(connection: &Connection, session: &str) -> rusqlite::Result<Vec<PullView>> {
    Select::new(PULLS)
        .and("pr.session_id = ?", [text(session)])
        .ending("ORDER BY pr.id", [])
        .all(connection, pull)
}

/// The checks of a pull request's head, or with `history` of all its commits: those of the head
/// first, then the newest. `true` beside them: there were more than are read at most.
pub fn checks(
    connection: &Connection,
    of: &PullView,
    history: bool,
) -> rusqlite::Result<(Vec<CheckView>, bool)> {
    let mut select = Select::new("SELECT * FROM pr_checks").and("pr_id = ?", [Value::from(of.id)]);
    if !history {
        select = select.and("commit_hash = ?", [text(&of.head_sha)]);
    }
    let order =
        "ORDER BY commit_hash = ? DESC, created_at DESC, commit_hash, name, source, workflow
        LIMIT +?";
    let mut found = select
        .ending(order, [text(&of.head_sha), Value::from(CHECKS as i64 + 1)])
        .all(connection, check)?;
    let more = found.len() > CHECKS;
    found.truncate(CHECKS);
    Ok((found, more))
}

/// The comments on a pull request, oldest first. `true` beside them: there were more than are read
/// at most.
pub fn comments(
    connection: &Connection,
    of: &PullView,
) -> rusqlite::Result<(Vec<CommentView>, bool)> {
    let mut found = Select::new("SELECT * FROM pr_comment")
        .and("pr_id = ?", [Value::from(of.id)])
        .ending(
            "ORDER BY created_at, comment_id, kind LIMIT +?",
            [Value::from(COMMENTS as i64 + 1)],
        )
        .all(connection, comment)?;
    let more = found.len() > COMMENTS;
    found.truncate(COMMENTS);
    Ok((found, more))
}

const NUDGES: &str =
    "SELECT nudges.*, pr.url AS pull_url FROM nudges LEFT JOIN pr ON pr.id = nudges.pr_id";

/// Nudges, oldest first.
pub fn nudges(
    connection: &Connection,
    filter: &NudgeFilter,
    page: Page,
) -> rusqlite::Result<Listed<NudgeView>> {
    let mut select = Select::new(NUDGES)
        .and_maybe("nudges.session_id = ?", filter.session.as_deref())
        .and_maybe("nudges.audience = ?", filter.audience.map(Audience::as_str));
    match &filter.pull {
        Some(PullName::Url(url)) => {
            select = select.and("nudges.pr_id IN (SELECT id FROM pr WHERE url = ?)", [text(url)]);
        }
        Some(PullName::Number(repo, number)) => {
            select = select.and(
                "nudges.pr_id IN (SELECT pr.id FROM pr JOIN projects ON projects.id = pr.project_id
                  WHERE projects.repo = ? COLLATE NOCASE AND pr.number = ?)",
                [text(repo), Value::from(*number)],
            );
        }
        None => {}
    }
    if let Some(branch) = &filter.branch {
        select = select.and(
            "(nudges.session_id IN (SELECT id FROM sessions WHERE branch = ?)
              OR (pr.head_ref = ? AND pr.head_repo_id = pr.repo_id))",
            [text(branch), text(branch)],
        );
    }
    if !filter.states.is_empty() {
        let marks = vec!["?"; filter.states.len()].join(", ");
        let states = filter.states.iter().map(|state| text(state.as_str()));
        select = select.and(&format!("nudges.state IN ({marks})"), states);
    }
    select.rising(connection, "nudges.id", page, nudge, |view| view.id)
}

/// One nudge.
pub fn nudge_by_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<NudgeView>> {
    Select::new(NUDGES).and("nudges.id = ?", [Value::from(id)]).one(connection, nudge)
}

const DELIVERIES: &str =
    "SELECT id, hook, guid, event, action, repo, outcome, reason, received_at FROM deliveries";

/// The ledger, newest first.
pub fn deliveries(
    connection: &Connection,
    outcome: Option<&str>,
    page: Page,
) -> rusqlite::Result<Listed<DeliveryView>> {
    let select = Select::new(DELIVERIES).and_maybe("outcome = ?", outcome);
    select.falling(connection, "id", page, delivery, |view| view.id)
}

/// One row of the ledger.
pub fn delivery_by_id(connection: &Connection, id: i64) -> rusqlite::Result<Option<DeliveryView>> {
    Select::new(DELIVERIES).and("id = ?", [Value::from(id)]).one(connection, delivery)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_without_gap_or_repeat() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../../migrations/0001_init.sql")).unwrap();
        for guid in 1..=5 {
            connection
                .execute(
                    "INSERT INTO deliveries (hook, guid, event, outcome, received_at)
                     VALUES ('', ?1, 'ping', iif(?1 = 3, 'applied', 'ignored'), '')",
                    [guid],
                )
                .unwrap();
        }
        let pages = |outcome: Option<&str>| {
            let (mut pages, mut after) = (Vec::new(), None);
            loop {
                let listed = deliveries(&connection, outcome, Page { after, limit: 2 }).unwrap();
                pages.push(listed.items.iter().map(|view| view.id).collect::<Vec<_>>());
                after = listed.next;
                if after.is_none() {
                    return pages;
                }
            }
        };
        assert_eq!(pages(None), [vec![5, 4], vec![3, 2], vec![1]]);
        assert_eq!(pages(Some("ignored")), [vec![5, 4], vec![2, 1]]);
        assert_eq!(pages(Some("quarantined")), [Vec::<i64>::new()]);
    }
}

/// TEMP
#[derive(Debug, Clone)]
#[derive(serde::Serialize)] pub enum ObjectRef { Nudge(i64) }
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ObjectView { Nudge(i64) }
