//! Sessions with their pull requests.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Result, Row, params_from_iter};

use super::pulls::pulls_of;
use super::rows;
use super::select::{SEARCH, Select, direction, gather, merged, text};
use super::status::{Search, Walk, search};
use super::weight::heaviest;
use crate::domain::DisplayStatus;
use crate::store::reads::{Listed, Page, SessionFilter};
use crate::store::views::SessionView;

const SESSIONS: &str = "SELECT rowid AS row, * FROM sessions";

/// Beyond so many pull requests of which there is the same to say, a walk along the sessions meets them
/// often enough.
const NOTICED: usize = 2_000;

/// Sessions, in the order of their making.
pub(in crate::store) fn sessions(
    on: &Connection,
    filter: &SessionFilter,
    page: Page,
) -> Result<Listed<SessionView>> {
    let look = Look { on, project: filter.project.as_deref(), page };
    match filter.status {
        None => look.listed(),
        Some(status) => look.of_status(status),
    }
}

/// One session.
pub(in crate::store) fn session(on: &Connection, id: &str) -> Result<Option<SessionView>> {
    whole(on, Select::new(SESSIONS).and("id = ?", [text(id)]))
}

fn whole(on: &Connection, select: Select) -> Result<Option<SessionView>> {
    select.one(on, rows::session)?.map(|view| completed(on, view)).transpose()
}

/// With its pull requests, and what its agent has still to be told.
fn completed(on: &Connection, mut view: SessionView) -> Result<SessionView> {
    view.pulls = pulls_of(on, &view.id)?;
    let waiting = "SELECT count(*) AS count,
            (SELECT held_because FROM nudges INDEXED BY nudges_open_of_session
             WHERE session_id = ?1 AND audience = 'agent' AND state = 'held'
                AND state IN ('pending', 'held') ORDER BY id LIMIT 1) AS held_because
         FROM nudges INDEXED BY nudges_open_of_session
         WHERE session_id = ?1 AND audience = 'agent' AND state IN ('pending', 'held')";
    view.nudges_waiting = on.prepare_cached(waiting)?.query_row([&view.id], rows::waiting)?;
    Ok(view)
}

/// The session of a start of an agent.
pub(super) fn of_launch(on: &Connection, id: &str) -> Result<Option<SessionView>> {
    whole(on, Select::new(SESSIONS).and("launch_id = ?", [text(id)]))
}

/// The session whose agent bears the token of that hash.
pub(in crate::store) fn of_token(on: &Connection, hash: &str) -> Result<Option<String>> {
    on.prepare_cached("SELECT id FROM sessions WHERE token_hash = ?1")?
        .query_row([hash], |row| row.get(0))
        .optional()
}

/// Sessions that something is being done to, and those whose agent runs here, without their pull requests:
/// what is to be finished, and what is to be probed.
pub(in crate::store) fn at_work(on: &Connection) -> Result<Vec<SessionView>> {
    let sql = "SELECT rowid AS row, * FROM sessions INDEXED BY sessions_at_work
         WHERE operation IS NOT NULL
            OR (runtime_handle_id IS NOT NULL AND session_state NOT IN ('done', 'terminated'))
         ORDER BY rowid";
    on.prepare_cached(sql)?.query_map((), rows::session)?.collect()
}

/// One look for a page.
struct Look<'c> {
    on: &'c Connection,
    project: Option<&'c str>,
    page: Page,
}

impl Look<'_> {
    fn listed(&self) -> Result<Listed<SessionView>> {
        let select = Select::new(SESSIONS).and_maybe("project_id = ?", self.project);
        let listed = select.page(self.on, "rowid", self.page, rows::session, |view| view.row)?;
        let whole = listed.items.into_iter().map(|view| completed(self.on, view));
        let (items, more) = heaviest(whole, self.page.limit)?;
        let last = items.last().map(|last: &SessionView| last.row);
        Ok(Listed { items, next: if more { last } else { listed.next } })
    }

    fn of_status(&self, status: DisplayStatus) -> Result<Listed<SessionView>> {
        match search(status) {
            Search::Sessions(ranges) => {
                self.in_ranges(status, ranges, self.page.limit.saturating_add(1), None)
            }
            Search::Noticed { ranges, walk } => match self.noticed(ranges)? {
                Some(ids) => self.among(status, ids),
                None => self.along(status, walk),
            },
            Search::Along(walk) => self.along(status, walk),
        }
    }

    /// The sessions of the pull requests in these ranges of `pr_noticed`; `None`: there are many.
    fn noticed(&self, ranges: &[String]) -> Result<Option<Vec<String>>> {
        let range = |range: &String| {
            format!(
                "SELECT * FROM (SELECT session_id FROM pr INDEXED BY pr_noticed \
                 WHERE {range} AND session_id IS NOT NULL LIMIT +?1)"
            )
        };
        let ranges: Vec<String> = ranges.iter().map(range).collect();
        let sql = format!("SELECT session_id FROM ({}) LIMIT +?1", ranges.join(" UNION ALL "));
        let most = NOTICED as i64 + 1;
        let ids = self
            .on
            .prepare_cached(&sql)?
            .query_map([most], |row| row.get(0))?
            .collect::<Result<Vec<String>>>()?;
        Ok((ids.len() <= NOTICED).then_some(ids))
    }

    /// Those of the sessions named that have the status.
    fn among(&self, status: DisplayStatus, ids: Vec<String>) -> Result<Listed<SessionView>> {
        let (beyond, order) = direction(self.page.order);
        let mut statement = self.on.prepare_cached(&format!(
            "SELECT rowid, ?3 IS NULL OR project_id = ?3 FROM sessions
             WHERE id IN (SELECT value FROM json_each(?1)) AND rowid {beyond} ?2
             ORDER BY rowid {order}"
        ))?;
        let ids = serde_json::Value::from(ids).to_string();
        let keys = statement.query_map((ids, self.page.beyond(), self.project), candidate)?;
        gather(keys, usize::MAX, self.page.limit, |row| self.with_status(row, status))
    }

    /// Those that have the status among so many of the sessions that a walk meets.
    fn along(&self, status: DisplayStatus, walk: &Walk) -> Result<Listed<SessionView>> {
        self.in_ranges(status, &walk.ranges, SEARCH, Some(&walk.condition))
    }

    /// Those that have the status among the first `most` of these ranges. The condition, which is asked
    /// of the session `s`, spares reading those that cannot have it.
    fn in_ranges(
        &self,
        status: DisplayStatus,
        ranges: &[String],
        most: usize,
        condition: Option<&str>,
    ) -> Result<Listed<SessionView>> {
        let ranges: Vec<String> = match self.project {
            None => ranges.to_vec(),
            Some(_) => ranges.iter().map(|range| format!("project_id = ?3 AND {range}")).collect(),
        };
        let sql = format!(
            "SELECT key, 1 FROM ({})",
            merged("sessions", "rowid", self.page.order, &ranges)
        );
        let mut statement = self.on.prepare_cached(&sql)?;
        let values = [
            Value::from(self.page.beyond()),
            Value::from(i64::try_from(most).unwrap_or(i64::MAX)),
            self.project.map_or(Value::Null, text),
        ];
        let values = values.into_iter().take(statement.parameter_count());
        let keys = statement.query_map(params_from_iter(values), candidate)?;
        let condition = condition.unwrap_or("1");
        let mut may_have_it = self
            .on
            .prepare_cached(&format!("SELECT {condition} FROM sessions s WHERE s.rowid = ?1"))?;
        gather(keys, most, self.page.limit, |row| {
            match may_have_it.query_row([row], |row| row.get(0))? {
                true => self.with_status(row, status),
                false => Ok(None),
            }
        })
    }

    fn with_status(&self, row: i64, status: DisplayStatus) -> Result<Option<SessionView>> {
        let found = whole(self.on, Select::new(SESSIONS).and("rowid = ?", [Value::from(row)]))?;
        Ok(found.filter(|view| view.status() == status))
    }
}

/// A session's row, and whether it may be one that is wanted.
fn candidate(row: &Row<'_>) -> Result<(i64, bool)> {
    Ok((row.get(0)?, row.get(1)?))
}
