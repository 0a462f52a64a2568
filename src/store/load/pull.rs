//! A pull request with what hangs on it.

use std::collections::BTreeMap;

use rusqlite::Result;

use crate::domain::{
    Check, CommitFacts, CommitSha, MergeabilityAnswer, PullCommit, PullId, PullRequest, Review,
    Timer,
};
use crate::lifecycle::{HistoryEntry, PullFacts, PullSnapshot};
use crate::store::codec::{At, at};

use super::Loader;
use super::rows::{
    NUDGE, OPEN, SESSION, check_key, comment_row, commit_row, nudge_row, session_row,
};

/// Commits of a pull request that the brake looks back on.
const HISTORY_COMMITS: i64 = 30;

impl Loader<'_> {
    pub(super) fn pull(
        &self,
        pull: PullRequest,
        facts: Option<PullFacts>,
        at: &BTreeMap<CommitSha, CommitFacts>,
        failed: bool,
    ) -> Result<PullSnapshot> {
        let mut rows = BTreeMap::new();
        for sha in at.keys() {
            rows.insert(sha.clone(), self.check_rows(pull.id, sha)?);
        }
        let history = if failed { self.history(pull.id)? } else { Vec::new() };
        let base = if failed {
            self.commits.facts(pull.repo_id, &pull.core.base_sha)?
        } else {
            CommitFacts::default()
        };
        let session = match &pull.session_id {
            Some(id) => self.one(&format!("{SESSION} WHERE id = ?1"), [id], session_row)?,
            None => None,
        };
        let siblings = self.all(
            "SELECT pr_state FROM pr WHERE session_id = ?1 AND id <> ?2",
            (&pull.session_id, pull.id),
            |row| row.get(0),
        )?;
        let nudges = self.all(
            &format!("{NUDGE} WHERE pr_id = ?1 AND {OPEN} ORDER BY id"),
            [pull.id],
            nudge_row,
        )?;
        let id = pull.id;
        let timers =
            self.all("SELECT kind, due_at FROM timers WHERE pr_id = ?1", [id], move |row| {
                let At(due_at) = row.get(1)?;
                Ok(Timer { kind: row.get(0)?, pull: id, due_at })
            })?;
        Ok(PullSnapshot { pull, facts, rows, history, base, session, siblings, nudges, timers })
    }

    pub(super) fn pull_facts(&self, row: &PullRequest) -> Result<PullFacts> {
        let pull = row.id;
        let commits = self.all(
            "SELECT sha, head_at, superseded FROM pr_commits JOIN commits ON commits.id = commit_id
             WHERE pr_id = ?1",
            [pull],
            commit_row,
        )?;
        let answers = self.all(
            "SELECT head_sha, base_ref, value, at FROM pr_mergeability WHERE pr_id = ?1",
            [pull],
            |row| {
                let At(at) = row.get(3)?;
                let (head_sha, base_ref) = (row.get(0)?, row.get(1)?);
                Ok(MergeabilityAnswer { head_sha, base_ref, value: row.get(2)?, at })
            },
        )?;
        let reviews = self.all(
            "SELECT review_id, author_id, author, state, submitted_at, seen_at, url
             FROM pr_reviews WHERE pr_id = ?1",
            [pull],
            |row| {
                let (At(submitted_at), At(seen_at)) = (row.get(4)?, row.get(5)?);
                Ok(Review {
                    id: row.get(0)?,
                    author_id: row.get(1)?,
                    author: row.get(2)?,
                    state: row.get(3)?,
                    submitted_at,
                    seen_at,
                    url: row.get(6)?,
                })
            },
        )?;
        let commits = commits.into_iter().map(|commit| (commit.sha.clone(), commit)).collect();
        let comment_rows = self.all(
            "SELECT kind, comment_id, root_id, review_id, author, file, line, body, url, created_at,
                    resolved
             FROM pr_comment WHERE pr_id = ?1",
            [pull],
            |row| Ok((comment_row(row)?, row.get(10)?)),
        )?;
        let talk = self.talk(row.repo_id, row.number)?;
        Ok(PullFacts { commits, answers, reviews, talk, comment_rows })
    }

    fn check_rows(&self, pull: PullId, sha: &CommitSha) -> Result<Vec<Check>> {
        self.all(
            "SELECT source, workflow, name, workflow_name, run_id, status, conclusion, url,
                    log_tail, started_at, completed_at
             FROM pr_checks WHERE pr_id = ?1 AND commit_hash = ?2",
            (pull, sha),
            |row| {
                Ok(Check {
                    key: check_key(row)?,
                    workflow_name: row.get(3)?,
                    suite_id: None,
                    run_id: row.get(4)?,
                    status: row.get(5)?,
                    conclusion: row.get(6)?,
                    url: row.get(7)?,
                    log_tail: row.get(8)?,
                    started_at: at(row, 9)?,
                    completed_at: at(row, 10)?,
                    stands_for_workflow: false,
                })
            },
        )
    }

    fn history(&self, pull: PullId) -> Result<Vec<HistoryEntry>> {
        self.all(
            "SELECT source, workflow, name, status, sha, head_at, superseded
             FROM (SELECT sha, head_at, superseded FROM pr_commits
                   JOIN commits ON commits.id = commit_id WHERE pr_id = ?1
                   ORDER BY head_at DESC, superseded, sha DESC LIMIT +?2)
             JOIN pr_checks ON pr_id = ?1 AND commit_hash = sha
             WHERE status IN ('passed', 'failed')",
            (pull, HISTORY_COMMITS),
            |row| {
                let At(at) = row.get(5)?;
                let commit = PullCommit { at, superseded: row.get(6)?, sha: row.get(4)? };
                Ok(HistoryEntry { commit, key: check_key(row)?, status: row.get(3)? })
            },
        )
    }
}
