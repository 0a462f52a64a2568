//! Derived rows next to the stored ones: what must be written, and what must go.

use crate::domain::{Check, Comment, CommitSha};

use super::snapshot::{PullFacts, PullOutcome};

/// Finds the check rows at a commit that must be written or deleted.
pub(super) fn check_rows(
    outcome: &mut PullOutcome,
    sha: &CommitSha,
    rows: Option<&Vec<Check>>,
    derived: Vec<Check>,
) {
    let rows = rows.map_or(&[][..], Vec::as_slice);
    for gone in rows.iter().filter(|row| !derived.iter().any(|check| check.key == row.key)) {
        outcome.gone_checks.push((sha.clone(), gone.key.clone()));
    }
    for check in derived {
        let stored = rows.iter().find(|row| row.key == check.key);
        if stored.is_none_or(|row| !same_row(row, &check)) {
            outcome.checks.push((sha.clone(), check));
        }
    }
}

/// Finds the comment rows that must be written or deleted.
pub(super) fn comment_rows(outcome: &mut PullOutcome, registers: &PullFacts) {
    let stored = &registers.comment_rows;
    let same = |a: &Comment, b: &Comment| (a.kind, a.id) == (b.kind, b.id);
    for (gone, _) in stored
        .iter()
        .filter(|(row, _)| !registers.talk.rows().any(|(comment, _)| same(comment, row)))
    {
        outcome.gone_comments.push(gone.clone());
    }
    for (comment, resolved) in registers.talk.rows() {
        let known = stored.iter().find(|(row, _)| same(row, comment));
        let unchanged = known.is_some_and(|(row, was)| {
            *was == resolved
                && (&row.body, &row.file, row.line, &row.author, &row.url)
                    == (&comment.body, &comment.file, comment.line, &comment.author, &comment.url)
                && row.root_id == comment.root_id
        });
        if !unchanged {
            outcome.comments.push((comment.clone(), resolved));
        }
    }
}

/// Whether the columns that are stored agree.
fn same_row(row: &Check, check: &Check) -> bool {
    row.status == check.status
        && row.conclusion == check.conclusion
        && row.run_id == check.run_id
        && row.url == check.url
        && row.log_tail == check.log_tail
        && row.workflow_name == check.workflow_name
        && row.started_at == check.started_at
        && row.completed_at == check.completed_at
}
