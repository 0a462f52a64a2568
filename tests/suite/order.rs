//! The order of each fact (`docs/github-rules.md` 5 to 8): whichever way the payloads come, they end alike.
//!
//! Cases are data: payloads, and what has to be seen after every permutation of them.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::payloads::{at, check, pull, review, sha, status, workflow_run};
use crate::world::World;

pub type Event = (&'static str, Value);

/// Every order of `count` things.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for next in 0..count {
        let into = |order: Vec<usize>| {
            (0..=next).map(move |place| {
                let mut longer = order.clone();
                longer.insert(place, next);
                longer
            })
        };
        all = all.into_iter().flat_map(into).collect();
    }
    all
}

/// Plays the events in every order, each in a world of its own, with the first one once more at the
/// end, and compares what `sql` then shows.
pub async fn in_any_order(events: &[Event], sql: &str, expected: &[&[&str]]) {
    let play = async |order: Vec<usize>| {
        let world = World::new().await;
        for (place, index) in order.iter().chain(&order[..1]).enumerate() {
            let (event, payload) = &events[*index];
            world.apply(event, &place.to_string(), payload).await;
        }
        assert_eq!(world.sql(sql), expected, "in the order {order:?} of {events:#?}");
    };
    join_all(permutations(events.len()).into_iter().map(play)).await;
}

fn pr(action: &str, head: u64, seconds: i64, with: Value) -> Event {
    ("pull_request", pull(action, 1, &sha(head), seconds, with))
}

fn synchronize(before: u64, after: u64, seconds: i64, with: Value) -> Event {
    let (event, mut payload) = pr("synchronize", after, seconds, with);
    payload["before"] = json!(sha(before));
    payload["after"] = json!(sha(after));
    (event, payload)
}

fn failed() -> Value {
    json!("failure")
}

const CORE: &str = "SELECT pr_state, title, ltrim(head_sha, '0'), base_ref FROM pr";
const MERGEABILITY: &str = "SELECT mergeability FROM pr";
const CHECKS: &str = "SELECT name, status, run_id FROM pr_checks ORDER BY name, source, workflow";
const CI: &str = "SELECT ci_state FROM pr";

fn closed() -> Value {
    json!({"state": "closed"})
}

fn draft() -> Value {
    json!({"draft": true})
}

fn merged() -> Value {
    json!({"state": "closed", "merged": true, "merged_at": at(10)})
}

fn titled(title: &str) -> Value {
    json!({"title": title})
}

#[tokio::test]
async fn the_newest_payload_says_what_a_pull_request_is() {
    let events = [
        pr("opened", 1, 0, titled("Zebra")),
        pr("edited", 1, 10, titled("Yak")),
        pr("closed", 1, 20, json!({"state": "closed", "title": "Ant"})),
    ];
    in_any_order(&events, CORE, &[&["closed", "Ant", "1", "main"]]).await;
    // Closed is not final: it may reopen.
    let events = [
        pr("opened", 1, 0, json!({})),
        pr("closed", 1, 20, closed()),
        pr("reopened", 1, 30, titled("Back")),
    ];
    in_any_order(&events, CORE, &[&["open", "Back", "1", "main"]]).await;
}

#[tokio::test]
async fn merged_is_final_whatever_says_otherwise_later_or_in_the_same_second() {
    for other in [
        pr("reopened", 1, 10, json!({})),
        pr("closed", 1, 10, closed()),
        pr("labeled", 1, 99, titled("Late")),
        synchronize(1, 9, 99, json!({})),
    ] {
        let events = [pr("closed", 1, 10, merged()), other];
        in_any_order(&events, CORE, &[&["merged", "Change 1", "1", "main"]]).await;
    }
    // A review's payload says it by `merged_at` alone.
    let mut late = review(1, &sha(1), 81, 9, "commented", 20);
    late["pull_request"]["state"] = json!("closed");
    late["pull_request"]["merged_at"] = json!(at(10));
    late["pull_request"].as_object_mut().expect("an object").remove("merged");
    let events = [pr("opened", 1, 0, json!({})), ("pull_request_review", late)];
    in_any_order(&events, CORE, &[&["merged", "Change 1", "1", "main"]]).await;
}

#[tokio::test]
async fn in_one_second_a_head_that_was_replaced_loses() {
    // Old heads that would win by their bytes, and by being open.
    let events = [
        pr("edited", 9, 10, titled("Zebra")),
        synchronize(9, 5, 10, titled("Yak")),
        synchronize(5, 2, 10, json!({"title": "Ant", "draft": true})),
    ];
    in_any_order(&events, CORE, &[&["draft", "Ant", "2", "main"]]).await;
}

#[tokio::test]
async fn in_one_second_open_beats_closed_and_ready_beats_draft() {
    for (one, other, state) in
        [(closed(), json!({}), "open"), (draft(), json!({}), "open"), (closed(), draft(), "draft")]
    {
        let events = [pr("labeled", 1, 10, one), pr("unlabeled", 1, 10, other)];
        in_any_order(&events, CORE, &[&[state, "Change 1", "1", "main"]]).await;
    }
}

#[tokio::test]
async fn in_one_second_the_larger_bytes_win_where_nothing_else_tells() {
    let events = ["Ant", "Zebra", "Yak"].map(|title| pr("edited", 1, 10, titled(title)));
    in_any_order(&events, CORE, &[&["open", "Zebra", "1", "main"]]).await;
}

#[tokio::test]
async fn stale_heads_and_what_they_replaced_are_history() {
    let mut events = vec![synchronize(3, 4, 50, json!({})), synchronize(1, 2, 10, json!({}))];
    events.extend((1..=4).map(|n| {
        let run = n as i64;
        ("check_run", check("build", &sha(n), run, failed(), run))
    }));
    // The pull request's payloads before and after the checks, in both orders.
    let rows = "SELECT ltrim(commit_hash, '0'), status FROM pr_checks ORDER BY commit_hash";
    let all: &[&[&str]] = &[&["1", "failed"], &["2", "failed"], &["3", "failed"], &["4", "failed"]];
    for order in [[0, 1, 2, 3, 4, 5], [1, 0, 2, 3, 4, 5], [2, 3, 4, 5, 0, 1], [2, 0, 3, 4, 1, 5]] {
        let world = World::new().await;
        for index in order {
            let (event, payload) = &events[index];
            world.apply(event, &index.to_string(), payload).await;
        }
        assert_eq!(world.sql(rows), all, "{order:?}");
        assert_eq!(world.sql("SELECT ltrim(head_sha, '0') FROM pr"), [["4"]], "{order:?}");
    }
}

fn clean(head: u64, seconds: i64) -> Event {
    pr("labeled", head, seconds, json!({"mergeable": true, "mergeable_state": "clean"}))
}

fn dirty(head: u64, seconds: i64) -> Event {
    pr("labeled", head, seconds, json!({"mergeable": false, "mergeable_state": "dirty"}))
}

fn reviewed(head: u64, seconds: i64) -> Event {
    ("pull_request_review", review(1, &sha(head), 81, 9, "commented", seconds))
}

/// A push to the base branch.
fn push(seconds: i64) -> Event {
    let pushed: nudged::domain::Timestamp = at(seconds).parse().expect("an instant");
    let mut payload = json!({"ref": "refs/heads/main", "before": sha(50), "after": sha(51),
        "repository": crate::payloads::repository(crate::payloads::REPO, "acme/rocket")});
    payload["repository"]["pushed_at"] = json!(pushed.as_second());
    ("push", payload)
}

#[tokio::test]
async fn mergeability_is_the_newest_answer_for_this_head_and_base() {
    let next = json!({"base": {"ref": "next"}});
    for (events, expected) in [
        (vec![clean(1, 10), dirty(1, 20)], "conflicting"),
        (vec![dirty(1, 10), clean(1, 20)], "mergeable"),
        // Of one second the worse holds.
        (vec![clean(1, 10), dirty(1, 10)], "conflicting"),
        // `null` is no answer, and a review's payload does not speak of it: neither its value nor
        // its stamp changes what the others say.
        (vec![clean(1, 10), pr("labeled", 1, 20, json!({}))], "mergeable"),
        (vec![clean(1, 10), dirty(1, 15), reviewed(1, 20)], "conflicting"),
        (vec![dirty(1, 10), clean(1, 15), reviewed(1, 20)], "mergeable"),
        (vec![pr("opened", 1, 0, json!({}))], "unknown"),
        // Of another head or another base it says nothing.
        (vec![clean(1, 10), synchronize(1, 2, 20, json!({}))], "unknown"),
        (vec![clean(1, 10), pr("edited", 1, 20, next)], "unknown"),
        (vec![clean(1, 10), synchronize(1, 2, 20, json!({})), dirty(2, 30)], "conflicting"),
        // A push to the base voids what is older than itself, and the newest push counts.
        (vec![clean(1, 10), push(20)], "unknown"),
        (vec![clean(1, 10), push(20), push(5)], "unknown"),
        (vec![clean(1, 20), push(20)], "mergeable"),
        (vec![clean(1, 30), push(20)], "mergeable"),
    ] {
        in_any_order(&events, MERGEABILITY, &[&[expected]]).await;
    }
}

/// A check run of that id, as far as it has come.
fn run(id: i64, status: &str, conclusion: Value, done: Option<i64>) -> Event {
    let mut payload = check("build", &sha(1), id, conclusion, 60);
    payload["check_run"]["status"] = json!(status);
    payload["check_run"]["completed_at"] = json!(done.map(at));
    ("check_run", payload)
}

fn success() -> Value {
    json!("success")
}

#[tokio::test]
async fn a_run_only_rises_and_the_newest_run_of_a_check_counts() {
    let opened = || pr("opened", 1, 0, json!({}));
    let null = || Value::Null;
    for (one, other, row) in [
        (run(11, "queued", null(), None), run(11, "in_progress", null(), None), "in_progress"),
        (run(11, "completed", success(), Some(9)), run(11, "in_progress", null(), None), "passed"),
        (run(11, "completed", failed(), Some(9)), run(11, "queued", null(), None), "failed"),
        (
            run(11, "completed", failed(), Some(9)),
            run(11, "completed", success(), Some(12)),
            "passed",
        ),
        (
            run(11, "completed", success(), Some(9)),
            run(11, "completed", failed(), Some(12)),
            "failed",
        ),
        // Completed in one second, the failure holds.
        (
            run(11, "completed", failed(), Some(9)),
            run(11, "completed", success(), Some(9)),
            "failed",
        ),
    ] {
        let expected: &[&[&str]] = &[&["build", row, "11"]];
        in_any_order(&[opened(), one, other], CHECKS, expected).await;
    }
    // A re-run has a new id: it counts, even while it only waits and the old one ends later.
    let rerun =
        [opened(), run(12, "queued", null(), None), run(11, "completed", failed(), Some(99))];
    in_any_order(&rerun, CHECKS, &[&["build", "queued", "12"]]).await;
    let rerun = [
        opened(),
        run(12, "completed", success(), Some(9)),
        run(11, "completed", failed(), Some(99)),
    ];
    in_any_order(&rerun, CHECKS, &[&["build", "passed", "12"]]).await;
}

fn workflow(id: i64, attempt: i64, conclusion: Value) -> Event {
    let mut payload = workflow_run(&sha(1), id, 900, conclusion, 10 * attempt);
    payload["workflow_run"]["run_attempt"] = json!(attempt);
    ("workflow_run", payload)
}

#[tokio::test]
async fn a_workflow_run_is_its_newest_attempt() {
    let opened = || pr("opened", 1, 0, json!({}));
    for (one, other, ci) in [
        // Within an attempt it only rises.
        (workflow(70, 1, Value::Null), workflow(70, 1, failed()), "failing"),
        // Run again under the same id, it waits once more, whatever became of it before.
        (workflow(70, 1, failed()), workflow(70, 2, Value::Null), "pending"),
        (workflow(70, 1, success()), workflow(70, 2, failed()), "failing"),
        // A newer run of the same workflow and event takes an older one's place.
        (workflow(70, 1, failed()), workflow(71, 1, Value::Null), "pending"),
    ] {
        in_any_order(&[opened(), one, other], CI, &[&[ci]]).await;
    }
}

#[tokio::test]
async fn a_status_is_the_newest_of_its_context_then_the_one_of_the_largest_id() {
    let opened = || pr("opened", 1, 0, json!({}));
    let said = |id, state: &str, seconds| ("status", status("ci", &sha(1), id, state, seconds));
    for (one, other, row) in [
        (said(2, "failure", 10), said(1, "success", 20), ["ci", "passed", "1"]),
        (said(2, "failure", 10), said(1, "success", 10), ["ci", "failed", "2"]),
        (said(1, "pending", 10), said(2, "success", 10), ["ci", "passed", "2"]),
    ] {
        in_any_order(&[opened(), one, other], CHECKS, &[&row]).await;
    }
}
