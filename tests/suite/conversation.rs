//! Feedback, conflicts, globs, pauses and names: the rules beside CI, through the front door.

use serde_json::{Value, json};

use crate::payloads::{REPO, at, check, merge, pull, repository, review, sha};
use crate::world::World;

const SETTLE: i64 = 30;

async fn settling() -> World {
    let settle = std::time::Duration::from_secs(SETTLE.unsigned_abs());
    World::with(|settings| settings.settle = settle).await
}

/// A comment on the diff of pull request 1, as its event.
pub fn comment(action: &str, id: i64, seconds: i64, with: Value) -> Value {
    let mut event = pull(action, 1, &sha(1), seconds, json!({}));
    let fields = event["pull_request"].as_object_mut().expect("an object");
    fields.remove("mergeable");
    fields.remove("mergeable_state");
    event["comment"] = json!({
        "id": id, "pull_request_review_id": 500, "user": {"id": 9, "login": "grace"},
        "path": "src/lib.rs", "line": 12, "body": format!("Please look at {id}"),
        "html_url": format!("https://github.com/acme/rocket/pull/1#c{id}"),
        "created_at": at(seconds), "updated_at": at(seconds),
    });
    merge(&mut event["comment"], with);
    event
}

/// A thread of one comment, as the event that says whether it is resolved.
pub fn thread(action: &str, root: i64, seconds: i64) -> Value {
    let mut event = comment(action, root, 5, json!({}));
    event["pull_request"]["updated_at"] = json!(at(seconds));
    let comment = event.as_object_mut().expect("an object").remove("comment");
    event["thread"] = json!({"node_id": "T", "comments": [comment]});
    event
}

async fn opened(world: &World) {
    world.apply("pull_request", "open", &pull("opened", 1, &sha(1), 0, json!({}))).await;
}

async fn about_reviews(world: &World) -> Vec<String> {
    let told = world.nudges().await.into_iter();
    told.filter(|nudge| nudge.starts_with("review-comments")).collect()
}

async fn unresolved(world: &World) -> i64 {
    world.get("/v1/pulls/acme/rocket/1").await["unresolvedComments"].as_i64().expect("a count")
}

#[tokio::test]
async fn a_review_with_all_its_comments_is_one_nudge() {
    let world = settling().await;
    opened(&world).await;
    let requested = review(1, &sha(1), 500, 9, "changes_requested", 5);
    world.apply("pull_request_review", "1", &requested).await;
    for id in [71, 72, 73] {
        let event = comment("created", id, 5, json!({}));
        world.apply("pull_request_review_comment", &format!("c{id}"), &event).await;
    }
    world.advance(SETTLE - 1).await;
    assert_eq!(world.nudges().await, Vec::<String>::new());
    world.advance(1).await;
    assert_eq!(world.nudges().await, ["review-comments pending"]);
    let body = world.items("/v1/nudges").await[0]["body"].to_string();
    for part in
        ["requests changes", "Please look at 71", "Please look at 73", "src/lib.rs:12", "untrusted"]
    {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    assert_eq!(unresolved(&world).await, 3);
    // Resolving says nothing; when all is resolved and approved, the nudge is no longer true.
    for id in [71, 72, 73] {
        world
            .apply("pull_request_review_thread", &format!("r{id}"), &thread("resolved", id, 50))
            .await;
    }
    let approved = review(1, &sha(1), 501, 9, "approved", 60);
    world.apply("pull_request_review", "2", &approved).await;
    assert_eq!(about_reviews(&world).await, ["review-comments superseded"]);
    assert_eq!(unresolved(&world).await, 0);
    // Unresolved once more, the agent was told of it already.
    world.apply("pull_request_review_thread", "u", &thread("unresolved", 71, 70)).await;
    world.advance(300).await;
    assert_eq!(about_reviews(&world).await, ["review-comments superseded"]);
    assert_eq!(unresolved(&world).await, 1);
}

#[tokio::test]
async fn what_is_no_feedback_says_nothing() {
    let world = World::new().await;
    opened(&world).await;
    let own_reply = json!({"in_reply_to_id": 70, "user": {"id": 7, "login": "ada-agent"}});
    world.apply("pull_request_review_comment", "1", &comment("created", 71, 5, own_reply)).await;
    let mut talk = comment("created", 72, 6, json!({"path": null, "pull_request_review_id": null}));
    talk["issue"] = json!({"number": 1, "pull_request": {"url": "https://api.github.com/…"}});
    talk.as_object_mut().expect("an object").remove("pull_request");
    world.apply("issue_comment", "2", &talk).await;
    assert_eq!(world.nudges().await, Vec::<String>::new());
    assert_eq!(unresolved(&world).await, 0);
    assert_eq!(
        world.sql("SELECT kind, resolved FROM pr_comment ORDER BY kind"),
        [["issue", "1"], ["review", "0"]]
    );
    // An issue that is no pull request is none of ours.
    talk["issue"] = json!({"number": 2});
    let (_, answer) = world.send("issue_comment", "3", talk.to_string().as_bytes()).await;
    assert_eq!(answer["outcome"], "ignored");
}

#[tokio::test]
async fn comments_are_edited_deleted_and_resolved_in_any_order() {
    let world = World::new().await;
    // The resolution and the deletion come before what they are about.
    world.apply("pull_request_review_thread", "1", &thread("resolved", 71, 50)).await;
    world.apply("pull_request_review_comment", "2", &comment("deleted", 72, 40, json!({}))).await;
    world
        .apply(
            "pull_request_review_comment",
            "3",
            &comment("edited", 71, 30, json!({"body": "Better"})),
        )
        .await;
    world.apply("pull_request_review_comment", "4", &comment("created", 71, 5, json!({}))).await;
    world.apply("pull_request_review_comment", "5", &comment("created", 72, 5, json!({}))).await;
    let rows = world.sql("SELECT comment_id, body, resolved, author, file FROM pr_comment");
    assert_eq!(rows, [["71", "Better", "1", "grace", "src/lib.rs"]]);
    // At a tie of stamps, unresolved wins.
    world.apply("pull_request_review_thread", "6", &thread("unresolved", 71, 50)).await;
    assert_eq!(world.sql("SELECT resolved FROM pr_comment"), [["0"]]);
    let changes = world.changes().await;
    let recorded: Vec<&Value> =
        changes.iter().filter(|c| c["type"] == "pr_comment_recorded").collect();
    assert_eq!(recorded.last().expect("a change")["payload"]["resolved"], json!(false));
}

#[tokio::test]
async fn after_three_rounds_of_feedback_the_human_hears_once() {
    let world = World::new().await;
    opened(&world).await;
    for round in 1..=5_i64 {
        let event =
            comment("created", 70 + round, round, json!({"pull_request_review_id": 500 + round}));
        world.apply("pull_request_review_comment", &format!("c{round}"), &event).await;
    }
    let told = world.nudges().await;
    let count = |kind: &str| told.iter().filter(|nudge| nudge.starts_with(kind)).count();
    assert_eq!((count("review-comments"), count("escalated")), (3, 1), "{told:?}");
    // Once all of it is resolved, the agent is told again.
    for round in 1..=5 {
        let event = thread("resolved", 70 + round, 50);
        world.apply("pull_request_review_thread", &format!("r{round}"), &event).await;
    }
    let event = comment("created", 90, 60, json!({"pull_request_review_id": 600}));
    world.apply("pull_request_review_comment", "again", &event).await;
    assert_eq!(world.nudges().await.last().expect("a nudge"), "review-comments pending");
}

fn clean(seconds: i64) -> Value {
    pull("labeled", 1, &sha(1), seconds, json!({"mergeable": true, "mergeable_state": "clean"}))
}

fn dirty(seconds: i64) -> Value {
    pull("labeled", 1, &sha(1), seconds, json!({"mergeable": false, "mergeable_state": "dirty"}))
}

fn push(branch: &str, seconds: i64) -> Value {
    let mut event = json!({"ref": format!("refs/heads/{branch}"), "repository": repository(REPO, "acme/rocket")});
    let pushed: nudged::domain::Timestamp = at(seconds).parse().expect("an instant");
    event["repository"]["pushed_at"] = json!(pushed.as_second());
    event
}

#[tokio::test]
async fn a_conflict_is_told_once_an_episode_and_escalated_when_it_stays() {
    let world = World::new().await;
    opened(&world).await;
    world.apply("pull_request", "1", &dirty(10)).await;
    assert_eq!(world.nudges().await, ["merge-conflicts pending"]);
    // Not computed yet neither ends the episode nor begins one.
    world.apply("push", "2", &push("main", 20)).await;
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["mergeability"], "unknown");
    world.apply("pull_request", "3", &dirty(30)).await;
    world.advance(15 * 60 - 1).await;
    assert_eq!(world.nudges().await, ["merge-conflicts pending"]);
    world.advance(1).await;
    world.advance(3_600).await;
    assert_eq!(world.nudges().await, ["merge-conflicts pending", "escalated pending"]);
    world.apply("pull_request", "4", &clean(40)).await;
    let told = world.nudges().await;
    assert_eq!(told[0], "merge-conflicts superseded");
    world.apply("pull_request", "5", &dirty(50)).await;
    assert_eq!(world.nudges().await.last().expect("a nudge"), "merge-conflicts pending");
}

#[tokio::test]
async fn a_push_to_the_base_voids_what_is_older_and_moves_no_head() {
    let world = World::new().await;
    opened(&world).await;
    world.apply("pull_request", "1", &clean(10)).await;
    world.apply("push", "2", &push("other", 20)).await;
    world.apply("push", "3", &push("branch-1", 20)).await;
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["mergeability"], "mergeable");
    world.apply("push", "4", &push("main", 20)).await;
    let pull = world.get("/v1/pulls/acme/rocket/1").await;
    assert_eq!((&pull["mergeability"], &pull["headSha"]), (&json!("unknown"), &json!(sha(1))));
    // An answer from before the push that comes late stays void, one from after it counts.
    world.apply("pull_request", "5", &clean(15)).await;
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["mergeability"], "unknown");
    world.apply("pull_request", "6", &clean(25)).await;
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["mergeability"], "mergeable");
    let tag = json!({"ref": "refs/tags/v1", "repository": repository(REPO, "acme/rocket")});
    let (_, answer) = world.send("push", "7", tag.to_string().as_bytes()).await;
    assert_eq!(answer["outcome"], "ignored");
}

#[tokio::test]
async fn only_the_chosen_checks_count_for_nudges() {
    let world = World::new().await;
    world.apply("check_run", "0", &check("build", &sha(9), 9, json!("success"), 1)).await;
    world.execute(
        "UPDATE projects SET checks_only = '[\"b*\", \"lint\"]', checks_except = '[\"*-flaky\"]'",
    );
    opened(&world).await;
    for (id, name) in [(11, "docs"), (12, "build-flaky")] {
        world.apply("check_run", name, &check(name, &sha(1), id, json!("failure"), 10)).await;
    }
    assert_eq!(world.nudges().await, Vec::<String>::new());
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["ci"], "failing");
    world.apply("check_run", "lint", &check("lint", &sha(1), 13, json!("failure"), 20)).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    let body = world.items("/v1/nudges").await[0]["body"].to_string();
    assert!(body.contains("`lint`") && !body.contains("docs"), "{body}");
}

#[tokio::test]
async fn a_completed_suite_cuts_the_settle_time_short() {
    let world = settling().await;
    opened(&world).await;
    world.apply("check_run", "1", &check("build", &sha(1), 11, json!("failure"), 10)).await;
    assert_eq!(world.nudges().await, Vec::<String>::new());
    let suite = json!({
        "action": "completed", "check_suite": {"id": 900, "head_sha": sha(1), "status": "completed"},
        "repository": repository(REPO, "acme/rocket"),
    });
    world.apply("check_suite", "2", &suite).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["ci"], "failing");
}

#[tokio::test]
async fn a_repository_keeps_its_rows_when_its_name_changes_hands() {
    let world = World::new().await;
    opened(&world).await;
    let renamed = |id: i64, name: &str, seconds: i64| {
        let mut repository = repository(id, name);
        repository["updated_at"] = json!(at(seconds));
        json!({"action": "renamed", "repository": repository})
    };
    world.apply("repository", "1", &renamed(REPO, "acme/lander", 10)).await;
    let url = |world: &World| {
        world.sql(
            "SELECT url, (SELECT repo FROM projects WHERE repo_id = 41) FROM pr WHERE repo_id = 41",
        )
    };
    assert_eq!(url(&world), [["https://github.com/acme/lander/pull/1", "acme/lander"]]);
    // The old name, late, changes nothing.
    world.apply("repository", "2", &renamed(REPO, "acme/rocket", 5)).await;
    assert_eq!(url(&world), [["https://github.com/acme/lander/pull/1", "acme/lander"]]);
    // A new repository takes the name: its pull request 1 is another one.
    world.apply("repository", "3", &renamed(99, "acme/lander", 20)).await;
    let mut event = pull("opened", 1, &sha(5), 30, json!({}));
    event["repository"] = repository(99, "acme/lander");
    event["repository"]["updated_at"] = json!(at(20));
    world.apply("pull_request", "4", &event).await;
    assert_eq!(url(&world), [["https://github.com/repositories/41/pull/1", "repositories/41"]]);
    assert_eq!(world.get("/v1/pulls/acme/lander/1").await["headSha"], sha(5));
    // When the new one moves on, the name is the old one's again.
    world.apply("repository", "5", &renamed(99, "acme/orbiter", 40)).await;
    assert_eq!(url(&world), [["https://github.com/acme/lander/pull/1", "acme/lander"]]);
    assert_eq!(world.get("/v1/pulls/acme/orbiter/1").await["headSha"], sha(5));
}

#[tokio::test]
async fn access_that_is_lost_is_noted_and_the_rows_stay() {
    let world = World::new().await;
    opened(&world).await;
    let access = |world: &World| world.sql("SELECT api_access FROM projects")[0][0].clone();
    let installation = |action: &str, seconds: i64| {
        json!({"action": action, "installation": {"id": 3, "updated_at": at(seconds),
            "account": {"id": 1, "login": "acme"}}})
    };
    world.apply("installation", "1", &installation("suspend", 20)).await;
    assert_eq!(access(&world), "0");
    world.apply("installation", "2", &installation("unsuspend", 10)).await;
    assert_eq!(access(&world), "0", "a late word changed it");
    world.apply("installation", "3", &installation("unsuspend", 30)).await;
    assert_eq!(access(&world), "1");
    let mut removed = installation("removed", 40);
    removed["repositories_removed"] = json!([{"id": REPO}, {"id": 77}]);
    world.apply("installation_repositories", "4", &removed).await;
    assert_eq!(access(&world), "0");
    assert_eq!(world.sql("SELECT count(*) FROM pr"), [["1"]]);
}

#[tokio::test]
async fn merge_groups_and_queues_say_nothing_about_the_pull_request() {
    let world = World::new().await;
    opened(&world).await;
    let group = json!({"action": "checks_requested", "merge_group": {"head_sha": sha(8)},
        "repository": repository(REPO, "acme/rocket")});
    let (_, answer) = world.send("merge_group", "1", group.to_string().as_bytes()).await;
    assert_eq!(answer["outcome"], "ignored");
    world.apply("check_run", "2", &check("build", &sha(8), 11, json!("failure"), 10)).await;
    world.apply("pull_request", "3", &pull("dequeued", 1, &sha(1), 20, json!({}))).await;
    assert_eq!(world.nudges().await, Vec::<String>::new());
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["ci"], "unknown");
}
