//! Telling the human: signed, retried, never lost, and never twice under one id.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use nudged::config::{NotifyFormat, Secret, SigningSecret};
use serde_json::{Value, json};

use crate::crash;
use crate::payloads::{check, pull, sha};
use crate::world::{SECRET, TOKEN, World, sign};

const KEY: &[u8] = b"a key of the tests, 32 bytes long";
const PATH: &str = "/hooks/a-path-that-is-a-secret";

/// What a receiver does with one request; afterwards it says yes.
#[derive(Clone, Copy)]
enum Mood {
    Say(u16),
    After(u32),
    Redirect,
    Silence,
}

struct Heard {
    headers: HeaderMap,
    body: Bytes,
    taken: bool,
}

#[derive(Clone, Default)]
struct Human {
    moods: Arc<Mutex<VecDeque<Mood>>>,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Human {
    /// Listens at the address, or at a free one.
    async fn listen(&self, at: &str) -> (String, tokio::task::JoinHandle<()>) {
        let listener = tokio::net::TcpListener::bind(at).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = axum::Router::new().fallback(hear).with_state(self.clone());
        let serving = tokio::spawn(async move { nudged_serve(listener, router).await });
        (address.to_string(), serving)
    }

    fn will(&self, moods: impl IntoIterator<Item = Mood>) {
        self.moods.lock().expect("moods").extend(moods);
    }

    /// `webhook-id` and whether it was taken, of each request.
    fn ids(&self) -> Vec<(String, bool)> {
        let id = |heard: &Heard| (text(&heard.headers, "webhook-id"), heard.taken);
        self.heard.lock().expect("heard").iter().map(id).collect()
    }

    fn bodies(&self) -> Vec<Value> {
        let heard = self.heard.lock().expect("heard");
        heard.iter().map(|heard| serde_json::from_slice(&heard.body).expect("JSON")).collect()
    }
}

async fn nudged_serve(listener: tokio::net::TcpListener, router: axum::Router) {
    let limits = nudged::http::Limits::default();
    let (_open, never) = tokio::sync::watch::channel(false);
    nudged::http::serve(listener, router, &limits, never).await;
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned()).unwrap_or_default()
}

async fn hear(State(human): State<Human>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(uri.path(), PATH, "no redirect was followed");
    let mood = human.moods.lock().expect("moods").pop_front();
    let taken = mood.is_none();
    human.heard.lock().expect("heard").push(Heard { headers, body, taken });
    let say = |code| StatusCode::from_u16(code).expect("a status");
    match mood {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(Mood::Say(code)) => say(code).into_response(),
        Some(Mood::After(seconds)) => {
            (say(429), [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Some(Mood::Redirect) => {
            (say(307), [(header::LOCATION, "http://127.0.0.1:9/private")]).into_response()
        }
        Some(Mood::Silence) => std::future::pending().await,
    }
}

async fn world(human: &Human) -> World {
    let (address, _) = human.listen("127.0.0.1:0").await;
    telling(&address).await
}

async fn telling(address: &str) -> World {
    World::with(|settings| {
        settings.notify_url = Some(Secret::new(format!("http://{address}{PATH}")));
        let key = format!("whsec_{}", STANDARD.encode(KEY));
        settings.notify_secret = SigningSecret::parse(&key);
        settings.notify_timeout = Duration::from_millis(400);
    })
    .await
}

/// A pull request that was closed: one nudge to the human.
async fn close(world: &World, number: u64) {
    let seconds = i64::try_from(number).expect("small");
    let open = pull("opened", seconds, &sha(number), 0, json!({}));
    world.apply("pull_request", &format!("open-{number}"), &open).await;
    let closed = pull("closed", seconds, &sha(number), 10, json!({"state": "closed"}));
    world.apply("pull_request", &format!("close-{number}"), &closed).await;
}

fn pending(world: &World) -> String {
    world.sql("SELECT count(*) FROM tasks")[0][0].clone()
}

#[tokio::test]
async fn the_human_is_told_once_signed_and_the_agent_is_not() {
    let human = Human::default();
    let world = world(&human).await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("check_run", "2", &check("build", &sha(1), 11, json!("failure"), 5)).await;
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    assert_eq!(world.deliver().await, 0, "an agent's");
    close(&world, 2).await;
    assert_eq!((world.deliver().await, world.deliver().await), (1, 0));
    let nudge = world.items("/v1/nudges?audience=human").await.remove(0);
    assert_eq!((&nudge["state"], &nudge["attempts"]), (&json!("delivered"), &json!(1)));
    assert!(nudge["deliveredAt"].is_string());
    assert_eq!(pending(&world), "0");

    let body = human.bodies().remove(0);
    assert_eq!(body["type"], "nudge.created");
    assert_eq!(body["timestamp"], nudge["createdAt"]);
    assert_eq!(body["data"]["body"], nudge["body"]);
    assert_eq!(body["data"]["id"], nudge["id"]);
    let heard = human.heard.lock().expect("heard");
    let [id, at, signature] = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| text(&heard[0].headers, name));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY).expect("a key");
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(&heard[0].body);
    assert_eq!(signature, format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    assert!(id.starts_with("msg_") && !id.contains('.'), "{id}");
    assert_eq!(at, "1800000000");
}

#[tokio::test]
async fn an_hour_of_trouble_and_a_restart_lose_nothing_and_repeat_no_id() {
    let human = Human::default();
    let (address, serving) = human.listen("127.0.0.1:0").await;
    let mut world = telling(&address).await;
    close(&world, 1).await;
    human.will([Mood::Say(500), Mood::Redirect, Mood::Silence, Mood::Say(404)]);
    for _ in 0..4 {
        assert_eq!(world.deliver().await, 1);
        assert_eq!(world.deliver().await, 0, "not before its time");
        world.pass(60);
    }
    let error = world.sql("SELECT attempts, last_error FROM tasks").remove(0);
    assert_eq!(error, ["4", "answered 404 Not Found"]);
    // Nobody listens any more, and others are added.
    serving.abort();
    let _ = serving.await;
    close(&world, 2).await;
    for _ in 0..3 {
        world.pass(600);
        world.deliver().await;
    }
    world.restart().await;
    close(&world, 3).await;
    world.pass(1_800);
    world.deliver().await;
    assert_eq!(pending(&world), "3");
    let (_, _serving) = human.listen(&address).await;
    world.pass(3_600);
    assert_eq!(world.deliver().await, 3);
    world.pass(7_200);
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.nudges().await, ["pr-closed delivered"; 3]);
    let ids = human.ids();
    let mut taken: Vec<_> = ids.iter().filter(|(_, taken)| *taken).map(|(id, _)| id).collect();
    taken.sort();
    taken.dedup();
    assert_eq!((taken.len(), ids.len()), (3, 7), "{ids:?}");
    assert!(ids[..4].iter().all(|(id, _)| *id == ids[0].0), "{ids:?}");
}

#[tokio::test]
async fn retry_after_is_heeded_and_gone_and_three_days_are_the_end() {
    let human = Human::default();
    let world = world(&human).await;
    human.will([Mood::After(300), Mood::Say(410)]);
    close(&world, 1).await;
    assert_eq!(world.deliver().await, 1);
    world.pass(299);
    assert_eq!(world.deliver().await, 0);
    world.pass(1);
    assert_eq!(world.deliver().await, 1);
    assert_eq!(world.nudges().await, ["pr-closed failed"]);

    human.will([Mood::Say(503); 200]);
    close(&world, 2).await;
    let mut attempts = 0;
    for _ in 0..73 {
        attempts += world.deliver().await;
        world.pass(3_600);
    }
    assert_eq!(world.nudges().await[1], "pr-closed failed");
    assert!((60..90).contains(&attempts), "{attempts}");
    assert_eq!(pending(&world), "0");
}

#[tokio::test]
async fn what_is_no_longer_true_or_already_known_is_not_sent() {
    let human = Human::default();
    let world = world(&human).await;
    human.will([Mood::Say(500)]);
    close(&world, 1).await;
    assert_eq!(world.deliver().await, 1);
    world.apply("pull_request", "r", &pull("reopened", 1, &sha(1), 20, json!({}))).await;
    close(&world, 2).await;
    let id = world.items("/v1/nudges?state=pending").await[0]["id"].clone();
    let acknowledge = world.request(reqwest::Method::POST, &format!("/v1/nudges/{id}/ack"));
    assert!(acknowledge.send().await.expect("an answer").status().is_success());
    world.pass(7_200);
    assert_eq!((world.deliver().await, pending(&world).as_str()), (0, "0"));
    assert_eq!(world.nudges().await, ["pr-closed superseded", "pr-closed acknowledged"]);
}

#[tokio::test]
async fn the_runner_wakes_when_a_nudge_commits_and_ends_with_the_server() {
    let human = Human::default();
    let mut world = world(&human).await;
    let outbox = world.running().outbox.clone();
    let runner = tokio::spawn(outbox.run());
    for number in 1..=9 {
        close(&world, number).await;
    }
    let all_told = async {
        let mut after = "0".to_owned();
        while pending(&world) != "0" {
            let path = format!("/v1/changes?after={after}&type=nudge_updated&wait=20");
            let page = world.get(&path).await;
            page["next"].as_str().expect("a cursor").clone_into(&mut after);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all_told).await.expect("told");
    assert_eq!(world.nudges().await, ["pr-closed delivered"; 9]);
    assert_eq!(human.ids().len(), 9);
    world.restart().await;
    tokio::time::timeout(Duration::from_secs(5), runner)
        .await
        .expect("ended")
        .expect("well")
        .expect("well");
}

#[tokio::test]
async fn slack_gets_its_own_form_unsigned() {
    let human = Human::default();
    let (address, _) = human.listen("127.0.0.1:0").await;
    let world = World::with(|settings| {
        settings.notify_url = Some(Secret::new(format!("http://{address}{PATH}")));
        settings.notify_format = NotifyFormat::Slack;
    })
    .await;
    close(&world, 1).await;
    assert_eq!(world.deliver().await, 1);
    let body = human.bodies().remove(0);
    assert_eq!(body.as_object().expect("an object").len(), 1);
    assert!(body["text"].as_str().expect("a text").contains("pull/1"), "{body}");
    assert!(human.heard.lock().expect("heard")[0].headers.get("webhook-signature").is_none());
    assert!(!world.folder().join("notify-secret").exists());
}

#[tokio::test]
async fn without_an_address_nothing_waits_and_metrics_count_what_nudges_became() {
    let world = World::new().await;
    close(&world, 1).await;
    assert_eq!(world.deliver().await, 0);
    assert_eq!(pending(&world), "0");
    let metrics = reqwest::get(world.url("/metrics")).await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    for line in [
        "nudged_nudges_total{kind=\"pr-closed\",state=\"pending\"}",
        "nudged_nudges_total{kind=\"agent-idle\",state=\"held\"} 0",
        "nudged_timers_due",
        "nudged_outbox_pending",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
}

/// A server of its own, since a process has one log.
#[tokio::test]
async fn neither_secrets_nor_the_path_are_shown() {
    let human = Human::default();
    let (address, _) = human.listen("127.0.0.1:0").await;
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let url = format!("http://{address}{PATH}?token=hush");
    let settings = [("NUDGED_NOTIFY_URL", url.as_str()), ("NUDGED_LOG", "trace")];
    let mut server = crash::serve(&folder.path().join("nudged.db"), &settings, Some(&log));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for (id, action, state, at) in
        [("open-1", "opened", "open", 0), ("close-1", "closed", "closed", 10)]
    {
        let body = pull(action, 1, &sha(1), at, json!({"state": state})).to_string();
        let request = client
            .post(format!("{}/webhooks/github", server.url))
            .header("Content-Type", "application/json")
            .header("X-GitHub-Event", "pull_request")
            .header("X-GitHub-Delivery", id)
            .header("X-Hub-Signature-256", sign(SECRET, body.as_bytes()))
            .body(body);
        assert!(request.send().await.expect("an answer").status().is_success());
    }
    let told = format!("{}/v1/nudges?state=delivered&wait=30", server.url);
    let told = client.get(told).bearer_auth(TOKEN).send().await.expect("an answer");
    let told = told.text().await.expect("text");
    assert!(told.contains("pr-closed"), "{told}");
    server.stop();
    let secret = std::fs::read_to_string(folder.path().join("notify-secret")).expect("a file");
    let log = std::fs::read_to_string(&log).expect("a log");
    assert!(log.contains("the human was told") && log.contains("delivery=\"close-1\""), "{log}");
    for hidden in [PATH, "hush", secret.trim(), TOKEN, SECRET] {
        assert!(!log.contains(hidden) && !told.contains(hidden), "{hidden} is shown");
    }
}

/// Runs `nudged notify test` with these settings; its exit code, stdout and stderr.
async fn tried(
    folder: &std::path::Path,
    args: &[&str],
    env: &[(&str, &str)],
) -> (i32, String, String) {
    let mut command = crate::commands::nudged(folder, &[&["notify", "test"], args].concat());
    command.envs(env.iter().copied());
    crate::commands::told(crate::commands::output(command).await)
}

#[tokio::test]
async fn a_test_message_is_sent_as_nudges_are_and_the_answer_told() {
    let (human, folder) = (Human::default(), tempfile::tempdir().expect("a folder"));
    let (address, _) = human.listen("127.0.0.1:0").await;
    let url = format!("http://{address}{PATH}");
    let key = format!("whsec_{}", STANDARD.encode(KEY));
    let set = [("NUDGED_NOTIFY_URL", &*url), ("NUDGED_NOTIFY_SECRET", &*key)];
    let (code, out, err) = tried(folder.path(), &[], &set).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.contains("127.0.0.1") && out.contains("standard") && out.contains("took it"),
        "{out}"
    );
    assert!(!out.contains(PATH) && !out.contains(&key), "a secret is shown: {out}");
    let body = human.bodies().remove(0);
    assert_eq!([&body["type"], &body["data"]["audience"]], ["nudge.created", "human"]);
    assert_eq!(body["data"]["test"], true);
    {
        let heard = human.heard.lock().expect("heard");
        let [id, at, signature] = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .map(|name| text(&heard[0].headers, name));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY).expect("a key");
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(&heard[0].body);
        assert_eq!(signature, format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    }
    // It has every field that a real one has.
    let world = world(&Human::default()).await;
    close(&world, 1).await;
    let real = world.items("/v1/nudges").await.remove(0);
    for field in real.as_object().expect("an object").keys() {
        assert!(body["data"].get(field).is_some(), "{field}");
    }

    human.will([Mood::Say(500), Mood::Redirect]);
    let (code, out, _) = tried(folder.path(), &["--json"], &set).await;
    let said: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &said["status"], &said["taken"]), (1, &json!(500), &json!(false)));
    let (code, out, _) = tried(folder.path(), &[], &set).await;
    assert!(code == 1 && out.contains("redirects are not followed"), "{out}");
    let slack = [set[0], ("NUDGED_NOTIFY_FORMAT", "slack")];
    assert_eq!(tried(folder.path(), &[], &slack).await.0, 0);
    let told = human.bodies().pop().expect("a message");
    assert!(told["text"].as_str().is_some_and(|text| text.contains("This is a test")), "{told}");
    let down = [("NUDGED_NOTIFY_URL", "http://127.0.0.1:1/x"), set[1]];
    assert_eq!(tried(folder.path(), &[], &down).await.0, 1);
    let (code, _, err) = tried(folder.path(), &[], &[]).await;
    assert!(code == 2 && err.contains("NUDGED_NOTIFY_URL"), "{err}");
}
