//! Whose a failure is, what pull requests are now, and all of it on a clock that runs.

use std::time::Duration;

use nudged::domain::{CommitSha, Mergeability, PrState, RepoName, ReviewDecision};
use nudged::fake_github::{Fault, Limit, NewPull};
use nudged::github::api::{PullAsked, Suspect};

use super::Pair;

fn rocket() -> RepoName {
    RepoName::parse("acme/rocket").expect("a name")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_fails_at_the_base_too_is_the_base_s() {
    let pair = Pair::new().await;
    let repo = pair.github.repository("acme/rocket");
    let base = repo.push_branch("main", "grace");
    pair.pass(1);
    let number = repo.open_pull(NewPull::from("ada/fix"));
    let head = repo.pull(number).head_sha;
    for _ in 0..3 {
        pair.pass(1);
        repo.push_branch("main", "grace");
    }
    let fail = |sha: &str, event: &str, how: &str| {
        let run = repo.start_run(sha, "CI", event, &["test"]);
        pair.pass(1);
        repo.finish_job(repo.job(run, "test"), how, None);
        (run, repo.job(run, "test"))
    };
    let (workflow_run, run_id) = fail(&head, "pull_request", "failure");
    let suspect = Suspect {
        repo: rocket(),
        head: CommitSha::parse(&head).expect("a hash"),
        base_ref: "main".into(),
        source: "github-actions".into(),
        name: "test".into(),
        run_id,
        workflow_run_id: Some(workflow_run),
    };
    let github = pair.work().github;
    let blame = github.blame(&suspect).await.expect("an answer");
    assert_eq!((blame.base, blame.passed, blame.behind), (None, None, Some(3)));

    // Another workflow's check of that name says nothing.
    let other = repo.start_run(&base, "Nightly", "push", &["test"]);
    repo.finish_job(repo.job(other, "test"), "failure", None);
    assert_eq!(github.blame(&suspect).await.expect("an answer").base, None);
    fail(&base, "push", "failure");
    let found = github.blame(&suspect).await.expect("an answer").base.expect("the base");
    assert_eq!(found.sha.as_str(), base);

    // It passed before on the very commit.
    fail(&head, "push", "success");
    let blame = github.blame(&suspect).await.expect("an answer");
    assert_eq!(blame.passed.expect("a pass").sha.as_str(), head);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pull_requests_are_refreshed_in_one_request_or_one_by_one() {
    let pair = Pair::new().await;
    let repo = pair.github.repository("acme/rocket");
    let asked: Vec<PullAsked> = (0..30)
        .map(|n| repo.open_pull(NewPull::from(&format!("ada/{n}"))))
        .map(|number| PullAsked { repo: rocket(), number })
        .collect();
    pair.pass(60);
    repo.conflicts(3, true);
    repo.make_draft(4);
    repo.require_review(true);
    repo.review(5, "grace", "changes_requested", "No.");
    let comment = repo.comment(5, "grace", "src/lib.rs", 1, "Why?");
    repo.resolve(5, comment, "grace");
    pair.github.forget_seen();
    let github = pair.work().github;
    let refreshed = github.refresh(&asked).await;
    assert_eq!(pair.github.count(|it| it.path.contains("graphql")), 2);
    assert!(pair.github.count(|_| true) <= 5, "{:?}", pair.github.seen());
    let of = |number: i64| {
        let found = refreshed.iter().find(|(asked, _)| asked.number == number);
        found.expect("an answer").1.clone().expect("a pull request")
    };
    assert_eq!(of(3).pull.mergeability, Some(Mergeability::Conflicting));
    assert_eq!(of(4).pull.core.state, PrState::Draft);
    let review = |number| of(number).pull.read.expect("read").review;
    assert_eq!(review(5), Some(ReviewDecision::ChangesRequested));
    assert_eq!(review(6), Some(ReviewDecision::ReviewRequired));
    assert_eq!(of(5).threads, None, "which would cost a point each");
    let points: u32 = pair.github.seen().iter().map(|it| it.points).sum();
    assert_eq!(points, 2);

    pair.github.fault("/graphql", 9, Fault::Status(404, "Not Found".to_owned()));
    let by_rest = github.refresh(&asked[..3]).await;
    for (asked, found) in by_rest {
        let (mut found, mut same) = (found.expect("a pull request"), of(asked.number));
        let read = (found.pull.read.take(), same.pull.read.take());
        assert!(read.0.is_some_and(|read| read.review.is_none()) && read.1.is_some());
        assert_eq!((found.repo.id, found.pull), (same.repo.id, same.pull), "{asked:?}");
    }

    pair.github.set_slow_mergeability(1);
    repo.push(1);
    let slow = github.refresh(&asked[..1]).await;
    assert_eq!(slow[0].1.as_ref().expect("a pull request").pull.mergeability, None);
    let limited = github.refresh(&[PullAsked { repo: rocket(), number: 999 }]).await;
    assert!(limited[0].1.is_err());
    pair.github.limit(Limit::Secondary, 429, Duration::from_secs(30));
    let limited = github.refresh(&asked[..2]).await;
    assert!(limited.iter().all(|(_, found)| found.is_err()), "{limited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_run_again() {
    let pair = Pair::new().await;
    let repo = pair.github.repository("acme/rocket");
    let number = repo.open_pull(NewPull::from("ada/fix"));
    let run = repo.start_run(&repo.pull(number).head_sha, "CI", "pull_request", &["test"]);
    let job = repo.job(run, "test");
    repo.finish_job(job, "failure", None);
    pair.work().github.rerun_job(&rocket(), job).await.expect("a new run");
    assert_ne!(repo.job(run, "test"), job);
}
