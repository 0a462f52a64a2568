//! What goes wrong on the writer's own thread: it serves on, or the server ends and says why.
//!
//! The writer reads the clock at the beginning of each transaction, so a clock that panics there, or keeps
//! it waiting, does so in the middle of the writer.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use nudged::app;
use nudged::clock::Clock;
use nudged::domain::{Delivery, DeliveryOutcome};
use nudged::engine::{Engine, EngineError, Retention};
use nudged::github::webhook::understand;
use nudged::store::Store;
use nudged::store::reads::Page;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::core::policy;
use crate::payloads::{pull, sha};
use crate::world::{SECRET, World, answer, outcome, sign};

const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that panics on the writer's thread so many times.
fn panicking(times: &Arc<AtomicI64>) -> Clock {
    let times = Arc::clone(times);
    Clock::by_hand(move || {
        let writes = std::thread::current().name() == Some("writer");
        if writes && times.fetch_sub(1, Ordering::SeqCst) > 0 {
            panic!("the clock of a test panics");
        }
        nudged::clock::now()
    })
}

async fn engine(folder: &Path, clock: Clock) -> (Store, Engine) {
    let store = Store::open(&folder.join("panics.db")).await.expect("a store");
    let engine = Engine::start(&store, policy(), Retention::default(), clock).await;
    (store, engine.expect("an engine"))
}

fn opened(number: i64, with: Value) -> Value {
    pull("opened", number, &sha(number.unsigned_abs()), 0, with)
}

fn delivery(number: i64, payload: &Value) -> Delivery {
    let body = bytes::Bytes::from(payload.to_string());
    let understood = understand("pull_request", &body);
    Delivery {
        hook: String::new(),
        guid: number.to_string(),
        event: "pull_request".to_owned(),
        action: understood.action,
        repo: understood.repo,
        verdict: understood.verdict,
        body,
    }
}

async fn stored(store: &Store) -> Vec<String> {
    let page = Page::first(100);
    let items = store.deliveries(None, page).await.expect("a read").items;
    items.into_iter().rev().map(|it| format!("{} {}", it.guid, it.outcome)).collect()
}

#[tokio::test]
async fn a_panic_of_the_writer_fails_what_it_had_in_hand_and_it_serves_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let times = Arc::new(AtomicI64::new(2));
    let (store, engine) = engine(folder.path(), panicking(&times)).await;
    let first = delivery(1, &opened(1, json!({})));
    for _ in 0..2 {
        // Not "closed", which would make whoever waits give up for good.
        let failed = engine.receive(first.clone()).await;
        assert!(matches!(failed, Err(EngineError::Store(_))), "{failed:?}");
        assert_eq!(stored(&store).await, Vec::<String>::new());
    }
    engine.check().await.expect("it takes work");
    assert_eq!(engine.receive(first).await.expect("stored"), DeliveryOutcome::Applied);
    assert_eq!(engine.failure(), None);
    assert_eq!(stored(&store).await, ["1 applied"]);
    // Only panics in a row are too many.
    times.store(2, Ordering::SeqCst);
    for _ in 0..2 {
        engine.fire_due_timers().await.expect_err("a panic");
    }
    engine.fire_due_timers().await.expect("it serves on");
    engine.close().await;
}

#[tokio::test]
async fn an_engine_that_panics_for_ever_says_so_and_takes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, engine) =
        engine(folder.path(), panicking(&Arc::new(AtomicI64::new(i64::MAX)))).await;
    let told = tokio::spawn({
        let engine = engine.clone();
        async move { engine.failed().await }
    });
    let first = delivery(1, &opened(1, json!({})));
    let mut panics = 0;
    loop {
        match engine.receive(first.clone()).await {
            Err(EngineError::Store(_)) => panics += 1,
            Err(EngineError::Closed) => break,
            other => panic!("{other:?}"),
        }
    }
    let reason = tokio::time::timeout(PATIENCE, told).await.expect("told").expect("well");
    assert!(reason.contains("panicked"), "{reason}");
    assert_eq!(panics, 3);
    assert!(engine.check().await.is_err());
    assert!(matches!(engine.receive(first).await, Err(EngineError::Closed)));
    assert_eq!(stored(&store).await, Vec::<String>::new());
    engine.close().await;
}

/// `serve` ends with what `Running::failed` says: on stderr, and as its exit code.
#[tokio::test]
async fn a_server_whose_writer_is_gone_ends_and_says_why() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut settings = world.settings().clone();
    settings.db = folder.path().join("panics.db");
    let times = Arc::new(AtomicI64::new(0));
    let mut running = app::start(&settings, panicking(&times)).await.expect("a server");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = format!("http://{}", running.addr);
    let send = async |number: i64| {
        let body = opened(number, json!({})).to_string();
        let request = client
            .post(format!("{url}/webhooks/github"))
            .header("Content-Type", "application/json")
            .header("X-GitHub-Event", "pull_request")
            .header("X-GitHub-Delivery", number.to_string())
            .header("X-Hub-Signature-256", sign(SECRET, body.as_bytes()))
            .body(body);
        request.send().await.map(|answer| answer.status().as_u16())
    };
    assert_eq!(send(1).await.expect("an answer"), 200);
    times.store(i64::MAX, Ordering::SeqCst);
    let mut answers = Vec::new();
    while let Ok(status) = send(2).await {
        answers.push(status);
    }
    assert!(!answers.is_empty() && answers.iter().all(|status| *status == 503), "{answers:?}");
    let reason = tokio::time::timeout(PATIENCE, running.failed()).await.expect("it ends");
    assert!(format!("{reason:#}").contains("the writer panicked"), "{reason:#}");
    // All is let go of: the next server has what was acknowledged.
    let next = app::start(&settings, Clock::by_hand(nudged::clock::now)).await.expect("a server");
    let page = format!("http://{}/v1/pulls", next.addr);
    let read = client.get(page).bearer_auth(next.token.expose());
    let (_, pulls) = answer(read).await;
    assert_eq!(pulls["items"].as_array().map(Vec::len), Some(1), "{pulls}");
    next.stop().await.expect("stopped");
}

/// While the database refuses, nobody is told that the server is ready; once it does not, it is.
#[tokio::test]
async fn a_server_that_cannot_store_is_not_ready() {
    let world = World::new().await;
    let ready = async || answer(world.request(Method::GET, "/readyz")).await.0;
    assert_eq!(ready().await, StatusCode::OK);
    let other = rusqlite::Connection::open(world.db()).expect("the database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let body = opened(1, json!({})).to_string();
    let (status, _) = world.send("pull_request", "1", body.as_bytes()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
    other.execute_batch("ROLLBACK").expect("let go");
    assert_eq!(ready().await, StatusCode::OK);
    let (status, told) = world.send("pull_request", "1", body.as_bytes()).await;
    assert_eq!((status, outcome(&told)), (StatusCode::OK, "applied"));
}

/// Keeps the writer at the beginning of a transaction until it is opened.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        let open = self.open.lock().expect("unpoisoned");
        drop(self.opened.wait_while(open, |open| !*open).expect("unpoisoned"));
    }

    fn open(&self) {
        *self.open.lock().expect("unpoisoned") = true;
        self.opened.notify_all();
    }
}

#[tokio::test]
async fn a_piece_that_fails_spoils_none_of_its_transaction() {
    let folder = tempfile::tempdir().expect("a folder");
    let gate = Arc::new(Gate::default());
    let clock = Clock::by_hand({
        let gate = Arc::clone(&gate);
        move || {
            if std::thread::current().name() == Some("writer") {
                gate.pass();
            }
            nudged::clock::now()
        }
    });
    let (store, engine) = engine(folder.path(), clock).await;
    let connection = rusqlite::Connection::open(store.path()).expect("a connection");
    let poison = "CREATE TRIGGER poison BEFORE INSERT ON pr WHEN new.title = 'poison'
                  BEGIN SELECT raise(FAIL, 'poison'); END;";
    connection.execute_batch(poison).expect("a trigger");
    let title = |number| if number == 3 { "poison" } else { "fine" };
    let mut waiting: Vec<_> = (0..6)
        .map(|number| delivery(number, &opened(number + 1, json!({"title": title(number)}))))
        .map(|it| Box::pin(engine.receive(it)))
        .collect();
    // The first holds the writer up, so that the others come into one transaction.
    for one in &mut waiting {
        assert!(poll!(one.as_mut()).is_pending());
    }
    gate.open();
    let outcomes = join_all(waiting).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|it| it.expect("stored")).collect();
    use DeliveryOutcome::{Applied, Quarantined};
    assert_eq!(outcomes, [Applied, Applied, Applied, Quarantined, Applied, Applied]);
    let rows = ["0 applied", "1 applied", "2 applied", "3 quarantined", "4 applied", "5 applied"];
    assert_eq!(stored(&store).await, rows);
    // What was remembered in the first attempt is not taken for stored: the next of each is an update.
    for number in 0..6 {
        let again = delivery(10 + number, &opened(number + 1, json!({"title": "fine"})));
        assert_eq!(engine.receive(again).await.expect("stored"), Applied);
    }
    let pulls: i64 =
        connection.query_row("SELECT count(*) FROM pr", (), |row| row.get(0)).expect("a count");
    assert_eq!(pulls, 6);
    engine.close().await;
}
