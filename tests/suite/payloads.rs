//! Small payloads in GitHub's shape, for rules that need many variations of one.

use serde_json::{Value, json};

pub const REPO: i64 = 41;

/// A full commit hash from a small number.
pub fn sha(number: u64) -> String {
    format!("{number:040x}")
}

/// An instant of the story's own time, in seconds since its start.
pub fn at(seconds: i64) -> String {
    let start: nudged::domain::Timestamp = "2026-05-01T08:00:00Z".parse().expect("an instant");
    start.checked_add(jiff::SignedDuration::from_secs(seconds)).expect("an instant").to_string()
}

pub fn repository(id: i64, name: &str) -> Value {
    json!({
        "id": id, "name": name.split('/').next_back(), "full_name": name,
        "html_url": format!("https://github.com/{name}"), "updated_at": at(-1_000),
    })
}

/// A pull request event; `with` changes fields of `pull_request`.
pub fn pull(action: &str, number: i64, head: &str, seconds: i64, with: Value) -> Value {
    let mut pull = json!({
        "number": number, "state": "open", "title": format!("Change {number}"), "draft": false,
        "merged": false, "merged_at": null, "user": {"id": 7, "login": "ada-agent"},
        "created_at": at(-500), "updated_at": at(seconds),
        "head": {"ref": format!("branch-{number}"), "sha": head, "repo": {"id": REPO}},
        "base": {"ref": "main", "sha": sha(1_000_000), "repo": {"id": REPO}},
        "mergeable": null, "mergeable_state": "unknown",
    });
    merge(&mut pull, with);
    json!({"action": action, "number": number, "pull_request": pull,
        "repository": repository(REPO, "acme/rocket")})
}

/// A third-party check run that has completed, or is in progress when `conclusion` is `null`.
pub fn check(name: &str, head: &str, id: i64, conclusion: Value, seconds: i64) -> Value {
    let done = !conclusion.is_null();
    json!({
        "action": if done { "completed" } else { "created" },
        "check_run": {
            "id": id, "name": name, "head_sha": head,
            "status": if done { "completed" } else { "in_progress" }, "conclusion": conclusion,
            "started_at": at(seconds - 30), "completed_at": done.then(|| at(seconds)),
            "html_url": format!("https://ci.example/{id}"),
            "output": {"title": format!("{name} said no"), "summary": null,
                "text": "error: the answer is 42\n"},
            "check_suite": {"id": 900}, "app": {"id": 5, "slug": "harbor-ci", "name": "Harbor CI"},
        },
        "repository": repository(REPO, "acme/rocket"),
    })
}

pub fn workflow_run(head: &str, id: i64, suite: i64, conclusion: Value, seconds: i64) -> Value {
    let done = !conclusion.is_null();
    json!({
        "action": if done { "completed" } else { "requested" },
        "workflow_run": {
            "id": id, "name": "CI", "head_sha": head, "event": "pull_request", "workflow_id": 3,
            "status": if done { "completed" } else { "queued" }, "conclusion": conclusion,
            "check_suite_id": suite, "run_attempt": 1, "created_at": at(seconds),
            "updated_at": at(seconds), "html_url": format!("https://github.com/acme/rocket/actions/runs/{id}"),
        },
        "repository": repository(REPO, "acme/rocket"),
    })
}

pub fn status(context: &str, head: &str, id: i64, state: &str, seconds: i64) -> Value {
    json!({
        "id": id, "sha": head, "context": context, "state": state,
        "description": format!("{context} is {state}"), "target_url": "https://ci.example/status",
        "created_at": at(seconds), "updated_at": at(seconds),
        "repository": repository(REPO, "acme/rocket"),
    })
}

pub fn review(number: i64, head: &str, id: i64, user: i64, state: &str, seconds: i64) -> Value {
    let mut event = pull("submitted", number, head, seconds, json!({}));
    let fields = event["pull_request"].as_object_mut().expect("an object");
    fields.remove("mergeable");
    fields.remove("mergeable_state");
    event["review"] = json!({
        "id": id, "user": {"id": user, "login": format!("reviewer-{user}")}, "state": state,
        "submitted_at": at(seconds), "html_url": "https://github.com/acme/rocket/pull/1#review",
    });
    event
}

/// Overwrites the fields of `base` that `with` names.
/// A merge group that tries a pull request.
pub fn merge_group(number: i64, commit: &str, seconds: i64) -> Value {
    json!({
        "action": "checks_requested",
        "merge_group": {
            "head_sha": commit,
            "head_ref": format!("refs/heads/gh-readonly-queue/main/pr-{number}-{commit}"),
            "base_ref": "refs/heads/main",
            "head_commit": {"id": commit, "timestamp": at(seconds)}
        },
        "repository": repository(REPO, "acme/rocket")
    })
}

/// Sets what `with` says.
pub fn merge(base: &mut Value, with: Value) {
    match (base, with) {
        (Value::Object(base), Value::Object(with)) => {
            for (key, value) in with {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, with) => *base = with,
    }
}
