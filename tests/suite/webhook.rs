//! Webhooks through the front door: who is let in, what is kept, and that once is once.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::pin::pin;
use std::time::Duration;

use futures_util::poll;
use futures_util::stream::{FuturesUnordered, StreamExt};
use nudged::config::Secret;
use nudged::domain::{Delivery, Verdict};
use nudged::engine::{EngineError, QUEUE};
use nudged::http::MAX_BODY;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::payloads::{check, pull, sha};
use crate::stories::story;
use crate::world::{SECRET, World, answer, outcome, sign};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const EVENT: (&str, &str) = ("X-GitHub-Event", "pull_request");
const ID: (&str, &str) = ("X-GitHub-Delivery", "d-1");
const SIGNATURE: &str = "X-Hub-Signature-256";

fn opened() -> String {
    pull("opened", 1, &sha(1), 0, json!({})).to_string()
}

/// How many rows there are of everything that a delivery could leave behind.
pub fn rows(world: &World) -> Vec<(String, String)> {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                  AND name NOT IN ('meta', 'cause') ORDER BY name";
    let count = |table: String| {
        let count = world.sql(&format!("SELECT count(*) FROM {table}"))[0][0].clone();
        (table, count)
    };
    world.sql(tables).into_iter().map(|mut row| count(row.remove(0))).collect()
}

/// Nothing at all was stored, except what is named.
fn assert_empty_but(world: &World, but: &[&str], context: &str) {
    let filled: Vec<_> = rows(world).into_iter().filter(|(_, count)| count != "0").collect();
    let names: Vec<&str> = filled.iter().map(|(table, _)| table.as_str()).collect();
    assert_eq!(names, but, "{context}: {filled:?}");
}

#[tokio::test]
async fn without_a_signature_of_ours_nothing_gets_in() {
    let world = World::new().await;
    let body = opened();
    let good = sign(SECRET, body.as_bytes());
    let (foreign, of_other) = (sign("another", body.as_bytes()), sign(SECRET, b"{}"));
    let sha1 = "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6";
    let (short, long, twice) = (&good[..70], format!("{good}0"), format!("{good},{good}"));
    let cases: [&[(&str, &str)]; 13] = [
        &[],
        &[(SIGNATURE, "")],
        &[(SIGNATURE, "sha256=")],
        &[(SIGNATURE, short)],
        &[(SIGNATURE, &long)],
        &[(SIGNATURE, &good[7..])],
        &[(SIGNATURE, &good.replace("sha256=", "sha512="))],
        &[(SIGNATURE, &"sha256=".to_owned().add_hex("zz"))],
        &[(SIGNATURE, &foreign)],
        &[(SIGNATURE, &of_other)],
        &[(SIGNATURE, sha1)],
        &[("X-Hub-Signature", sha1)],
        &[(SIGNATURE, &twice)],
    ];
    for case in cases {
        let (status, error) =
            answer(world.webhook(&[&[JSON, EVENT, ID], case].concat(), body.clone())).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{case:?}: {error}");
        let code = error["error"]["code"].as_str().unwrap_or_default();
        assert!(code.starts_with("signature_"), "{case:?}: {error}");
        assert!(error["error"]["message"].as_str().is_some_and(|text| !text.contains(SECRET)));
    }
    let both = [JSON, EVENT, ID, (SIGNATURE, &good), (SIGNATURE, &foreign)];
    assert_eq!(answer(world.webhook(&both, body.clone())).await.0, StatusCode::UNAUTHORIZED);
    assert_empty_but(&world, &[], "refused");
    // And that with it, the very same is let in.
    let headers = [JSON, EVENT, ID, (SIGNATURE, &*good)];
    assert_eq!(outcome(&answer(world.webhook(&headers, body)).await.1), "applied");
}

trait AddHex {
    fn add_hex(self, pair: &str) -> String;
}

impl AddHex for String {
    fn add_hex(mut self, pair: &str) -> String {
        self.extend(std::iter::repeat_n(pair, 32));
        self
    }
}

#[tokio::test]
async fn while_secrets_rotate_each_of_them_opens() {
    let secrets = || vec![Secret::new("the old one"), Secret::new("the new one")];
    let world = World::with(|settings| settings.webhook_secrets = secrets()).await;
    for (secret, id, status) in
        [("the old one", "1", 200), ("the new one", "2", 200), (SECRET, "3", 401)]
    {
        let signature = sign(secret, b"{}");
        let headers =
            [JSON, ("X-GitHub-Event", "ping"), ("X-GitHub-Delivery", id), (SIGNATURE, &signature)];
        assert_eq!(answer(world.webhook(&headers, "{}")).await.0, status, "{secret}");
    }
}

/// <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
#[tokio::test]
async fn the_signature_of_the_documentation_holds() {
    let documented = || vec![Secret::new("It's a Secret to Everybody")];
    let world = World::with(|settings| settings.webhook_secrets = documented()).await;
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let headers = [JSON, ("X-GitHub-Event", "ping"), ID, (SIGNATURE, signature)];
    let (status, told) = answer(world.webhook(&headers, "Hello, World!")).await;
    assert_eq!((status, outcome(&told)), (StatusCode::OK, "ignored"), "{told}");
    // The raw bytes are signed: not what they mean, and nothing that cannot be read comes before it.
    for other in ["Hello, World! ", "hello, World!", "{}", ""] {
        let (status, told) = answer(world.webhook(&headers, other)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{other:?}: {told}");
    }
}

#[tokio::test]
async fn headers_that_are_missing_and_types_that_are_not_taken() {
    let world = World::new().await;
    let body = opened();
    let signature = sign(SECRET, body.as_bytes());
    let long = "x".repeat(300);
    type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);
    let cases: [Case<'_>; 9] = [
        (&[JSON, EVENT], 400, "X-GitHub-Delivery"),
        (&[JSON, ID], 400, "X-GitHub-Event"),
        (&[JSON, EVENT, ("X-GitHub-Delivery", " ")], 400, "X-GitHub-Delivery"),
        (&[JSON, ID, ("X-GitHub-Event", "")], 400, "X-GitHub-Event"),
        (&[JSON, EVENT, ("X-GitHub-Delivery", &long)], 400, "X-GitHub-Delivery"),
        (&[EVENT, ID], 415, "application/json"),
        (&[EVENT, ID, ("Content-Type", "text/plain")], 415, "application/json"),
        (&[EVENT, ID, ("Content-Type", "application/jsonp")], 415, "application/json"),
        (
            &[EVENT, ID, ("Content-Type", "multipart/form-data; boundary=x")],
            415,
            "application/json",
        ),
    ];
    for (headers, expected, word) in cases {
        let headers = [headers, &[(SIGNATURE, &*signature)]].concat();
        let (status, error) = answer(world.webhook(&headers, body.clone())).await;
        assert_eq!(status, expected, "{headers:?}: {error}");
        assert!(error["error"]["message"].to_string().contains(word), "{headers:?}: {error}");
    }
    assert_empty_but(&world, &[], "refused");
    let charset = ("Content-Type", "Application/JSON; charset=utf-8");
    let headers = [charset, EVENT, ID, (SIGNATURE, &*signature)];
    assert_eq!(answer(world.webhook(&headers, body)).await.0, StatusCode::OK);
}

/// Says `head`, then `chunks` of a MiB as long as the server listens; its status line.
fn shout(server: std::net::SocketAddr, head: &str, chunks: usize) -> String {
    let mut stream = TcpStream::connect(server).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let signature = format!("{SIGNATURE}: sha256={}", "0".repeat(64));
    let head = format!(
        "POST /webhooks/github HTTP/1.1\r\nHost: nudged\r\nContent-Type: application/json\r\n\
         X-GitHub-Event: ping\r\nX-GitHub-Delivery: 1\r\n{signature}\r\n{head}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("said");
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 1 << 20], b"\r\n"].concat();
    for _ in 0..chunks {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let mut answer = [0; 4_096];
    let length = stream.read(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_over_25_mib_are_refused_unread() {
    let world = World::new().await;
    let server = world.running().addr;
    for (head, chunks) in [
        // Not a byte of the body is sent: the answer cannot wait for it.
        (format!("Content-Length: {}", MAX_BODY + 1), 0),
        ("Transfer-Encoding: chunked".to_owned(), 26),
    ] {
        let asked = head.clone();
        let answer = tokio::task::spawn_blocking(move || shout(server, &asked, chunks)).await;
        let answer = answer.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 413"), "{head}: {answer}");
        assert!(answer.contains("body_too_large"), "{head}: {answer}");
    }
    assert_empty_but(&world, &[], "refused");
    let mut largest = b"{}".to_vec();
    largest.resize(MAX_BODY, b' ');
    let (status, answer) = world.send("ping", "largest", &largest).await;
    assert_eq!((status, outcome(&answer)), (StatusCode::OK, "ignored"), "{answer}");
}

#[tokio::test]
async fn forms_carry_the_same_json() {
    let world = World::new().await;
    let payload: String = form_urlencoded::byte_serialize(opened().as_bytes()).collect();
    for (body, id, status, word) in [
        (format!("a=b&payload={payload}"), "1", 200, "applied"),
        (format!("payloads={payload}"), "2", 400, ""),
        (String::new(), "3", 400, ""),
    ] {
        let signature = sign(SECRET, body.as_bytes());
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let headers = [form, EVENT, ("X-GitHub-Delivery", id), (SIGNATURE, &signature)];
        let (found, answer) = answer(world.webhook(&headers, body)).await;
        assert_eq!((found.as_u16(), outcome(&answer)), (status, word), "{id}: {answer}");
    }
    assert_eq!(world.items("/v1/pulls").await.len(), 1);
    assert_eq!(world.items("/v1/deliveries").await.len(), 1);
}

#[tokio::test]
async fn what_is_of_no_interest_is_ignored_and_what_should_be_understood_is_kept() {
    let world = World::new().await;
    let mut unknown: Value = serde_json::from_str(&opened()).expect("JSON");
    unknown["action"] = json!("teleported");
    let unknown = unknown.to_string();
    for (event, body, word) in [
        ("ping", r#"{"zen": "Keep it logically awesome.", "hook_id": 1}"#, "ignored"),
        ("ping", "not even JSON", "ignored"),
        ("star", r#"{"action": "created"}"#, "ignored"),
        ("an_event_of_next_year", "{}", "ignored"),
        ("pull_request", &unknown, "quarantined"),
    ] {
        let id = format!("{event}-{}", body.len());
        let (status, answer) = world.send(event, &id, body.as_bytes()).await;
        assert_eq!((status, outcome(&answer)), (StatusCode::OK, word), "{event}: {answer}");
        assert_eq!(answer["delivery"], json!(id));
    }
    assert_empty_but(&world, &["deliveries"], "nothing was applied");
    let kept = world.items("/v1/deliveries?outcome=quarantined").await;
    assert_eq!(kept.len(), 1);
    assert!(kept[0]["reason"].to_string().contains("teleported"), "{kept:?}");
    assert_eq!(
        body_of(&world, "pull_request-", unknown.len()).as_deref(),
        Some(unknown.as_bytes())
    );
    let bodies = "SELECT count(*) FROM deliveries WHERE body IS NOT NULL";
    assert_eq!(world.sql(bodies), [["1"]], "bodies of what is only ignored are not kept");
}

/// GitHub adds values and leaves out fields without notice.
#[tokio::test]
async fn new_values_and_missing_fields_are_normal() {
    let world = World::new().await;
    let mut bare = pull("opened", 1, &sha(1), 0, json!({}));
    for field in ["user", "draft", "merged", "merged_at", "mergeable", "mergeable_state"] {
        bare["pull_request"].as_object_mut().expect("an object").remove(field);
    }
    bare["pull_request"]["head"]["repo"] = Value::Null;
    world.apply("pull_request", "bare", &bare).await;
    let shown = world.get("/v1/pulls/acme/rocket/1").await;
    assert_eq!((&shown["state"], &shown["author"]), (&json!("open"), &json!("ghost")), "{shown}");

    for (run, status, conclusion) in [
        (11, "levitating", "success"),
        (12, "completed", "splendid"),
        (13, "levitating", "failure"),
    ] {
        let mut new = check("build", &sha(1), run, json!(conclusion), 10);
        new["check_run"]["status"] = json!(status);
        for field in ["app", "output", "check_suite", "html_url", "started_at", "completed_at"] {
            new["check_run"].as_object_mut().expect("an object").remove(field);
        }
        world.apply("check_run", &run.to_string(), &new).await;
        let shown = world.get("/v1/pulls/acme/rocket/1").await;
        let check = &shown["checks"][0];
        assert_eq!((&check["name"], &check["status"]), (&json!("build"), &json!("unknown")));
        assert_eq!(shown["ci"], "unknown", "{status} {conclusion}");
    }

    // Where a new value is all that matters, the body is kept.
    for (event, pointer, id) in [
        ("pull_request", "/pull_request/state", "state"),
        ("pull_request_review", "/review/state", "review"),
    ] {
        let mut payload = crate::payloads::review(1, &sha(1), 81, 9, "approved", 20);
        payload["action"] = json!(if event == "pull_request" { "labeled" } else { "submitted" });
        *payload.pointer_mut(pointer).expect("a field") = json!("sublimated");
        let (status, told) = world.send(event, id, payload.to_string().as_bytes()).await;
        assert_eq!((status, outcome(&told)), (StatusCode::OK, "quarantined"), "{event}: {told}");
        let kept = format!("SELECT body IS NOT NULL FROM deliveries WHERE guid = '{id}'");
        assert_eq!(world.sql(&kept), [["1"]]);
    }
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["state"], "open");
}

/// The body that the ledger keeps of a delivery.
fn body_of(world: &World, prefix: &str, number: usize) -> Option<Vec<u8>> {
    let connection = rusqlite::Connection::open(world.db()).expect("the database");
    let select = "SELECT body FROM deliveries WHERE guid = ?1";
    let kept: Option<Vec<u8>> = connection
        .query_row(select, [format!("{prefix}{number}")], |row| row.get(0))
        .expect("a delivery");
    kept.map(|kept| zstd::decode_all(&*kept).expect("zstd"))
}

#[tokio::test]
async fn a_quarantined_delivery_sent_again_in_a_readable_form_is_applied() {
    let world = World::new().await;
    let (_, first) = world.send("pull_request", "q-1", b"{\"action\": \"opened\"").await;
    assert_eq!(outcome(&first), "quarantined");
    let (_, again) = world.send("pull_request", "q-1", b"{\"action\": \"opened\"").await;
    assert_eq!(outcome(&again), "duplicate");
    assert!(body_of(&world, "q-", 1).is_some());
    let (_, readable) = world.send("pull_request", "q-1", opened().as_bytes()).await;
    assert_eq!(outcome(&readable), "applied");
    let ledger = world.items("/v1/deliveries").await;
    assert_eq!((ledger.len(), &ledger[0]["outcome"]), (1, &json!("applied")));
    assert_eq!((ledger[0]["reason"].clone(), body_of(&world, "q-", 1)), (Value::Null, None));
    assert_eq!(world.items("/v1/pulls").await.len(), 1);
    assert_eq!(
        outcome(&world.send("pull_request", "q-1", opened().as_bytes()).await.1),
        "duplicate"
    );
}

#[tokio::test]
async fn changes_name_the_delivery_that_caused_them() {
    let world = World::new().await;
    for (index, delivery) in story("plain-life").iter().enumerate() {
        let before = world.changes().await.len();
        world.send(delivery.event(), &format!("delivery-{index}"), &delivery.body).await;
        for change in &world.changes().await[before..] {
            assert_eq!(change["cause"], json!(format!("delivery:delivery-{index}")), "{change}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_is_busy_and_not_a_loss() {
    let world = World::new().await;
    let holder = rusqlite::Connection::open(world.db()).expect("the database");
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let response = world.request(Method::POST, "/webhooks/github");
    let (body, signature) = (opened(), sign(SECRET, opened().as_bytes()));
    let headers = [JSON, EVENT, ID, (SIGNATURE, &signature)];
    let response =
        headers.iter().fold(response, |request, (name, value)| request.header(*name, *value));
    let response = response.body(body.clone()).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers()["retry-after"].to_str().is_ok_and(|it| it.parse::<u32>().is_ok()));
    assert_eq!(response.json::<Value>().await.expect("JSON")["error"]["code"], "unavailable");
    holder.execute_batch("ROLLBACK").expect("released");
    assert_empty_but(&world, &[], "refused");
    assert_eq!(outcome(&answer(world.webhook(&headers, body)).await.1), "applied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_says_busy_at_once_and_loses_nothing_it_took() {
    let world = World::new().await;
    let holder = rusqlite::Connection::open(world.db()).expect("the database");
    holder.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let waits = |number: usize| Delivery {
        hook: String::new(),
        guid: number.to_string(),
        event: "ping".to_owned(),
        action: None,
        repo: None,
        verdict: Verdict::Ignored("ping".to_owned()),
        body: Default::default(),
    };
    let engine = &world.running().engine;
    // One that the writer has in its hands, then a full queue, and one too many.
    let mut held = pin!(engine.receive(waits(0)));
    assert!(poll!(held.as_mut()).is_pending());
    while engine.queue().0 > 0 {
        tokio::task::yield_now().await;
    }
    let mut all: FuturesUnordered<_> =
        (1..=QUEUE + 1).map(|number| engine.receive(waits(number))).collect();
    let first = all.next().await.expect("an answer");
    assert!(matches!(first, Err(EngineError::Busy)), "{first:?}");
    let (status, _) = world.send("ping", "late", b"{}").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    holder.execute_batch("ROLLBACK").expect("released");
    held.await.expect("taken");
    all.map(|answer| answer.expect("taken")).collect::<Vec<_>>().await;
    assert_eq!(world.sql("SELECT count(*) FROM deliveries"), [[(QUEUE + 1).to_string()]]);
    assert_eq!(world.send("ping", "late", b"{}").await.0, StatusCode::OK);
}
