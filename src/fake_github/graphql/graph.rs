//! The part of GitHub's graph that can be asked for, as JSON that `project` takes from.

use serde_json::{Map, Value, json};

use super::super::shapes::{self, node_id, read_node_id, time, time_or_null};
use super::super::state::{Check, Pull, Repository, State, account_id};
use super::query::{Field, Selection};

/// What a query may look at.
pub(in crate::fake_github) struct Scope<'a> {
    pub(in crate::fake_github) state: &'a State,
    /// `None`: everything.
    pub(in crate::fake_github) installation: Option<i64>,
    /// `limit`, `remaining` and `resetAt` before this query.
    pub(in crate::fake_github) quota: (u32, u32, String),
}

/// Marks a list as a connection.
pub(super) const CONNECTION: &str = "\u{0}connection";

/// Which heavy parts of a repository a query names: only these are made.
pub(super) struct Wanted {
    numbers: Vec<i64>,
    all: bool,
}

impl Wanted {
    pub(super) fn of(selections: &[Selection]) -> Self {
        let mut wanted = Self { numbers: Vec::new(), all: false };
        wanted.look(selections);
        wanted
    }

    pub(super) fn has(&self, number: i64) -> bool {
        self.all || self.numbers.contains(&number)
    }

    fn look(&mut self, selections: &[Selection]) {
        for selection in selections {
            match selection {
                Selection::On(_, inner) => self.look(inner),
                Selection::Field(field) => match field.name.as_str() {
                    "pullRequest" => self.numbers.extend(field.number("number").map(i64::from)),
                    "pullRequests" => self.all = true,
                    _ => {}
                },
            }
        }
    }
}

/// Whether the asking installation sees a repository.
pub(super) fn visible(scope: &Scope<'_>, repo: &Repository) -> bool {
    let covers = |id| scope.state.installations.get(&id).is_some_and(|it| it.covers(repo));
    scope.installation.is_none_or(covers)
}

/// Whether an object of this kind is one of an interface or a union.
pub(super) fn is_a(kind: &str, of: &str) -> bool {
    match of {
        "Actor" | "RequestedReviewer" => ["User", "Bot", "Organization"].contains(&kind),
        "StatusCheckRollupContext" => ["CheckRun", "StatusContext"].contains(&kind),
        "GitObject" => kind == "Commit",
        _ => false,
    }
}

/// Fields that their arguments choose.
pub(super) fn argued(object: &Map<String, Value>, field: &Field) -> Option<Value> {
    let all = |name: &str| object.get(name)?.get(CONNECTION)?.as_array();
    match field.name.as_str() {
        "pullRequest" => {
            let number = field.number("number")?;
            let found = all("pullRequests")?.iter().find(|it| it["number"] == number);
            Some(found.cloned().unwrap_or(Value::Null))
        }
        "pullRequests" => {
            let states = field.arguments.get("states")?;
            let states: Vec<&str> = match states.as_array() {
                Some(states) => states.iter().filter_map(Value::as_str).collect(),
                None => states.as_str().into_iter().collect(),
            };
            let chosen = all("pullRequests")?
                .iter()
                .filter(|it| states.iter().any(|state| it["state"] == *state));
            Some(connection(chosen.cloned().collect()))
        }
        "object" => {
            let oid = field.text("oid");
            let name = if oid.is_empty() { field.text("expression") } else { oid };
            let commits = object.get("\u{0}commits")?.as_object()?;
            Some(commits.get(&name).cloned().unwrap_or(Value::Null))
        }
        _ => None,
    }
}

fn connection(items: Vec<Value>) -> Value {
    json!({CONNECTION: items})
}

/// What a global id names.
pub(super) fn node(scope: &Scope<'_>, id: &str) -> Option<Value> {
    if let Some(of) = read_node_id(id, "PR") {
        let repo = scope.state.repositories.get(of.first()?).filter(|it| visible(scope, it))?;
        return Some(pull(scope.state, repo, repo.pulls.get(of.get(1)?)?));
    }
    let of = read_node_id(id, "R")?;
    let repo = scope.state.repositories.get(of.first()?).filter(|it| visible(scope, it))?;
    Some(repository(scope.state, repo, &Wanted { numbers: Vec::new(), all: true }))
}

pub(super) fn repository(state: &State, repo: &Repository, wanted: &Wanted) -> Value {
    let asked = |it: &&Pull| wanted.has(it.number);
    let pulls = repo.pulls.values().filter(asked).map(|it| pull(state, repo, it)).collect();
    let heads = repo.branches.iter().map(|(name, sha)| (name.clone(), commit(repo, sha)));
    let mut commits: Map<String, Value> = heads.collect();
    commits.extend(repo.pulls.values().map(|it| (it.head_sha.clone(), commit(repo, &it.head_sha))));
    json!({
        "__typename": "Repository", "id": node_id("R", &[repo.id]), "databaseId": repo.id,
        "name": repo.name, "nameWithOwner": repo.full_name(), "isPrivate": repo.private,
        "url": format!("{}/{}", state.bases.html, repo.full_name()),
        "owner": actor(&repo.owner), "updatedAt": time(repo.updated_at),
        "pushedAt": time(repo.pushed_at),
        "defaultBranchRef": {"__typename": "Ref", "name": repo.default_branch,
            "target": repo.branches.get(&repo.default_branch).map(|sha| commit(repo, sha))},
        "pullRequests": connection(pulls), "\u{0}commits": commits,
    })
}

fn actor(login: &str) -> Value {
    let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
    json!({"__typename": kind, "login": login.trim_end_matches("[bot]"),
        "databaseId": account_id(login), "id": node_id("U", &[account_id(login)])})
}

fn pull(state: &State, repo: &Repository, pull: &Pull) -> Value {
    let (mergeable, merge_state) = shapes::mergeability(repo, pull);
    let mergeable = match mergeable {
        None => "UNKNOWN",
        Some(true) => "MERGEABLE",
        Some(false) => "CONFLICTING",
    };
    let condition = match (pull.merged_at.is_some(), pull.open()) {
        (true, _) => "MERGED",
        (false, true) => "OPEN",
        (false, false) => "CLOSED",
    };
    let decision = match (pull.decision(), repo.review_required) {
        (Some("CHANGES_REQUESTED"), _) => json!("CHANGES_REQUESTED"),
        (Some(decision), true) => json!(decision),
        (None, true) => json!("REVIEW_REQUIRED"),
        // Without a rule that wants reviews there is no decision, unless somebody asks for changes.
        (_, false) => Value::Null,
    };
    let threads = pull.threads().into_iter().map(|root| thread(state, repo, pull, root)).collect();
    let reviews = pull.reviews.iter().map(|it| review(repo, pull, it)).collect();
    let history = repo.history(&pull.base_sha);
    let mut own: Vec<&String> = Vec::new();
    let mut next = Some(&pull.head_sha);
    while let Some(sha) = next.filter(|sha| !history.contains(*sha)) {
        own.push(sha);
        next = repo.commits.get(sha).and_then(|commit| commit.parents.first());
    }
    let commits = own.into_iter().rev().map(|sha| {
        json!({"__typename": "PullRequestCommit", "id": format!("PURC_{sha}"),
            "commit": commit(repo, sha)})
    });
    let labels = pull.labels.iter().map(|it| json!({"__typename": "Label", "name": it}));
    json!({
        "__typename": "PullRequest", "id": node_id("PR", &[repo.id, pull.number]),
        "databaseId": pull.id, "fullDatabaseId": pull.id.to_string(), "number": pull.number,
        "title": pull.title, "body": pull.body, "author": actor(&pull.author),
        "authorAssociation": repo.association(&pull.author),
        "url": format!("{}/{}/pull/{}", state.bases.html, repo.full_name(), pull.number),
        "state": condition, "closed": !pull.open(), "merged": pull.merged_at.is_some(),
        "isDraft": pull.draft, "isInMergeQueue": pull.queued.is_some(),
        "isCrossRepository": pull.head != super::super::state::Head::Own,
        "createdAt": time(pull.created_at), "updatedAt": time(pull.updated_at),
        "closedAt": time_or_null(pull.closed_at), "mergedAt": time_or_null(pull.merged_at),
        "mergedBy": pull.merged_by.as_deref().map(actor),
        "mergeCommit": pull.merge_commit.as_ref().map(|sha| commit(repo, sha)),
        "mergeable": mergeable, "mergeStateStatus": merge_state.to_uppercase(),
        "reviewDecision": decision, "headRefName": pull.head_ref, "headRefOid": pull.head_sha,
        "headRepository": pull.head_repository(repo.id).map(|id|
            json!({"__typename": "Repository", "databaseId": id})),
        "baseRefName": pull.base_ref, "baseRefOid": pull.base_sha,
        "baseRef": {"__typename": "Ref", "name": pull.base_ref,
            "target": repo.branches.get(&pull.base_ref).map(|sha| commit(repo, sha))},
        "repository": {"__typename": "Repository", "id": node_id("R", &[repo.id]),
            "databaseId": repo.id, "nameWithOwner": repo.full_name()},
        "reviewThreads": connection(threads), "reviews": connection(reviews),
        "commits": connection(commits.collect()), "labels": connection(labels.collect()),
        "statusCheckRollup": roll_up(repo, &pull.head_sha),
    })
}

fn review(repo: &Repository, pull: &Pull, it: &super::super::state::Review) -> Value {
    json!({
        "__typename": "PullRequestReview", "id": node_id("PRR", &[repo.id, pull.number, it.id]),
        "databaseId": it.id, "fullDatabaseId": it.id.to_string(), "author": actor(&it.author),
        "authorAssociation": repo.association(&it.author), "state": it.state.to_uppercase(),
        "body": it.body, "submittedAt": time(it.submitted_at), "updatedAt": time(it.updated_at),
        "commit": commit(repo, &it.commit),
    })
}

fn thread(state: &State, repo: &Repository, pull: &Pull, root: i64) -> Value {
    let of_thread = pull.comments.iter().filter(|it| pull.root(it.id) == root);
    let comments: Vec<Value> = of_thread
        .clone()
        .map(|it| {
            json!({
                "__typename": "PullRequestReviewComment",
                "id": node_id("PRRC", &[repo.id, pull.number, it.id]), "databaseId": it.id,
                "fullDatabaseId": it.id.to_string(), "author": actor(&it.author),
                "authorAssociation": repo.association(&it.author), "body": it.body,
                "path": it.path, "line": it.line, "originalLine": it.line,
                "url": format!("{}/{}/pull/{}#discussion_r{}", state.bases.html,
                    repo.full_name(), pull.number, it.id),
                "createdAt": time(it.created_at), "updatedAt": time(it.updated_at),
                "replyTo": it.in_reply_to.map(|root| json!({
                    "__typename": "PullRequestReviewComment", "databaseId": root})),
            })
        })
        .collect();
    let first = of_thread.into_iter().next();
    json!({
        "__typename": "PullRequestReviewThread",
        "id": node_id("PRRT", &[repo.id, pull.number, root]),
        "isResolved": pull.resolved.contains(&root), "isOutdated": false, "isCollapsed": false,
        "path": first.map(|it| it.path.as_str()), "line": first.and_then(|it| it.line),
        "comments": connection(comments),
    })
}

fn commit(repo: &Repository, sha: &str) -> Value {
    let known = repo.commits.get(sha);
    json!({
        "__typename": "Commit", "oid": sha, "id": format!("C_{sha}"),
        "message": known.map(|it| it.message.as_str()),
        "committedDate": known.map(|it| time(it.at)),
        "parents": connection(known.map_or_else(Vec::new, |it| it.parents.iter()
            .map(|sha| json!({"__typename": "Commit", "oid": sha})).collect())),
        "statusCheckRollup": roll_up(repo, sha),
    })
}

fn roll_up(repo: &Repository, sha: &str) -> Value {
    let (checks, statuses) = (repo.latest_checks(sha), repo.latest_statuses(sha));
    if checks.is_empty() && statuses.is_empty() {
        return Value::Null;
    }
    let ends: Vec<&str> = checks
        .iter()
        .map(|it| it.conclusion.as_deref().unwrap_or("pending"))
        .chain(statuses.iter().map(|it| it.state.as_str()))
        .collect();
    let fine = |end: &&str| matches!(*end, "success" | "neutral" | "skipped");
    let state = if ends.iter().any(|end| *end != "pending" && !fine(end)) {
        "FAILURE"
    } else if ends.contains(&"pending") {
        "PENDING"
    } else {
        "SUCCESS"
    };
    let mut contexts: Vec<Value> = checks.iter().map(|it| check(repo, it)).collect();
    contexts.extend(statuses.iter().map(|it| {
        json!({"__typename": "StatusContext", "id": node_id("SC", &[repo.id, it.id]),
            "context": it.context, "state": it.state.to_uppercase(),
            "description": it.description, "targetUrl": it.url, "createdAt": time(it.at),
            "isRequired": repo.required_checks.contains(&it.context)})
    }));
    json!({"__typename": "StatusCheckRollup", "state": state, "contexts": connection(contexts)})
}

fn check(repo: &Repository, it: &Check) -> Value {
    let run = it.run.and_then(|run| repo.runs.get(&run));
    let suite = json!({"__typename": "CheckSuite", "databaseId": it.suite,
        "workflowRun": run.map(|run| json!({"__typename": "WorkflowRun", "databaseId": run.id,
            "workflow": {"__typename": "Workflow", "name": run.name}}))});
    json!({
        "__typename": "CheckRun", "id": node_id("CR", &[repo.id, it.id]), "databaseId": it.id,
        "name": it.name, "status": it.status.to_uppercase(),
        "conclusion": it.conclusion.as_deref().map(str::to_uppercase),
        "startedAt": time(it.started_at), "completedAt": time_or_null(it.completed_at),
        "title": it.title, "summary": it.summary, "text": it.text, "checkSuite": suite,
        "isRequired": repo.required_checks.contains(&it.name),
    })
}
