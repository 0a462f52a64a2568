//! A real server on a real port with a real SQLite file, and a clock that the test moves.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use nudged::app::{self, Running};
use nudged::clock::Clock;
use nudged::config::{AgentSettings, LogFormat, NotifyFormat, Secret, Settings};
use nudged::domain::{Adopt, Timestamp};
use nudged::github::webhook::signature::Secrets;
use nudged::http::Limits;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::stories::RecordedDelivery;

pub const SECRET: &str = "a secret of the tests";
pub const TOKEN: &str = "a-token-of-the-tests";

/// The clock's first instant: after all fixtures.
pub const BEGINNING: i64 = 1_800_000_000_000;

/// A server, its client and its clock.
pub struct World {
    running: Option<Running>,
    settings: Settings,
    limits: Limits,
    client: reqwest::Client,
    millis: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server whose settings differ from the tests' own: settle time zero, all adopted.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::within(Limits::default(), change).await
    }

    /// A server with limits of its own.
    pub async fn within(limits: Limits, change: impl FnOnce(&mut Settings)) -> Self {
        Self::at(Arc::new(AtomicI64::new(BEGINNING)), limits, change).await
    }

    /// A server whose clock others read too; its hand shows milliseconds.
    pub async fn at(
        millis: Arc<AtomicI64>,
        limits: Limits,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = Settings {
            listen: "127.0.0.1:0".parse().expect("an address"),
            db: folder.path().join("nudged.db"),
            webhook_secrets: vec![Secret::new(SECRET)],
            api_token: Some(Secret::new(TOKEN)),
            settle: Duration::ZERO,
            cancel_wait: Duration::from_secs(600),
            quiet_after: Duration::from_secs(600),
            adopt: Adopt::All,
            auto_register: true,
            notify_url: None,
            notify_secret: None,
            notify_format: NotifyFormat::Auto,
            notify_timeout: Duration::from_secs(10),
            agents: AgentSettings::default(),
            github_api_url: "https://api.github.com".to_owned(),
            github_app: None,
            reconcile_every: Duration::from_secs(900),
            retain_changes: None,
            retain_deliveries: None,
            log: "error".to_owned(),
            log_format: LogFormat::Text,
        };
        change(&mut settings);
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut world = Self { running: None, settings, limits, client, millis, folder };
        world.start().await;
        world
    }

    async fn start(&mut self) {
        let limits = self.limits.clone();
        let starting = app::start_within(&self.settings, self.clock(), limits);
        let running = starting.await.expect("a server");
        self.running = Some(running);
    }

    fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.millis);
        Clock::by_hand(move || {
            Timestamp::from_millisecond(millis.load(Ordering::SeqCst)).expect("an instant")
        })
    }

    /// Stops the server and starts another one on the same database.
    pub async fn restart(&mut self) {
        self.running.take().expect("running").stop().await.expect("stopped");
        self.start().await;
    }

    /// Moves the clock alone.
    pub fn pass(&self, seconds: i64) {
        self.millis.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// Moves the clock and fires the timers that came due.
    pub async fn advance(&self, seconds: i64) {
        self.pass(seconds);
        self.running().engine.fire_due_timers().await.expect("timers");
    }

    /// Sweeps away what nothing has claimed for long, and tells how many rows went.
    pub async fn sweep(&self) -> usize {
        self.running().engine.sweep().await.expect("swept")
    }

    /// Sends the nudges to the human that are due, and tells how many attempts were made.
    pub async fn deliver(&self) -> usize {
        self.running().outbox.perform_due().await.expect("attempts")
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("running")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running().addr)
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn db(&self) -> PathBuf {
        self.settings.db.clone()
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A webhook request with these headers and nothing added.
    pub fn webhook(
        &self,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> reqwest::RequestBuilder {
        let request = self.client.post(self.url("/webhooks/github"));
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .body(body)
    }

    /// Sends a signed delivery; answers its status and JSON.
    pub async fn send(&self, event: &str, id: &str, body: &[u8]) -> (StatusCode, Value) {
        let signature = sign(SECRET, body);
        let headers = [
            ("Content-Type", "application/json"),
            ("X-GitHub-Event", event),
            ("X-GitHub-Delivery", id),
            ("X-Hub-Signature-256", &signature),
        ];
        answer(self.webhook(&headers, body.to_vec())).await
    }

    /// Sends a payload that must be applied.
    pub async fn apply(&self, event: &str, id: &str, payload: &Value) {
        let (status, answer) = self.send(event, id, payload.to_string().as_bytes()).await;
        assert_eq!(
            (status, outcome(&answer)),
            (StatusCode::OK, "applied"),
            "{event} {id}: {answer}"
        );
    }

    /// Replays a delivery of a story; answers its outcome.
    pub async fn replay(&self, delivery: &RecordedDelivery) -> String {
        let id = delivery.header("X-GitHub-Delivery");
        let (status, answer) = self.send(delivery.event(), id, &delivery.body).await;
        assert_eq!(status, StatusCode::OK, "{}: {answer}", delivery.file);
        outcome(&answer).to_owned()
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(TOKEN)
    }

    /// An API read that must succeed.
    pub async fn get(&self, path: &str) -> Value {
        let (status, answer) = answer(self.request(Method::GET, path)).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// All items of a list route.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        self.get(path).await["items"].as_array().expect("items").clone()
    }

    /// All changes so far.
    pub async fn changes(&self) -> Vec<Value> {
        let page = self.get("/v1/changes?after=0&limit=1000").await;
        page["changes"].as_array().expect("changes").clone()
    }

    /// `kind state` of all nudges, in the order of their creation.
    pub async fn nudges(&self) -> Vec<String> {
        let items = self.items("/v1/nudges?limit=1000").await;
        let word = |item: &Value, key: &str| item[key].as_str().expect("a word").to_owned();
        items.iter().map(|n| format!("{} {}", word(n, "kind"), word(n, "state"))).collect()
    }

    /// The rows of a query, each value as text, from a connection of the test's own.
    pub fn sql(&self, query: &str) -> Vec<Vec<String>> {
        let connection = rusqlite::Connection::open(self.db()).expect("the database");
        let mut statement = connection.prepare(query).expect("a query");
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let cell = |index| row.get::<_, rusqlite::types::Value>(index);
            (0..columns)
                .map(|index| {
                    Ok(match cell(index)? {
                        rusqlite::types::Value::Null => "null".to_owned(),
                        rusqlite::types::Value::Integer(number) => number.to_string(),
                        rusqlite::types::Value::Text(text) => text,
                        other @ (rusqlite::types::Value::Real(_)
                        | rusqlite::types::Value::Blob(_)) => format!("{other:?}"),
                    })
                })
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        statement.query_map((), row).expect("rows").collect::<Result<_, _>>().expect("rows")
    }

    /// Runs statements from a connection of the test's own.
    pub fn execute(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.db()).expect("the database");
        connection.busy_timeout(Duration::from_secs(5)).expect("a timeout");
        connection.execute_batch(sql).expect("statements");
    }
}

/// The value of `X-Hub-Signature-256`.
pub fn sign(secret: &str, body: &[u8]) -> String {
    Secrets::new([secret]).expect("a secret").sign(body)
}

pub fn outcome(answer: &Value) -> &str {
    answer["outcome"].as_str().unwrap_or_default()
}

/// Sends a request; answers its status and its JSON, `null` where there is none.
pub async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}
