//! The rules of nudges, owners and roll-up, each told through the front door.

use serde_json::{Value, json};

use crate::payloads::{at, check, pull, repository, review, sha, status, workflow_run};
use crate::world::World;

fn failure() -> Value {
    json!("failure")
}

fn success() -> Value {
    json!("success")
}

async fn pull_one(world: &World) -> Value {
    world.get("/v1/pulls/acme/rocket/1").await
}

#[tokio::test]
async fn failures_gather_for_the_settle_time_and_make_one_nudge() {
    let world = World::with(|settings| settings.settle = std::time::Duration::from_secs(30)).await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("check_run", "2", &check("build", &sha(1), 11, failure(), 10)).await;
    world.advance(29).await;
    world.apply("check_run", "3", &check("lint", &sha(1), 12, failure(), 20)).await;
    assert_eq!(world.nudges().await, Vec::<String>::new(), "told before the settle time is over");
    world.advance(1).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    let nudge = &world.items("/v1/nudges").await[0];
    let body = nudge["body"].as_str().expect("a body");
    for part in [
        "acme/rocket#1",
        &sha(1),
        "`build`",
        "`lint`",
        "https://ci.example/11",
        "untrusted",
        "the answer is 42",
    ] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    // The same failures again, under new run ids, are the same thing.
    world.apply("check_run", "4", &check("build", &sha(1), 13, failure(), 40)).await;
    world.advance(100).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    // A failing check that is new there is told, and replaces what nobody has heard yet.
    world.apply("check_run", "5", &check("docs", &sha(1), 14, failure(), 50)).await;
    world.advance(30).await;
    assert_eq!(world.nudges().await, ["ci-failed superseded", "ci-failed pending"]);
    assert_eq!(pull_one(&world).await["ci"], "failing");
}

#[tokio::test]
async fn a_completed_workflow_run_cuts_the_settle_time_short() {
    let world = World::with(|settings| settings.settle = std::time::Duration::from_secs(30)).await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("workflow_run", "2", &workflow_run(&sha(1), 70, 900, Value::Null, 5)).await;
    world.apply("check_run", "3", &check("build", &sha(1), 11, failure(), 10)).await;
    assert_eq!(world.nudges().await, Vec::<String>::new());
    world.apply("workflow_run", "4", &workflow_run(&sha(1), 70, 900, failure(), 12)).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    world.advance(60).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"], "the timer told it again");
    assert_eq!(world.sql("SELECT count(*) FROM timers"), [["0"]]);
}

#[tokio::test]
async fn a_workflow_named_late_does_not_make_the_failure_new() {
    let world = World::new().await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("check_run", "2", &check("build", &sha(1), 11, failure(), 10)).await;
    world.apply("workflow_run", "3", &workflow_run(&sha(1), 70, 900, failure(), 12)).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    let checks = pull_one(&world).await["checks"].clone();
    assert_eq!(checks.as_array().expect("checks").len(), 1, "{checks}");
}

#[tokio::test]
async fn a_nudge_is_superseded_when_ci_recovers_and_may_be_told_again_after() {
    let world = World::new().await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("check_run", "2", &check("build", &sha(1), 11, failure(), 10)).await;
    world.apply("check_run", "3", &check("build", &sha(1), 12, Value::Null, 20)).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"], "a re-run is no recovery");
    world.apply("check_run", "4", &check("build", &sha(1), 12, success(), 30)).await;
    assert_eq!(world.nudges().await, ["ci-failed superseded"]);
    world.apply("check_run", "5", &check("build", &sha(1), 13, failure(), 40)).await;
    assert_eq!(world.nudges().await, ["ci-failed superseded", "ci-failed pending"]);
}

#[tokio::test]
async fn after_three_failed_commits_the_human_hears_once_instead() {
    let world = World::new().await;
    for number in 1..=5_u64 {
        let seconds = 100 * number as i64;
        let mut event = pull("synchronize", 1, &sha(number), seconds, json!({}));
        if number > 1 {
            event["before"] = json!(sha(number - 1));
        }
        world.apply("pull_request", &format!("p{number}"), &event).await;
        let id = 10 + number as i64;
        let failed = check("build", &sha(number), id, failure(), seconds + 10);
        world.apply("check_run", &format!("c{number}"), &failed).await;
    }
    assert_eq!(
        world.nudges().await,
        ["ci-failed superseded", "ci-failed superseded", "escalated pending"]
    );
    world.apply("check_run", "good", &check("build", &sha(5), 20, success(), 700)).await;
    world.apply("check_run", "bad", &check("build", &sha(5), 21, failure(), 800)).await;
    // Recovered in between, so the brake is off; but three commits in a row have still failed.
    assert_eq!(world.nudges().await[3..], ["escalated pending"]);
}

#[tokio::test]
async fn what_an_agent_cannot_mend_goes_to_the_human_with_the_reason() {
    let world = World::new().await;
    let base = sha(1_000_000);
    world.apply("check_run", "0", &check("legacy", &base, 5, failure(), 1)).await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("check_run", "2", &check("legacy", &sha(1), 11, failure(), 10)).await;
    world
        .apply("check_run", "3", &check("deploy", &sha(1), 12, json!("action_required"), 10))
        .await;
    let mut refused = check("paid", &sha(1), 13, failure(), 10);
    refused["check_run"]["output"]["text"] =
        json!("The job was not started because recent account payments have failed.");
    world.apply("check_run", "4", &refused).await;
    world
        .apply("workflow_run", "5", &workflow_run(&sha(1), 70, 901, json!("startup_failure"), 12))
        .await;
    assert_eq!(world.nudges().await, ["escalated pending"; 4]);
    let reasons: Vec<String> = world
        .items("/v1/nudges?audience=human")
        .await
        .iter()
        .map(|nudge| nudge["body"].as_str().expect("a body").to_owned())
        .collect();
    let words = ["base commit", "approval", "billing", "before any job started"];
    for (reason, words) in reasons.iter().zip(words) {
        assert!(reason.contains(words), "{words} is not in {reason}");
    }
    // One that it can mend is told to the agent, with the others named as not its own.
    world.apply("check_run", "6", &check("build", &sha(1), 14, failure(), 20)).await;
    assert_eq!(world.nudges().await[4..], ["ci-failed pending"]);
    let body = world.items("/v1/nudges?audience=agent").await[0]["body"].to_string();
    assert!(body.contains("not yours to mend") && body.contains("1 check failed"), "{body}");
}

#[tokio::test]
async fn late_failures_of_an_old_head_are_history() {
    let world = World::new().await;
    let mut moved = pull("synchronize", 1, &sha(2), 50, json!({}));
    moved["before"] = json!(sha(1));
    world.apply("pull_request", "1", &moved).await;
    world.apply("check_run", "2", &check("build", &sha(1), 11, failure(), 60)).await;
    assert_eq!(world.nudges().await, Vec::<String>::new());
    assert_eq!(pull_one(&world).await["ci"], "unknown");
    let all = world.get("/v1/pulls/acme/rocket/1?history=1").await["checks"].clone();
    assert_eq!(all[0]["commit"], json!(sha(1)), "{all}");
    assert_eq!(pull_one(&world).await["checks"], json!([]));
}

#[tokio::test]
async fn approved_and_green_is_told_once_a_head_unless_it_was_red() {
    let world = World::new().await;
    let clean = json!({"mergeable": true, "mergeable_state": "clean"});
    world.apply("check_run", "1", &check("build", &sha(1), 11, success(), 10)).await;
    world.apply("pull_request", "2", &pull("opened", 1, &sha(1), 0, clean.clone())).await;
    assert_eq!(world.nudges().await, ["approved-and-green pending"]);
    // Pending is not red.
    world.apply("check_run", "3", &check("build", &sha(1), 12, Value::Null, 40)).await;
    world.apply("check_run", "4", &check("build", &sha(1), 12, success(), 60)).await;
    assert_eq!(world.nudges().await, ["approved-and-green pending"]);
    // Red takes it back, and after red it is told anew.
    world
        .apply("pull_request_review", "5", &review(1, &sha(1), 81, 9, "changes_requested", 70))
        .await;
    assert_eq!(world.nudges().await, ["approved-and-green superseded", "review-comments pending"]);
    world.apply("pull_request_review", "6", &review(1, &sha(1), 82, 9, "approved", 80)).await;
    assert_eq!(
        world.nudges().await,
        [
            "approved-and-green superseded",
            "review-comments superseded",
            "approved-and-green pending"
        ]
    );
    assert_eq!(pull_one(&world).await["review"], "approved");
}

#[tokio::test]
async fn drafts_conflicts_and_blocks_are_not_approved_and_green() {
    for (state, fields) in [
        ("draft", json!({"draft": true, "mergeable": true, "mergeable_state": "clean"})),
        ("dirty", json!({"mergeable": false, "mergeable_state": "dirty"})),
        ("blocked", json!({"mergeable": true, "mergeable_state": "blocked"})),
        ("behind", json!({"mergeable": true, "mergeable_state": "behind"})),
    ] {
        let world = World::new().await;
        world.apply("check_run", "1", &check("build", &sha(1), 11, success(), 10)).await;
        world.apply("pull_request", "2", &pull("opened", 1, &sha(1), 0, fields)).await;
        world.apply("pull_request_review", "3", &review_of(state, 20)).await;
        let told = world.nudges().await;
        let green = told.iter().filter(|nudge| nudge.starts_with("approved")).count();
        assert_eq!(green, 0, "{state}: {told:?}");
    }
}

/// An approval that does not change what the pull request was.
fn review_of(state: &str, seconds: i64) -> Value {
    let mut event = review(1, &sha(1), 81, 9, "approved", seconds);
    event["pull_request"]["draft"] = json!(state == "draft");
    event
}

#[tokio::test]
async fn without_any_ci_a_head_is_green_once_the_settle_time_has_passed() {
    let world = World::with(|settings| settings.settle = std::time::Duration::from_secs(30)).await;
    let clean = json!({"mergeable": true, "mergeable_state": "clean"});
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.advance(20).await;
    world.apply("pull_request", "2", &pull("labeled", 1, &sha(1), 20, clean.clone())).await;
    assert_eq!(world.nudges().await, Vec::<String>::new());
    world.advance(10).await;
    assert_eq!(world.nudges().await, ["approved-and-green pending"], "since the head arrived");
    // In a repository where CI was seen, silence is not green.
    world.apply("status", "3", &status("ci", &sha(9), 1, "success", 30)).await;
    world.apply("pull_request", "4", &pull("opened", 2, &sha(2), 40, clean)).await;
    world.advance(600).await;
    assert_eq!(world.nudges().await.len(), 1);
}

#[tokio::test]
async fn the_end_is_told_once_and_ends_the_session() {
    let world = World::new().await;
    let closed = json!({"state": "closed"});
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("check_run", "2", &check("build", &sha(1), 11, failure(), 5)).await;
    world.apply("pull_request", "3", &pull("closed", 1, &sha(1), 10, closed.clone())).await;
    assert_eq!(world.nudges().await, ["ci-failed superseded", "pr-closed pending"]);
    assert_eq!(session(&world, 1).await, "done done false null");
    world.apply("pull_request", "4", &pull("reopened", 1, &sha(1), 20, json!({}))).await;
    assert_eq!(session(&world, 1).await, "working ci_failed true null");
    assert_eq!(world.nudges().await[1], "pr-closed superseded");
    let merged = json!({"state": "closed", "merged": true, "merged_at": at(30)});
    world.apply("pull_request", "5", &pull("closed", 1, &sha(1), 30, merged)).await;
    assert_eq!(world.nudges().await.last().expect("a nudge"), "pr-merged pending");
    assert_eq!(session(&world, 1).await, "terminated cleanup false pr_merged");
    // Merged is final, whatever comes late.
    world.apply("pull_request", "6", &pull("reopened", 1, &sha(1), 99, json!({}))).await;
    assert_eq!(pull_one(&world).await["state"], "merged");
    let merged = world.nudges().await.iter().filter(|nudge| nudge.starts_with("pr-merged")).count();
    assert_eq!(merged, 1);
}

async fn session(world: &World, number: i64) -> String {
    let session = world.get(&format!("/v1/sessions/roc-{number}")).await;
    let word = |key: &str| session[key].as_str().unwrap_or("null").to_owned();
    let alive = session["isAlive"].as_bool().expect("a boolean");
    format!("{} {} {alive} {}", word("state"), word("status"), word("terminationReason"))
}

#[tokio::test]
async fn a_pull_request_first_seen_ended_says_nothing() {
    let world = World::new().await;
    let merged = json!({"state": "closed", "merged": true, "merged_at": at(30)});
    world.apply("pull_request", "1", &pull("closed", 1, &sha(1), 30, merged)).await;
    world
        .apply("pull_request", "2", &pull("closed", 2, &sha(2), 30, json!({"state": "closed"})))
        .await;
    assert_eq!(world.nudges().await, Vec::<String>::new());
    assert_eq!(session(&world, 1).await, "terminated cleanup false pr_merged");
    assert_eq!(session(&world, 2).await, "done done false null");
}

#[tokio::test]
async fn a_branch_belongs_to_its_session_and_a_fork_never_does() {
    let world = World::new().await;
    world.apply("check_run", "0", &check("build", &sha(9), 9, success(), 1)).await;
    world.execute(
        "INSERT INTO sessions (id, project_id, num, kind, session_state, is_alive, activity_state,
            activity_last_at, branch, created_at, updated_at)
         VALUES ('roc-7', 'roc', 7, 'worker', 'working', 1, 'active', '2026-05-01T08:00:00.000Z',
            'branch-1', '2026-05-01T08:00:00.000Z', '2026-05-01T08:00:00.000Z');
         UPDATE projects SET next_session = 8;",
    );
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    assert_eq!(pull_one(&world).await["sessionId"], "roc-7");
    let fork = json!({"head": {"ref": "branch-1", "sha": sha(2), "repo": {"id": 4_242}}});
    world.apply("pull_request", "2", &pull("opened", 2, &sha(2), 0, fork)).await;
    assert_eq!(world.get("/v1/pulls/acme/rocket/2").await["sessionId"], "roc-8");
    // Closed without a merge, the session works on; merged beside an open one, it does too.
    let twin = json!({"head": {"ref": "branch-1", "sha": sha(3), "repo": {"id": 41}}, "base": {"ref": "next"}});
    world.apply("pull_request", "3", &pull("opened", 3, &sha(3), 0, twin.clone())).await;
    assert_eq!(world.get("/v1/pulls/acme/rocket/3").await["sessionId"], "roc-7");
    let merged = json!({"state": "closed", "merged": true, "merged_at": at(30)});
    let mut event = pull("closed", 3, &sha(3), 30, twin);
    crate::payloads::merge(&mut event["pull_request"], merged.clone());
    world.apply("pull_request", "4", &event).await;
    assert_eq!(session(&world, 7).await, "working pr_open true null");
    world.apply("pull_request", "5", &pull("closed", 1, &sha(1), 40, merged)).await;
    assert_eq!(session(&world, 7).await, "terminated cleanup false pr_merged");
    // An ended session takes no new pull request.
    let late = json!({"head": {"ref": "branch-1", "sha": sha(5), "repo": {"id": 41}}});
    world.apply("pull_request", "6", &pull("opened", 5, &sha(5), 50, late)).await;
    assert_eq!(world.get("/v1/pulls/acme/rocket/5").await["sessionId"], "roc-9");
}

#[tokio::test]
async fn what_is_not_to_be_watched_is_ignored() {
    let event = pull("opened", 1, &sha(1), 0, json!({})).to_string();
    let world = World::with(|settings| settings.adopt = nudged::domain::Adopt::None).await;
    let (_, answer) = world.send("pull_request", "1", event.as_bytes()).await;
    assert_eq!(answer["outcome"], "ignored");
    let world = World::with(|settings| settings.auto_register = false).await;
    let (_, answer) = world.send("pull_request", "1", event.as_bytes()).await;
    assert_eq!(answer["outcome"], "ignored");
    assert_eq!(world.sql("SELECT count(*) FROM projects"), [["0"]]);
    assert!(world.items("/v1/deliveries").await[0]["reason"].to_string().contains("auto_register"));
}

#[tokio::test]
async fn slugs_are_numbered_on_collision() {
    let world = World::new().await;
    for (id, name) in
        [(41, "acme/rocket"), (42, "acme/rockets"), (43, "acme/hello-world"), (44, "acme/api")]
    {
        let mut event = status("ci", &sha(1), 1, "success", 0);
        event["repository"] = repository(id, name);
        world.apply("status", &format!("s{id}"), &event).await;
    }
    let ids = world.sql("SELECT id FROM projects ORDER BY repo_id");
    assert_eq!(ids, [["roc"], ["roc1"], ["hw"], ["api"]]);
}

#[tokio::test]
async fn timers_and_memory_survive_a_restart() {
    let mut world =
        World::with(|settings| settings.settle = std::time::Duration::from_secs(30)).await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("check_run", "2", &check("build", &sha(1), 11, failure(), 10)).await;
    world.restart().await;
    world.advance(30).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    world.restart().await;
    world.apply("check_run", "3", &check("build", &sha(1), 12, failure(), 50)).await;
    world.advance(300).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
}

#[tokio::test]
async fn rows_and_ci_follow_the_table_of_conclusions() {
    for (conclusion, status, ci) in [
        ("success", "passed", "passing"),
        ("neutral", "passed", "passing"),
        ("failure", "failed", "failing"),
        ("timed_out", "failed", "failing"),
        ("action_required", "failed", "failing"),
        ("startup_failure", "failed", "failing"),
        ("cancelled", "cancelled", "unknown"),
        ("skipped", "skipped", "unknown"),
        ("stale", "skipped", "unknown"),
        ("a_new_word", "unknown", "unknown"),
    ] {
        let world = World::new().await;
        world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
        world.apply("check_run", "2", &check("build", &sha(1), 11, json!(conclusion), 10)).await;
        let pull = pull_one(&world).await;
        assert_eq!(
            (&pull["checks"][0]["status"], &pull["ci"]),
            (&json!(status), &json!(ci)),
            "{conclusion}"
        );
    }
}
