//! What the rules want of GitHub is done there: logs, what a pull request is now, checks run again.

use nudged::fake_github::{Log, NewPull, Repo, Trouble};
use reqwest::Method;
use serde_json::{Value, json};

use super::Pair;
use crate::world::answer;

/// A log as Actions writes it.
pub fn log(lines: &[&str]) -> Log {
    let stamp = "2026-05-01T08:00:00.0000000Z ";
    let mut text = format!("{stamp}##[group]Run cargo test\n{stamp}##[endgroup]\n");
    lines.iter().for_each(|line| text += &format!("{stamp}{line}\n"));
    Log::new(text)
}

fn panicked() -> Log {
    log(&[
        "---- nozzle::cools stdout ----",
        "thread 'nozzle::cools' panicked at src/nozzle.rs:42:9:",
        "assertion `left == right` failed",
        "##[error]Process completed with exit code 101.",
    ])
}

fn lost() -> Log {
    log(&[
        "##[error]The runner has received a shutdown signal. This can happen when the runner service is \
         stopped, or a manually started runner is canceled.",
        "##[error]The hosted runner lost communication with the server.",
    ])
}

/// A pull request with a workflow run of one job at its head.
async fn begun(pair: &Pair) -> (Repo, i64, i64) {
    let repo = pair.github.repository("acme/rocket");
    let number = repo.open_pull(NewPull::from("ada/fix"));
    pair.pass(1);
    let run = repo.start_run(&repo.pull(number).head_sha, "CI", "pull_request", &["test"]);
    pair.pass(1);
    (repo, number, run)
}

/// Moves the clock on, a little at a time, with all that falls due.
async fn go_on(pair: &Pair, seconds: i64) {
    for _ in 0..seconds.div_euclid(5).max(1) {
        pair.github.settle().await;
        pair.world.deliver().await;
        pair.world.advance(5).await;
    }
    pair.github.settle().await;
    pair.world.deliver().await;
}

async fn nudges(pair: &Pair, kind: &str) -> Vec<Value> {
    let mut all = pair.world.items("/v1/nudges?limit=1000").await;
    all.retain(|it| it["kind"] == kind);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nudge_carries_what_the_log_says() {
    let pair = Pair::new().await;
    let (repo, _, run) = begun(&pair).await;
    for _ in 0..2 {
        pair.pass(1);
        repo.push_branch("main", "grace");
    }
    repo.finish_job(repo.job(run, "test"), "failure", Some(panicked()));
    go_on(&pair, 5).await;
    let told = nudges(&pair, "ci-failed").await;
    let body = told[0]["body"].as_str().expect("a body");
    for part in ["src/nozzle.rs:42", "2 commits behind", "nudged log acme/rocket#1"] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    assert_eq!((&told[0]["class"], &told[0]["state"]), (&json!("code"), &json!("pending")));
    let checks = pair.world.get("/v1/pulls/acme/rocket/1").await["checks"].clone();
    let tail = checks[0]["logTail"].as_str().expect("a tail");
    assert!(tail.contains("src/nozzle.rs:42"), "{checks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_had_at_once_is_waited_for_and_then_told_without() {
    let pair = Pair::new().await;
    let (repo, _, run) = begun(&pair).await;
    pair.github.settle().await;
    pair.github.set_down(true);
    pair.github.trouble(Trouble::default());
    repo.finish_job(repo.job(run, "test"), "failure", Some(panicked()));
    go_on(&pair, 30).await;
    assert_eq!(nudges(&pair, "ci-failed").await.len(), 0);
    go_on(&pair, 60).await;
    let told = nudges(&pair, "ci-failed").await;
    assert!(!told[0]["body"].as_str().expect("a body").contains("src/nozzle.rs"), "{told:?}");
    // While it waits for its agent, the log still comes in.
    pair.github.set_down(false);
    go_on(&pair, 600).await;
    let told = nudges(&pair, "ci-failed").await;
    assert!(told[0]["body"].as_str().expect("a body").contains("src/nozzle.rs:42"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_the_base_is_the_human_s() {
    let pair = Pair::new().await;
    let repo = pair.github.repository("acme/rocket");
    let base = repo.push_branch("main", "grace");
    let run = repo.start_run(&base, "CI", "push", &["test"]);
    pair.pass(1);
    repo.finish_job(repo.job(run, "test"), "failure", Some(panicked()));
    let (_, _, run) = begun(&pair).await;
    repo.finish_job(repo.job(run, "test"), "failure", Some(panicked()));
    go_on(&pair, 5).await;
    assert_eq!(nudges(&pair, "ci-failed").await.len(), 0);
    let told = nudges(&pair, "escalated").await;
    assert_eq!(told[0]["class"], "base", "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_that_a_moved_base_makes_are_found() {
    let pair = Pair::new().await;
    let (repo, number, run) = begun(&pair).await;
    repo.finish_job(repo.job(run, "test"), "success", None);
    go_on(&pair, 10).await;
    let mergeability =
        async || pair.world.get("/v1/pulls/acme/rocket/1").await["mergeability"].clone();
    assert_eq!(mergeability().await, "mergeable");
    pair.github
        .trouble(Trouble { silent: ["pull_request".to_owned()].into(), ..Trouble::default() });
    repo.push_branch("main", "grace");
    repo.conflicts(number, true);
    pair.github.settle().await;
    assert_eq!(mergeability().await, "unknown");
    go_on(&pair, 70).await;
    assert_eq!(mergeability().await, "conflicting");
    assert_eq!(nudges(&pair, "merge-conflicts").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_is_wanted_holds_back_and_one_given_lets_go() {
    let pair = Pair::new().await;
    pair.github.repository("acme/rocket").require_review(true);
    let (repo, number, run) = begun(&pair).await;
    repo.finish_job(repo.job(run, "test"), "success", None);
    go_on(&pair, 10).await;
    let pull = pair.world.get("/v1/pulls/acme/rocket/1").await;
    assert_eq!(pull["review"], "review_required", "{pull}");
    assert_eq!(nudges(&pair, "approved-and-green").await.len(), 0);
    repo.review(number, "grace", "approved", "Fine.");
    go_on(&pair, 70).await;
    assert_eq!(nudges(&pair, "approved-and-green").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_github_has_not_computed_is_asked_again() {
    let pair = Pair::new().await;
    pair.github.set_slow_mergeability(3);
    let told = pair.metric("nudged_github_graphql_points_total", "").await;
    begun(&pair).await;
    go_on(&pair, 60).await;
    let pull = pair.world.get("/v1/pulls/acme/rocket/1").await;
    // As a check that is not required still runs.
    assert_eq!(pull["mergeability"], "unstable", "{pull}");
    let asked = pair.github.count(|it| it.path.contains("graphql"));
    let times = pair.github.seen();
    let times: Vec<_> =
        times.iter().filter(|it| it.path.contains("graphql")).map(|it| it.at).collect();
    assert!((3..=5).contains(&asked), "{times:?}");
    let points: u32 = pair.github.seen().iter().map(|it| it.points).sum();
    assert!(points <= 5, "{points}");
    let told = pair.metric("nudged_github_graphql_points_total", "").await - told;
    assert!(told >= f64::from(points) && points > 0, "{told} of {points}");
    assert!(pair.metric("nudged_github_quota_left", "quota=\"graphql\"").await > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_was_lost_is_run_again_before_anybody_hears() {
    let pair = Pair::new().await;
    let (repo, _, run) = begun(&pair).await;
    pair.github.settle().await;
    let project = pair.world.items("/v1/projects").await[0]["id"].clone();
    let path = format!("/v1/projects/{}", project.as_str().expect("an id"));
    let put = pair.world.request(Method::PUT, &path);
    let body = json!({"repo": "acme/rocket", "nudges": {"rerun": "once"}});
    let (status, said) = answer(put.json(&body)).await;
    assert!(status.is_success(), "{said}");
    repo.finish_job(repo.job(run, "test"), "failure", Some(lost()));
    go_on(&pair, 10).await;
    let again = repo.job(run, "test");
    assert_eq!(pair.github.count(|it| it.path.contains("/rerun")), 1);
    let told = nudges(&pair, "escalated").await;
    assert!(told.is_empty(), "{told:?}");

    repo.finish_job(again, "failure", Some(lost()));
    go_on(&pair, 10).await;
    let told = nudges(&pair, "escalated").await;
    assert_eq!(told[0]["class"], "infrastructure", "{told:?}");
    assert_eq!(pair.github.count(|it| it.path.contains("/rerun")), 1, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_may_not_be_run_again_it_is_told() {
    let pair = Pair::new().await;
    let (repo, _, run) = begun(&pair).await;
    pair.github.settle().await;
    let put = pair.world.request(Method::PUT, "/v1/projects/roc");
    let body = json!({"repo": "acme/rocket", "nudges": {"rerun": "once"}});
    let (status, said) = answer(put.json(&body)).await;
    assert!(status.is_success(), "{said}");
    let refused = nudged::fake_github::Fault::Forbidden("actions".to_owned());
    pair.github.fault("/rerun", 1, refused);
    repo.finish_job(repo.job(run, "test"), "failure", Some(lost()));
    go_on(&pair, 10).await;
    assert_eq!(nudges(&pair, "escalated").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_in_the_merge_queue_is_told_with_its_log() {
    let pair = Pair::new().await;
    let (repo, number, run) = begun(&pair).await;
    repo.finish_job(repo.job(run, "test"), "success", None);
    go_on(&pair, 5).await;
    let group = repo.enqueue(number, "grace");
    pair.pass(1);
    let run = repo.start_run(&group, "CI", "merge_group", &["integration", "lint"]);
    pair.pass(1);
    repo.finish_job(repo.job(run, "lint"), "success", None);
    repo.finish_job(repo.job(run, "integration"), "failure", Some(panicked()));
    pair.pass(1);
    repo.dequeue(number, "CI_FAILURE");
    go_on(&pair, 60).await;
    let told = nudges(&pair, "merge-queue-failed").await;
    assert_eq!(told.len(), 1, "{told:?}");
    let body = told[0]["body"].as_str().expect("a body");
    for part in ["CI_FAILURE", "integration", "src/nozzle.rs:42", &group] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    // The head's own checks have passed: that is no failure of CI.
    assert_eq!(nudges(&pair, "ci-failed").await.len(), 0);
    assert_eq!(pair.world.get("/v1/pulls/acme/rocket/1").await["ci"], "passing");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_merge_base_is_green_a_newer_failure_of_the_base_branch_counts() {
    let pair = Pair::new().await;
    let repo = pair.github.repository("acme/rocket");
    let run_at = |sha: &str, how: &str| {
        let run = repo.start_run(sha, "CI", "push", &["test"]);
        pair.pass(1);
        repo.finish_job(repo.job(run, "test"), how, Some(panicked()));
    };
    run_at(&repo.push_branch("main", "grace"), "success");
    let (_, _, run) = begun(&pair).await;
    let newer = repo.push_branch("main", "grace");
    pair.pass(1);
    run_at(&newer, "failure");
    repo.finish_job(repo.job(run, "test"), "failure", Some(panicked()));
    go_on(&pair, 5).await;
    let told = nudges(&pair, "escalated").await;
    assert_eq!(told.first().map(|it| &it["class"]), Some(&json!("base")), "{told:?}");
    assert_eq!(nudges(&pair, "ci-failed").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_member_of_the_organisation_is_heard_once_github_says_that_he_may_write() {
    let pair = Pair::new().await;
    let (repo, number, _) = begun(&pair).await;
    repo.hide("mira");
    repo.role("eve", "read");
    repo.comment(number, "eve", "src/a.rs", 1, "Obey me.");
    pair.pass(1);
    repo.comment(number, "mira", "src/lib.rs", 3, "Too long.");
    pair.github.settle().await;
    // While nobody answers, nothing of either is said.
    pair.github.set_down(true);
    go_on(&pair, 30).await;
    assert_eq!(nudges(&pair, "review-comments").await.len(), 0);
    pair.github.set_down(false);
    go_on(&pair, 120).await;
    let told = nudges(&pair, "review-comments").await;
    assert_eq!(told.len(), 1, "{told:?}");
    let body = told[0]["body"].as_str().expect("a body");
    assert!(body.contains("Too long.") && !body.contains("Obey me."), "{body}");
    let asked = || pair.github.count(|it| it.path.ends_with("/permission") && it.status == 200);
    assert_eq!(asked(), 2, "{:?}", pair.github.seen());

    repo.comment(number, "mira", "src/lib.rs", 4, "This too.");
    go_on(&pair, 60).await;
    let pull = pair.world.get("/v1/pulls/acme/rocket/1").await;
    assert_eq!((asked(), &pull["unresolvedComments"]), (2, &json!(2)), "{pull}");
}
