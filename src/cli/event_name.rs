//! The name of an event that nothing says: by the file's name, else by the payload's own keys.

use std::path::Path;

use serde_json::Value;

/// The events that GitHub sends to repositories and Apps, by
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.
const EVENTS: &[&str] = &[
    "branch_protection_configuration",
    "branch_protection_rule",
    "check_run",
    "check_suite",
    "code_scanning_alert",
    "commit_comment",
    "create",
    "custom_property",
    "custom_property_values",
    "delete",
    "dependabot_alert",
    "deploy_key",
    "deployment",
    "deployment_protection_rule",
    "deployment_review",
    "deployment_status",
    "discussion",
    "discussion_comment",
    "fork",
    "github_app_authorization",
    "gollum",
    "installation",
    "installation_repositories",
    "installation_target",
    "issue_comment",
    "issues",
    "label",
    "marketplace_purchase",
    "member",
    "membership",
    "merge_group",
    "meta",
    "milestone",
    "org_block",
    "organization",
    "package",
    "page_build",
    "ping",
    "project",
    "project_card",
    "project_column",
    "projects_v2",
    "projects_v2_item",
    "public",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "push",
    "registry_package",
    "release",
    "repository",
    "repository_advisory",
    "repository_dispatch",
    "repository_import",
    "repository_ruleset",
    "repository_vulnerability_alert",
    "secret_scanning_alert",
    "secret_scanning_alert_location",
    "security_advisory",
    "security_and_analysis",
    "sponsorship",
    "star",
    "status",
    "sub_issues",
    "team",
    "team_add",
    "watch",
    "workflow_dispatch",
    "workflow_job",
    "workflow_run",
];

/// Keys that every payload may have, and that tell nothing.
const COMMON: &[&str] =
    &["action", "sender", "repository", "organization", "installation", "enterprise", "changes"];

/// The event of a file named as people name them: `check_run.created.json`, `07-push.json`,
/// `pull_request/opened.payload.json`.
pub(super) fn by_file(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().and_then(Path::file_name).and_then(|folder| folder.to_str());
    let words = || {
        name.split(['.', '-', ' '])
            .filter(|word| !word.is_empty() && !word.bytes().all(|b| b.is_ascii_digit()))
    };
    let known = |word: &str| EVENTS.iter().copied().find(|event| *event == word);
    words().next().and_then(known).or_else(|| folder.and_then(known))
}

/// The event of a payload, by the keys that only this event has.
pub(super) fn by_payload(payload: &Value) -> Option<&'static str> {
    let has =
        |keys: &[&str]| keys.iter().all(|key| payload.get(key).is_some_and(|it| !it.is_null()));
    // The narrower before the wider: a review comes with its pull request.
    let signs: &[(&[&str], &str)] = &[
        (&["zen", "hook_id"], "ping"),
        (&["zen", "hook"], "ping"),
        (&["check_run"], "check_run"),
        (&["check_suite"], "check_suite"),
        (&["workflow_job"], "workflow_job"),
        (&["deployment_status"], "deployment_status"),
        (&["deployment"], "deployment"),
        (&["workflow_run"], "workflow_run"),
        (&["merge_group"], "merge_group"),
        (&["pull_request", "review"], "pull_request_review"),
        (&["pull_request", "comment"], "pull_request_review_comment"),
        (&["pull_request", "thread"], "pull_request_review_thread"),
        (&["pull_request"], "pull_request"),
        (&["issue", "comment"], "issue_comment"),
        (&["issue"], "issues"),
        (&["sha", "state", "context"], "status"),
        (&["ref", "before", "after"], "push"),
        (&["ref", "ref_type", "master_branch"], "create"),
        (&["ref", "ref_type"], "delete"),
        (&["discussion", "comment"], "discussion_comment"),
        (&["discussion"], "discussion"),
        (&["release"], "release"),
        (&["forkee"], "fork"),
        (&["repositories_added"], "installation_repositories"),
        (
            &["installation", "repository_selection", "repositories_removed"],
            "installation_repositories",
        ),
    ];
    if let Some((_, event)) = signs.iter().find(|(keys, _)| has(keys)) {
        return Some(event);
    }
    let others = payload.as_object()?.keys().filter(|key| !COMMON.contains(&key.as_str()));
    let others: Vec<_> = others.map(String::as_str).collect();
    match (payload["action"].as_str(), has(&["repository"])) {
        (
            Some(
                "created" | "deleted" | "archived" | "unarchived" | "edited" | "renamed"
                | "transferred" | "publicized" | "privatized",
            ),
            true,
        ) if others.is_empty() => Some("repository"),
        (Some(_), false) if has(&["installation"]) => others
            .iter()
            .all(|key| matches!(*key, "repositories" | "requester"))
            .then_some("installation"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_named_after_their_event() {
        for (file, event) in [
            ("x/check_run.created.json", Some("check_run")),
            ("03-pull_request-opened.json", Some("pull_request")),
            ("pull_request_review/submitted.payload.json", Some("pull_request_review")),
            ("x/opened.json", None),
        ] {
            assert_eq!(by_file(Path::new(file)), event, "{file}");
        }
        assert!(EVENTS.is_sorted());
    }

    #[test]
    fn payloads_tell_their_event() {
        let (o, repository) = (json!({}), json!({"id": 1}));
        for (payload, event) in [
            (json!({"zen": "z", "hook_id": 1}), Some("ping")),
            (
                json!({"action": "submitted", "pull_request": o, "review": o}),
                Some("pull_request_review"),
            ),
            (json!({"action": "opened", "pull_request": o, "review": null}), Some("pull_request")),
            (json!({"action": "created", "issue": o, "comment": o}), Some("issue_comment")),
            (json!({"sha": "a", "state": "success", "context": "ci"}), Some("status")),
            (json!({"ref": "r", "before": "a", "after": "b"}), Some("push")),
            (
                json!({"action": "renamed", "repository": repository, "changes": o}),
                Some("repository"),
            ),
            (
                json!({"action": "created", "installation": o, "repositories": []}),
                Some("installation"),
            ),
            (json!({"action": "created", "repository": repository, "alert": o}), None),
            (json!({}), None),
        ] {
            assert_eq!(by_payload(&payload), event, "{payload}");
        }
    }
}
