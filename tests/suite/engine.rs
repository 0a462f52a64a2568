//! The engine's own promises: it ends in order, and timers ring by themselves.

use std::pin::pin;

use futures_util::poll;
use jiff::SignedDuration;
use nudged::clock::Clock;
use nudged::domain::{Delivery, DeliveryOutcome, NudgeKind};
use nudged::engine::{Engine, EngineError, Retention};
use nudged::github::webhook::understand;
use nudged::lifecycle::Policy;
use nudged::store::Store;
use nudged::store::reads::{Bounds, NudgeFilter, Page};
use serde_json::json;

use crate::core::policy;
use crate::payloads::{check, pull, sha};
use crate::world::World;

fn delivery(event: &str, guid: &str, payload: &serde_json::Value) -> Delivery {
    let body = bytes::Bytes::from(payload.to_string());
    let understood = understand(event, &body);
    Delivery {
        hook: String::new(),
        guid: guid.to_owned(),
        event: event.to_owned(),
        action: understood.action,
        repo: understood.repo,
        verdict: understood.verdict,
        body,
    }
}

async fn engine(folder: &std::path::Path, settle: SignedDuration) -> (Store, Engine) {
    let store = Store::open(&folder.join("engine.db")).await.expect("a store");
    let policy = Policy { settle, ..policy() };
    let engine = Engine::start(&store, policy, Retention::default(), Clock::system())
        .await
        .expect("an engine");
    (store, engine)
}

#[tokio::test]
async fn a_closed_engine_has_done_what_it_took_and_takes_nothing_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, engine) = engine(folder.path(), SignedDuration::ZERO).await;
    let run =
        |guid: &str| delivery("check_run", guid, &check("build", &sha(1), 1, json!("success"), 1));
    let mut taken = pin!(engine.receive(run("taken")));
    assert!(poll!(taken.as_mut()).is_pending());
    engine.close().await;
    assert_eq!(taken.await.expect("done"), DeliveryOutcome::Applied);
    assert!(matches!(engine.receive(run("late")).await, Err(EngineError::Closed)));
    let page = Page::first(10);
    let stored = store.deliveries(None, page).await.expect("a read");
    let guids: Vec<_> = stored.items.iter().map(|delivery| delivery.guid.as_str()).collect();
    assert_eq!(guids, ["taken"]);
}

#[tokio::test]
async fn what_is_kept_no_longer_goes_but_not_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("engine.db")).await.expect("a store");
    let connection = rusqlite::Connection::open(store.path()).expect("a connection");
    let old = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700)
               INSERT INTO change_log (event_type, payload, cause, created_at)
               SELECT 'pr_updated', '{}', '', '2020-01-01T00:00:00.000Z' FROM n";
    connection.execute_batch(old).expect("rows");
    drop(connection);
    let retention = Retention { changes: Some(SignedDuration::from_hours(1)), deliveries: None };
    let engine =
        Engine::start(&store, policy(), retention, Clock::system()).await.expect("an engine");
    // At its own start it throws nothing away: one look at the clock is not enough.
    engine.fire_due_timers().await.expect("it works");
    let Bounds { floor, head, .. } = store.bounds().await.expect("a read");
    assert!(floor < head, "swept at the start");
    while engine.sweep().await.expect("swept") > 0 {}
    let Bounds { floor, head, .. } = store.bounds().await.expect("a read");
    assert_eq!(floor, head);
    engine.close().await;
}

#[tokio::test]
async fn a_timer_rings_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, engine) = engine(folder.path(), SignedDuration::from_millis(50)).await;
    let opened = pull("opened", 1, &sha(1), 0, json!({}));
    let failed = check("build", &sha(1), 11, json!("failure"), 10);
    engine.receive(delivery("pull_request", "1", &opened)).await.expect("stored");
    let mut head = engine.head();
    engine.receive(delivery("check_run", "2", &failed)).await.expect("stored");
    loop {
        head.borrow_and_update();
        let page = Page::first(10);
        let told = store.nudges(NudgeFilter::default(), page).await.expect("a read");
        if told.items.is_empty() {
            head.changed().await.expect("the engine lives");
            continue;
        }
        let kinds: Vec<_> = told.items.iter().map(|nudge| nudge.kind).collect();
        break assert_eq!(kinds, [NudgeKind::CiFailed]);
    }
    engine.close().await;
}

#[tokio::test]
async fn timers_and_memory_survive_a_restart() {
    let mut world =
        World::with(|settings| settings.settle = std::time::Duration::from_secs(30)).await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("check_run", "2", &check("build", &sha(1), 11, json!("failure"), 10)).await;
    world.restart().await;
    world.advance(30).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    world.restart().await;
    world.apply("check_run", "3", &check("build", &sha(1), 12, json!("failure"), 50)).await;
    world.advance(300).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_lengthens_no_wait() {
    let world = World::with(|settings| settings.settle = std::time::Duration::from_secs(2)).await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("check_run", "2", &check("build", &sha(1), 11, json!("failure"), 10)).await;
    world.advance(-3_600).await;
    assert_eq!(world.nudges().await, [""; 0], "it has not settled");
    world.advance(2).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
}

#[tokio::test]
async fn what_is_put_off_by_a_clock_that_was_wrong_is_due_when_it_is_right_again() {
    let mut world = World::with(|settings| {
        settings.notify_url = Some(nudged::config::Secret::new("http://127.0.0.1:9"));
    })
    .await;
    world.apply("pull_request", "1", &pull("closed", 1, &sha(1), 0, json!({"merged": true}))).await;
    world.apply("pull_request", "2", &pull("opened", 2, &sha(2), 0, json!({}))).await;
    world.apply("pull_request", "3", &pull("closed", 2, &sha(2), 5, json!({"merged": true}))).await;
    world.execute("UPDATE tasks SET due_at = '2099-01-01T00:00:00.000Z'");
    world.restart().await;
    assert!(world.running().outbox.perform_due().await.expect("performed") > 0);
}
