//! Projects.

use rusqlite::{Connection, Result};

use super::rows;
use super::select::{Select, text};
use crate::store::reads::{Listed, Page};
use crate::store::views::ProjectView;

const PROJECTS: &str = "SELECT rowid AS row, id, repo, path, display_name, adopt, nudges_paused,
    checks_only, checks_except, trust, rerun, registered_at, archived_at,
    (SELECT burst FROM nudge_budgets WHERE project_id = id) AS budget_burst,
    (SELECT per_minute FROM nudge_budgets WHERE project_id = id) AS budget_per_minute FROM projects";

/// The projects that are not archived, oldest first.
pub(in crate::store) fn projects(on: &Connection, page: Page) -> Result<Listed<ProjectView>> {
    let select = Select::new(PROJECTS).and("archived_at IS NULL", []);
    select.page(on, "rowid", page, rows::project, |view| view.row)
}

/// One project, archived or not.
pub(in crate::store) fn project(on: &Connection, id: &str) -> Result<Option<ProjectView>> {
    Select::new(PROJECTS).and("id = ?", [text(id)]).one(on, rows::project)
}
