//! What is compared with GitHub: the projects that are watched, and what is known of their pull requests.

use rusqlite::{Connection, OptionalExtension, Result};

use crate::domain::{ApiAccess, CommitSha, ProjectId, RepoId, RepoName, Timestamp};
use crate::store::reads::{KnownPull, WatchedProject};
use crate::store::sqlite::codec::At;

/// Old heads of one pull request that are told, the newest first.
const OLD_HEADS: usize = 20;

/// Projects that are not archived, and whether the App may ask about their repositories.
pub(in crate::store) fn watched(on: &Connection) -> Result<Vec<WatchedProject>> {
    let mut query = on.prepare_cached(
        "SELECT id, repo, repo_id, api_access, api_suspended FROM projects
         WHERE archived_at IS NULL ORDER BY rowid",
    )?;
    let rows = query.query_map((), |row| {
        let repo: String = row.get(1)?;
        let project = RepoName::parse(&repo).map(|repo| {
            Ok(WatchedProject {
                id: ProjectId(row.get::<_, String>(0)?.into()),
                repo,
                repo_id: row.get::<_, Option<i64>>(2)?.map(RepoId),
                access: ApiAccess::told(row.get(3)?, row.get(4)?),
            })
        });
        project.transpose()
    })?;
    rows.filter_map(Result::transpose).collect()
}

/// All pull requests of a project that are open, and those that changed last.
pub(in crate::store) fn known_pulls(
    on: &Connection,
    project: &ProjectId,
    recent: usize,
) -> Result<Vec<KnownPull>> {
    let mut query = on.prepare_cached(
        "SELECT id, number, pr_state, head_sha, core_at, mergeability FROM pr
         WHERE project_id = ?1 AND (pr_state IN ('draft', 'open')
             OR id IN (SELECT id FROM pr WHERE project_id = ?1 ORDER BY updated_at DESC LIMIT +?2))
         ORDER BY id",
    )?;
    let rows = query.query_map((&*project.0, recent as i64), |row| {
        let At(core_at): At = row.get(4)?;
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?, core_at, row.get(5)?))
    })?;
    let mut heads = on.prepare_cached(
        "SELECT commits.sha FROM pr_commits JOIN commits ON commits.id = pr_commits.commit_id
         WHERE pr_commits.pr_id = ?1 AND commits.sha <> ?2
         ORDER BY pr_commits.head_at DESC, commits.sha LIMIT +?3",
    )?;
    let mut pulls = Vec::new();
    for row in rows {
        let (id, number, state, head, core_at, mergeability): (i64, _, _, _, Timestamp, _) = row?;
        let old = heads.query_map((id, &head, OLD_HEADS as i64), |row| row.get::<_, String>(0))?;
        let old: Vec<String> = old.collect::<Result<_>>()?;
        let Some(head) = CommitSha::parse(&head) else { continue };
        let old_heads = old.iter().filter_map(|sha| CommitSha::parse(sha)).collect();
        pulls.push(KnownPull { number, state, head, core_at, mergeability, old_heads });
    }
    Ok(pulls)
}

/// What is remembered under a name.
pub(in crate::store) fn remembered(on: &Connection, name: &str) -> Result<Option<String>> {
    on.prepare_cached("SELECT value FROM github_memory WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}
