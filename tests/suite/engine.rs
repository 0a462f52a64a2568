//! The engine's own promises: it ends in order, and timers ring by themselves.

use std::pin::pin;

use futures_util::poll;
use jiff::SignedDuration;
use nudged::clock::Clock;
use nudged::domain::Adopt;
use nudged::engine::{Delivery, DeliveryOutcome, Engine, EngineError, Retention};
use nudged::github::understand;
use nudged::lifecycle::Policy;
use nudged::store::Store;
use serde_json::json;

use crate::payloads::{check, pull, sha};

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
