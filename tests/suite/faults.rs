//! All or nothing: a fault between any two statements leaves nothing behind.
//!
//! Triggers on every table count down and make the n-th write fail, for n = 1, 2, … until the
//! delivery comes through without a fault. They FAIL, which undoes nothing: a fault that nobody minds
//! leaves the countdown at 0 and is found.

use nudged::config::Secret;
use reqwest::StatusCode;
use serde_json::json;

use crate::conversation::{comment, thread};
use crate::payloads::{REPO, at, check, pull, repository, review, sha};
use crate::world::{World, answer, outcome};

const TABLES: &[&str] = &[
    "projects",
    "sessions",
    "pr",
    "pr_commits",
    "pr_mergeability",
    "pr_reviews",
    "commits",
    "check_runs",
    "check_logs",
    "commit_statuses",
    "workflow_runs",
    "pr_checks",
    "nudges",
    "timers",
    "change_log",
    "deliveries",
    "cause",
    "base_pushes",
    "check_suites",
    "comments",
    "threads",
    "pr_comment",
    "idempotency",
    "tasks",
    "nudge_budgets",
    "queue_facts",
    "github_memory",
];

fn install(world: &World) {
    let mut sql =
        "CREATE TABLE countdown (n INTEGER); INSERT INTO countdown VALUES (0);".to_owned();
    for table in TABLES {
        for operation in ["INSERT", "UPDATE", "DELETE"] {
            sql.push_str(&format!(
                "CREATE TRIGGER fault_{table}_{operation} BEFORE {operation} ON {table}
                 WHEN (SELECT n FROM countdown) > 0
                 BEGIN
                     UPDATE countdown SET n = n - 1;
                     SELECT raise(FAIL, 'fault') WHERE (SELECT n FROM countdown) = 0;
                 END;"
            ));
        }
    }
    let known = world.sql(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
            AND name NOT IN ('meta') ORDER BY name",
    );
    let mut tables: Vec<_> = TABLES.iter().map(|table| vec![(*table).to_owned()]).collect();
    tables.sort();
    assert_eq!(tables, known, "a fault is injected into every table that is written");
    world.execute(&sql);
}

/// All rows of all tables, but for the ledger that says that it failed.
fn state(world: &World) -> Vec<String> {
    let connection = rusqlite::Connection::open(world.db()).expect("the database");
    let tables = TABLES.iter().filter(|table| !matches!(**table, "deliveries" | "cause"));
    let rows = |table: &&str| {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).expect("a query");
        let columns = statement.column_count();
        let shown = |row: &rusqlite::Row<'_>| {
            let cells = (0..columns).map(|index| row.get::<_, rusqlite::types::Value>(index));
            Ok(format!("{table} {:?}", cells.collect::<rusqlite::Result<Vec<_>>>()?))
        };
        let rows = statement.query_map((), shown).expect("rows");
        rows.collect::<rusqlite::Result<Vec<_>>>().expect("rows")
    };
    tables.flat_map(rows).collect()
}

/// The countdown need not outlive a power cut.
fn count_down_from(world: &World, n: usize) {
    world.execute(&format!("PRAGMA synchronous = OFF; UPDATE countdown SET n = {n}"));
}

/// No delivery writes more often.
const MOST_WRITES: usize = 100;

/// Sends again and again, each time with a fault one write later, until it comes through; `send`
/// answers a status and what became of it.
async fn fails_whole(world: &World, send: impl AsyncFn() -> (StatusCode, String)) -> usize {
    let before = state(world);
    for n in 1..=MOST_WRITES {
        count_down_from(world, n);
        let (status, outcome) = send().await;
        let left = world.sql("SELECT n FROM countdown")[0][0].clone();
        count_down_from(world, 0);
        if outcome == "applied" {
            assert_ne!(left, "0", "write {n} failed and the whole was called applied");
            assert_ne!(state(world), before);
            return n - 1;
        }
        // Either it was kept for later, or GitHub was told to send it again.
        assert!(
            matches!((status.as_u16(), &*outcome), (200, "quarantined") | (503, "")),
            "{n}: {status} {outcome}"
        );
        assert_eq!(state(world), before, "fault {n} left something behind");
    }
    panic!("{MOST_WRITES} writes, or it never comes through")
}

#[tokio::test]
async fn a_fault_between_any_two_statements_leaves_nothing_behind() {
    let world = World::with(|settings| {
        // Nobody listens there, so that what is to be sent stays.
        settings.notify_url = Some(Secret::new("http://127.0.0.1:9"));
    })
    .await;
    install(&world);
    let opened =
        pull("opened", 1, &sha(1), 0, json!({"mergeable": true, "mergeable_state": "clean"}));
    let early = check("build", &sha(1), 11, json!("failure"), 5);
    let passed = check("build", &sha(1), 12, json!("success"), 40);
    let mut moved = pull("synchronize", 1, &sha(2), 20, json!({}));
    moved["before"] = json!(sha(1));
    let mut pushed =
        json!({"ref": "refs/heads/main", "repository": repository(REPO, "acme/rocket")});
    pushed["repository"]["pushed_at"] = json!(at(27));
    let suite = json!({"action": "completed", "check_suite": {"id": 900, "head_sha": sha(1)},
        "repository": repository(REPO, "acme/rocket")});
    let merged = json!({"state": "closed", "merged": true});
    let mut points = 0;
    for (id, event, payload) in [
        ("1", "check_run", early),
        ("2", "pull_request", opened),
        ("3", "check_run", passed),
        ("4", "pull_request", moved),
        ("c", "pull_request_review_comment", comment("created", 71, 22, json!({}))),
        ("t", "pull_request_review_thread", thread("resolved", 71, 24)),
        ("r", "pull_request_review", review(1, &sha(1), 81, 9, "commented", 26)),
        ("p", "push", pushed),
        ("s", "check_suite", suite),
        ("5", "pull_request", pull("closed", 1, &sha(2), 30, merged)),
    ] {
        let body = payload.to_string();
        let send = async || {
            let (status, told) = world.send(event, id, body.as_bytes()).await;
            (status, outcome(&told).to_owned())
        };
        let found = fails_whole(&world, send).await;
        assert!(found >= 3, "only {found} writes in {event} {id}");
        points += found;
    }
    assert!(points > 40, "only {points} fault points");
    assert_eq!(world.sql("SELECT count(*) FROM tasks"), [["1"]]);
    assert_eq!(
        world.nudges().await,
        [
            "ci-failed superseded",
            "approved-and-green superseded",
            "review-comments superseded",
            "approved-and-green superseded",
            "pr-merged pending"
        ]
    );
    // What is asked for under a key is done with its answer, or not at all.
    let acknowledge = async || {
        let request = world.request(reqwest::Method::POST, "/v1/nudges/5/ack");
        let (status, _) = answer(request.header("Idempotency-Key", "k")).await;
        (status, if status.is_success() { "applied" } else { "" }.to_owned())
    };
    let found = fails_whole(&world, acknowledge).await;
    let engine = &world.running().engine;
    let remember = async || match engine.remember("read_to", "7".to_owned()).await {
        Ok(()) => (StatusCode::OK, "applied".to_owned()),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
    };
    assert_eq!(fails_whole(&world, remember).await, 1);
    assert!(found >= 4, "only {found} writes in an acknowledgement");
    assert_eq!(world.sql("SELECT key FROM idempotency"), [["k"]]);
    assert_eq!(world.sql("SELECT count(*) FROM tasks"), [["0"]]);
    assert_eq!(world.nudges().await.last().expect("a nudge"), "pr-merged acknowledged");
}
