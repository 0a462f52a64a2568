//! Sessions with their pull requests.

use rusqlite::{Connection, Result};

use super::pulls::pulls_of;
use super::rows;
use super::select::{Select, text};
use super::weight::heaviest;
use crate::domain::DisplayStatus;
use crate::store::reads::{Listed, Page, SessionFilter};
use crate::store::views::SessionView;

const SESSIONS: &str = "SELECT rowid AS row, * FROM sessions";

/// How many sessions one read looks at in search of a status, since that is not stored. `next` goes
/// on from there, however few were found.
const SEARCH: usize = 5_000;

/// Sessions, oldest first.
pub(in crate::store) fn sessions(
    on: &Connection,
    filter: &SessionFilter,
    page: Page,
) -> Result<Listed<SessionView>> {
    let project = filter.project.as_deref();
    match filter.status {
        None => listed(on, project, page),
        Some(status) => search(on, project, status, page),
    }
}

fn listed(on: &Connection, project: Option<&str>, page: Page) -> Result<Listed<SessionView>> {
    let select = Select::new(SESSIONS).and_maybe("project_id = ?", project);
    let listed = select.rising(on, "rowid", page, rows::session, |view| view.row)?;
    let with_pulls = |mut view: SessionView| {
        view.pulls = pulls_of(on, &view.id)?;
        Ok(view)
    };
    let (items, more) = heaviest(listed.items.into_iter().map(with_pulls), page.limit)?;
    let last = items.last().map(|last: &SessionView| last.row);
    Ok(Listed { items, next: if more { last } else { listed.next } })
}

/// One session.
pub(in crate::store) fn session(on: &Connection, id: &str) -> Result<Option<SessionView>> {
    let mut found = Select::new(SESSIONS).and("id = ?", [text(id)]).one(on, rows::session)?;
    if let Some(view) = &mut found {
        view.pulls = pulls_of(on, &view.id)?;
    }
    Ok(found)
}

/// Reads page after page until enough sessions with the status are found.
fn search(
    on: &Connection,
    project: Option<&str>,
    status: DisplayStatus,
    page: Page,
) -> Result<Listed<SessionView>> {
    let mut items = Vec::new();
    let mut after = page.after;
    for _ in 0..SEARCH.div_ceil(page.limit) {
        let listed = listed(on, project, Page { after, limit: page.limit })?;
        let last = listed.items.last().map(|view| view.row);
        for view in listed.items {
            let row = view.row;
            if view.status() != status {
                continue;
            }
            items.push(view);
            if items.len() == page.limit {
                let more = listed.next.is_some() || last != Some(row);
                return Ok(Listed { items, next: more.then_some(row) });
            }
        }
        after = listed.next;
        if after.is_none() {
            break;
        }
    }
    Ok(Listed { items, next: after })
}
