//! The engine's own promises: it ends in order, and timers ring by themselves.

use std::pin::pin;

use futures_util::poll;
use jiff::SignedDuration;
use nudged::clock::Clock;
use nudged::domain::{Adopt, Delivery, DeliveryOutcome};
use nudged::engine::{Engine, EngineError, Retention};
use nudged::github::webhook::understand;
use nudged::lifecycle::Policy;
use nudged::store::Store;
use serde_json::json;

use crate::payloads::{check, pull, sha};

fn delivery(event: &str, guid: &str, payload: &serde_json::Value) -> Delivery {
    let body = bytes::Bytes::from(payload.to_string());
    let reading = understand(event, &body);
    Delivery {
        hook: String::new(),
        guid: guid.to_owned(),
        event: event.to_owned(),
        action: reading.action,
        repo: reading.repo,
        verdict: reading.verdict,
        body,
    }
}

async fn engine(folder: &std::path::Path, settle: SignedDuration) -> (Store, Engine) {
    let store = Store::open(&folder.join("engine.db")).await.expect("a store");
    let policy = Policy { settle, adopt: Adopt::All, auto_register: true, notify: false };
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
    let stored = store.read(|c| {
        c.query_row("SELECT group_concat(guid) FROM deliveries", (), |row| row.get::<_, String>(0))
    });
    assert_eq!(stored.await.expect("a read"), "taken");
}

#[tokio::test]
async fn a_server_that_starts_drops_what_is_kept_no_longer() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("engine.db")).await.expect("a store");
    let writer = store.writer().await.expect("a connection");
    let old = |connection: &mut rusqlite::Connection| {
        connection.execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1700)
             INSERT INTO change_log (event_type, payload, cause, created_at)
             SELECT 'pr_updated', '{}', '', '2020-01-01T00:00:00.000Z' FROM n",
        )
    };
    writer.interact(old).await.expect("done").expect("rows");
    drop(writer);
    let settle = SignedDuration::ZERO;
    let policy = Policy { settle, adopt: Adopt::All, auto_register: true, notify: false };
    let retention = Retention { changes: Some(SignedDuration::from_hours(1)), deliveries: None };
    let engine =
        Engine::start(&store, policy, retention, Clock::system()).await.expect("an engine");
    let swept = async {
        let count = |c: &rusqlite::Connection| {
            c.query_row("SELECT count(*) FROM change_log", (), |row| row.get::<_, i64>(0))
        };
        while store.read(count).await.expect("a read") > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), swept).await.expect("swept in time");
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
        let told = store.read(|c| {
            c.query_row("SELECT group_concat(kind) FROM nudges", (), |row| {
                row.get::<_, Option<String>>(0)
            })
        });
        match told.await.expect("a read") {
            Some(kinds) => break assert_eq!(kinds, "ci-failed"),
            None => head.changed().await.expect("the engine lives"),
        }
    }
    engine.close().await;
}
