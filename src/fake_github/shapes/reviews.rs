//! Reviews, review comments and their threads.

use serde_json::{Value, json};

use super::super::state::{Bases, Comment, Pull, Repository, Review};
use super::{node_id, time, user};

/// As REST has it: its state in capitals.
pub(in super::super) fn review(
    bases: &Bases,
    repo: &Repository,
    pull: &Pull,
    review: &Review,
) -> Value {
    let html = format!(
        "{}/{}/pull/{}#pullrequestreview-{}",
        bases.html,
        repo.full_name(),
        pull.number,
        review.id
    );
    let url = format!("{}/repos/{}/pulls/{}", bases.api, repo.full_name(), pull.number);
    json!({
        "id": review.id, "node_id": node_id("PRR", &[repo.id, pull.number, review.id]),
        "user": user(bases, &review.author), "body": review.body,
        "state": review.state.to_uppercase(), "html_url": html, "pull_request_url": url,
        "author_association": repo.association(&review.author),
        "_links": {"html": {"href": html}, "pull_request": {"href": url}},
        "submitted_at": time(review.submitted_at), "commit_id": review.commit,
    })
}

/// As webhooks have it: its state in small letters, and when it was changed.
pub(in super::super) fn review_event(
    bases: &Bases,
    repo: &Repository,
    pull: &Pull,
    it: &Review,
) -> Value {
    let mut shape = review(bases, repo, pull, it);
    shape["state"] = it.state.as_str().into();
    shape["updated_at"] = time(it.updated_at).into();
    shape
}

pub(in super::super) fn comment(
    bases: &Bases,
    repo: &Repository,
    pull: &Pull,
    comment: &Comment,
) -> Value {
    let url = format!("{}/repos/{}/pulls", bases.api, repo.full_name());
    let html = format!(
        "{}/{}/pull/{}#discussion_r{}",
        bases.html,
        repo.full_name(),
        pull.number,
        comment.id
    );
    let own = format!("{url}/comments/{}", comment.id);
    let pull_url = format!("{url}/{}", pull.number);
    let mut shape = json!({
        "url": own, "pull_request_review_id": comment.review, "id": comment.id,
        "node_id": node_id("PRRC", &[repo.id, pull.number, comment.id]),
        "diff_hunk": "@@ -1,3 +1,4 @@", "path": comment.path, "position": 1,
        "original_position": 1, "commit_id": comment.commit, "original_commit_id": comment.commit,
        "user": user(bases, &comment.author), "body": comment.body,
        "created_at": time(comment.created_at), "updated_at": time(comment.updated_at),
        "html_url": html, "pull_request_url": pull_url,
        "author_association": repo.association(&comment.author),
        "_links": {"self": {"href": own}, "html": {"href": html},
            "pull_request": {"href": pull_url}},
        "reactions": {"url": format!("{own}/reactions"), "total_count": 0, "+1": 0, "-1": 0,
            "laugh": 0, "hooray": 0, "confused": 0, "heart": 0, "rocket": 0, "eyes": 0},
        "start_line": null, "original_start_line": null, "start_side": null, "line": comment.line,
        "original_line": comment.line, "side": "RIGHT",
        "subject_type": if comment.line.is_some() { "line" } else { "file" },
    });
    if let Some(root) = comment.in_reply_to {
        shape["in_reply_to_id"] = root.into();
    }
    shape
}

/// The thread that begins with this comment, as `pull_request_review_thread` has it.
pub(in super::super) fn thread(bases: &Bases, repo: &Repository, pull: &Pull, root: i64) -> Value {
    let comments: Vec<Value> = pull
        .comments
        .iter()
        .filter(|it| pull.root(it.id) == root)
        .map(|it| comment(bases, repo, pull, it))
        .collect();
    json!({"node_id": node_id("PRRT", &[repo.id, pull.number, root]), "comments": comments})
}
