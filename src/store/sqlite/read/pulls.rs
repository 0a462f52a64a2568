//! Pull requests with their checks and comments.

use rusqlite::types::Value;
use rusqlite::{Connection, Result};

use super::rows;
use super::select::{SEARCH, Select, direction, gather, text};
use super::weight::heaviest;
use crate::domain::PrState;
use crate::store::reads::{CheckedPull, Listed, Page, Portion, PullFilter, PullName, WholePull};
use crate::store::views::{CheckView, CommentView, PullView};

/// At most this many comments of one pull request are read.
const COMMENTS: usize = 1_000;

/// At most this many checks of one pull request are read.
const CHECKS: usize = 1_000;

/// At most this many pull requests of one session are read.
const PULLS_OF_SESSION: usize = 1_000;

const PULLS: &str = "SELECT pr.*, projects.repo AS repo FROM pr
    JOIN projects ON projects.id = pr.project_id";

/// A pull request by the name that its repository has, and its number.
pub(super) const NUMBERED: &str = "projects.repo = ? COLLATE NOCASE
    AND pr.repo_id = projects.repo_id AND pr.number = ?";

/// Pull requests with the checks of their heads, ordered by when they were first seen.
pub(in crate::store) fn checked_pulls(
    on: &Connection,
    filter: &PullFilter,
    page: Page,
) -> Result<Listed<CheckedPull>> {
    let listed = match (&filter.project, filter.state) {
        (Some(project), Some(state)) => of_project_in_state(on, project, state, page)?,
        (project, state) => Select::new(PULLS)
            .and_maybe("pr.project_id = ?", project.as_deref())
            .and_maybe("pr.pr_state = ?", state.map(PrState::as_str))
            .page(on, "pr.id", page, rows::pull, |view| view.id)?,
    };
    let with_checks = |pull: PullView| {
        let checks = checks(on, &pull, Wanted::Listed)?;
        Ok(CheckedPull { pull, checks })
    };
    let (items, more) = heaviest(listed.items.into_iter().map(with_checks), page.limit)?;
    let last = items.last().map(|last: &CheckedPull| last.pull.id);
    Ok(Listed { items, next: if more { last } else { listed.next } })
}

/// Whichever there are fewer of, the project's or those in the state, is looked through.
fn of_project_in_state(
    on: &Connection,
    project: &str,
    state: PrState,
    page: Page,
) -> Result<Listed<PullView>> {
    let has_few = on
        .prepare_cached(
            "SELECT count(*) <= ?2 FROM (SELECT 1 FROM pr INDEXED BY pr_by_project
             WHERE project_id = ?1 LIMIT +(?2 + 1))",
        )?
        .query_row((project, SEARCH as i64), |row| row.get(0))?;
    let (wanted, range) = match has_few {
        true => ("pr_state = ?2", "pr INDEXED BY pr_by_project WHERE project_id = ?1"),
        false => ("project_id = ?1", "pr INDEXED BY pr_by_state WHERE pr_state = ?2"),
    };
    let (beyond, order) = direction(page.order);
    let mut statement = on.prepare_cached(&format!(
        "SELECT id, {wanted} FROM {range} AND id {beyond} ?3 ORDER BY id {order} LIMIT +?4"
    ))?;
    let values = (project, state.as_str(), page.beyond(), SEARCH as i64);
    let keys = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    gather(keys, SEARCH, page.limit, |id| {
        Select::new(PULLS).and("pr.id = ?", [Value::from(id)]).one(on, rows::pull)
    })
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
        PullName::Number(repo, number) => {
            Select::new(PULLS).and(NUMBERED, [text(repo), Value::from(*number)])
        }
    };
    let Some(pull) = select.ending("ORDER BY pr.id DESC LIMIT 1", []).one(on, rows::pull)? else {
        return Ok(None);
    };
    let wanted = if history { Wanted::History } else { Wanted::Head };
    let checks = checks(on, &pull, wanted)?;
    let comments = comments(on, &pull)?;
    Ok(Some(WholePull { pull, checks, comments }))
}

/// The pull requests of a session, in the order in which they were first seen.
pub(super) fn pulls_of(on: &Connection, session: &str) -> Result<Vec<PullView>> {
    let select = Select::new(PULLS).and("pr.session_id = ?", [text(session)]);
    Ok(select.ending("ORDER BY pr.id", []).portion(on, PULLS_OF_SESSION, rows::pull)?.items)
}

/// Which checks of a pull request are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Those of its head, without what their logs end with.
    Listed,
    /// Those of its head.
    Head,
    /// Those of all its commits.
    History,
}

/// The checks of a pull request: those of its head first, then the newest.
fn checks(on: &Connection, of: &PullView, wanted: Wanted) -> Result<Portion<CheckView>> {
    let log_tail = if wanted == Wanted::Listed { "NULL" } else { "log_tail" };
    let columns = format!(
        "SELECT run_id, name, source, workflow_name, commit_hash, status, conclusion, url,
            {log_tail} AS log_tail, started_at, completed_at FROM pr_checks"
    );
    let mut select = Select::new(&columns).and("pr_id = ?", [Value::from(of.id)]);
    if wanted != Wanted::History {
        select = select.and("commit_hash = ?", [text(&of.head_sha)]);
    }
    let order =
        "ORDER BY commit_hash = ? DESC, created_at DESC, commit_hash, name, source, workflow
        LIMIT +?";
    select.ending(order, [text(&of.head_sha), Value::from(CHECKS as i64 + 1)]).portion(
        on,
        CHECKS,
        rows::check,
    )
}

/// The comments on a pull request, oldest first.
fn comments(on: &Connection, of: &PullView) -> Result<Portion<CommentView>> {
    Select::new("SELECT * FROM pr_comment")
        .and("pr_id = ?", [Value::from(of.id)])
        .ending(
            "ORDER BY created_at, comment_id, kind LIMIT +?",
            [Value::from(COMMENTS as i64 + 1)],
        )
        .portion(on, COMMENTS, rows::comment)
}
