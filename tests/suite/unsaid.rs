//! What a payload leaves unsaid is left as it was, and the rest of it is taken in (`docs/github-rules.md` 4);
//! and what an action says beats a body that is behind (5).

use nudged::domain::{ApiAccess, PrState, RepoId, ScmObservation};
use serde_json::{Value, json};

use crate::conversation::thread;
use crate::core::{Core, read};
use crate::payloads::{REPO, at, check, merge, pull, repository, sha};

/// What a payload is read as, which must not be set aside.
fn told(event: &str, payload: &Value) -> ScmObservation {
    read(event, payload).unwrap_or_else(|why| panic!("{event} is ignored: {why}"))
}

#[test]
fn a_check_whose_suite_has_no_id_is_of_no_known_suite() {
    for suite in [json!({}), Value::Null] {
        let mut payload = check("build", &sha(1), 11, json!("failure"), 10);
        payload["check_run"]["check_suite"] = suite;
        let ScmObservation::CheckRun { run, .. } = told("check_run", &payload) else { panic!() };
        assert_eq!((run.suite_id, run.run_id), (None, 11));
    }
}

fn job(steps: Value) -> Value {
    json!({"action": "completed", "repository": repository(REPO, "acme/rocket"), "workflow_job": {
        "id": 11, "run_id": 5, "name": "build", "head_sha": sha(1), "status": "completed",
        "conclusion": "failure", "started_at": at(1), "completed_at": at(2), "runner_id": 0,
        "steps": steps}})
}

#[test]
fn of_a_step_that_is_null_nothing_is_said() {
    let test = json!({"name": "test", "conclusion": "failure"});
    for (steps, never_ran, failed) in [
        (json!([null, test, null]), false, Some("failed step: test")),
        (json!([null]), false, None),
        (json!([]), true, None),
        (Value::Null, false, None),
    ] {
        let ScmObservation::CheckRun { run, .. } = told("workflow_job", &job(steps.clone())) else {
            panic!()
        };
        let said = run.failed_step.as_ref().map(|step| &*step.text);
        assert_eq!((run.never_ran, said), (never_ran, failed), "{steps}");
    }
}

#[test]
fn a_thread_without_comments_shows_the_pull_request_alone() {
    let mut payload = thread("resolved", 700, 20);
    payload["thread"]["comments"] = json!([]);
    let mut core = Core::new();
    core.apply("pull_request_review_thread", &payload);
    assert_eq!(core.row(1).core.state, PrState::Open);
    assert_eq!(core.row(1).core.head_sha.as_str(), sha(1));
}

#[test]
fn a_push_without_its_time_is_neither_before_nor_after_an_answer() {
    let mut pushed =
        json!({"ref": "refs/heads/main", "repository": repository(REPO, "acme/rocket")});
    for unsaid in [json!({}), json!({"pushed_at": null})] {
        merge(&mut pushed["repository"], unsaid);
        let why = read("push", &pushed).expect_err("it voids nothing");
        assert_eq!(why, "the push does not say when it was");
    }
}

#[test]
fn what_names_no_repository_is_of_no_interest() {
    let group = json!({"head_sha": sha(9), "head_ref": "refs/heads/gh-readonly-queue/main/pr-1-abc",
        "head_commit": {"timestamp": at(1)}});
    for (event, payload) in [
        ("repository", json!({"action": "anonymous_access_enabled"})),
        ("repository", json!({"action": "renamed"})),
        ("merge_group", json!({"action": "checks_requested", "merge_group": group})),
    ] {
        assert_eq!(read(event, &payload), Err("it names no repository".to_owned()), "{payload}");
    }
    // Enterprise Server's own actions tell a name as the others do.
    for action in ["anonymous_access_enabled", "anonymous_access_disabled"] {
        let payload = json!({"action": action, "repository": repository(REPO, "acme/rocket")});
        assert!(matches!(told("repository", &payload), ScmObservation::Repository { .. }));
    }
}

#[test]
fn an_installation_without_a_login_speaks_of_the_repositories_it_names() {
    let installed = |with: Value| {
        let mut payload = json!({"installation": {"id": 3, "updated_at": at(10),
            "account": {"id": 1, "slug": "acme-enterprise", "name": "Acme"}}});
        merge(&mut payload, with);
        payload
    };
    let ours = json!([{"id": REPO, "full_name": "acme/rocket"}]);
    let deleted = installed(json!({"action": "deleted", "repositories": ours}));
    let removed = installed(json!({"action": "removed", "repositories_added": [],
        "repositories_removed": [{"full_name": "acme/gone"}, {"id": REPO}, {}]}));
    for (event, payload) in [("installation", deleted), ("installation_repositories", removed)] {
        let mut core = Core::opened();
        let ScmObservation::Access { repos, account, granted, .. } = told(event, &payload) else {
            panic!()
        };
        assert_eq!((repos, account, granted), (vec![RepoId(REPO)], None, false), "{event}");
        core.apply(event, &payload);
        assert_eq!(core.project_of(RepoId(REPO)).api_access.0, ApiAccess::Removed, "{event}");
    }
    // It names none: all that is known stays.
    let mut core = Core::opened();
    core.apply("installation", &installed(json!({"action": "suspend"})));
    assert!(core.project_of(RepoId(REPO)).api_access.0.is_granted());
}

#[test]
fn opened_and_closed_within_one_second_is_closed() {
    let opened = || pull("opened", 1, &sha(1), 0, json!({}));
    let shut = |with: Value| pull("closed", 1, &sha(1), 0, with);
    for closed in [
        shut(json!({"state": "closed", "closed_at": at(0)})),
        // Its body still shows the state before.
        shut(json!({})),
        shut(json!({"draft": true})),
    ] {
        for order in [[opened(), closed.clone()], [closed.clone(), opened()]] {
            let mut core = Core::new();
            for payload in &order {
                core.apply("pull_request", payload);
            }
            assert_eq!(core.row(1).core.state, PrState::Closed, "{}", order[1]);
        }
    }
}

#[test]
fn the_action_of_closed_and_reopened_beats_a_body_that_is_behind() {
    let mut core = Core::opened();
    core.apply("pull_request", &pull("closed", 1, &sha(1), 10, json!({"state": "open"})));
    assert_eq!(core.row(1).core.state, PrState::Closed);
    core.apply("pull_request", &pull("reopened", 1, &sha(1), 20, json!({"state": "closed"})));
    assert_eq!(core.row(1).core.state, PrState::Open);
    // A merge says more than the action.
    let merged = json!({"state": "open", "merged": true, "merged_at": at(30)});
    core.apply("pull_request", &pull("closed", 1, &sha(1), 30, merged));
    assert_eq!(core.row(1).core.state, PrState::Merged);
}
