//! What did not arrive is found: by comparing, and in GitHub's own list.

use nudged::fake_github::{Fault, NewPull, Seen, Trouble};

use super::Pair;
use super::story::week;

#[tokio::test(flavor = "multi_thread")]
async fn after_half_of_a_week_s_deliveries_were_lost_one_pass_leaves_no_difference() {
    let whole = Pair::new().await;
    week(&whole).await;
    let all_told = whole.rows();

    let halved = Pair::new().await;
    halved.github.trouble(Trouble { seed: 3, lose: 0.5, ..Trouble::default() });
    week(&halved).await;
    assert_ne!(halved.rows(), all_told, "something was lost");
    let applied = halved.reconcile().await;
    assert!(applied > 0);

    // A comment below a pull request touches it, which no webhook tells: comparing does, and nothing else is new.
    whole.reconcile().await;
    let untouched = |rows: &[Vec<String>]| {
        let mut rows = rows.to_vec();
        rows.iter_mut().filter(|row| row[0] == "pr").for_each(|row| drop(row.pop()));
        rows
    };
    assert_eq!(untouched(&whole.rows()), untouched(&all_told));
    for (mended, told) in halved.rows().iter().zip(&whole.rows()) {
        assert_eq!(mended, told);
    }
    assert_eq!(halved.rows().len(), all_told.len());
    let causes = "SELECT DISTINCT cause FROM change_log WHERE cause LIKE 'reconcile:%'";
    assert_eq!(halved.world.sql(causes), [["reconcile:1"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_in_which_nothing_changed_is_answered_304() {
    let pair = Pair::new().await;
    week(&pair).await;
    pair.reconcile().await;
    pair.reconcile().await;
    let before = pair.world.changes().await.len();
    // One of them is thorough: it reads conversations that nothing speaks for a change of.
    for _ in 0..3 {
        pair.github.forget_seen();
        let told = pair.metric("nudged_github_requests_total", "status=\"304\"").await;
        assert_eq!(pair.reconcile().await, 0);
        let seen = pair.github.seen();
        let unchanged = seen.iter().filter(|it| it.status == 304).count();
        let told = pair.metric("nudged_github_requests_total", "status=\"304\"").await - told;
        assert!(told >= unchanged as f64, "{told} of {unchanged}");
        assert!(seen.len() > 20, "{} requests", seen.len());
        let others: Vec<&Seen> = seen.iter().filter(|it| it.status != 304).collect();
        assert!(unchanged * 100 >= seen.len() * 95, "{unchanged} of {}: {others:#?}", seen.len());
    }
    assert_eq!(pair.world.changes().await.len(), before);
    assert!(pair.github.most_at_once() <= 20);
    assert!(pair.metric("nudged_github_quota_left", "quota=\"core\"").await > 0.0);
    let waited = "nudged_github_waited_seconds_total";
    assert!(pair.metric(waited, "priority=\"reconcile\"").await > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_new_knows_what_was_there_before_and_says_nothing_of_it() {
    let pair = Pair::new().await;
    pair.github.trouble(Trouble { lose: 1.0, ..Trouble::default() });
    week(&pair).await;
    let put = pair.world.request(reqwest::Method::PUT, "/v1/projects/rocket");
    let (status, answer) =
        crate::world::answer(put.json(&serde_json::json!({"repo": "acme/rocket"}))).await;
    assert!(status.is_success(), "{answer}");
    pair.reconcile().await;
    let pulls = pair.world.items("/v1/pulls?limit=1000").await;
    assert_eq!(pulls.len(), 9, "those that are open");
    let open = pair.world.nudges().await;
    let open = open.iter().filter(|it| !it.ends_with("acknowledged"));
    assert_eq!(open.count(), 0);
    pair.world.advance(3_600).await;
    assert_eq!(pair.world.deliver().await, 0);

    // What happens from now on is said.
    pair.github.trouble(Trouble::default());
    let rocket = pair.github.repository("acme/rocket");
    let number = rocket.open_pull(NewPull::from("ada/later"));
    let head = rocket.pull(number).head_sha;
    let run = rocket.start_run(&head, "CI", "pull_request", &["test"]);
    pair.pass(60);
    rocket.finish_job(rocket.job(run, "test"), "failure", None);
    pair.github.settle().await;
    // Its log is asked for first.
    pair.world.deliver().await;
    let pending = pair.world.nudges().await;
    assert!(pending.contains(&"ci-failed pending".to_owned()), "{pending:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_a_closed_port_leaves_no_trace() {
    let whole = Pair::new().await;
    week(&whole).await;
    let all_told = whole.rows();

    let pair = Pair::new().await;
    pair.github.trouble(Trouble { seed: 5, fail: 0.6, ..Trouble::default() });
    week(&pair).await;
    assert_ne!(pair.rows(), all_told);
    let recover = pair.world.request(reqwest::Method::POST, "/v1/deliveries/recover");
    let (status, answer) = crate::world::answer(recover).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["recovered"].as_u64() > Some(20), "{answer}");
    assert_eq!(answer["failed"], 0);
    assert_eq!(pair.rows(), all_told);

    pair.github.forget_seen();
    let again = pair.work().missed.recover().await.expect("a look");
    assert_eq!((again.looked_at, again.recovered), (0, 0));
    assert_eq!(pair.github.seen().len(), 1, "the list is read to where it was read before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_repository_is_followed_and_a_suspended_one_left_alone() {
    let pair = Pair::new().await;
    week(&pair).await;
    pair.reconcile().await;
    let rocket = pair.github.repository("acme/rocket");
    pair.github.trouble(Trouble { lose: 1.0, ..Trouble::default() });
    pair.pass(60);
    rocket.rename("shuttle");
    pair.reconcile().await;
    let projects = pair.world.items("/v1/projects").await;
    assert_eq!(projects[0]["repo"], "acme/shuttle");
    // Where the former name leads nowhere any more, the repository is found by its number.
    pair.pass(60);
    rocket.rename("lander");
    let nowhere = Fault::Status(404, "Not Found".to_owned());
    pair.github.fault("/repos/acme/shuttle", 1_000, nowhere);
    pair.reconcile().await;
    pair.reconcile().await;
    let projects = pair.world.items("/v1/projects").await;
    assert_eq!(projects[0]["repo"], "acme/lander");
    pair.github.heal();

    pair.github.trouble(Trouble::default());
    let installation = pair.github.installation_of(&rocket).expect("an installation");
    pair.github.suspend(installation);
    pair.github.settle().await;
    pair.github.forget_seen();
    let rows = pair.rows();
    pair.reconcile().await;
    assert_eq!(pair.github.seen().len(), 0, "{:?}", pair.github.seen());
    assert_eq!(pair.rows(), rows);
    let standing = pair.world.get("/readyz").await;
    assert_eq!(standing["github"]["troubles"][0]["code"], "suspended", "{standing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_the_app_was_taken_from_is_left_alone_and_told_as_that() {
    for whole in [true, false] {
        let pair = Pair::new().await;
        week(&pair).await;
        pair.reconcile().await;
        let rocket = pair.github.repository("acme/rocket");
        let installation = pair.github.installation_of(&rocket).expect("an installation");
        pair.pass(60);
        if whole {
            pair.github.uninstall(installation);
        } else {
            pair.github.remove_repository(installation, &rocket);
        }
        pair.github.settle().await;
        pair.github.forget_seen();
        let rows = pair.rows();
        pair.reconcile().await;
        assert_eq!(pair.github.seen().len(), 0, "{:?}", pair.github.seen());
        assert_eq!(pair.rows(), rows);
        let standing = pair.world.get("/readyz").await;
        assert_eq!(standing["github"]["troubles"][0]["code"], "not_installed", "{standing}");
        // Names are told to whoever has the token.
        let standing = pair.world.get("/v1/github").await;
        assert_eq!(standing["troubles"][0]["about"], "acme/rocket", "{standing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_that_comes_twice_and_out_of_order_is_the_same_week() {
    let whole = Pair::new().await;
    week(&whole).await;
    for seed in 1..=3 {
        let pair = Pair::new().await;
        let trouble = Trouble { seed, duplicate: 0.5, reorder: 8, ..Trouble::default() };
        pair.github.trouble(trouble);
        week(&pair).await;
        assert_eq!(pair.rows(), whole.rows(), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_did_not_even_start_is_found() {
    let pair = Pair::new().await;
    let repo = pair.github.repository("acme/rocket");
    let number = repo.open_pull(NewPull::from("ada/fix"));
    pair.github.settle().await;
    pair.github.trouble(Trouble { lose: 1.0, ..Trouble::default() });
    pair.pass(60);
    repo.fail_to_start(&repo.pull(number).head_sha, "CI");
    pair.github.settle().await;
    pair.pass(60);
    pair.reconcile().await;
    let pull = pair.world.get(&format!("/v1/pulls/acme/rocket/{number}")).await;
    assert_eq!(pull["ci"], "failing", "{pull}");
    assert_eq!(pull["checks"][0]["conclusion"], "startup_failure", "{pull}");
}
