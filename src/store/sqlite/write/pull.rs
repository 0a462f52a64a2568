//! Pull request rows, and the registers and derived rows that hang on them.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Result, params};

use super::Rows;
use crate::domain::{
    Check, CheckKey, CommitSha, MergeabilityAnswer, PullCommit, PullCore, PullId, PullRequest,
    Review,
};
use crate::store::sqlite::codec::{At, Json};

impl Rows<'_> {
    pub(super) fn insert_pull(&self, pull: &PullRequest) -> Result<()> {
        let core = &pull.core;
        self.run(
            "INSERT INTO pr (id, url, project_id, repo_id, number, session_id, pr_state, title,
                author, head_ref, head_sha, head_repo_id, base_ref, base_sha, created_at, core_at,
                core_ties, ci_state, review_decision, mergeability, unresolved_comments,
                updated_at, memory, core_first, core_read_at, review_answer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)",
            params![
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
                core.first,
                pull.core_read_at.map(At),
                pull.review_answer.as_ref().map(Json),
            ],
        )
    }

    pub(super) fn update_pull(&self, pull: &PullRequest) -> Result<()> {
        let core = &pull.core;
        self.run(
            "UPDATE pr SET pr_state = ?2, title = ?3, author = ?4, head_ref = ?5, head_sha = ?6,
                head_repo_id = ?7, base_ref = ?8, base_sha = ?9, created_at = ?10, core_at = ?11,
                core_ties = ?12, ci_state = ?13, review_decision = ?14, mergeability = ?15,
                unresolved_comments = ?16, updated_at = ?17, memory = ?18, core_first = ?19,
                core_read_at = ?20, review_answer = ?21
             WHERE id = ?1",
            params![
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
                core.first,
                pull.core_read_at.map(At),
                pull.review_answer.as_ref().map(Json),
            ],
        )
    }

    pub(super) fn set_pull_commit(
        &self,
        pull: PullId,
        commit: i64,
        seen: &PullCommit,
    ) -> Result<()> {
        self.run(
            "INSERT INTO pr_commits (pr_id, commit_id, head_at, superseded) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET head_at = excluded.head_at, superseded = excluded.superseded",
            (pull, commit, At(seen.at), seen.superseded),
        )
    }

    pub(super) fn set_answer(&self, pull: PullId, answer: &MergeabilityAnswer) -> Result<()> {
        self.run(
            "INSERT INTO pr_mergeability (pr_id, head_sha, base_ref, value, at, of_draft)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at,
                of_draft = excluded.of_draft",
            (
                pull,
                &answer.head_sha,
                &answer.base_ref,
                answer.value,
                At(answer.at),
                answer.of_draft,
            ),
        )
    }

    pub(super) fn set_review(&self, pull: PullId, review: &Review) -> Result<()> {
        self.run(
            "INSERT INTO pr_reviews (pr_id, review_id, author_id, author, state, submitted_at,
                seen_at, url, body, association, is_bot)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT DO UPDATE SET author_id = excluded.author_id, author = excluded.author,
                state = excluded.state, submitted_at = excluded.submitted_at,
                seen_at = excluded.seen_at, url = excluded.url, body = excluded.body,
                association = excluded.association, is_bot = excluded.is_bot",
            (
                pull,
                review.id,
                review.author_id,
                &review.author,
                review.state,
                At(review.submitted_at),
                At(review.seen_at),
                &review.url,
                &review.body,
                &review.standing.association,
                review.standing.is_bot,
            ),
        )
    }

    pub(super) fn set_check_row(
        &self,
        pull: PullId,
        url: &str,
        sha: &CommitSha,
        check: &Check,
    ) -> Result<()> {
        self.run(
            "INSERT INTO pr_checks (pr_id, pr_url, commit_hash, source, workflow, workflow_name,
                name, status, conclusion, url, log_tail, run_id, started_at, completed_at,
                created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
                coalesce(?13, ?14))
             ON CONFLICT DO UPDATE SET workflow_name = excluded.workflow_name,
                status = excluded.status, conclusion = excluded.conclusion, url = excluded.url,
                log_tail = excluded.log_tail, run_id = excluded.run_id,
                started_at = excluded.started_at, completed_at = excluded.completed_at,
                created_at = excluded.created_at",
            (
                pull,
                url,
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
        )
    }

    pub(super) fn delete_check_row(
        &self,
        pull: PullId,
        sha: &CommitSha,
        key: &CheckKey,
    ) -> Result<()> {
        self.run(
            "DELETE FROM pr_checks WHERE pr_id = ?1 AND commit_hash = ?2 AND source = ?3
                AND workflow = ?4 AND name = ?5",
            (pull, sha, &key.source, &key.workflow, &key.name),
        )
    }
}

/// All groups of the winning stamp, where there is more than the winner.
fn ties(pull: &PullRequest) -> Option<Json<&BTreeSet<Arc<PullCore>>>> {
    (pull.candidates.len() > 1).then_some(Json(&pull.candidates))
}
