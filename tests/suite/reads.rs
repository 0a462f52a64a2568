//! The read routes: what they show, what they filter, and that pages visit everything exactly once.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::payloads::{at, check, pull, repository, review, sha, status};
use crate::world::{World, answer};

const URL_1: &str = "https://github.com/acme/rocket/pull/1";

/// Five pull requests, one of each kind, in one project; another project; deliveries of each outcome.
async fn told() -> World {
    let world = World::new().await;
    let clean = json!({"mergeable": true, "mergeable_state": "clean"});
    let draft = json!({"draft": true, "mergeable": true, "mergeable_state": "draft"});
    let merged = json!({"state": "closed", "merged": true, "merged_at": at(30)});
    let closed = json!({"state": "closed"});
    let mut other = status("ci", &sha(1), 1, "success", 0);
    other["repository"] = repository(42, "acme/api");
    for (number, (event, payload)) in [
        ("pull_request", pull("opened", 1, &sha(1), 0, json!({}))),
        ("check_run", check("build", &sha(1), 11, json!("failure"), 10)),
        ("check_run", check("build", &sha(2), 12, json!("success"), 10)),
        ("pull_request", pull("opened", 2, &sha(2), 0, clean)),
        ("pull_request_review", review(2, &sha(2), 81, 9, "approved", 20)),
        ("pull_request", pull("opened", 3, &sha(3), 0, draft)),
        ("pull_request", pull("opened", 4, &sha(4), 0, json!({}))),
        ("pull_request", pull("closed", 4, &sha(4), 30, merged)),
        ("pull_request", pull("opened", 5, &sha(5), 0, json!({}))),
        ("pull_request", pull("closed", 5, &sha(5), 30, closed)),
        ("status", other),
    ]
    .iter()
    .enumerate()
    {
        world.apply(event, &format!("d-{number}"), payload).await;
    }
    world.send("ping", "ping", b"{}").await;
    world.send("pull_request", "broken", b"{").await;
    world
}

/// The values at `key` of a list's items.
fn words(items: &[Value], key: &str) -> Vec<String> {
    let word = |item: &Value| match &item[key] {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            item[key].to_string()
        }
    };
    items.iter().map(word).collect()
}

/// A list must hold these, by that key, in that order.
async fn check_list(world: &World, path: &str, key: &str, expected: &[&str]) {
    assert_eq!(words(&world.items(path).await, key), expected, "{path}");
}

#[tokio::test]
async fn lists_show_what_is_there_and_filters_choose() {
    let world = told().await;
    let [all, one] = [&["1", "2", "3", "4", "5"][..], &["1"]];
    for (path, key, expected) in [
        ("/v1/projects", "id", &["roc", "api"][..]),
        ("/v1/projects", "repo", &["acme/rocket", "acme/api"]),
        ("/v1/sessions", "id", &["roc-1", "roc-2", "roc-3", "roc-4", "roc-5"]),
        ("/v1/sessions", "status", &["ci_failed", "mergeable", "draft", "cleanup", "done"]),
        ("/v1/sessions", "isAlive", &["true", "true", "true", "false", "false"]),
        ("/v1/sessions?status=ci_failed", "id", &["roc-1"]),
        ("/v1/sessions?status=cleanup", "id", &["roc-4"]),
        ("/v1/sessions?status=stuck", "id", &[]),
        ("/v1/sessions?project=api", "id", &[]),
        ("/v1/sessions?project=roc&status=done", "id", &["roc-5"]),
        ("/v1/pulls", "number", all),
        ("/v1/pulls", "state", &["open", "open", "draft", "merged", "closed"]),
        ("/v1/pulls?state=open", "number", &["1", "2"]),
        ("/v1/pulls?state=draft", "number", &["3"]),
        ("/v1/pulls?state=merged&project=roc", "number", &["4"]),
        ("/v1/pulls?project=api", "number", &[]),
        ("/v1/nudges", "kind", &["ci-failed", "approved-and-green", "pr-merged", "pr-closed"]),
        ("/v1/nudges?audience=agent", "kind", &["ci-failed"]),
        ("/v1/nudges?audience=human&session=roc-4", "kind", &["pr-merged"]),
        ("/v1/nudges?session=roc-5", "kind", &["pr-closed"]),
        ("/v1/nudges?pull=acme/rocket/1", "kind", &["ci-failed"]),
        ("/v1/nudges?pull=ACME/Rocket/2", "kind", &["approved-and-green"]),
        ("/v1/nudges?pull=https://github.com/acme/rocket/pull/1", "id", one),
        ("/v1/nudges?branch=branch-2", "kind", &["approved-and-green"]),
        ("/v1/nudges?branch=main", "kind", &[]),
        ("/v1/nudges?repo=Acme/Rocket&branch=branch-2", "kind", &["approved-and-green"]),
        ("/v1/nudges?repo=acme/api&branch=branch-2", "kind", &[]),
        ("/v1/nudges?project=roc&branch=branch-2", "kind", &["approved-and-green"]),
        ("/v1/nudges?project=api&branch=branch-2", "kind", &[]),
        ("/v1/nudges?repo=acme/rocket&audience=agent", "id", one),
        ("/v1/nudges?repo=acme/nowhere", "id", &[]),
        ("/v1/nudges?state=pending&audience=agent", "kind", &["ci-failed"]),
        ("/v1/nudges?state=held,superseded", "kind", &[]),
        ("/v1/nudges?state=held&state=pending&session=roc-1", "kind", &["ci-failed"]),
        ("/v1/deliveries?outcome=ignored", "delivery", &["ping"]),
        ("/v1/deliveries?outcome=quarantined", "delivery", &["broken"]),
        ("/v1/deliveries?limit=3", "delivery", &["broken", "ping", "d-10"]),
    ] {
        check_list(&world, path, key, expected).await;
    }
    assert_eq!(world.items("/v1/deliveries?outcome=applied").await.len(), 11);
}

#[tokio::test]
async fn every_item_is_also_to_be_had_alone() {
    let world = told().await;
    for list in ["/v1/projects", "/v1/sessions", "/v1/nudges"] {
        for item in world.items(list).await {
            let path = format!("{list}/{}", item["id"].to_string().trim_matches('"'));
            assert_eq!(world.get(&path).await, item, "{path}");
        }
    }
    for pull in world.items("/v1/pulls").await {
        let path = format!("/v1/pulls/acme/rocket/{}", pull["number"]);
        let mut alone = world.get(&path).await;
        assert_eq!(alone.as_object_mut().expect("an object").remove("comments"), Some(json!([])));
        // A list does without the ends of logs.
        for check in alone["checks"].as_array_mut().expect("checks") {
            assert!(check.as_object_mut().expect("a check").remove("logTail").is_some());
        }
        assert_eq!(alone, pull, "{path}");
    }
    let session = world.get("/v1/sessions/roc-1").await;
    assert_eq!(words(session["pulls"].as_array().expect("pulls"), "url"), [URL_1]);
    assert_eq!((&session["kind"], &session["projectId"]), (&json!("external"), &json!("roc")));
}

#[tokio::test]
async fn a_pull_request_shows_its_checks_at_the_head_and_on_request_all() {
    let world = told().await;
    let mut moved = pull("synchronize", 1, &sha(6), 50, json!({}));
    moved["before"] = json!(sha(1));
    world.apply("pull_request", "moved", &moved).await;
    world.apply("check_run", "new", &check("lint", &sha(6), 16, json!("success"), 60)).await;
    let shown = world.get("/v1/pulls/acme/rocket/1").await;
    let facts =
        ["state", "ci", "review", "mergeability", "headRef", "headSha", "sessionId", "title"];
    assert_eq!(
        facts.map(|key| shown[key].as_str().unwrap_or("null").to_owned()),
        ["open", "passing", "none", "unknown", "branch-1", &sha(6), "roc-1", "Change 1"]
    );
    assert_eq!(words(shown["checks"].as_array().expect("checks"), "name"), ["lint"]);
    let all = world.get("/v1/pulls/acme/rocket/1?history=1").await;
    let checks = all["checks"].as_array().expect("checks");
    assert_eq!(words(checks, "name"), ["lint", "build"]);
    assert_eq!(words(checks, "commit"), [sha(6), sha(1)]);
    assert_eq!(words(checks, "status"), ["passed", "failed"]);
    assert!(checks[1]["logTail"].to_string().contains("the answer is 42"), "{all}");
    assert_eq!(world.get("/v1/pulls/acme/rocket/1?history=0").await, shown);
}

#[tokio::test]
async fn pages_of_one_visit_everything_exactly_once() {
    let world = told().await;
    for (path, key) in [
        ("/v1/projects?", "id"),
        ("/v1/sessions?", "id"),
        ("/v1/sessions?status=draft&", "id"),
        ("/v1/sessions?status=stuck&", "id"),
        ("/v1/pulls?", "url"),
        ("/v1/pulls?state=open&", "url"),
        ("/v1/nudges?", "id"),
        ("/v1/nudges?audience=human&", "id"),
        ("/v1/deliveries?", "id"),
        ("/v1/deliveries?outcome=applied&", "id"),
    ] {
        let all = words(&world.items(&format!("{path}limit=1000")).await, key);
        for limit in [1, 2] {
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = world.get(&format!("{path}limit={limit}{cursor}")).await;
                let items = page["items"].as_array().expect("items");
                assert!(items.len() <= limit, "{path}");
                found.extend(words(items, key));
                let Some(next) = page["next"].as_str() else { break };
                cursor = format!("&cursor={next}");
                assert!(found.len() <= all.len(), "{path} goes round in circles: {found:?}");
            }
            assert_eq!(found, all, "{path} by {limit}");
        }
    }
}

async fn acknowledge(world: &World, id: &str) -> (StatusCode, Value) {
    answer(world.request(Method::POST, &format!("/v1/nudges/{id}/ack"))).await
}

#[tokio::test]
async fn a_nudge_is_acknowledged_once() {
    let world = told().await;
    let reading = world.items("/v1/nudges").await;
    assert_eq!(world.items("/v1/nudges").await, reading, "reading changes nothing");
    let before = world.changes().await.len();
    let (status, nudge) = acknowledge(&world, "1").await;
    assert_eq!((status, &nudge["state"]), (StatusCode::OK, &json!("acknowledged")));
    assert!(nudge["acknowledgedAt"].is_string(), "{nudge}");
    let caused = world.changes().await.split_off(before);
    assert_eq!(words(&caused, "type"), ["nudge_updated"]);
    assert_eq!(caused[0]["payload"]["state"], "acknowledged");
    assert!(caused[0]["cause"].as_str().is_some_and(|cause| cause.starts_with("api:")));
    assert_eq!(acknowledge(&world, "1").await, (StatusCode::OK, nudge), "again");
    assert_eq!(world.changes().await.len(), before + 1, "again changes nothing");
    // What is acknowledged stays so; what nobody has heard can still be superseded.
    world.apply("check_run", "good", &check("build", &sha(1), 13, json!("success"), 50)).await;
    world
        .apply("pull_request_review", "red", &review(2, &sha(2), 82, 9, "changes_requested", 60))
        .await;
    let states = words(&world.items("/v1/nudges").await, "state");
    assert_eq!(states, ["acknowledged", "superseded", "pending", "pending", "pending"]);
    let (status, nudge) = acknowledge(&world, "2").await;
    assert_eq!((status, &nudge["state"]), (StatusCode::OK, &json!("superseded")));
    for id in ["99", "0", "-1", "x", "9223372036854775808"] {
        let (status, error) = acknowledge(&world, id).await;
        assert_eq!((status.as_u16(), &error["error"]["code"]), (404, &json!("not_found")), "{id}");
    }
}

#[tokio::test]
async fn a_bot_that_waits_for_its_branch_is_woken_by_its_nudge() {
    let world = told().await;
    let path = "/v1/nudges?branch=branch-6&audience=agent&state=pending&wait=60";
    let request = world.request(Method::GET, path);
    let bot = tokio::spawn(tokio::time::timeout(Duration::from_secs(40), answer(request)));
    world.get("/healthz").await;
    world.apply("pull_request", "6", &pull("opened", 6, &sha(6), 0, json!({}))).await;
    assert!(!bot.is_finished(), "there is no nudge yet");
    world.apply("check_run", "red", &check("build", &sha(6), 66, json!("failure"), 10)).await;
    let (_, woken) = bot.await.expect("the bot").expect("woken before its time was up");
    assert_eq!(woken["items"][0]["sessionId"], "roc-6", "{woken}");
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json() {
    let world = told().await;
    for (method, path, status, code) in [
        (Method::GET, "/v1/projects/nowhere", 404, "not_found"),
        (Method::GET, "/v1/sessions/roc-99", 404, "not_found"),
        (Method::GET, "/v1/nudges/99", 404, "not_found"),
        (Method::GET, "/v1/nudges/x", 404, "not_found"),
        (Method::GET, "/v1/pulls/acme/rocket/99", 404, "not_found"),
        (Method::GET, "/v1/pulls/acme/rocket/x", 404, "not_found"),
        (Method::GET, "/v1/pulls/acme", 404, "not_found"),
        (Method::GET, "/v1/no/such/route", 404, "not_found"),
        (Method::GET, "/no/such/route", 404, "not_found"),
        (Method::GET, "/", 404, "not_found"),
        (Method::DELETE, "/v1/changes", 405, "method_not_allowed"),
        (Method::POST, "/v1/pulls", 405, "method_not_allowed"),
        (Method::GET, "/v1/nudges/1/ack", 405, "method_not_allowed"),
        (Method::GET, "/webhooks/github", 405, "method_not_allowed"),
        (Method::POST, "/healthz", 405, "method_not_allowed"),
    ] {
        let response = world.request(method.clone(), path).send().await.expect("an answer");
        assert_eq!(response.status(), status, "{method} {path}");
        if status == 405 {
            assert!(response.headers().contains_key("allow"), "{method} {path}");
        }
        let error: Value = response.json().await.expect("JSON");
        assert_eq!(error["error"]["code"], code, "{method} {path}: {error}");
        assert!(error["error"]["message"].is_string(), "{method} {path}: {error}");
    }
}

#[tokio::test]
async fn bad_queries_are_refused_with_the_parameter_s_name() {
    let world = told().await;
    for (path, name) in [
        ("/v1/projects?limit=0", "limit"),
        ("/v1/projects?cursor=sessions-1", "cursor"),
        ("/v1/projects?state=open", "state"),
        ("/v1/projects/roc?x=1", "x"),
        ("/v1/sessions?status=asleep", "status"),
        ("/v1/sessions?project=", "project"),
        ("/v1/sessions/roc-1?x=1", "x"),
        ("/v1/pulls?state=ajar", "state"),
        ("/v1/pulls?state=open&state=draft", "state"),
        ("/v1/pulls?limit=1001", "limit"),
        ("/v1/pulls/acme/rocket/1?history=maybe", "history"),
        ("/v1/nudges?state=pending,gone", "state"),
        ("/v1/nudges?audience=everyone", "audience"),
        ("/v1/nudges?pull=7", "pull"),
        ("/v1/nudges?repo=rocket", "repo"),
        ("/v1/nudges/1?x=1", "x"),
        ("/v1/nudges?wait=3600", "wait"),
        ("/v1/nudges?cursor=7", "cursor"),
        ("/v1/deliveries?outcome=duplicate", "outcome"),
        ("/v1/deliveries?wait=1", "wait"),
    ] {
        let (status, error) = answer(world.request(Method::GET, path)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {error}");
        let message = error["error"]["message"].to_string();
        assert!(message.contains(&format!("`{name}`")), "{path}: {message}");
    }
}

#[tokio::test]
async fn health_and_numbers_need_no_token() {
    let world = told().await;
    let bare = reqwest::Client::builder().no_proxy().build().expect("a client");
    for (path, part) in [
        ("/healthz", "alive"),
        ("/readyz", "ready"),
        ("/metrics", "nudged_deliveries_total{event=\"pull_request\",outcome=\"applied\"}"),
        ("/metrics", "nudged_engine_queue_capacity"),
        ("/metrics", "# HELP nudged_commit_batch_size "),
        ("/metrics", "nudged_commit_batch_size_bucket{le=\"1\"}"),
        ("/metrics", "nudged_commit_seconds_bucket{le=\"+Inf\"}"),
        // Series that nothing has happened to yet, or their first rise would go unseen.
        ("/metrics", "nudged_deliveries_total{event=\"merge_group\",outcome=\"quarantined\"}"),
        ("/metrics", "nudged_webhooks_refused_total{code=\"body_too_slow\"}"),
        ("/metrics", "nudged_commit_failures_total"),
    ] {
        let response = bare.get(world.url(path)).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let text = response.text().await.expect("text");
        assert!(text.contains(part), "{path}: {text}");
    }
    // A stranger's words make no time series of their own.
    world.send("an_event_of_a_stranger", "s", b"{}").await;
    let text = bare.get(world.url("/metrics")).send().await.expect("an answer").text().await;
    assert!(!text.expect("text").contains("stranger"));
}
