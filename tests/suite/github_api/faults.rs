//! GitHub that limits, breaks off, answers nonsense, or sends us elsewhere.

use std::time::Duration;

use nudged::config::{GithubApp, Secret};
use nudged::fake_github::{Fault, Limit, NewPull, Trouble};

use super::Pair;
use super::story::week;

/// A server that knows half of a week.
async fn halved() -> Pair {
    let pair = Pair::new().await;
    pair.github.trouble(Trouble { seed: 3, lose: 0.5, ..Trouble::default() });
    week(&pair).await;
    pair.github.trouble(Trouble::default());
    pair
}

async fn fails(pair: &Pair, code: &str) {
    let pass = pair.work().reconciler.pass().await.expect("a pass");
    let standing = pair.world.get("/readyz").await;
    let troubles = standing["github"]["troubles"].as_array().expect("troubles");
    assert!(pass.failed == 1 && troubles.iter().any(|it| it["code"] == code), "{standing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn not_one_request_is_sent_inside_a_penalty() {
    for (kind, status, seconds) in [
        (Limit::Secondary, 429, 37),
        (Limit::Secondary, 403, 90),
        (Limit::Primary, 403, 600),
        (Limit::Bare, 429, 60),
    ] {
        let pair = halved().await;
        pair.github.limit(kind, status, Duration::from_secs(seconds));
        pair.github.forget_seen();
        fails(&pair, "limited").await;
        // Those that were under way when the first one was refused.
        let first = pair.github.count(|it| it.inside_penalty);
        assert!((1..=20).contains(&first), "{first}");
        for _ in 0..5 {
            fails(&pair, "limited").await;
        }
        let wait = i64::try_from(seconds).expect("seconds");
        pair.pass(wait - 1);
        fails(&pair, "limited").await;
        assert_eq!(pair.github.count(|it| it.inside_penalty), first, "{kind:?} {status}");
        // A reset is told in whole seconds of another clock.
        pair.pass(2);
        assert!(pair.reconcile().await > 0, "{kind:?} {status}");
        assert_eq!(pair.github.count(|it| it.inside_penalty), first, "{kind:?} {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_in_the_middle_is_renewed_once() {
    let pair = halved().await;
    pair.github.fault_after("/pulls", 1, 1, Fault::Status(401, "Bad credentials".to_owned()));
    pair.reconcile().await;
    pair.github.expire_tokens();
    pair.pass(60);
    pair.github.forget_seen();
    pair.reconcile().await;
    let bought = pair.github.count(|it| it.path.ends_with("/access_tokens"));
    assert_eq!(bought, 1);
    pair.pass(3_400);
    pair.github.forget_seen();
    pair.reconcile().await;
    let refused = pair.github.count(|it| it.status == 401);
    let bought = pair.github.count(|it| it.path.ends_with("/access_tokens"));
    assert_eq!((refused, bought), (0, 1), "it is renewed before its hour is over");

    pair.github.fault("/pulls", 10, Fault::Status(401, "Bad credentials".to_owned()));
    fails(&pair, "unauthorized").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_go_to_no_other_host() {
    let pair = halved().await;
    for status in [301, 302, 307, 308] {
        pair.github.fault("/pulls", 1, Fault::ToOtherHost(status));
        let pass = pair.work().reconciler.pass().await.expect("a pass");
        assert_eq!(pass.looked_at, 1);
        let standing = pair.world.get("/readyz").await;
        assert_eq!(standing["github"]["troubles"][0]["code"], "strayed", "{standing}");
    }
    assert_eq!(pair.github.count(|it| it.other_host), 0);
    pair.github.heal();
    pair.reconcile().await;
    assert_eq!(pair.github.count(|it| it.other_host && it.credentials), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_changes_nothing_and_is_told() {
    let pair = halved().await;
    let rows = pair.rows();
    for (fault, code) in [
        (Fault::Html, "malformed"),
        (Fault::CutInHalf, "unavailable"),
        (Fault::Hangup, "unavailable"),
        (Fault::HtmlStatus(502), "unavailable"),
        (Fault::Status(500, "Oops".to_owned()), "unavailable"),
    ] {
        pair.github.fault("state=open", 1, fault.clone());
        fails(&pair, code).await;
        assert_eq!(pair.rows(), rows, "{fault:?}");
        pair.pass(60);
    }
    for (fault, code) in [
        (Fault::Status(451, "No".to_owned()), "withheld"),
        (Fault::Forbidden("pull_requests".to_owned()), "forbidden"),
    ] {
        pair.github.fault("state=open", 1, fault);
        pair.work().reconciler.pass().await.expect("a pass");
        let standing = pair.world.get("/readyz").await;
        assert_eq!(standing["github"]["troubles"][0]["code"], code, "{standing}");
        assert_eq!(pair.rows(), rows);
    }
    // A permission that is missing is told, and once it is given all is read, also of what has ended.
    pair.github.fault("/check-runs", 1_000, Fault::Forbidden("checks".to_owned()));
    pair.work().reconciler.pass().await.expect("a pass");
    let standing = pair.world.get("/v1/github").await;
    assert_eq!(standing["troubles"][0]["about"], "permission checks=read", "{standing}");

    pair.github.heal();
    let whole = Pair::new().await;
    week(&whole).await;
    whole.reconcile().await;
    pair.reconcile().await;
    let (mended, told) = (pair.rows(), whole.rows());
    let lacks: Vec<_> = told.iter().filter(|row| !mended.contains(row)).collect();
    assert!(lacks.is_empty() && mended.len() == told.len(), "lacks {lacks:#?}");
    let standing = pair.world.get("/readyz").await;
    assert_eq!(standing["github"]["troubles"].as_array().map(Vec::len), Some(0), "{standing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_github_is_not_an_hour_of_hammering() {
    let pair = halved().await;
    pair.github.set_down(true);
    let held = "nudged_github_held_back_total";
    let before = pair.metric(held, "priority=\"reconcile\"").await;
    let mut tried = 0;
    for _ in 0..360 {
        let pass = pair.work().reconciler.pass().await.expect("a pass");
        tried += pass.failed;
        pair.pass(10);
    }
    assert_eq!(tried, 360);
    let held = pair.metric(held, "priority=\"reconcile\"").await - before;
    assert!(held >= 200.0, "{held}");
    let knocks = pair.github.turned_away();
    assert!((50..100).contains(&knocks), "{knocks} connections in an hour");
    let metrics = pair.world.request(reqwest::Method::GET, "/metrics");
    let metrics = metrics.send().await.expect("an answer").text().await.expect("text");
    for series in ["nudged_github_requests_total", "nudged_github_troubles{code=\"unavailable\"}"] {
        assert!(metrics.contains(series), "{metrics}");
    }
    let standing = pair.world.get("/readyz").await;
    assert_eq!(standing["github"]["troubles"][0]["code"], "unavailable", "{standing}");
    pair.github.set_down(false);
    pair.pass(60);
    pair.reconcile().await;
    let standing = pair.world.get("/readyz").await;
    assert_eq!(standing["github"]["troubles"].as_array().map(Vec::len), Some(0), "{standing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_between_two_pages_loses_none_of_either() {
    let pair = Pair::new().await;
    let repo = pair.github.repository("acme/rocket");
    repo.open_pull(NewPull::from("ada/first"));
    pair.github.settle().await;
    pair.github.trouble(Trouble { lose: 1.0, ..Trouble::default() });
    for n in 0..150 {
        repo.open_pull(NewPull::from(&format!("ada/{n}")));
    }
    pair.pass(60);
    pair.github.fault("&page=2", 1, Fault::Status(401, "Bad credentials".to_owned()));
    pair.reconcile().await;
    let known = pair.world.sql("SELECT count(*) FROM pr");
    assert_eq!(known, [["151"]]);
    let bought = pair.github.count(|it| it.path.ends_with("/access_tokens"));
    assert_eq!(bought, 2, "the one that was refused, and one more");
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_ten_minutes_apart_keep_nobody_out() {
    for ahead in [600, -600] {
        let pair = Pair::with(ahead, |_| {}).await;
        pair.github.trouble(Trouble { seed: 3, lose: 0.5, ..Trouble::default() });
        week(&pair).await;
        assert!(pair.reconcile().await > 0);
        let standing = pair.world.get("/readyz").await;
        assert_eq!(standing["github"]["clockSkewSeconds"], ahead, "{standing}");
        // Its token is bought anew by GitHub's clock, before that refuses it.
        pair.pass(3_400);
        pair.github.forget_seen();
        pair.reconcile().await;
        assert_eq!(pair.github.count(|it| it.status == 401), 0);
        // A limit ends by GitHub's clock as well.
        pair.github.limit(Limit::Primary, 403, Duration::from_secs(90));
        fails(&pair, "limited").await;
        let first = pair.github.count(|it| it.inside_penalty);
        pair.pass(89);
        fails(&pair, "limited").await;
        assert_eq!(pair.github.count(|it| it.inside_penalty), first);
        pair.pass(2);
        pair.reconcile().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_key_that_is_none_webhooks_are_taken_and_github_is_not_asked() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nbm9uc2Vuc2U=\n-----END RSA PRIVATE KEY-----\n";
    let pair = Pair::with(0, |settings| {
        let id = settings.github_app.as_ref().expect("an App").id;
        settings.github_app = Some(GithubApp { id, private_key: Secret::new(key) });
    })
    .await;
    week(&pair).await;
    assert!(pair.rows().len() > 20);
    fails(&pair, "unauthorized").await;
    let standing = pair.world.get("/v1/github").await;
    let message = standing["troubles"][0]["message"].as_str().expect("a text");
    assert!(message.contains("the private key is none") && !message.contains("bm9u"), "{message}");
    assert_eq!(pair.github.count(|_| true), 0);
}
