//! Pull requests with their checks and comments.

use rusqlite::types::Value;
use rusqlite::{Connection, Result};

use super::rows;
use super::select::{Select, text};
use crate::domain::PrState;
use crate::store::reads::{CheckedPull, Listed, Page, Portion, PullFilter, PullName, WholePull};
use crate::store::views::{CheckView, CommentView, PullView};

/// At most this many comments of one pull request are read.
const COMMENTS: usize = 1_000;

/// At most this many checks of one pull request are read.
const CHECKS: usize = 1_000;

const PULLS: &str = "SELECT pr.*, projects.repo AS repo FROM pr
    JOIN projects ON projects.id = pr.project_id";

/// Pull requests with the checks of their heads, in the order in which they were first seen.
pub(in crate::store) fn checked_pulls(
    on: &Connection,
    filter: &PullFilter,
    page: Page,
) -> Result<Listed<CheckedPull>> {
    let listed = Select::new(PULLS)
        .and_maybe("pr.project_id = ?", filter.project.as_deref())
        .and_maybe("pr.pr_state = ?", filter.state.map(PrState::as_str))
        .rising(on, "pr.id", page, rows::pull, |view| view.id)?;
    let with_checks = |pull: PullView| {
        let checks = checks(on, &pull, false)?;
        Ok(CheckedPull { pull, checks })
    };
    let items = listed.items.into_iter().map(with_checks).collect::<Result<_>>()?;
    Ok(Listed { items, next: listed.next })
}

/// One pull request with its comments and the checks of its head, or with `history` of all its
/// commits. Of two repositories that bore the name one after the other, the later.
pub(in crate::store) fn whole_pull(
    on: &Connection,
    name: &PullName,
    history: bool,
) -> Result<Option<WholePull>> {
    let select = match name {
        PullName::Url(url) => Select::new(PULLS).and("pr.url = ?", [text(url)]),
        PullName::Number(repo, number) => Select::new(PULLS).and(
            "projects.repo = ? COLLATE NOCASE AND pr.number = ?",
            [text(repo), Value::from(*number)],
        ),
    };
    let Some(pull) = select.ending("ORDER BY pr.id DESC LIMIT 1", []).one(on, rows::pull)? else {
        return Ok(None);
    };
    let checks = checks(on, &pull, history)?;
    let comments = comments(on, &pull)?;
    Ok(Some(WholePull { pull, checks, comments }))
}

/// The pull requests of a session, in the order in which they were first seen.
pub(super) fn pulls_of(on: &Connection, session: &str) -> Result<Vec<PullView>> {
    Select::new(PULLS)
        .and("pr.session_id = ?", [text(session)])
        .ending("ORDER BY pr.id", [])
        .all(on, rows::pull)
}

/// The checks of a pull request's head, or with `history` of all its commits: those of the head
/// first, then the newest.
fn checks(on: &Connection, of: &PullView, history: bool) -> Result<Portion<CheckView>> {
    let mut select = Select::new("SELECT * FROM pr_checks").and("pr_id = ?", [Value::from(of.id)]);
    if !history {
        select = select.and("commit_hash = ?", [text(&of.head_sha)]);
    }
    let order =
        "ORDER BY commit_hash = ? DESC, created_at DESC, commit_hash, name, source, workflow
        LIMIT +?";
    let found = select
        .ending(order, [text(&of.head_sha), Value::from(CHECKS as i64 + 1)])
        .all(on, rows::check)?;
    Ok(portion(found, CHECKS))
}

/// The comments on a pull request, oldest first.
fn comments(on: &Connection, of: &PullView) -> Result<Portion<CommentView>> {
    let found = Select::new("SELECT * FROM pr_comment")
        .and("pr_id = ?", [Value::from(of.id)])
        .ending(
            "ORDER BY created_at, comment_id, kind LIMIT +?",
            [Value::from(COMMENTS as i64 + 1)],
        )
        .all(on, rows::comment)?;
    Ok(portion(found, COMMENTS))
}

fn portion<T>(mut items: Vec<T>, most: usize) -> Portion<T> {
    let more = items.len() > most;
    items.truncate(most);
    Portion { items, more }
}
