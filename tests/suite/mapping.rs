//! From payloads to pull requests and repositories (`docs/github-rules.md` 9, 13 to 16, 19 and 20).

use serde_json::{Value, json};

use crate::conversation::comment;
use crate::order::in_any_order;
use crate::payloads::{REPO, at, check, merge, pull, repository, sha, status, workflow_run};
use crate::world::World;

fn failed() -> Value {
    json!("failure")
}

async fn opened(world: &World, number: i64, head: u64) {
    let payload = pull("opened", number, &sha(head), 0, json!({}));
    world.apply("pull_request", &format!("open-{number}"), &payload).await;
}

/// The ci of pull request `number`, and how many checks it shows at its head.
async fn ci(world: &World, number: i64) -> (String, usize) {
    let pull = world.get(&format!("/v1/pulls/acme/rocket/{number}")).await;
    let checks = pull["checks"].as_array().expect("checks").len();
    (pull["ci"].as_str().expect("a word").to_owned(), checks)
}

fn seen(ci: &str, checks: usize) -> (String, usize) {
    (ci.to_owned(), checks)
}

fn moved(before: u64, after: u64, seconds: i64) -> Value {
    let mut payload = pull("synchronize", 1, &sha(after), seconds, json!({}));
    payload["before"] = json!(sha(before));
    payload["after"] = json!(sha(after));
    payload
}

#[tokio::test]
async fn a_check_belongs_to_the_pull_requests_that_have_its_commit() {
    let world = World::new().await;
    for (number, head) in [(1, 1), (2, 1), (3, 3)] {
        opened(&world, number, head).await;
    }
    // What the payload lists as its pull requests is empty for forks, and may name others' numbers.
    let listed = |number: i64, head: u64, repo: i64| {
        json!({"id": number, "number": number, "head": {"ref": "x", "sha": sha(head), "repo": {"id": repo}},
            "base": {"ref": "main", "sha": sha(7), "repo": {"id": repo}}})
    };
    for (id, list) in [(11, json!([])), (12, json!([listed(3, 1, 77), listed(9, 1, 77)]))] {
        let mut payload = check("build", &sha(1), id, failed(), 10);
        payload["check_run"]["pull_requests"] = list;
        payload["check_run"]["check_suite"]["head_branch"] = Value::Null;
        world.apply("check_run", &id.to_string(), &payload).await;
    }
    assert_eq!(ci(&world, 1).await, seen("failing", 1));
    assert_eq!(ci(&world, 2).await, seen("failing", 1));
    assert_eq!(ci(&world, 3).await, seen("unknown", 0));
    // The same commit in another repository, a fork perhaps, is another matter.
    for (event, mut payload) in [
        ("check_run", check("lint", &sha(3), 13, failed(), 10)),
        ("status", status("ci", &sha(3), 1, "failure", 10)),
        ("workflow_run", workflow_run(&sha(3), 70, 901, failed(), 10)),
    ] {
        payload["repository"] = repository(77, "grace/rocket");
        world.apply(event, &format!("foreign-{event}"), &payload).await;
    }
    assert_eq!(ci(&world, 3).await, seen("unknown", 0));
}

#[tokio::test]
async fn what_comes_before_its_pull_request_or_its_head_counts_when_that_comes() {
    let world = World::new().await;
    for (event, payload) in [
        ("check_run", check("build", &sha(1), 11, json!("success"), 10)),
        ("status", status("ci", &sha(1), 1, "success", 10)),
        ("workflow_run", workflow_run(&sha(1), 70, 901, json!("success"), 10)),
        ("check_run", check("build", &sha(2), 12, failed(), 40)),
    ] {
        world.apply(event, &format!("{event}-{}", payload["check_run"]["id"]), &payload).await;
    }
    opened(&world, 1, 1).await;
    assert_eq!(ci(&world, 1).await, seen("passing", 2));
    assert_eq!(world.nudges().await, Vec::<String>::new());
    // The head that failed before it was the head: now it is told.
    world.apply("pull_request", "2", &moved(1, 2, 50)).await;
    assert_eq!(ci(&world, 1).await, seen("failing", 1));
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    // At a head that nothing is known of, ci starts over.
    world.apply("pull_request", "3", &moved(2, 3, 60)).await;
    assert_eq!(ci(&world, 1).await, seen("unknown", 0));
    assert_eq!(world.nudges().await, ["ci-failed superseded"]);
    // What the old heads still say is history.
    let late = [
        ("check_run", check("lint", &sha(2), 13, failed(), 70)),
        ("status", status("docs", &sha(1), 2, "failure", 70)),
    ];
    for (event, payload) in late {
        world.apply(event, &format!("late-{event}"), &payload).await;
    }
    assert_eq!(ci(&world, 1).await, seen("unknown", 0));
    assert_eq!(world.nudges().await, ["ci-failed superseded"]);
    let all = world.get("/v1/pulls/acme/rocket/1?history=1").await["checks"].clone();
    assert_eq!(all.as_array().map(Vec::len), Some(5), "{all}");
}

#[tokio::test]
async fn what_finds_no_pull_request_is_dropped_after_14_days() {
    const DAY: i64 = 24 * 3_600;
    let world = World::new().await;
    let mut remark = comment("created", 72, 6, json!({"path": null}));
    remark.as_object_mut().expect("an object").remove("pull_request");
    let on = |number: i64| json!({"number": number, "pull_request": {"url": "x"}});
    for (number, head) in [(1, 1), (9, 9)] {
        let failing = check("build", &sha(head), 10 + number, failed(), 10);
        world.apply("check_run", &format!("c{number}"), &failing).await;
        let state = status("ci", &sha(head), number, "failure", 10);
        world.apply("status", &format!("s{number}"), &state).await;
        let run = workflow_run(&sha(head), 70 + number, 901, failed(), 10);
        world.apply("workflow_run", &format!("w{number}"), &run).await;
        remark["issue"] = on(number);
        world.apply("issue_comment", &format!("r{number}"), &remark).await;
    }
    world.pass(14 * DAY);
    assert_eq!(world.sweep().await, 0, "order is promised for 14 days");
    opened(&world, 1, 1).await;
    world.pass(1);
    assert_eq!(world.sweep().await, 2, "a commit with its facts, and a comment");
    assert_eq!(world.sweep().await, 0);
    opened(&world, 9, 9).await;
    assert_eq!(ci(&world, 9).await, seen("unknown", 0));
    // What was claimed stays for good, also what came late.
    world.pass(100 * DAY);
    assert_eq!(world.sweep().await, 0);
    let late = check("lint", &sha(1), 99, failed(), 20);
    world.apply("check_run", "late", &late).await;
    world.pass(100 * DAY);
    assert_eq!(world.sweep().await, 0);
    assert_eq!(ci(&world, 1).await, seen("failing", 4));
    let comments = "SELECT number FROM pr_comment JOIN pr ON pr.id = pr_id";
    assert_eq!(world.sql(comments), [["1"]]);
    assert_eq!(world.sql("SELECT count(*) FROM comments"), [["1"]]);
}

#[tokio::test]
async fn edited_with_a_new_base_is_a_retarget() {
    let clean = json!({"mergeable": true, "mergeable_state": "clean"});
    let retarget = |seconds| {
        let base = json!({"base": {"ref": "next", "sha": sha(60)}});
        let mut payload = pull("edited", 1, &sha(1), seconds, base);
        payload["changes"] = json!({"base": {"ref": {"from": "main"}, "sha": {"from": sha(59)}}});
        ("pull_request", payload)
    };
    let shown = "SELECT base_ref, ltrim(base_sha, '0'), mergeability, ltrim(head_sha, '0') FROM pr";
    let before = ("pull_request", pull("opened", 1, &sha(1), 10, clean.clone()));
    // Nothing is known yet of merging into the new base.
    in_any_order(&[before, retarget(20)], shown, &[&["next", "3c", "unknown", "1"]]).await;
    let mut known = retarget(30);
    merge(&mut known.1["pull_request"], clean);
    let events = [retarget(20), known];
    in_any_order(&events, shown, &[&["next", "3c", "mergeable", "1"]]).await;
}

#[tokio::test]
async fn drafts_come_and_go() {
    let world = World::new().await;
    let draft = json!({"draft": true});
    for (index, (action, with, state)) in [
        ("opened", draft.clone(), "draft"),
        ("ready_for_review", json!({"draft": false}), "open"),
        ("converted_to_draft", draft.clone(), "draft"),
        ("closed", json!({"draft": true, "state": "closed"}), "closed"),
        ("reopened", draft, "draft"),
    ]
    .into_iter()
    .enumerate()
    {
        let payload = pull(action, 1, &sha(1), 10 * index as i64, with);
        world.apply("pull_request", action, &payload).await;
        assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["state"], state, "{action}");
    }
}

#[tokio::test]
async fn mergeability_follows_the_table_of_states() {
    let world = World::new().await;
    let table = [
        (json!(false), "dirty", "conflicting"),
        (json!(false), "clean", "conflicting"),
        (json!(false), "blocked", "conflicting"),
        (json!(true), "dirty", "conflicting"),
        (json!(true), "clean", "mergeable"),
        (json!(true), "has_hooks", "mergeable"),
        (json!(true), "unstable", "unstable"),
        (json!(true), "blocked", "blocked"),
        (json!(true), "draft", "blocked"),
        (json!(true), "behind", "blocked"),
        (json!(true), "unknown", "unknown"),
        (json!(true), "a_state_of_next_year", "unknown"),
        // Not computed yet: never clean, never conflicting.
        (Value::Null, "unknown", "unknown"),
        (Value::Null, "clean", "unknown"),
    ];
    for (number, (mergeable, state, expected)) in (1..).zip(table) {
        let fields = json!({"mergeable": mergeable, "mergeable_state": state});
        let payload = pull("opened", number, &sha(number.unsigned_abs()), 0, fields);
        world.apply("pull_request", &number.to_string(), &payload).await;
        let shown = world.get(&format!("/v1/pulls/acme/rocket/{number}")).await;
        assert_eq!(shown["mergeability"], expected, "{mergeable} {state}");
    }
}

#[tokio::test]
async fn a_merge_queue_says_nothing_about_the_head() {
    let world = World::new().await;
    opened(&world, 1, 1).await;
    let build = check("build", &sha(1), 11, json!("success"), 5);
    world.apply("check_run", "1", &build).await;
    let before = world.get("/v1/pulls/acme/rocket/1").await;
    for action in ["checks_requested", "destroyed"] {
        let group = json!({"action": action, "repository": repository(REPO, "acme/rocket"),
            "merge_group": {"head_sha": sha(8), "head_ref": "refs/heads/gh-readonly-queue/main/pr-1-x",
                "base_sha": sha(7), "base_ref": "refs/heads/main"}});
        let (_, answer) = world.send("merge_group", action, group.to_string().as_bytes()).await;
        assert_eq!(answer["outcome"], "ignored", "{action}");
    }
    world.apply("check_run", "2", &check("build", &sha(8), 12, failed(), 10)).await;
    for action in ["enqueued", "dequeued"] {
        let mut payload = pull(action, 1, &sha(1), 0, json!({}));
        payload["reason"] = json!("CI_FAILURE");
        world.apply("pull_request", action, &payload).await;
    }
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await, before);
    assert_eq!(world.nudges().await, Vec::<String>::new());
    let history = world.get("/v1/pulls/acme/rocket/1?history=1").await;
    assert_eq!(history["checks"].as_array().map(Vec::len), Some(1), "{history}");
}

#[tokio::test]
async fn a_repository_that_is_renamed_or_transferred_keeps_its_rows() {
    let world = World::new().await;
    opened(&world, 1, 1).await;
    for (action, name, seconds, changes) in [
        ("renamed", "acme/lander", 10, json!({"repository": {"name": {"from": "rocket"}}})),
        (
            "transferred",
            "orbit/lander",
            20,
            json!({"owner": {"from": {"organization": {"login": "acme"}}}}),
        ),
    ] {
        let mut repository = repository(REPO, name);
        repository["updated_at"] = json!(at(seconds));
        let payload = json!({"action": action, "changes": changes, "repository": repository});
        world.apply("repository", action, &payload).await;
        let shown = world.get(&format!("/v1/pulls/{name}/1")).await;
        assert_eq!(shown["url"], format!("https://github.com/{name}/pull/1"), "{action}");
        assert_eq!(shown["sessionId"], "roc-1", "{action}");
    }
    // Any payload tells the name, and one from before says nothing new.
    let mut late = pull("labeled", 1, &sha(1), 30, json!({}));
    late["repository"]["updated_at"] = json!(at(15));
    world.apply("pull_request", "late", &late).await;
    let mut next = pull("labeled", 1, &sha(1), 40, json!({}));
    assert_eq!(world.items("/v1/pulls").await[0]["repo"], "orbit/lander");
    next["repository"] = repository(REPO, "orbit/shuttle");
    next["repository"]["updated_at"] = json!(at(40));
    world.apply("pull_request", "next", &next).await;
    assert_eq!(world.items("/v1/pulls").await[0]["repo"], "orbit/shuttle");
    assert_eq!(world.items("/v1/projects").await.len(), 1);
}

#[tokio::test]
async fn whichever_way_access_is_lost_the_rows_stay() {
    let world = World::new().await;
    opened(&world, 1, 1).await;
    let mut other = pull("opened", 1, &sha(1), 0, json!({}));
    other["repository"] = repository(42, "moon/base");
    world.apply("pull_request", "other", &other).await;
    let said = |action: &str, seconds: i64, more: Value| {
        let mut payload = json!({"action": action, "installation": {"id": 3,
            "updated_at": at(seconds), "account": {"id": 1, "login": "acme"}}});
        merge(&mut payload, more);
        payload
    };
    let ours = || json!([{"id": REPO, "full_name": "acme/rocket"}]);
    for (event, payload, access) in [
        ("installation", said("suspend", 10, json!({})), ["0", "1"]),
        ("installation", said("unsuspend", 20, json!({})), ["1", "1"]),
        ("installation", said("suspend", 15, json!({})), ["1", "1"]),
        ("installation", said("deleted", 30, json!({"repositories": ours()})), ["0", "1"]),
        ("installation", said("created", 40, json!({"repositories": ours()})), ["1", "1"]),
        (
            "installation_repositories",
            said("removed", 50, json!({"repositories_removed": ours(), "repositories_added": []})),
            ["0", "1"],
        ),
        (
            "installation_repositories",
            said("added", 60, json!({"repositories_added": ours(), "repositories_removed": []})),
            ["1", "1"],
        ),
    ] {
        let id = format!("{}-{}", payload["action"], payload["installation"]["updated_at"]);
        world.apply(event, &id, &payload).await;
        let found = world.sql("SELECT api_access FROM projects ORDER BY repo_id").concat();
        assert_eq!(found, access, "{id}");
        assert_eq!(world.items("/v1/pulls").await.len(), 2, "{id}");
        assert_eq!(world.items("/v1/projects").await.len(), 2, "{id}");
    }
    // What comes in is applied, access or none.
    world.apply("installation", "gone", &said("deleted", 70, json!({}))).await;
    world.apply("check_run", "c", &check("build", &sha(1), 11, failed(), 10)).await;
    assert_eq!(ci(&world, 1).await, seen("failing", 1));
}
