//! Once is once: by the delivery's id, and by what the payload says (`docs/github-rules.md` 2 and 3).

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::payloads::{at, check, pull, repository, sha};
use crate::stories::story;
use crate::world::{SECRET, World, answer, outcome, sign};

/// Sends a delivery with these headers about its hook; answers its outcome.
async fn sent(world: &World, hook: &[(&str, &str)], id: &str, payload: &Value) -> String {
    let body = payload.to_string();
    let signature = sign(SECRET, body.as_bytes());
    let headers = [
        ("Content-Type", "application/json"),
        ("X-GitHub-Event", "check_run"),
        ("X-GitHub-Delivery", id),
        ("X-Hub-Signature-256", &signature),
    ];
    let (status, told) = answer(world.webhook(&[&headers, hook].concat(), body)).await;
    assert_eq!(status, StatusCode::OK, "{hook:?} {id}: {told}");
    outcome(&told).to_owned()
}

#[tokio::test]
async fn a_delivery_is_known_by_its_hook_and_its_id() {
    let world = World::new().await;
    let payload = check("build", &sha(1), 11, json!("failure"), 10);
    let (target, hook) = ("X-GitHub-Hook-Target-ID", "X-GitHub-Hook-ID");
    // All hooks on an event share its GUID. A hook is told by its target, else by its own id.
    for (headers, outcome) in [
        (&[][..], "applied"),
        (&[(target, "1")], "applied"),
        (&[(target, "2")], "applied"),
        (&[(hook, "3")], "applied"),
        (&[(hook, "4")], "applied"),
        (&[(target, "1"), (hook, "5")], "duplicate"),
        (&[(target, "2"), (hook, "3")], "duplicate"),
        (&[(hook, "4")], "duplicate"),
        (&[(hook, " ")], "duplicate"),
        (&[], "duplicate"),
    ] {
        let guid = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
        assert_eq!(sent(&world, headers, guid, &payload).await, outcome, "{headers:?}");
    }
    assert_eq!(world.items("/v1/deliveries").await.len(), 5);
    // It need not look like a GUID.
    for id in ["7", "no GUID", "\u{7e}!/:;=?@[]{}|", &"long".repeat(60)] {
        assert_eq!(sent(&world, &[], id, &payload).await, "applied", "{id}");
        assert_eq!(sent(&world, &[], id, &payload).await, "duplicate", "{id}");
    }
    // Whatever it was called, it said one thing.
    let recorded = world.changes().await;
    let types: Vec<&str> = recorded.iter().filter_map(|change| change["type"].as_str()).collect();
    assert_eq!(types, ["project_registered"]);
    assert_eq!(world.sql("SELECT count(*) FROM check_runs"), [["1"]]);
}

#[tokio::test]
async fn a_story_told_twice_changes_nothing_the_second_time() {
    let world = World::new().await;
    let deliveries = story("plain-life");
    for delivery in &deliveries {
        world.replay(delivery).await;
    }
    let state = || {
        ["pr", "pr_checks", "sessions", "projects", "nudges", "timers", "change_log"].map(|table| {
            let mut rows = world.sql(&format!("SELECT * FROM {table}"));
            rows.sort();
            rows
        })
    };
    let before = state();
    assert!(
        before.iter().filter(|rows| !rows.is_empty()).count() >= 6,
        "the story tells something"
    );
    for delivery in &deliveries {
        assert_eq!(world.replay(delivery).await, "duplicate", "{}", delivery.file);
    }
    assert!(before == state(), "duplicates changed something");
    for (number, delivery) in deliveries.iter().enumerate() {
        let (status, answer) =
            world.send(delivery.event(), &format!("anew-{number}"), &delivery.body).await;
        assert_eq!((status, outcome(&answer)), (StatusCode::OK, "applied"), "{}", delivery.file);
        assert!(before == state(), "{} under another id changed something", delivery.file);
    }
}

#[tokio::test]
async fn ten_copies_at_once_have_the_effect_of_one() {
    let world = World::new().await;
    world.apply("pull_request", "p", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    let before = world.changes().await.len();
    let body = check("build", &sha(1), 11, json!("failure"), 10).to_string();
    let copies = join_all((0..10).map(|_| world.send("check_run", "c", body.as_bytes()))).await;
    let mut words: Vec<&str> = copies.iter().map(|(_, answer)| outcome(answer)).collect();
    words.sort_unstable();
    assert_eq!(words, [&["applied"][..], &["duplicate"; 9]].concat());
    let caused: Vec<Value> = world.changes().await.split_off(before);
    let mut types: Vec<&str> = caused.iter().filter_map(|change| change["type"].as_str()).collect();
    types.sort_unstable();
    assert_eq!(types, ["nudge_created", "pr_check_recorded", "pr_updated"]);
    assert!(caused.iter().all(|change| change["cause"] == "delivery:c"), "{caused:?}");
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
}

/// A delivery that could not be finished is kept, and its redelivery finishes it.
#[tokio::test]
async fn what_was_received_and_not_finished_is_no_duplicate() {
    let world = World::new().await;
    let opened = pull("opened", 1, &sha(1), 0, json!({})).to_string();
    let send = async || world.send("pull_request", "d", opened.as_bytes()).await;
    for table in ["pr", "deliveries"] {
        world.execute(&format!(
            "CREATE TRIGGER fault BEFORE INSERT ON {table}
             WHEN '{table}' = 'pr' OR NEW.outcome = 'applied'
             BEGIN SELECT raise(ABORT, 'fault'); END"
        ));
        let (status, told) = send().await;
        assert_eq!((status, outcome(&told)), (StatusCode::OK, "quarantined"), "{table}: {told}");
        assert_eq!(
            world.sql("SELECT outcome, body IS NULL FROM deliveries"),
            [["quarantined", "0"]]
        );
        assert_eq!(world.sql("SELECT count(*) FROM pr"), [["0"]]);
        world.execute("DROP TRIGGER fault");
    }
    // Nothing was stored at all: GitHub is told so.
    world.execute(
        "DELETE FROM deliveries;
         CREATE TRIGGER fault BEFORE INSERT ON deliveries BEGIN SELECT raise(ABORT, 'fault'); END",
    );
    assert_eq!(send().await.0, StatusCode::SERVICE_UNAVAILABLE);
    world.execute("DROP TRIGGER fault");
    assert_eq!(outcome(&send().await.1), "applied");
    assert_eq!(outcome(&send().await.1), "duplicate");
    assert_eq!(world.items("/v1/pulls").await.len(), 1);
}

#[tokio::test]
async fn a_name_that_two_repositories_claim_in_turn_quarantines_nothing() {
    let claim = |repo: i64, action: &str, seconds: i64| {
        let mut payload = pull(action, 1, &sha(repo.unsigned_abs()), seconds, json!({}));
        payload["repository"] = repository(repo, "acme/rocket");
        payload["repository"]["updated_at"] = json!(at(seconds));
        for side in ["head", "base"] {
            payload["pull_request"][side]["repo"]["id"] = json!(repo);
        }
        payload
    };
    let claims = [claim(41, "opened", 10), claim(42, "opened", 20), claim(41, "labeled", 30)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let world = World::new().await;
        for index in order.into_iter().chain(order) {
            let id = format!("claim-{index}");
            let body = claims[index].to_string();
            let (status, told) = world.send("pull_request", &id, body.as_bytes()).await;
            assert_eq!(status, StatusCode::OK, "{order:?}: {told}");
        }
        let quarantined = world.items("/v1/deliveries?outcome=quarantined").await;
        assert!(quarantined.is_empty(), "{order:?}: {quarantined:?}");
        let mut shown: Vec<_> = world.items("/v1/pulls").await;
        shown.sort_by_key(|pull| pull["headSha"].to_string());
        let shown: Vec<_> = shown.iter().map(|it| [&it["headSha"], &it["repo"]]).collect();
        let expected = [
            [&json!(sha(41)), &json!("acme/rocket")],
            [&json!(sha(42)), &json!("repositories/42")],
        ];
        assert_eq!(shown, expected, "{order:?}");
    }
}
