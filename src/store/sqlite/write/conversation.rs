//! Comments and threads, and the comment rows derived from them.

use rusqlite::{Result, params};

use super::Rows;
use crate::domain::{Comment, CommentName, CommentRow, PullId, QueueFact, RepoId, Thread};
use crate::store::sqlite::codec::{At, Json};

impl Rows<'_> {
    pub(super) fn set_comment(&self, repo: RepoId, number: i64, comment: &Comment) -> Result<()> {
        self.run(
            "INSERT INTO comments (repo_id, number, kind, comment_id, root_id, review_id, author,
                file, line, body, url, created_at, updated_at, deleted, seen_at, association, is_bot)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT DO UPDATE SET root_id = excluded.root_id,
                review_id = excluded.review_id, author = excluded.author,
                file = excluded.file, line = excluded.line, body = excluded.body,
                url = excluded.url, created_at = excluded.created_at,
                updated_at = excluded.updated_at, deleted = excluded.deleted,
                association = excluded.association, is_bot = excluded.is_bot",
            params![
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
                comment.standing.association,
                comment.standing.is_bot,
            ],
        )
    }

    pub(super) fn add_queue_fact(&self, repo: RepoId, number: i64, fact: &QueueFact) -> Result<()> {
        self.run(
            "INSERT OR IGNORE INTO queue_facts (repo_id, number, at, event) VALUES (?1, ?2, ?3, ?4)",
            (repo, number, At(fact.at), Json(&fact.event)),
        )
    }

    pub(super) fn set_thread(&self, repo: RepoId, number: i64, thread: &Thread) -> Result<()> {
        self.run(
            "INSERT INTO threads (repo_id, number, root_id, resolved, at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET resolved = excluded.resolved, at = excluded.at",
            (repo, number, thread.root_id, thread.resolved, At(thread.at)),
        )
    }

    pub(super) fn set_comment_row(&self, pull: PullId, url: &str, row: &CommentRow) -> Result<()> {
        self.run(
            "INSERT INTO pr_comment (pr_id, pr_url, kind, comment_id, root_id, review_id, author,
                file, line, body, url, resolved, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT DO UPDATE SET root_id = excluded.root_id, review_id = excluded.review_id,
                author = excluded.author, file = excluded.file, line = excluded.line,
                body = excluded.body, url = excluded.url, resolved = excluded.resolved,
                created_at = excluded.created_at",
            (
                pull,
                url,
                row.kind,
                row.id,
                row.root_id,
                row.review_id,
                &row.author,
                &row.file,
                row.line,
                &row.body,
                &row.url,
                row.resolved,
                At(row.created_at),
            ),
        )
    }

    pub(super) fn delete_comment_row(&self, pull: PullId, (kind, id): CommentName) -> Result<()> {
        self.run(
            "DELETE FROM pr_comment WHERE pr_id = ?1 AND kind = ?2 AND comment_id = ?3",
            (pull, kind, id),
        )
    }
}
