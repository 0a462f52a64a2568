//! Saves what `reduce` made of an observation, in the transaction that loaded it.

use rusqlite::{Connection, OptionalExtension, Params, Result};

use crate::domain::{
    Audience, Check, CheckRun, Comment, CommitSha, CommitStatus, NewNudge, NudgeId, NudgeState,
    Project, PullCommit, PullRequest, RepoId, RepoSeen, Session, Timestamp, WorkflowRun,
};
use crate::lifecycle::{
    CommitFact, Effect, Outcome, ProjectChange, PullOutcome, SessionChange, Talk,
};

use super::codec::{At, Json};
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
    repo: Option<&RepoSeen>,
    outcome: &Outcome,
    notify: bool,
    now: Timestamp,
) -> Result<()> {
    let saver = Saver { connection, notify, now };
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
        let commit = saver.commit(repo.id, sha, false)?;
        match fact {
            CommitFact::CheckRun(run) => saver.check_run(commit, run)?,
            CommitFact::Status(status) => saver.status(commit, status)?,
            CommitFact::WorkflowRun(run) => saver.workflow_run(commit, run)?,
            CommitFact::SuiteCompleted(suite) => {
                let sql =
                    "INSERT OR IGNORE INTO check_suites (commit_id, suite_id) VALUES (?1, ?2)";
                saver.run(sql, (commit, suite))?;
            }
        }
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

    fn pull(&self, outcome: &PullOutcome) -> Result<()> {
        let pull = &outcome.pull;
        if let Some(session) = &outcome.session {
            self.session(session)?;
        }
        if outcome.is_new {
            self.insert_pull(pull)?;
        } else if outcome.changed {
            self.update_pull(pull)?;
        }
        for commit in &outcome.commits {
            self.pull_commit(pull, commit)?;
        }
        if let Some(answer) = &outcome.answer {
            self.run(
                "INSERT INTO pr_mergeability (pr_id, head_sha, base_ref, value, at)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at",
                (pull.id, &answer.head_sha, &answer.base_ref, answer.value, At(answer.at)),
            )?;
        }
        if let Some(review) = &outcome.review {
            self.run(
                "INSERT INTO pr_reviews (pr_id, review_id, author_id, author, state, submitted_at,
                    seen_at, url)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT DO UPDATE SET author_id = excluded.author_id,
                    author = excluded.author, state = excluded.state,
                    submitted_at = excluded.submitted_at, seen_at = excluded.seen_at,
                    url = excluded.url",
                (
                    pull.id,
                    review.id,
                    review.author_id,
                    &review.author,
                    review.state,
                    At(review.submitted_at),
                    At(review.seen_at),
                    &review.url,
                ),
            )?;
        }
        for (sha, key) in &outcome.gone_checks {
            self.run(
                "DELETE FROM pr_checks WHERE pr_id = ?1 AND commit_hash = ?2 AND source = ?3
                    AND workflow = ?4 AND name = ?5",
                (pull.id, sha, &key.source, &key.workflow, &key.name),
            )?;
        }
        for (sha, check) in &outcome.checks {
            self.check_row(pull, sha, check)?;
        }
        for comment in &outcome.gone_comments {
            let sql = "DELETE FROM pr_comment WHERE pr_id = ?1 AND kind = ?2 AND comment_id = ?3";
            self.run(sql, (pull.id, comment.kind, comment.id))?;
        }
        for (comment, resolved) in &outcome.comments {
            self.comment_row(pull, comment, *resolved)?;
        }
        outcome.effects.iter().try_for_each(|effect| self.effect(pull, effect))
    }

    fn insert_pull(&self, pull: &PullRequest) -> Result<()> {
        let core = &pull.core;
        self.run(
            "INSERT INTO pr (id, url, project_id, repo_id, number, session_id, pr_state, title,
                author, head_ref, head_sha, head_repo_id, base_ref, base_sha, created_at, core_at,
                core_ties, ci_state, review_decision, mergeability, unresolved_comments,
                updated_at, memory)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                ?18, ?19, ?20, ?21, ?22, ?23)",
            rusqlite::params![
                pull.id,
                pull.url,
                pull.project_id,
                pull.repo_id,
                pull.number,
                pull.session_id,
                core.state,
                core.title,
                core.author,
                core.head_ref,
                core.head_sha,
                core.head_repo,
                core.base_ref,
                core.base_sha,
                At(core.created_at),
                At(pull.core_at),
                ties(pull),
                pull.ci,
                pull.review,
                pull.mergeability,
                pull.unresolved_comments,
                At(pull.updated_at),
                Json(&pull.memory),
            ],
        )?;
        Ok(())
    }

    fn update_pull(&self, pull: &PullRequest) -> Result<()> {
        let core = &pull.core;
        self.run(
            "UPDATE pr SET pr_state = ?2, title = ?3, author = ?4, head_ref = ?5, head_sha = ?6,
                head_repo_id = ?7, base_ref = ?8, base_sha = ?9, created_at = ?10, core_at = ?11,
                core_ties = ?12, ci_state = ?13, review_decision = ?14, mergeability = ?15,
                unresolved_comments = ?16, updated_at = ?17, memory = ?18 WHERE id = ?1",
            rusqlite::params![
                pull.id,
                core.state,
                core.title,
                core.author,
                core.head_ref,
                core.head_sha,
                core.head_repo,
                core.base_ref,
                core.base_sha,
                At(core.created_at),
                At(pull.core_at),
                ties(pull),
                pull.ci,
                pull.review,
                pull.mergeability,
                pull.unresolved_comments,
                At(pull.updated_at),
                Json(&pull.memory),
            ],
        )?;
        Ok(())
    }

    fn pull_commit(&self, pull: &PullRequest, commit: &PullCommit) -> Result<()> {
        let id = self.commit(pull.repo_id, &commit.sha, true)?;
        self.run(
            "INSERT INTO pr_commits (pr_id, commit_id, head_at, superseded) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET head_at = excluded.head_at, superseded = excluded.superseded",
            (pull.id, id, At(commit.at), commit.superseded),
        )?;
        Ok(())
    }

    /// The row of a commit, made where there is none; `claimed` by a pull request it stays.
    fn commit(&self, repo: RepoId, sha: &CommitSha, claimed: bool) -> Result<i64> {
        let known = self
            .connection
            .prepare_cached("SELECT id, claimed FROM commits WHERE repo_id = ?1 AND sha = ?2")?
            .query_row((repo, sha), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))
            .optional()?;
        match known {
            Some((id, was_claimed)) => {
                if claimed && !was_claimed {
                    self.run("UPDATE commits SET claimed = 1 WHERE id = ?1", [id])?;
                }
                Ok(id)
            }
            None => {
                self.run(
                    "INSERT INTO commits (repo_id, sha, seen_at, claimed) VALUES (?1, ?2, ?3, ?4)",
                    (repo, sha, At(self.now), claimed),
                )?;
                Ok(self.connection.last_insert_rowid())
            }
        }
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

    fn comment_row(&self, pull: &PullRequest, comment: &Comment, resolved: bool) -> Result<()> {
        self.run(
            "INSERT INTO pr_comment (pr_id, pr_url, kind, comment_id, root_id, review_id, author,
                file, line, body, url, resolved, created_at)
             VALUES (?1, (SELECT url FROM pr WHERE id = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
                ?11, ?12)
             ON CONFLICT DO UPDATE SET root_id = excluded.root_id, review_id = excluded.review_id,
                author = excluded.author, file = excluded.file, line = excluded.line,
                body = excluded.body, url = excluded.url, resolved = excluded.resolved,
                created_at = excluded.created_at",
            (
                pull.id,
                comment.kind,
                comment.id,
                comment.root_id,
                comment.review_id,
                &comment.author,
                &comment.file,
                comment.line,
                &comment.body,
                &comment.url,
                resolved,
                At(comment.created_at),
            ),
        )?;
        Ok(())
    }

    fn check_run(&self, commit: i64, run: &CheckRun) -> Result<()> {
        let state = &run.state;
        self.run(
            "INSERT INTO check_runs (commit_id, run_id, source, suite_id, workflow_run_id, name,
                status, conclusion, url, started_at, completed_at, output, failed_step)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT DO UPDATE SET source = excluded.source, suite_id = excluded.suite_id,
                workflow_run_id = excluded.workflow_run_id, name = excluded.name,
                status = excluded.status, conclusion = excluded.conclusion, url = excluded.url,
                started_at = excluded.started_at, completed_at = excluded.completed_at,
                output = excluded.output, failed_step = excluded.failed_step",
            (
                commit,
                run.run_id,
                &run.source,
                run.suite_id,
                run.workflow_run_id,
                &state.name,
                state.status,
                &state.conclusion,
                &state.url,
                state.started_at.map(At),
                state.completed_at.map(At),
                run.output.as_ref().map(Json),
                run.failed_step.as_ref().map(Json),
            ),
        )?;
        Ok(())
    }

    fn status(&self, commit: i64, status: &CommitStatus) -> Result<()> {
        self.run(
            "INSERT INTO commit_statuses (commit_id, context, status_id, state, description, url,
                created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET status_id = excluded.status_id, state = excluded.state,
                description = excluded.description, url = excluded.url,
                created_at = excluded.created_at, updated_at = excluded.updated_at",
            (
                commit,
                &status.context,
                status.id,
                &status.state,
                &status.description,
                &status.url,
                At(status.created_at),
                At(status.updated_at),
            ),
        )?;
        Ok(())
    }

    fn workflow_run(&self, commit: i64, run: &WorkflowRun) -> Result<()> {
        let state = &run.state;
        self.run(
            "INSERT INTO workflow_runs (commit_id, run_id, attempt, workflow_id, name, event,
                suite_id, status, conclusion, url, started_at, completed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT DO UPDATE SET attempt = excluded.attempt,
                workflow_id = excluded.workflow_id, name = excluded.name, event = excluded.event,
                suite_id = excluded.suite_id, status = excluded.status,
                conclusion = excluded.conclusion, url = excluded.url,
                started_at = excluded.started_at, completed_at = excluded.completed_at",
            (
                commit,
                run.id,
                run.attempt,
                run.workflow_id,
                &state.name,
                &run.event,
                run.suite_id,
                state.status,
                &state.conclusion,
                &state.url,
                state.started_at.map(At),
                state.completed_at.map(At),
            ),
        )?;
        Ok(())
    }

    fn check_row(&self, pull: &PullRequest, sha: &CommitSha, check: &Check) -> Result<()> {
        self.run(
            "INSERT INTO pr_checks (pr_id, pr_url, commit_hash, source, workflow, workflow_name,
                name, status, conclusion, url, log_tail, run_id, started_at, completed_at,
                created_at)
             VALUES (?1, (SELECT url FROM pr WHERE id = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
                ?11, ?12, ?13, coalesce(?12, ?13))
             ON CONFLICT DO UPDATE SET workflow_name = excluded.workflow_name,
                status = excluded.status, conclusion = excluded.conclusion, url = excluded.url,
                log_tail = excluded.log_tail, run_id = excluded.run_id,
                started_at = excluded.started_at, completed_at = excluded.completed_at,
                created_at = excluded.created_at",
            (
                pull.id,
                sha,
                &check.key.source,
                &check.key.workflow,
                &check.workflow_name,
                &check.key.name,
                check.status,
                &check.conclusion,
                &check.url,
                &check.log_tail,
                check.run_id,
                check.started_at.map(At),
                check.completed_at.map(At),
            ),
        )?;
        Ok(())
    }

    fn effect(&self, pull: &PullRequest, effect: &Effect) -> Result<()> {
        match effect {
            Effect::Say(nudge) => self.nudge(pull, nudge),
            Effect::SetNudge(id, state) => self.nudge_state(*id, *state),
            Effect::ArmTimer(kind, due_at) => self
                .run(
                    "INSERT INTO timers (kind, pr_id, due_at) VALUES (?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET due_at = excluded.due_at",
                    (kind, pull.id, At(*due_at)),
                )
                .map(drop),
            Effect::CancelTimer(kind) => self
                .run("DELETE FROM timers WHERE pr_id = ?1 AND kind = ?2", (pull.id, kind))
                .map(drop),
        }
    }

    fn nudge(&self, pull: &PullRequest, nudge: &NewNudge) -> Result<()> {
        self.run(
            "INSERT INTO nudges (project_id, session_id, pr_id, audience, kind, priority, state,
                signature, body, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            (
                &pull.project_id,
                &pull.session_id,
                pull.id,
                nudge.kind.audience(),
                nudge.kind,
                nudge.kind.priority(),
                nudge.state,
                &nudge.signature,
                &nudge.body,
                At(self.now),
            ),
        )?;
        let for_human = nudge.kind.audience() == Audience::Human;
        if self.notify && for_human && nudge.state == NudgeState::Pending {
            let id = self.connection.last_insert_rowid();
            outbox::enqueue(self.connection, id, pull.session_id.as_ref(), self.now)?;
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

/// All groups of the winning stamp, where there is more than the winner.
fn ties(pull: &PullRequest) -> Option<Json<&std::collections::BTreeSet<crate::domain::PullCore>>> {
    (pull.candidates.len() > 1).then_some(Json(&pull.candidates))
}
