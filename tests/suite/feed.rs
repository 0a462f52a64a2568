//! The change feed: cursors, filters, waiting, and that no reader misses or repeats anything.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::conversation::thread;
use crate::payloads::{check, pull, repository, sha, status};
use crate::stories::story;
use crate::world::{TOKEN, World, answer};

/// Longer than any machine needs, shorter than the waits that must be cut short.
const PATIENCE: Duration = Duration::from_secs(40);

async fn told() -> World {
    let world = World::new().await;
    for delivery in story("plain-life").iter().chain(&story("fork")) {
        world.replay(delivery).await;
    }
    let mut other = status("ci", &sha(1), 1, "success", 0);
    other["repository"] = repository(42, "acme/api");
    world.apply("status", "other", &other).await;
    world
}

async fn page(world: &World, query: &str) -> Value {
    world.get(&format!("/v1/changes?{query}")).await
}

fn seqs(page: &Value) -> Vec<i64> {
    let changes = page["changes"].as_array().expect("changes");
    changes.iter().map(|change| change["seq"].as_i64().expect("a number")).collect()
}

/// The `seq`s of the changes that pass.
fn passing(changes: &[Value], passes: impl Fn(&Value) -> bool) -> Vec<i64> {
    changes.iter().filter(|it| passes(it)).filter_map(|it| it["seq"].as_i64()).collect()
}

#[tokio::test]
async fn a_cursor_has_four_forms_and_all_mean_the_same_place() {
    let world = told().await;
    let all = page(&world, "limit=1000").await;
    let (epoch, head) =
        (all["epoch"].as_str().expect("a text"), all["head"].as_i64().expect("head"));
    assert!(head > 20, "{head}");
    assert_eq!(seqs(&all), (1..=head).collect::<Vec<_>>(), "in order, without a gap");
    assert_eq!((&all["next"], &all["floor"]), (&json!(format!("{epoch}.{head}")), &json!(0)));
    for (cursor, first) in [
        ("0".to_owned(), 1),
        ("7".to_owned(), 8),
        (format!("{epoch}.7"), 8),
        (format!("{epoch}.0"), 1),
    ] {
        let read = page(&world, &format!("after={cursor}&limit=1000")).await;
        assert_eq!(seqs(&read), (first..=head).collect::<Vec<_>>(), "{cursor}");
    }
    for cursor in ["head".to_owned(), head.to_string(), format!("{epoch}.{head}")] {
        let read = page(&world, &format!("after={cursor}")).await;
        assert_eq!((seqs(&read), &read["next"]), (vec![], &all["next"]), "{cursor}");
    }
}

#[tokio::test]
async fn pages_join_and_filters_choose() {
    let world = told().await;
    let all = world.changes().await;
    let project = |id: &'static str| move |change: &Value| change["projectId"] == id;
    let kind = |name: &'static str| move |change: &Value| change["type"] == name;
    let session = |id: &'static str| move |change: &Value| change["sessionId"] == id;
    let both = |change: &Value| kind("pr_updated")(change) || kind("nudge_created")(change);
    let api = all.iter().find(|it| it["payload"]["repo"] == "acme/api").expect("the other project");
    let api: &'static str = api["projectId"].as_str().expect("an id").to_owned().leak();
    let cases: [(String, Vec<i64>); 9] = [
        (String::new(), passing(&all, |_| true)),
        ("type=pr_updated".into(), passing(&all, kind("pr_updated"))),
        ("type=pr_updated,nudge_created".into(), passing(&all, both)),
        ("type=pr_updated&type=nudge_created".into(), passing(&all, both)),
        (format!("project={api}"), passing(&all, project(api))),
        (format!("project={api},mer"), passing(&all, |_| true)),
        ("session=mer-1".into(), passing(&all, session("mer-1"))),
        (
            "session=mer-1,mer-2&type=session_updated".into(),
            passing(&all, |it| kind("session_updated")(it) && !it["sessionId"].is_null()),
        ),
        ("project=nowhere".into(), vec![]),
    ];
    for (filter, expected) in cases {
        assert!(filter.contains("nowhere") || !expected.is_empty(), "{filter} chooses nothing");
        for limit in [1, 4, 1000] {
            let (mut found, mut after) = (Vec::<i64>::new(), "0".to_owned());
            loop {
                let read = page(&world, &format!("after={after}&limit={limit}&{filter}")).await;
                let part = seqs(&read);
                assert!(part.len() <= limit, "{filter}");
                found.extend(&part);
                after = read["next"].as_str().expect("a cursor").to_owned();
                if part.is_empty() {
                    // What a filter hid is passed over: the reader stands at the end of the log.
                    let end = format!("{}.{}", read["epoch"].as_str().unwrap_or(""), read["head"]);
                    assert_eq!(after, end, "{filter}");
                    break;
                }
            }
            assert_eq!(found, expected, "{filter} by {limit}");
        }
    }
}

#[tokio::test]
async fn a_change_is_told_with_its_facts() {
    let world = told().await;
    for change in world.changes().await {
        let kind = change["type"].as_str().expect("a type").to_owned();
        let keys: &[&str] = match kind.as_str() {
            "session_created" | "session_updated" => {
                &["id", "state", "terminationReason", "isAlive", "activity"]
            }
            "pr_created" | "pr_updated" => {
                &["url", "session", "state", "ci", "review", "mergeability", "headSha"]
            }
            "pr_check_recorded" => &["pr", "name", "source", "commit", "status", "conclusion"],
            "nudge_created" | "nudge_updated" => {
                &["id", "kind", "audience", "state", "sessionId", "pullUrl"]
            }
            "project_registered" => &["id", "repo"],
            other => panic!("{other} is no type of the contract"),
        };
        let payload = change["payload"].as_object().expect("an object");
        for key in keys {
            assert!(payload.contains_key(*key), "{key} is not in {change}");
        }
        if kind.starts_with("session") {
            assert!(payload["isAlive"].is_boolean(), "{change}");
        }
        assert!(change["createdAt"].as_str().is_some_and(|at| at.ends_with('Z')), "{change}");
        assert!(change["cause"].as_str().is_some_and(|it| it.starts_with("delivery:")), "{change}");
    }
}

/// Asks in the background; the answer must be there within [`PATIENCE`].
fn ask(world: &World, path: &str) -> tokio::task::JoinHandle<Value> {
    let request = world.request(Method::GET, path);
    tokio::spawn(async move {
        let answered = tokio::time::timeout(PATIENCE, answer(request)).await;
        let (status, json) = answered.expect("the wait was not cut short");
        assert_eq!(status, StatusCode::OK, "{json}");
        json
    })
}

#[tokio::test]
async fn a_waiting_reader_hears_as_soon_as_a_matching_change_commits() {
    let world = World::new().await;
    let any = ask(&world, "/v1/changes?after=0&wait=60");
    let nudge = ask(&world, "/v1/changes?after=head&wait=60&type=nudge_created&session=roc-1");
    let ci = ask(&world, "/v1/nudges?audience=agent&wait=60");
    world.get("/healthz").await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    assert_eq!(any.await.expect("an answer")["changes"][0]["type"], "project_registered");
    // Neither of these is what the two others wait for.
    world.apply("check_run", "2", &check("build", &sha(1), 11, Value::Null, 10)).await;
    assert!(!nudge.is_finished() && !ci.is_finished(), "answered with nothing to say");
    world.apply("check_run", "3", &check("build", &sha(1), 11, json!("failure"), 20)).await;
    let heard = nudge.await.expect("an answer");
    assert_eq!(heard["changes"][0]["payload"]["kind"], "ci-failed");
    assert_eq!(heard["changes"].as_array().expect("changes").len(), 1);
    assert_eq!(ci.await.expect("an answer")["items"][0]["kind"], "ci-failed");
}

#[tokio::test]
async fn a_wait_without_news_ends_empty_and_moves_the_cursor_past_what_was_hidden() {
    let world = World::new().await;
    let wait = ask(&world, "/v1/changes?after=0&wait=1&type=nudge_created");
    let nudges = ask(&world, "/v1/nudges?wait=1");
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    let (heard, head) = (wait.await.expect("an answer"), page(&world, "after=head").await);
    assert_eq!((seqs(&heard), &heard["next"]), (vec![], &head["next"]));
    assert_eq!(nudges.await.expect("an answer")["items"], json!([]));
}

#[tokio::test]
async fn waiting_readers_do_not_hold_up_a_shutdown() {
    let mut world = World::new().await;
    let wait = ask(&world, "/v1/changes?after=0&wait=60");
    world.get("/healthz").await;
    let stopped = tokio::time::timeout(Duration::from_secs(10), world.restart()).await;
    assert!(stopped.is_ok(), "the shutdown waited for the reader");
    // It was answered, or its connection came too late to be accepted.
    if let Ok(heard) = wait.await {
        assert_eq!(seqs(&heard), Vec::<i64>::new());
    }
}

#[tokio::test]
async fn cursors_that_would_miss_something_are_refused_with_where_to_go_on() {
    let world = told().await;
    let head = page(&world, "after=head").await["head"].as_i64().expect("a number");
    world.execute("DELETE FROM change_log WHERE seq <= 5");
    let epoch = page(&world, "after=head").await["epoch"].as_str().expect("a text").to_owned();
    for cursor in
        ["0".to_owned(), "4".into(), format!("{epoch}.4"), "ffffffffffff.9".into(), "e2.0".into()]
    {
        let path = format!("/v1/changes?after={cursor}");
        let (status, gone) = answer(world.request(Method::GET, &path)).await;
        assert_eq!(status, StatusCode::GONE, "{cursor}: {gone}");
        let bounds = json!([gone["floor"], gone["head"], gone["epoch"]]);
        assert_eq!(bounds, json!([5, head, epoch]), "{cursor}");
        assert!(gone["error"]["code"].is_string(), "{gone}");
    }
    let left = page(&world, "after=5&limit=1000").await;
    assert_eq!((seqs(&left), &left["floor"]), ((6..=head).collect(), &json!(5)));
    // Pruned to nothing, the log still knows where it ends.
    world.execute("DELETE FROM change_log");
    let left = page(&world, "after=head").await;
    assert_eq!((&left["floor"], &left["head"]), (&json!(head), &json!(head)));
    world.apply("pull_request", "more", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    assert_eq!(seqs(&page(&world, &format!("after={head}")).await)[0], head + 1);
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let world = World::new().await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    for (query, name) in [
        ("after=1000", "after"),
        ("after=-1", "after"),
        ("after=x", "after"),
        ("after=", "after"),
        ("after=0&after=1", "after"),
        ("after=99999999999999999999", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("wait=-1", "wait"),
        ("wait=61", "wait"),
        ("wait=1.5", "wait"),
        ("type=pr_exploded", "type"),
        ("type=pr_updated,", "type"),
        ("project=", "project"),
        ("session=a,,b", "session"),
        ("since=0", "since"),
    ] {
        let path = format!("/v1/changes?{query}");
        let (status, error) = answer(world.request(Method::GET, &path)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {error}");
        assert!(error["error"]["message"].to_string().contains(&format!("`{name}`")), "{error}");
    }
}

#[tokio::test]
async fn the_api_wants_the_token_and_no_foreign_page() {
    let world = World::new().await;
    let bare = reqwest::Client::builder().no_proxy().build().expect("a client");
    for path in ["/v1/changes", "/v1/nudges", "/v1/projects/x", "/v1/no/such/route"] {
        for token in [None, Some("wrong"), Some("a-token-of-the-test"), Some("")] {
            let request = bare.get(world.url(path));
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let (status, error) = answer(request).await;
            assert_eq!((status.as_u16(), &error["error"]["code"]), (401, &json!("unauthorized")));
        }
        let in_query = bare.get(world.url(&format!("{path}?token={TOKEN}")));
        assert_eq!(answer(in_query).await.0, 401);
        let foreign = world.request(Method::GET, path).header("Origin", "https://evil.example");
        let (status, error) = answer(foreign).await;
        assert_eq!((status.as_u16(), &error["error"]["code"]), (403, &json!("foreign_origin")));
    }
    let own = format!("http://{}", world.running().addr);
    let own = world.request(Method::GET, "/v1/changes").header("Origin", own);
    assert_eq!(answer(own).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_reader_across_restarts_sees_everything_once() {
    let mut world = World::new().await;
    let (mut after, mut seen) = ("0".to_owned(), Vec::new());
    let deliveries = [story("plain-life"), story("close-and-reopen")].concat();
    for (index, delivery) in deliveries.iter().enumerate() {
        world.replay(delivery).await;
        if index % 6 == 5 {
            world.restart().await;
        }
        // Slower than the log grows, so that it is behind at every restart.
        let read = page(&world, &format!("after={after}&limit=1")).await;
        seen.extend(seqs(&read));
        after = read["next"].as_str().expect("a cursor").to_owned();
    }
    let head = page(&world, "after=head").await["head"].as_i64().expect("a number");
    assert!(*seen.last().expect("something") < head, "the reader was never behind");
    world.restart().await;
    seen.extend(seqs(&page(&world, &format!("after={after}&limit=1000")).await));
    assert_eq!(seen, (1..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_filter_that_hides_nearly_everything_is_answered_in_portions() {
    let world = World::new().await;
    world.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
         INSERT INTO change_log (project_id, event_type, payload, cause, created_at)
         SELECT iif(i = 150000, 'rare', 'usual'), 'pr_updated', '{}', '', '' FROM n",
    );
    let first = world.get("/v1/changes?after=0&project=rare").await;
    assert_eq!(first["changes"], json!([]), "a part of the log was looked at");
    let next = first["next"].as_str().expect("a cursor");
    let seq: i64 = next.rsplit('.').next().and_then(|seq| seq.parse().ok()).expect("a number");
    assert!((1..150_000).contains(&seq), "{next}");
    let second = world.get(&format!("/v1/changes?after={next}&project=rare")).await;
    assert_eq!(second["changes"][0]["seq"], 150_000);
    // Who is ready to wait is not sent away with nothing while there is something.
    let began = Instant::now();
    let whole = world.get("/v1/changes?after=0&project=rare&wait=60").await;
    assert_eq!(whole["changes"][0]["seq"], 150_000);
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_thread_that_opens_again_is_a_change_of_its_comments() {
    let world = World::new().await;
    let said = |action: &str, seconds| thread(action, 71, seconds);
    world.apply("pull_request_review_thread", "1", &said("resolved", 50)).await;
    world.apply("pull_request_review_thread", "2", &said("unresolved", 60)).await;
    let recorded = world.changes().await.into_iter();
    let recorded: Vec<Value> =
        recorded.filter(|change| change["type"] == "pr_comment_recorded").collect();
    let resolved: Vec<&Value> = recorded.iter().map(|it| &it["payload"]["resolved"]).collect();
    assert_eq!(resolved, [&json!(true), &json!(false)]);
}
