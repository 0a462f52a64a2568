//! Pull requests as issues, and what is said below them.

use serde_json::{Value, json};

use super::super::state::{Bases, Pull, Remark, Repository};
use super::{node_id, time, user};

/// A pull request as the issue that it is too.
pub(in super::super) fn issue(bases: &Bases, repo: &Repository, pull: &Pull) -> Value {
    let api = format!("{}/repos/{}", bases.api, repo.full_name());
    let html = format!("{}/{}/pull/{}", bases.html, repo.full_name(), pull.number);
    let own = format!("{api}/issues/{}", pull.number);
    json!({
        "url": own, "repository_url": api, "html_url": html, "id": pull.id,
        "node_id": node_id("PR", &[repo.id, pull.number]), "number": pull.number,
        "title": pull.title, "user": user(bases, &pull.author), "labels": [],
        "state": if pull.open() { "open" } else { "closed" }, "locked": false,
        "comments": pull.remarks.len(), "comments_url": format!("{own}/comments"),
        "created_at": time(pull.created_at), "updated_at": time(pull.updated_at),
        "author_association": repo.association(&pull.author), "draft": pull.draft,
        "pull_request": {"url": format!("{api}/pulls/{}", pull.number), "html_url": html},
        "body": null,
    })
}

/// A comment below a pull request.
pub(in super::super) fn remark(
    bases: &Bases,
    repo: &Repository,
    pull: &Pull,
    it: &Remark,
) -> Value {
    let api = format!("{}/repos/{}/issues", bases.api, repo.full_name());
    let html = format!("{}/{}/pull/{}", bases.html, repo.full_name(), pull.number);
    json!({
        "url": format!("{api}/comments/{}", it.id), "id": it.id,
        "html_url": format!("{html}#issuecomment-{}", it.id),
        "issue_url": format!("{api}/{}", pull.number),
        "node_id": node_id("IC", &[repo.id, it.id]), "user": user(bases, &it.author),
        "created_at": time(it.created_at), "updated_at": time(it.updated_at),
        "author_association": repo.association(&it.author), "body": it.body,
        "performed_via_github_app": null,
    })
}
