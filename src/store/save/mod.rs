//! Saves what `reduce` made of an observation, in the transaction that loaded it.

mod pull;

use rusqlite::{Connection, Params, Result};

use crate::domain::{NudgeId, NudgeState, Project, RepoId, RepoSeen, Session, Timestamp};
use crate::lifecycle::{Outcome, ProjectChange, SessionChange, Talk};

use super::codec::{At, Json};
use super::commits::{CommitMemory, Commits};
use super::outbox;

/// Names who causes the changes that follow, for the triggers that write the change log.
pub(crate) fn set_cause(connection: &Connection, cause: &str, now: Timestamp) -> Result<()> {
    connection
        .prepare_cached("UPDATE cause SET cause = ?1, at = ?2 WHERE id = 1")?
        .execute((cause, At(now)))
        .map(drop)
}

/// Writes all rows of an outcome. With `notify`, new nudges to the human are put on their way.
pub(crate) fn save(
    connection: &Connection,
    memory: &CommitMemory,
    repo: Option<&RepoSeen>,
    outcome: &Outcome,
    notify: bool,
    now: Timestamp,
) -> Result<()> {
    let commits = Commits { connection, memory };
    let saver = Saver { connection, commits, notify, now };
    for project in &outcome.projects {
        match project {
            ProjectChange::Register(project) => saver.register(project)?,
            ProjectChange::Update(project) => saver.update_project(project)?,
        }
    }
    if let Some(session) = &outcome.session {
        saver.update_session(session)?;
    }
    if let (Some((branch, at)), Some(repo)) = (&outcome.base_push, repo) {
        saver.run(
            "INSERT INTO base_pushes (repo_id, branch, pushed_at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET pushed_at = excluded.pushed_at",
            (repo.id, branch, At(*at)),
        )?;
    }
    if let (Some((number, talk)), Some(repo)) = (&outcome.talk, repo) {
        saver.talk(repo.id, *number, talk)?;
    }
    if let (Some((sha, fact)), Some(repo)) = (&outcome.fact, repo) {
        saver.commits.write(repo.id, sha, fact, now)?;
    }
    for pull in &outcome.pulls {
        saver.pull(pull)?;
    }
    if let Some(posting) = &outcome.posting {
        outbox::posted(connection, posting, now)?;
    }
    for (nudge, state) in &outcome.nudges {
        saver.nudge_state(*nudge, *state)?;
    }
    Ok(())
}

struct Saver<'c> {
    connection: &'c Connection,
    commits: Commits<'c>,
    notify: bool,
    now: Timestamp,
}

impl Saver<'_> {
    fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    fn register(&self, project: &Project) -> Result<()> {
        self.run(
            "INSERT INTO projects (id, repo_id, repo, named_at, repo_origin_url, display_name, path,
                adopt, ci_seen, next_session, registered_at, claimed_repo, claimed_url,
                nudges_paused, checks_only, checks_except)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            rusqlite::params![
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
            ],
        )?;
        Ok(())
    }

    fn update_project(&self, project: &Project) -> Result<()> {
        self.run(
            "UPDATE projects SET repo_id = ?2, repo = ?3, named_at = ?4, repo_origin_url = ?5,
                ci_seen = ?6, next_session = ?7, claimed_repo = ?8, claimed_url = ?9,
                display_name = ?10, path = ?11, adopt = ?12, nudges_paused = ?13, checks_only = ?14,
                checks_except = ?15, api_access = ?16, api_access_at = ?17, archived_at = ?18
             WHERE id = ?1",
            rusqlite::params![
                project.id,
                project.repo_id,
                project.repo,
                project.named_at.map(At),
                project.repo_origin_url,
                project.ci_seen,
                project.next_session,
                project.claim.as_ref().map(|(name, _)| name),
                project.claim.as_ref().map(|(_, url)| url),
                project.display_name,
                project.path,
                project.adopt,
                project.nudges_paused,
                Json(&project.checks_only),
                Json(&project.checks_except),
                project.api_access.0,
                project.api_access.1.map(At),
                project.archived_at.map(At),
            ],
        )?;
        // A pull request's address follows its repository's newest name.
        self.run(
            "UPDATE pr SET url = ?2 || '/pull/' || number
             WHERE repo_id = ?1 AND url <> ?2 || '/pull/' || number",
            (project.repo_id, &project.repo_origin_url),
        )?;
        Ok(())
    }

    fn session(&self, change: &SessionChange) -> Result<()> {
        match change {
            SessionChange::Create(session) => self.create_session(session),
            SessionChange::Update(session) => self.update_session(session),
        }
    }

    fn create_session(&self, session: &Session) -> Result<()> {
        self.run(
            "INSERT INTO sessions (id, project_id, num, kind, session_state, termination_reason,
                is_alive, activity_state, activity_last_at, branch, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?9, ?9)",
            (
                &session.id,
                &session.project_id,
                session.num,
                session.kind,
                session.state,
                session.termination_reason,
                session.is_alive,
                session.activity,
                At(session.created_at),
                &session.branch,
            ),
        )?;
        Ok(())
    }

    fn update_session(&self, session: &Session) -> Result<()> {
        self.run(
            "UPDATE sessions SET session_state = ?2, termination_reason = ?3, is_alive = ?4,
                updated_at = ?5, nudges_paused = ?6 WHERE id = ?1",
            (
                &session.id,
                session.state,
                session.termination_reason,
                session.is_alive,
                At(self.now),
                session.nudges_paused,
            ),
        )?;
        Ok(())
    }

    fn talk(&self, repo: RepoId, number: i64, talk: &Talk) -> Result<()> {
        for comment in &talk.comments {
            self.run(
                "INSERT INTO comments (repo_id, number, kind, comment_id, root_id, review_id, author,
                    file, line, body, url, created_at, updated_at, deleted, seen_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
                 ON CONFLICT DO UPDATE SET root_id = excluded.root_id,
                    review_id = excluded.review_id, author = excluded.author,
                    file = excluded.file, line = excluded.line, body = excluded.body,
                    url = excluded.url, created_at = excluded.created_at,
                    updated_at = excluded.updated_at, deleted = excluded.deleted",
                (
                    repo,
                    number,
                    comment.kind,
                    comment.id,
                    comment.root_id,
                    comment.review_id,
                    &comment.author,
                    &comment.file,
                    comment.line,
                    &comment.body,
                    &comment.url,
                    At(comment.created_at),
                    At(comment.updated_at),
                    comment.deleted,
                    At(self.now),
                ),
            )?;
        }
        for thread in &talk.threads {
            self.run(
                "INSERT INTO threads (repo_id, number, root_id, resolved, at)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET resolved = excluded.resolved, at = excluded.at",
                (repo, number, thread.root_id, thread.resolved, At(thread.at)),
            )?;
        }
        Ok(())
    }

    fn nudge_state(&self, id: NudgeId, state: NudgeState) -> Result<()> {
        let acknowledged = (state == NudgeState::Acknowledged).then_some(At(self.now));
        self.run(
            "UPDATE nudges SET state = ?2, acknowledged_at = coalesce(acknowledged_at, ?3)
             WHERE id = ?1",
            (id, state, acknowledged),
        )?;
        Ok(())
    }
}
