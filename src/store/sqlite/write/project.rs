//! Project rows, and the addresses that follow them.

use rusqlite::{Result, params};

use super::Rows;
use crate::domain::{ApiAccess, Project, RepoId, Timestamp};
use crate::store::sqlite::codec::{At, Json};

impl Rows<'_> {
    pub(super) fn insert_project(&self, project: &Project) -> Result<()> {
        self.run(
            "INSERT INTO projects (id, repo_id, repo, named_at, repo_origin_url, display_name, path,
                adopt, ci_seen, next_session, registered_at, claimed_repo, claimed_url,
                nudges_paused, checks_only, checks_except, api_access, api_access_at, archived_at,
                former_names, trust, is_public, visible_at, rerun, api_suspended, people)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
                ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)",
            params![
                project.id,
                project.repo_id,
                project.repo,
                project.named_at.map(At),
                project.repo_origin_url,
                project.display_name,
                project.path,
                project.adopt,
                project.ci_seen,
                project.next_session,
                At(project.registered_at),
                project.claim.as_ref().map(|(name, _)| name),
                project.claim.as_ref().map(|(_, url)| url),
                project.nudges_paused,
                Json(&project.checks_only),
                Json(&project.checks_except),
                project.api_access.0.is_granted(),
                project.api_access.1.map(At),
                project.archived_at.map(At),
                Json(&project.former_names),
                Json(&project.trust),
                project.visibility.map(|it| it.is_public),
                project.visibility.and_then(|it| it.at).map(At),
                project.rerun,
                project.api_access.0 == ApiAccess::Suspended,
                Json(&project.people),
            ],
        )
    }

    pub(super) fn update_project(&self, project: &Project) -> Result<()> {
        self.run(
            "UPDATE projects SET repo_id = ?2, repo = ?3, named_at = ?4, repo_origin_url = ?5,
                display_name = ?6, path = ?7, adopt = ?8, ci_seen = ?9, next_session = ?10,
                claimed_repo = ?11, claimed_url = ?12, nudges_paused = ?13, checks_only = ?14,
                checks_except = ?15, api_access = ?16, api_access_at = ?17, archived_at = ?18,
                former_names = ?19, trust = ?20, is_public = ?21, visible_at = ?22, rerun = ?23,
                api_suspended = ?24, people = ?25
             WHERE id = ?1",
            params![
                project.id,
                project.repo_id,
                project.repo,
                project.named_at.map(At),
                project.repo_origin_url,
                project.display_name,
                project.path,
                project.adopt,
                project.ci_seen,
                project.next_session,
                project.claim.as_ref().map(|(name, _)| name),
                project.claim.as_ref().map(|(_, url)| url),
                project.nudges_paused,
                Json(&project.checks_only),
                Json(&project.checks_except),
                project.api_access.0.is_granted(),
                project.api_access.1.map(At),
                project.archived_at.map(At),
                Json(&project.former_names),
                Json(&project.trust),
                project.visibility.map(|it| it.is_public),
                project.visibility.and_then(|it| it.at).map(At),
                project.rerun,
                project.api_access.0 == ApiAccess::Suspended,
                Json(&project.people),
            ],
        )
    }

    /// Triggers bring the address on to what hangs on a pull request.
    pub(super) fn move_pulls(&self, repo: RepoId, origin: &str) -> Result<()> {
        self.run(
            "UPDATE pr SET url = ?2 || '/pull/' || number
             WHERE repo_id = ?1 AND url <> ?2 || '/pull/' || number",
            (repo, origin),
        )
    }

    pub(super) fn set_base_push(&self, repo: RepoId, branch: &str, at: Timestamp) -> Result<()> {
        self.run(
            "INSERT INTO base_pushes (repo_id, branch, pushed_at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET pushed_at = excluded.pushed_at",
            (repo, branch, At(at)),
        )
    }
}
