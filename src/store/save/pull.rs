//! A pull request with what hangs on it.

use std::collections::BTreeSet;

use rusqlite::Result;

use crate::domain::{
    Audience, Check, Comment, CommitSha, NewNudge, NudgeState, PullCommit, PullCore, PullRequest,
};
use crate::lifecycle::{Effect, PullOutcome};
use crate::store::codec::{At, Json};
use crate::store::outbox;

use super::Saver;

impl Saver<'_> {
    pub(super) fn pull(&self, outcome: &PullOutcome) -> Result<()> {
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
        let id = self.commits.row(pull.repo_id, &commit.sha, true, self.now)?;
        self.run(
            "INSERT INTO pr_commits (pr_id, commit_id, head_at, superseded) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET head_at = excluded.head_at, superseded = excluded.superseded",
            (pull.id, id, At(commit.at), commit.superseded),
        )?;
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
}

/// All groups of the winning stamp, where there is more than the winner.
fn ties(pull: &PullRequest) -> Option<Json<&BTreeSet<PullCore>>> {
    (pull.candidates.len() > 1).then_some(Json(&pull.candidates))
}
