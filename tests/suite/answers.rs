//! How large answers get: a page ends where it grows too heavy, and the next goes on from there.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::payloads::{check, pull, repository, sha};
use crate::world::World;

/// A text of this size in each row: three of them are more than an answer may weigh.
const LONG: usize = 3 * 1024 * 1024;
/// What no answer exceeds.
const HEAVY: usize = 12 * 1024 * 1024;
const PULLS: i64 = 5;

/// Five pull requests, each with a failing check and a nudge about it.
async fn world() -> World {
    let world = World::new().await;
    for number in 1..=PULLS {
        let head = sha(number.unsigned_abs());
        let id = |step: &str| format!("{number}-{step}");
        world.apply("pull_request", &id("p"), &pull("opened", number, &head, 0, json!({}))).await;
        world
            .apply("check_run", &id("c"), &check("build", &head, number, json!("failure"), 1))
            .await;
    }
    world
}

/// The answer's size and its JSON.
async fn weigh(world: &World, path: &str) -> (usize, Value) {
    let response = world.request(reqwest::Method::GET, path).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let text = response.text().await.expect("text");
    (text.len(), serde_json::from_str(&text).expect("JSON"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_grow_too_heavy_end_early_and_join() {
    let world = world().await;
    let changes = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5)
        INSERT INTO change_log (project_id, event_type, payload, cause, created_at)
        SELECT 'wide', 'pr_updated', json_object('x', long), 'probe', '' FROM n";
    for (long, path, items, next) in [
        ("UPDATE pr_checks SET url = long", "/v1/pulls?limit=1000", "items", "cursor"),
        ("UPDATE nudges SET body = long", "/v1/nudges?limit=1000", "items", "cursor"),
        ("UPDATE pr SET title = long", "/v1/sessions?limit=1000", "items", "cursor"),
        (changes, "/v1/changes?after=0&project=wide&limit=1000", "changes", "after"),
    ] {
        world.execute(&long.replace("long", &format!("printf('%.*c', {LONG}, 'x')")));
        let (mut found, mut pages, mut cursor) = (0, 0, String::new());
        while found < PULLS as usize {
            let path = match &*cursor {
                "" => path.to_owned(),
                cursor => format!("{}&{next}={cursor}", path.replace("after=0&", "")),
            };
            let (size, page) = weigh(&world, &path).await;
            let count = page[items].as_array().expect("items").len();
            assert!(size < HEAVY && count > 0, "{path}: {count} items of {size} bytes");
            (found, pages) = (found + count, pages + 1);
            cursor = page["next"].as_str().unwrap_or_default().to_owned();
        }
        assert_eq!((found, pages), (PULLS as usize, 3), "{path}");
    }
}

#[tokio::test]
async fn one_pull_request_is_cut_where_it_grows_too_heavy() {
    let world = world().await;
    for number in 0..4 {
        let run = 50 + number;
        let more = check(&format!("job-{number}"), &sha(1), run, json!("failure"), 2);
        world.apply("check_run", &run.to_string(), &more).await;
    }
    world.execute(&format!("UPDATE pr_checks SET log_tail = printf('%.*c', {LONG}, 'x')"));
    let (size, shown) = weigh(&world, "/v1/pulls/acme/rocket/1").await;
    assert!(size < HEAVY, "{size} bytes");
    let checks = shown["checks"].as_array().expect("checks");
    assert_eq!((checks.len(), &shown["checksTruncated"]), (2, &json!(true)));
    // A list has them all, since it does without what the logs end with.
    let (_, list) = weigh(&world, "/v1/pulls").await;
    let checks = list["items"][0]["checks"].as_array().expect("checks");
    assert_eq!((checks.len(), &list["items"][0]["checksTruncated"]), (5, &Value::Null));
    assert!(checks.iter().all(|check| check.get("logTail").is_none()), "{checks:?}");
}

/// Two repositories with a branch of one name: an agent that says where it works hears of its own alone.
#[tokio::test]
async fn a_branch_of_one_repository_is_not_that_of_another() {
    let world = world().await;
    for (event, mut payload) in [
        ("pull_request", pull("opened", 1, &sha(9), 0, json!({}))),
        ("check_run", check("build", &sha(9), 99, json!("failure"), 1)),
    ] {
        let other = repository(42, "acme/api");
        payload["repository"] = other.clone();
        if event == "pull_request" {
            payload["pull_request"]["head"]["repo"] = other.clone();
            payload["pull_request"]["base"]["repo"] = other;
            payload["pull_request"]["html_url"] = json!("https://github.com/acme/api/pull/1");
        }
        world.apply(event, &format!("other-{event}"), &payload).await;
    }
    let heard = async |path: &str| {
        let items = world.items(path).await;
        items.iter().map(|nudge| nudge["projectId"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(heard("/v1/nudges?branch=branch-1").await, [r#""roc""#, r#""api""#]);
    assert_eq!(heard("/v1/nudges?branch=branch-1&repo=acme/api").await, [r#""api""#]);
    assert_eq!(heard("/v1/nudges?branch=branch-1&project=roc").await, [r#""roc""#]);
}
