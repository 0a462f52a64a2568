//! Check runs and suites, commit statuses, annotations.

use serde_json::{Value, json};

use super::super::state::{Annotation, Bases, Check, Maker, Repository, Status, Suite};
use super::{brief_pulls, commit, node_id, owner, time, time_or_null, user};

fn app(bases: &Bases, maker: &Maker) -> Value {
    let (id, slug) = (maker.id(), maker.slug());
    let name = match maker {
        Maker::Actions => "GitHub Actions",
        Maker::Other(slug) => slug,
    };
    json!({
        "id": id, "client_id": format!("Iv1.{id:016x}"), "slug": slug,
        "node_id": node_id("A", &[id]), "owner": owner(bases, slug), "name": name,
        "description": "", "external_url": "https://ci.example/",
        "html_url": format!("{}/apps/{slug}", bases.html), "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2026-01-12T10:03:51Z",
        "permissions": {"checks": "write", "metadata": "read"}, "events": [],
    })
}

pub(in super::super) fn check(bases: &Bases, repo: &Repository, check: &Check) -> Value {
    let name = repo.full_name();
    let url = format!("{}/repos/{name}/check-runs/{}", bases.api, check.id);
    let page = match check.run {
        Some(run) => format!("{}/{name}/actions/runs/{run}/job/{}", bases.html, check.id),
        None => format!("{}/{name}/runs/{}", bases.html, check.id),
    };
    let found = repo.suites.get(&check.suite);
    let maker = found.map_or(Maker::Actions, |suite| suite.maker.clone());
    let details = match check.run {
        Some(_) => page.clone(),
        None => format!("https://ci.example/{}", check.id),
    };
    json!({
        "id": check.id, "name": check.name, "node_id": node_id("CR", &[repo.id, check.id]),
        "head_sha": check.head_sha, "external_id": format!("{:x}", check.id), "url": url,
        "html_url": page, "details_url": details, "status": check.status,
        "conclusion": check.conclusion, "started_at": time(check.started_at),
        "completed_at": time_or_null(check.completed_at),
        "output": {"title": check.title, "summary": check.summary, "text": check.text,
            "annotations_count": check.annotations.len(),
            "annotations_url": format!("{url}/annotations")},
        "check_suite": found.map_or(json!({"id": check.suite}), |it| suite(bases, repo, it)),
        "app": app(bases, &maker), "pull_requests": brief_pulls(bases, repo, &check.head_sha),
    })
}

pub(in super::super) fn suite(bases: &Bases, repo: &Repository, suite: &Suite) -> Value {
    let url = format!("{}/repos/{}/check-suites/{}", bases.api, repo.full_name(), suite.id);
    let runs = repo.checks.values().filter(|it| it.suite == suite.id).count();
    let head = repo.commits.get(&suite.head_sha).map(|it| {
        let whole = commit(bases, repo, it);
        json!({"id": it.sha, "tree_id": it.sha, "message": it.message, "timestamp": time(it.at),
            "author": whole["commit"]["author"], "committer": whole["commit"]["committer"]})
    });
    json!({
        "id": suite.id, "node_id": node_id("CS", &[repo.id, suite.id]),
        "head_branch": suite.head_branch, "head_sha": suite.head_sha, "status": suite.status,
        "conclusion": suite.conclusion, "url": url, "before": null, "after": suite.head_sha,
        "pull_requests": brief_pulls(bases, repo, &suite.head_sha), "app": app(bases, &suite.maker),
        "created_at": time(suite.created_at), "updated_at": time(suite.updated_at),
        "rerequestable": true, "runs_rerequestable": suite.maker != Maker::Actions,
        "latest_check_runs_count": runs, "check_runs_url": format!("{url}/check-runs"),
        "head_commit": head,
    })
}

pub(in super::super) fn annotation(
    bases: &Bases,
    repo: &Repository,
    sha: &str,
    it: &Annotation,
) -> Value {
    json!({
        "path": it.path, "start_line": it.line, "end_line": it.line, "start_column": null,
        "end_column": null, "annotation_level": it.level, "title": it.title, "message": it.message,
        "raw_details": null,
        "blob_href": format!("{}/{}/blob/{sha}/{}", bases.html, repo.full_name(), it.path),
    })
}

pub(in super::super) fn status(bases: &Bases, repo: &Repository, status: &Status) -> Value {
    json!({
        "url": format!("{}/repos/{}/statuses/{}", bases.api, repo.full_name(), status.sha),
        "avatar_url": format!("{}/avatars", bases.html), "id": status.id,
        "node_id": node_id("SC", &[repo.id, status.id]), "state": status.state,
        "description": status.description, "target_url": status.url, "context": status.context,
        "created_at": time(status.at), "updated_at": time(status.at),
        "creator": user(bases, &status.creator),
    })
}

/// What the `status` event says beside its repository.
pub(in super::super) fn status_event(bases: &Bases, repo: &Repository, it: &Status) -> Value {
    let holds = repo.branches.iter().filter(|(_, sha)| **sha == it.sha);
    let branches: Vec<Value> = holds
        .map(|(name, sha)| json!({"name": name, "commit": {"sha": sha}, "protected": false}))
        .collect();
    json!({
        "id": it.id, "sha": it.sha, "name": repo.full_name(), "target_url": it.url,
        "avatar_url": null, "context": it.context, "description": it.description,
        "state": it.state, "branches": branches,
        "commit": repo.commits.get(&it.sha).map(|found| commit(bases, repo, found)),
        "created_at": time(it.at), "updated_at": time(it.at),
    })
}

/// `GET …/commits/{sha}/status`: the newest of each context.
pub(in super::super) fn combined_status(bases: &Bases, repo: &Repository, sha: &str) -> Value {
    let latest = repo.latest_statuses(sha);
    let has = |state: &str| latest.iter().any(|it| it.state == state);
    let state = match (has("failure") || has("error"), has("pending") || latest.is_empty()) {
        (true, _) => "failure",
        (false, true) => "pending",
        (false, false) => "success",
    };
    let url = format!("{}/repos/{}/commits/{sha}", bases.api, repo.full_name());
    json!({
        "state": state, "sha": sha, "total_count": latest.len(),
        "statuses": latest.iter().map(|it| status(bases, repo, it)).collect::<Vec<_>>(),
        "repository": super::short_repository(repo), "commit_url": url,
        "url": format!("{url}/status"),
    })
}
