//! Nudges.

use rusqlite::types::Value;
use rusqlite::{Connection, Result, params_from_iter};

use super::pulls::NUMBERED;
use super::rows;
use super::select::{Select, gather, merged, text};
use crate::domain::{Audience, NudgeState};
use crate::store::reads::{Listed, NudgeFilter, Page, PullName};
use crate::store::views::NudgeView;

const NUDGES: &str =
    "SELECT nudges.*, pr.url AS pull_url FROM nudges LEFT JOIN pr ON pr.id = nudges.pr_id";

/// Nudges, in the order of their making.
pub(in crate::store) fn nudges(
    on: &Connection,
    filter: &NudgeFilter,
    page: Page,
) -> Result<Listed<NudgeView>> {
    let NudgeFilter { repo, project, session, pull, branch, audience, states } = filter;
    let projects = projects(on, repo.as_deref(), project.as_deref())?;
    let in_projects =
        projects.as_ref().map(|ids| Value::from(serde_json::Value::from(ids.clone()).to_string()));
    if session.is_none() && pull.is_none() && branch.is_none() {
        return by_state(on, projects, *audience, states, page);
    }
    // A plus keeps the words' index from being taken for the better one.
    let mut select = Select::new(NUDGES)
        .and_maybe("nudges.session_id = ?", session.as_deref())
        .and_maybe("+nudges.audience = ?", audience.map(Audience::as_str));
    if let Some(ids) = &in_projects {
        let is_one = "+nudges.project_id IN (SELECT value FROM json_each(?))";
        select = select.and(is_one, [ids.clone()]);
    }
    match pull {
        Some(PullName::Url(url)) => {
            select = select.and("nudges.pr_id IN (SELECT id FROM pr WHERE url = ?)", [text(url)]);
        }
        Some(PullName::Number(repo, number)) => {
            let pulls = format!(
                "nudges.pr_id IN (SELECT pr.id FROM pr JOIN projects ON projects.id = pr.project_id
                  WHERE {NUMBERED})"
            );
            select = select.and(&pulls, [text(repo), Value::from(*number)]);
        }
        None => {}
    }
    if let Some(branch) = branch {
        // A pull request's session is that of its branch, unless it is a fork's.
        let is_one = match in_projects {
            None => "",
            Some(_) => " AND project_id IN (SELECT value FROM json_each(?))",
        };
        let sessions =
            format!("nudges.session_id IN (SELECT id FROM sessions WHERE branch = ?{is_one})");
        select = select.and(&sessions, [text(branch)].into_iter().chain(in_projects));
    }
    if !states.is_empty() {
        let marks = vec!["?"; states.len()].join(", ");
        let states = states.iter().map(|state| text(state.as_str()));
        select = select.and(&format!("+nudges.state IN ({marks})"), states);
    }
    select.page(on, "nudges.id", page, rows::nudge, |view| view.id)
}

/// The projects that are meant; `None`: all.
fn projects(
    on: &Connection,
    repo: Option<&str>,
    project: Option<&str>,
) -> Result<Option<Vec<String>>> {
    let Some(repo) = repo else { return Ok(project.map(|id| vec![id.to_owned()])) };
    on.prepare_cached(
        "SELECT id FROM projects WHERE repo = ?1 COLLATE NOCASE AND id = coalesce(?2, id)",
    )?
    .query_map((repo, project), |row| row.get(0))?
    .collect::<Result<_>>()
    .map(Some)
}

/// Those in certain states, to a certain audience, of certain projects, whosever they are.
fn by_state(
    on: &Connection,
    projects: Option<Vec<String>>,
    audience: Option<Audience>,
    states: &[NudgeState],
    page: Page,
) -> Result<Listed<NudgeView>> {
    if projects.is_none() && audience.is_none() && states.is_empty() {
        return Select::new(NUDGES).page(on, "nudges.id", page, rows::nudge, |view| view.id);
    }
    let states = if states.is_empty() { NudgeState::ALL } else { states };
    let audiences = audience.map_or_else(|| Audience::ALL.to_vec(), |audience| vec![audience]);
    let places: Vec<String> = match &projects {
        None => vec![String::new()],
        Some(ids) => (0..ids.len()).map(|at| format!("project_id = ?{} AND ", at + 3)).collect(),
    };
    let mut ranges = Vec::new();
    for place in places {
        for state in states {
            for to in &audiences {
                ranges.push(format!("{place}state = '{state}' AND audience = '{to}'"));
            }
        }
    }
    ranges.sort();
    ranges.dedup();
    if ranges.is_empty() {
        return Ok(Listed { items: Vec::new(), next: None });
    }
    let most = page.limit.saturating_add(1);
    let sql = format!("SELECT key, 1 FROM ({})", merged("nudges", "id", page.order, &ranges));
    let mut statement = on.prepare_cached(&sql)?;
    let limits = [page.beyond(), i64::try_from(most).unwrap_or(i64::MAX)];
    let ids = projects.unwrap_or_default().into_iter().map(Value::from);
    let values = limits.map(Value::from).into_iter().chain(ids);
    let keys =
        statement.query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?;
    gather(keys, most, page.limit, |id| nudge(on, id))
}

/// One nudge.
pub(in crate::store) fn nudge(on: &Connection, id: i64) -> Result<Option<NudgeView>> {
    Select::new(NUDGES).and("nudges.id = ?", [Value::from(id)]).one(on, rows::nudge)
}
