//! Nudges.

use rusqlite::types::Value;
use rusqlite::{Connection, Result};

use super::rows;
use super::select::{Select, text};
use crate::domain::Audience;
use crate::store::reads::{Listed, NudgeFilter, Page, PullName};
use crate::store::views::NudgeView;

const NUDGES: &str =
    "SELECT nudges.*, pr.url AS pull_url FROM nudges LEFT JOIN pr ON pr.id = nudges.pr_id";

/// Nudges, oldest first.
pub(in crate::store) fn nudges(
    on: &Connection,
    filter: &NudgeFilter,
    page: Page,
) -> Result<Listed<NudgeView>> {
    let mut select = Select::new(NUDGES)
        .and_maybe("nudges.project_id = ?", filter.project.as_deref())
        .and_maybe(
            "nudges.project_id IN (SELECT id FROM projects WHERE repo = ? COLLATE NOCASE)",
            filter.repo.as_deref(),
        )
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
    select.rising(on, "nudges.id", page, rows::nudge, |view| view.id)
}

/// One nudge.
pub(in crate::store) fn nudge(on: &Connection, id: i64) -> Result<Option<NudgeView>> {
    Select::new(NUDGES).and("nudges.id = ?", [Value::from(id)]).one(on, rows::nudge)
}
