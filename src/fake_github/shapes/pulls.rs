//! Pull requests: as lists have them, in full, and as checks name them.

use serde_json::{Value, json};

use super::super::state::{Bases, Head, Pull, Repository, account_id};
use super::{extend, node_id, owner, repository, time, time_or_null, user};

/// As lists and review events have it: nothing of merging.
pub(in super::super) fn listed_pull(bases: &Bases, repo: &Repository, pull: &Pull) -> Value {
    let (name, number) = (repo.full_name(), pull.number);
    let api = format!("{}/repos/{name}", bases.api);
    let html = format!("{}/{name}/pull/{number}", bases.html);
    let (url, issue) = (format!("{api}/pulls/{number}"), format!("{api}/issues/{number}"));
    let statuses = format!("{api}/statuses/{}", pull.head_sha);
    let labels: Vec<Value> = pull
        .labels
        .iter()
        .map(|label| {
            json!({"id": account_id(label), "node_id": node_id("LA", &[account_id(label)]),
                "url": format!("{api}/labels/{label}"), "name": label, "color": "0e8a16",
                "default": false, "description": null})
        })
        .collect();
    let reviewers: Vec<Value> =
        pull.requested_reviewers.iter().map(|login| user(bases, login)).collect();
    let mut shape = json!({
        "url": url, "id": pull.id, "node_id": node_id("PR", &[repo.id, number]), "html_url": html,
        "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
        "issue_url": issue, "number": number, "state": if pull.open() { "open" } else { "closed" },
        "locked": false, "title": pull.title, "user": user(bases, &pull.author), "body": pull.body,
        "created_at": time(pull.created_at), "updated_at": time(pull.updated_at),
        "closed_at": time_or_null(pull.closed_at), "merged_at": time_or_null(pull.merged_at),
        "merge_commit_sha": pull.merge_commit, "assignee": null, "assignees": [],
        "requested_reviewers": reviewers, "requested_teams": [], "labels": labels,
        "milestone": null, "draft": pull.draft,
        "commits_url": format!("{url}/commits"), "review_comments_url": format!("{url}/comments"),
        "review_comment_url": format!("{api}/pulls/comments{{/number}}"),
        "comments_url": format!("{issue}/comments"), "statuses_url": statuses,
        "head": head(bases, repo, pull),
        "base": {"label": format!("{}:{}", repo.owner, pull.base_ref), "ref": pull.base_ref,
            "sha": pull.base_sha, "user": owner(bases, &repo.owner),
            "repo": repository(bases, repo)},
        "author_association": repo.association(&pull.author), "auto_merge": null,
        "active_lock_reason": null,
    });
    shape["_links"] = json!({"self": {"href": url}, "html": {"href": html}, "issue": {"href": issue},
            "comments": {"href": format!("{issue}/comments")},
            "review_comments": {"href": format!("{url}/comments")},
            "review_comment": {"href": format!("{api}/pulls/comments{{/number}}")},
            "commits": {"href": format!("{url}/commits")}, "statuses": {"href": statuses}});
    shape
}

fn head(bases: &Bases, repo: &Repository, pull: &Pull) -> Value {
    let (login, home) = match &pull.head {
        Head::Own => (repo.owner.as_str(), repository(bases, repo)),
        Head::Fork { id, owner: login } => {
            let mut fork = repository(bases, repo);
            let name = format!("{login}/{}", repo.name);
            extend(
                &mut fork,
                json!({"id": id, "node_id": node_id("R", &[*id]), "full_name": name, "fork": true,
                    "owner": user(bases, login), "html_url": format!("{}/{name}", bases.html),
                    "url": format!("{}/repos/{name}", bases.api)}),
            );
            (login.as_str(), fork)
        }
        Head::Gone => ("ghost", Value::Null),
    };
    json!({"label": format!("{login}:{}", pull.head_ref), "ref": pull.head_ref,
        "sha": pull.head_sha, "user": user(bases, login), "repo": home})
}

/// `mergeable` and `mergeable_state` as GitHub would answer them now.
pub(in super::super) fn mergeability(
    repo: &Repository,
    pull: &Pull,
) -> (Option<bool>, &'static str) {
    if !pull.open() || pull.computing.is_some() {
        return (None, "unknown");
    }
    if pull.conflicting {
        return (Some(false), "dirty");
    }
    let green = |name: &String| {
        let checks = repo.latest_checks(&pull.head_sha);
        let passes = |it: &&super::super::state::Check| {
            it.name == *name && it.conclusion.as_deref() == Some("success")
        };
        let statuses = repo.latest_statuses(&pull.head_sha);
        checks.iter().any(passes)
            || statuses.iter().any(|it| it.context == *name && it.state == "success")
    };
    let unreviewed = repo.review_required && pull.decision() != Some("APPROVED")
        || pull.decision() == Some("CHANGES_REQUESTED");
    let held = pull.blocked || unreviewed || !repo.required_checks.iter().all(green);
    let bad = |conclusion: &Option<String>| {
        !matches!(conclusion.as_deref(), Some("success" | "neutral" | "skipped"))
    };
    let unstable = repo.latest_checks(&pull.head_sha).iter().any(|it| bad(&it.conclusion))
        || repo.latest_statuses(&pull.head_sha).iter().any(|it| it.state != "success");
    let state = match (pull.draft, held, unstable) {
        (true, _, _) => "draft",
        (_, true, _) => "blocked",
        (_, _, true) => "unstable",
        (false, false, false) => "clean",
    };
    (Some(true), state)
}

/// With all that GitHub says of a pull request that was asked for by its number.
pub(in super::super) fn full_pull(bases: &Bases, repo: &Repository, pull: &Pull) -> Value {
    let mut shape = listed_pull(bases, repo, pull);
    let (mergeable, state) = mergeability(repo, pull);
    let merged_by = pull.merged_by.as_ref().map_or(Value::Null, |login| user(bases, login));
    let commits = repo.history(&pull.head_sha).difference(&repo.history(&pull.base_sha)).count();
    extend(
        &mut shape,
        json!({"merged": pull.merged_at.is_some(), "mergeable": mergeable,
            "rebaseable": mergeable, "mergeable_state": state, "merged_by": merged_by,
            "comments": 0, "review_comments": pull.comments.len(), "maintainer_can_modify": false,
            "commits": commits, "additions": 12, "deletions": 3, "changed_files": 1}),
    );
    shape
}

/// `pull_requests[]` of a check or a run: empty for those of forks.
pub(in super::super) fn brief_pulls(bases: &Bases, repo: &Repository, sha: &str) -> Value {
    let api = format!("{}/repos/{}", bases.api, repo.full_name());
    let home = json!({"id": repo.id, "url": api, "name": repo.name});
    repo.pulls_at(sha)
        .filter(|pull| pull.head == Head::Own)
        .map(|pull| {
            json!({"url": format!("{api}/pulls/{}", pull.number), "id": pull.id,
                "number": pull.number,
                "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": home},
                "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": home}})
        })
        .collect()
}
