//! Nudges.

use rusqlite::types::Value;
use rusqlite::{Connection, Result};

use super::pulls::NUMBERED;
use super::rows;
use super::select::{Select, gather, merged, text};
use crate::domain::{Audience, NudgeState};
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
    let NudgeFilter { session, pull, branch, audience, states } = filter;
    if session.is_none() && pull.is_none() && branch.is_none() {
        return by_state(on, *audience, states, page);
    }
    // A plus keeps the words' index from being taken for the better one.
    let mut select = Select::new(NUDGES)
        .and_maybe("nudges.session_id = ?", session.as_deref())
        .and_maybe("+nudges.audience = ?", audience.map(Audience::as_str));
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
        let sessions = "nudges.session_id IN (SELECT id FROM sessions WHERE branch = ?)";
        select = select.and(sessions, [text(branch)]);
    }
    if !states.is_empty() {
        let marks = vec!["?"; states.len()].join(", ");
        let states = states.iter().map(|state| text(state.as_str()));
        select = select.and(&format!("+nudges.state IN ({marks})"), states);
    }
    select.rising(on, "nudges.id", page, rows::nudge, |view| view.id)
}

/// Those in certain states, to a certain audience, whosever they are.
fn by_state(
    on: &Connection,
    audience: Option<Audience>,
    states: &[NudgeState],
    page: Page,
) -> Result<Listed<NudgeView>> {
    if audience.is_none() && states.is_empty() {
        return Select::new(NUDGES).rising(on, "nudges.id", page, rows::nudge, |view| view.id);
    }
    let states = if states.is_empty() { NudgeState::ALL } else { states };
    let audiences = audience.map_or_else(|| Audience::ALL.to_vec(), |audience| vec![audience]);
    let mut ranges: Vec<String> = states
        .iter()
        .flat_map(|state| {
            audiences.iter().map(move |to| format!("state = '{state}' AND audience = '{to}'"))
        })
        .collect();
    ranges.sort();
    ranges.dedup();
    let most = page.limit.saturating_add(1);
    let sql = format!("SELECT key, 1 FROM ({})", merged("nudges", "id", &ranges));
    let mut statement = on.prepare_cached(&sql)?;
    let values = (page.after.unwrap_or(0), i64::try_from(most).unwrap_or(i64::MAX));
    let keys = statement.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    gather(keys, most, page.limit, |id| nudge(on, id))
}

/// One nudge.
pub(in crate::store) fn nudge(on: &Connection, id: i64) -> Result<Option<NudgeView>> {
    Select::new(NUDGES).and("nudges.id = ?", [Value::from(id)]).one(on, rows::nudge)
}
