//! Repositories and commits.

use serde_json::{Value, json};

use super::super::state::{Bases, Commit, Repository};
use super::{extend, node_id, owner, time, user};

pub(in super::super) fn repository(bases: &Bases, repo: &Repository) -> Value {
    let name = repo.full_name();
    let (api, html) = (format!("{}/repos/{name}", bases.api), format!("{}/{name}", bases.html));
    let open = repo.pulls.values().filter(|pull| pull.open()).count();
    let mut shape = json!({
        "id": repo.id, "node_id": node_id("R", &[repo.id]), "name": repo.name, "full_name": name,
        "private": repo.private, "owner": owner(bases, &repo.owner), "html_url": html,
        "description": "A repository of the fake GitHub", "fork": false, "url": api,
        "created_at": time(repo.created_at), "updated_at": time(repo.updated_at),
        "pushed_at": time(repo.pushed_at), "git_url": format!("git://github.com/{name}.git"),
        "ssh_url": format!("git@github.com:{name}.git"), "clone_url": format!("{html}.git"),
        "svn_url": html, "homepage": null,
    });
    let counted = json!({
        "size": 1, "stargazers_count": 0, "watchers_count": 0,
        "language": "Rust", "has_issues": true, "has_projects": true, "has_downloads": true,
        "has_wiki": false, "has_pages": false, "has_discussions": false, "forks_count": 0,
        "mirror_url": null, "archived": false, "disabled": false, "open_issues_count": open,
        "license": null, "allow_forking": true, "is_template": false,
        "web_commit_signoff_required": false, "topics": [],
        "visibility": if repo.private { "private" } else { "public" }, "forks": 0,
        "open_issues": open, "watchers": 0, "default_branch": repo.default_branch,
    });
    extend(&mut shape, counted);
    let links = [
        ("forks", "forks"),
        ("keys", "keys{/key_id}"),
        ("collaborators", "collaborators{/collaborator}"),
        ("teams", "teams"),
        ("hooks", "hooks"),
        ("issue_events", "issues/events{/number}"),
        ("events", "events"),
        ("assignees", "assignees{/user}"),
        ("branches", "branches{/branch}"),
        ("tags", "tags"),
        ("blobs", "git/blobs{/sha}"),
        ("git_tags", "git/tags{/sha}"),
        ("git_refs", "git/refs{/sha}"),
        ("trees", "git/trees{/sha}"),
        ("statuses", "statuses/{sha}"),
        ("languages", "languages"),
        ("stargazers", "stargazers"),
        ("contributors", "contributors"),
        ("subscribers", "subscribers"),
        ("subscription", "subscription"),
        ("commits", "commits{/sha}"),
        ("git_commits", "git/commits{/sha}"),
        ("comments", "comments{/number}"),
        ("issue_comment", "issues/comments{/number}"),
        ("contents", "contents/{+path}"),
        ("compare", "compare/{base}...{head}"),
        ("merges", "merges"),
        ("archive", "{archive_format}{/ref}"),
        ("downloads", "downloads"),
        ("issues", "issues{/number}"),
        ("pulls", "pulls{/number}"),
        ("milestones", "milestones{/number}"),
        ("notifications", "notifications{?since,all,participating}"),
        ("labels", "labels{/name}"),
        ("releases", "releases{/id}"),
        ("deployments", "deployments"),
    ];
    for (link, path) in links {
        shape[format!("{link}_url")] = format!("{api}/{path}").into();
    }
    shape
}

/// In `push` its times are seconds.
pub(in super::super) fn pushed_repository(bases: &Bases, repo: &Repository) -> Value {
    let mut shape = repository(bases, repo);
    let seconds = |at: jiff::Timestamp| at.as_second();
    extend(
        &mut shape,
        json!({"created_at": seconds(repo.created_at), "pushed_at": seconds(repo.pushed_at),
            "master_branch": repo.default_branch}),
    );
    shape
}

/// As `pull_requests[]` of checks and `installation` payloads have it.
pub(in super::super) fn short_repository(repo: &Repository) -> Value {
    json!({"id": repo.id, "node_id": node_id("R", &[repo.id]), "name": repo.name,
        "full_name": repo.full_name(), "private": repo.private})
}

pub(in super::super) fn commit(bases: &Bases, repo: &Repository, commit: &Commit) -> Value {
    let api = format!("{}/repos/{}", bases.api, repo.full_name());
    let html = format!("{}/{}/commit/{}", bases.html, repo.full_name(), commit.sha);
    let person = json!({"name": commit.author, "email": format!("{}@example.com", commit.author),
        "date": time(commit.at)});
    let parents: Vec<Value> = commit
        .parents
        .iter()
        .map(|sha| {
            json!({"sha": sha, "url": format!("{api}/commits/{sha}"),
            "html_url": format!("{}/{}/commit/{sha}", bases.html, repo.full_name())})
        })
        .collect();
    json!({
        "sha": commit.sha, "node_id": format!("C_{}", commit.sha),
        "commit": {"author": person, "committer": person, "message": commit.message,
            "tree": {"sha": commit.sha, "url": format!("{api}/git/trees/{}", commit.sha)},
            "url": format!("{api}/git/commits/{}", commit.sha), "comment_count": 0,
            "verification": {"verified": false, "reason": "unsigned", "signature": null,
                "payload": null, "verified_at": null}},
        "url": format!("{api}/commits/{}", commit.sha), "html_url": html,
        "comments_url": format!("{api}/commits/{}/comments", commit.sha),
        "author": user(bases, &commit.author), "committer": user(bases, &commit.author),
        "parents": parents,
    })
}

/// `GET …/compare/{base}...{head}`; `None` where one of both is not known.
pub(in super::super) fn compared(
    bases: &Bases,
    repo: &Repository,
    base: &str,
    head: &str,
) -> Option<Value> {
    let name = repo.full_name();
    let (base, head) = (repo.resolve(base)?, repo.resolve(head)?);
    let (below, above) = (repo.history(&base), repo.history(&head));
    let mut ahead: Vec<&Commit> =
        above.difference(&below).filter_map(|sha| repo.commits.get(sha)).collect();
    ahead.sort_by_key(|commit| (commit.at, above_count(repo, &commit.sha)));
    let behind = below.difference(&above).count();
    // The common commit that no other common commit descends from.
    let common: Vec<&String> = below.intersection(&above).collect();
    let merge_base = common.iter().max_by_key(|sha| above_count(repo, sha))?;
    let status = match (ahead.len(), behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let api = format!("{}/repos/{name}/compare/{base}...{head}", bases.api);
    let html = format!("{}/{name}/compare/{base}...{head}", bases.html);
    Some(json!({
        "url": api, "html_url": html, "permalink_url": html,
        "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
        "base_commit": commit(bases, repo, repo.commits.get(&base)?),
        "merge_base_commit": commit(bases, repo, repo.commits.get(*merge_base)?),
        "status": status, "ahead_by": ahead.len(), "behind_by": behind,
        "total_commits": ahead.len(),
        "commits": ahead.iter().map(|it| commit(bases, repo, it)).collect::<Vec<_>>(),
        "files": [],
    }))
}

fn above_count(repo: &Repository, sha: &str) -> usize {
    repo.history(sha).len()
}
