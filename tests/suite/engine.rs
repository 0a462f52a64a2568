//! The engine's own promises: a full queue says so, and timers ring by themselves.

use jiff::SignedDuration;
use nudged::clock::Clock;
use nudged::domain::Adopt;
use nudged::engine::{Delivery, DeliveryOutcome, Engine, EngineError, QUEUE};
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
    let engine = Engine::start(&store, policy, Clock::system()).await.expect("an engine");
    (store, engine)
}

#[tokio::test]
async fn a_full_queue_says_busy_and_what_was_taken_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_store, engine) = engine(folder.path(), SignedDuration::ZERO).await;
    let blocker =
        rusqlite::Connection::open(folder.path().join("engine.db")).expect("a connection");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    // One batch is with the writer, which waits for the lock; the queue fills behind it.
    let sent: Vec<_> = (0..QUEUE + 1_000)
        .map(|n| {
            let (engine, payload) =
                (engine.clone(), check("build", &sha(1), 1, json!("success"), 1));
            let delivery = delivery("check_run", &format!("d{n}"), &payload);
            tokio::spawn(async move { engine.receive(delivery).await })
        })
        .collect();
    while engine.queue().0 < engine.queue().1 {
        tokio::task::yield_now().await;
    }
    blocker.execute_batch("ROLLBACK").expect("the lock is free");
    let (mut applied, mut busy) = (0, 0);
    for answer in sent {
        match answer.await.expect("an answer") {
            Ok(outcome) => {
                assert_eq!(outcome, DeliveryOutcome::Applied);
                applied += 1;
            }
            Err(EngineError::Busy) => busy += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(applied >= QUEUE && busy > 0, "{applied} applied, {busy} busy");
    let stored: i64 = blocker
        .query_row("SELECT count(*) FROM deliveries", (), |row| row.get(0))
        .expect("a count");
    assert_eq!(usize::try_from(stored).expect("a count"), applied);
    engine.close().await;
    let late = delivery("check_run", "late", &check("build", &sha(1), 1, json!("success"), 1));
    assert!(matches!(engine.receive(late).await, Err(EngineError::Closed)));
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
