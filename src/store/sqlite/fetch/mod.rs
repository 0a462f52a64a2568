//! What is stored under a key.

mod facts;
mod rows;
mod statement;

use rusqlite::{Connection, Result, Row};

use statement::{all, one};

use super::codec::At;
use crate::domain::Subject;
use crate::lifecycle::{Counters, Key, Record};

/// Reads what is stored under `key` into `found`.
pub(super) fn record(on: &Connection, key: &Key, found: &mut Vec<(Key, Record)>) -> Result<()> {
    let record = match key {
        Key::Counters => Record::Counters(counters(on)?),
        Key::Project(id) => Record::Project(rows::project(on, id)?),
        Key::Session(id) => Record::Session(rows::session(on, id)?),
        Key::Pull(id) => Record::Pull(rows::pull(on, *id)?),
        Key::Commit(repo, sha) => Record::Commit(facts::commit(on, *repo, sha)?),
        Key::CheckRows(pull, sha) => Record::CheckRows(rows::check_rows(on, *pull, sha)?),
        Key::Conversation(repo, number) => {
            Record::Conversation(rows::conversation(on, *repo, *number)?)
        }
        Key::CommentRows(pull) => Record::CommentRows(rows::comment_rows(on, *pull)?),
        Key::BasePush(repo, branch) => {
            let sql = "SELECT pushed_at FROM base_pushes WHERE repo_id = ?1 AND branch = ?2";
            Record::BasePush(one(on, sql, (repo, branch), |row| row.get(0))?.map(|At(at)| at))
        }
        Key::Nudge(id) => Record::Nudge(rows::nudge(on, *id)?),
        Key::Timers(subject) => {
            let timer = |row: &Row<'_>| {
                let At(due_at) = row.get(1)?;
                Ok((row.get(0)?, due_at))
            };
            let of_pull = "SELECT kind, due_at FROM timers WHERE pr_id = ?1";
            let of_session = "SELECT kind, due_at FROM timers WHERE session_id = ?1";
            let timers = match subject {
                Subject::Pull(id) => all(on, of_pull, [id], timer)?,
                Subject::Session(id) => all(on, of_session, [id], timer)?,
            };
            Record::Timers(timers.into_iter().collect())
        }
        Key::Task(name) => Record::Task(rows::task(on, name)?),
        Key::Budget(project) => Record::Budget(rows::budget(on, project)?),
        Key::ProjectOfRepo(_)
        | Key::ProjectsNamed(_)
        | Key::ProjectsOfAccount(_)
        | Key::ProjectsOfStem(_)
        | Key::SessionsOfBranch(..)
        | Key::PullOfNumber(..)
        | Key::PullsWithCommit(..)
        | Key::PullsOfSession(_)
        | Key::PullsInto(..)
        | Key::OpenPulls(_)
        | Key::OpenNudges(_)
        | Key::OpenNudgesOfProject(_) => set(on, key)?,
    };
    found.push((key.clone(), record));
    Ok(())
}

/// The ids of the rows that belong to a set. Each query means what `lifecycle`'s `index` says of one row.
fn set(on: &Connection, key: &Key) -> Result<Record> {
    macro_rules! ids {
        ($record:ident, $sql:literal, $params:expr) => {
            Ok(Record::$record(all(on, $sql, $params, |row| row.get(0))?.into_iter().collect()))
        };
    }
    match key {
        Key::ProjectOfRepo(repo) => {
            ids!(Projects, "SELECT id FROM projects WHERE repo_id = ?1", [repo])
        }
        Key::ProjectsNamed(name) => ids!(
            Projects,
            "SELECT id FROM projects WHERE repo = ?1 COLLATE NOCASE
             UNION SELECT id FROM projects WHERE claimed_repo = ?1 COLLATE NOCASE",
            [name]
        ),
        Key::ProjectsOfAccount(account) => ids!(
            Projects,
            "SELECT id FROM projects WHERE lower(substr(repo, 1, instr(repo, '/') - 1)) = ?1",
            [account]
        ),
        Key::ProjectsOfStem(stem) => {
            ids!(Projects, "SELECT id FROM projects WHERE rtrim(id, '0123456789') = ?1", [stem])
        }
        Key::SessionsOfBranch(project, branch) => ids!(
            Sessions,
            "SELECT id FROM sessions WHERE project_id = ?1 AND branch = ?2",
            (project, branch)
        ),
        Key::PullOfNumber(repo, number) => {
            ids!(Pulls, "SELECT id FROM pr WHERE repo_id = ?1 AND number = ?2", (repo, number))
        }
        Key::PullsWithCommit(repo, sha) => ids!(
            Pulls,
            "SELECT pr_id FROM commits JOIN pr_commits ON commit_id = commits.id
             WHERE repo_id = ?1 AND sha = ?2",
            (repo, sha)
        ),
        Key::PullsOfSession(session) => {
            ids!(Pulls, "SELECT id FROM pr WHERE session_id = ?1", [session])
        }
        Key::PullsInto(repo, branch) => ids!(
            Pulls,
            "SELECT id FROM pr WHERE repo_id = ?1 AND base_ref = ?2 AND mergeability <> 'unknown'
                AND pr_state IN ('draft', 'open')",
            (repo, branch)
        ),
        Key::OpenPulls(project) => ids!(
            Pulls,
            "SELECT id FROM pr WHERE project_id = ?1 AND pr_state IN ('draft', 'open')",
            [project]
        ),
        Key::OpenNudges(Subject::Pull(pull)) => ids!(
            Nudges,
            "SELECT id FROM nudges WHERE pr_id = ?1 AND state IN ('pending', 'held')",
            [pull]
        ),
        Key::OpenNudges(Subject::Session(session)) => ids!(
            Nudges,
            "SELECT id FROM nudges WHERE session_id = ?1 AND pr_id IS NULL
                AND state IN ('pending', 'held')",
            [session]
        ),
        Key::OpenNudgesOfProject(project) => ids!(
            Nudges,
            "SELECT id FROM nudges WHERE project_id = ?1 AND audience = 'agent'
                AND state IN ('pending', 'held')",
            [project]
        ),
        Key::Counters
        | Key::Project(_)
        | Key::Session(_)
        | Key::Pull(_)
        | Key::Commit(..)
        | Key::CheckRows(..)
        | Key::Conversation(..)
        | Key::CommentRows(_)
        | Key::BasePush(..)
        | Key::Nudge(_)
        | Key::Timers(_)
        | Key::Task(_)
        | Key::Budget(_) => unreachable!("{key:?} is no set"),
    }
}

/// The numbers that come next. One of a pull request or a nudge is never given out again; that of a commit may be,
/// once its row was dropped: nothing outside of the store knows it.
fn counters(on: &Connection) -> Result<Counters> {
    on.prepare_cached(
        "SELECT coalesce((SELECT max(id) FROM pr), 0) + 1,
            coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'nudges'), 0) + 1,
            coalesce((SELECT max(id) FROM commits), 0) + 1,
            epoch
         FROM meta",
    )?
    .query_row((), |row| {
        Ok(Counters {
            pull: row.get(0)?,
            nudge: row.get(1)?,
            commit: row.get(2)?,
            epoch: row.get(3)?,
        })
    })
}
