//! What is kept for a time: the change log and the ledger, and what going on without them means.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::conversation::comment;
use crate::payloads::{check, pull, sha, status, workflow_run};
use crate::world::{World, answer, outcome};

const HOUR: i64 = 3_600;
const KEPT: Option<Duration> = Some(Duration::from_secs(2 * 3_600));

/// Sweeps until there is nothing more; answers the rows of each portion.
async fn sweep(world: &World) -> Vec<usize> {
    let mut portions = Vec::new();
    loop {
        match world.sweep().await {
            0 => return portions,
            gone => portions.push(gone),
        }
    }
}

async fn open_pull(world: &World, number: i64) {
    let payload = pull("opened", number, &sha(number.unsigned_abs()), 0, json!({}));
    world.apply("pull_request", &format!("p-{number}"), &payload).await;
}

#[tokio::test]
async fn the_log_loses_its_beginning_and_its_readers_are_told() {
    let world = World::with(|settings| settings.retain_changes = KEPT).await;
    open_pull(&world, 1).await;
    let old = world.get("/v1/changes?after=0").await;
    let (head, cursor) = (old["head"].as_i64().expect("a head"), old["next"].clone());
    world.pass(2 * HOUR - 1);
    open_pull(&world, 2).await;
    assert_eq!(sweep(&world).await, [] as [usize; 0], "two hours are not over");

    world.pass(2);
    assert_eq!(sweep(&world).await.iter().sum::<usize>() as i64, head);
    let cursor = cursor.as_str().expect("a cursor");
    let rest = world.get(&format!("/v1/changes?after={cursor}")).await;
    assert_eq!(rest["floor"], head);
    assert_eq!(rest["changes"][0]["seq"], head + 1, "who was up to date goes on without a gap");
    let (status, told) = answer(world.request(Method::GET, "/v1/changes?after=0")).await;
    assert_eq!(status, StatusCode::GONE, "{told}");
    assert_eq!((&told["floor"], &told["head"]), (&json!(head), &rest["head"]));
    assert_eq!(told["epoch"], rest["epoch"]);

    world.pass(3 * HOUR);
    sweep(&world).await;
    let empty = world.get(&format!("/v1/changes?after={}", rest["head"])).await;
    assert_eq!((&empty["floor"], &empty["changes"]), (&rest["head"], &json!([])));
    open_pull(&world, 3).await;
    let newest = world.get(&format!("/v1/changes?after={}", rest["head"])).await;
    assert_eq!(newest["changes"][0]["seq"].as_i64(), rest["head"].as_i64().map(|seq| seq + 1));
    assert_eq!(world.items("/v1/pulls").await.len(), 3, "the state itself stays");
}

#[tokio::test]
async fn a_delivery_that_the_ledger_has_lost_changes_nothing_when_it_is_sent_again() {
    let world = World::with(|settings| settings.retain_deliveries = KEPT).await;
    open_pull(&world, 1).await;
    let red = check("build", &sha(1), 11, json!("failure"), 10).to_string();
    world.send("check_run", "c", red.as_bytes()).await;
    world.send("check_run", "unreadable", b"{}").await;
    world.pass(2 * HOUR);
    world.send("ping", "young", b"{}").await;
    world.pass(1);
    assert_eq!(sweep(&world).await, [3]);
    let guids = world.sql("SELECT guid FROM deliveries");
    assert_eq!(guids, [["young"]]);

    let before = world.changes().await;
    let (_, again) = world.send("check_run", "c", red.as_bytes()).await;
    assert_eq!(outcome(&again), "applied");
    assert_eq!(world.changes().await, before);
    let (_, young) = world.send("ping", "young", b"{}").await;
    assert_eq!(outcome(&young), "duplicate");
}

#[tokio::test]
async fn much_goes_in_portions_each_of_which_leaves_a_log_without_gap() {
    let world = World::with(|settings| settings.retain_changes = KEPT).await;
    world.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
         INSERT INTO change_log (event_type, payload, cause, created_at)
         SELECT 'pr_updated', '{}', '', '2020-01-01T00:00:00.000Z' FROM n",
    );
    for (portion, floor) in [(500, 500), (500, 1_000), (200, 1_200), (0, 1_200)] {
        assert_eq!(world.sweep().await, portion);
        let page: Value = world.get("/v1/changes?after=head").await;
        assert_eq!((&page["floor"], &page["head"]), (&json!(floor), &json!(1_200)));
    }
}

#[tokio::test]
async fn what_is_kept_for_ever_stays() {
    let world = World::new().await;
    open_pull(&world, 1).await;
    let before = world.changes().await;
    world.pass(10_000 * HOUR);
    assert_eq!(world.sweep().await, 0);
    assert_eq!(world.changes().await, before);
    assert_eq!(world.sql("SELECT count(*) FROM deliveries"), [["1"]]);
}

/// The ci of pull request `number`, and how many checks it shows at its head.
async fn ci(world: &World, number: i64) -> (String, usize) {
    let pull = world.get(&format!("/v1/pulls/acme/rocket/{number}")).await;
    let checks = pull["checks"].as_array().expect("checks").len();
    (pull["ci"].as_str().expect("a word").to_owned(), checks)
}

#[tokio::test]
async fn what_finds_no_pull_request_is_dropped_after_14_days() {
    const DAY: i64 = 24 * HOUR;
    let world = World::new().await;
    let mut remark = comment("created", 72, 6, json!({"path": null}));
    remark.as_object_mut().expect("an object").remove("pull_request");
    let on = |number: i64| json!({"number": number, "pull_request": {"url": "x"}});
    for (number, head) in [(1, 1), (9, 9)] {
        let failing = check("build", &sha(head), 10 + number, json!("failure"), 10);
        world.apply("check_run", &format!("c{number}"), &failing).await;
        let state = status("ci", &sha(head), number, "failure", 10);
        world.apply("status", &format!("s{number}"), &state).await;
        let run = workflow_run(&sha(head), 70 + number, 901, json!("failure"), 10);
        world.apply("workflow_run", &format!("w{number}"), &run).await;
        remark["issue"] = on(number);
        world.apply("issue_comment", &format!("r{number}"), &remark).await;
    }
    world.pass(14 * DAY);
    assert_eq!(world.sweep().await, 0, "order is promised for 14 days");
    open_pull(&world, 1).await;
    world.pass(1);
    assert_eq!(world.sweep().await, 2, "a commit with its facts, and a comment");
    assert_eq!(world.sweep().await, 0);
    open_pull(&world, 9).await;
    assert_eq!(ci(&world, 9).await, ("unknown".to_owned(), 0));
    // What was claimed stays for good, also what came late.
    world.pass(100 * DAY);
    assert_eq!(world.sweep().await, 0);
    let late = check("lint", &sha(1), 99, json!("failure"), 20);
    world.apply("check_run", "late", &late).await;
    world.pass(100 * DAY);
    assert_eq!(world.sweep().await, 0);
    assert_eq!(ci(&world, 1).await, ("failing".to_owned(), 4));
    let comments = "SELECT number FROM pr_comment JOIN pr ON pr.id = pr_id";
    assert_eq!(world.sql(comments), [["1"]]);
    assert_eq!(world.sql("SELECT count(*) FROM comments"), [["1"]]);
}
