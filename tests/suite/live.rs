//! The change feed as a stream of events: what comes, in which order, from where, and when it ends.

use std::cell::Cell;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nudged::http::Limits;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::payloads::{check, pull, sha};
use crate::world::{TOKEN, World, answer};

/// Nothing here takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One event as it came.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    id: Option<String>,
    name: String,
    data: Value,
}

/// How a stream ended.
#[derive(Debug, PartialEq)]
enum End {
    Clean,
    Broken,
}

/// A stream being read.
struct Feed {
    response: Response,
    buffer: Vec<u8>,
}

impl Feed {
    /// Asks for a stream, which must begin.
    async fn open(world: &World, query: &str, last: Option<&str>) -> Self {
        let request = ask(world, query, last).header("Accept-Encoding", "gzip");
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        Self { response, buffer: Vec::new() }
    }

    /// The next block, with what it is in front of `\n\n`.
    async fn block(&mut self) -> Result<String, End> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Ok(String::from_utf8(block).expect("UTF-8"));
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            match chunk.expect("something in time") {
                Ok(Some(chunk)) => self.buffer.extend(chunk),
                Ok(None) => return Err(End::Clean),
                Err(_) => return Err(End::Broken),
            }
        }
    }

    /// The next event, heartbeats too.
    async fn event(&mut self) -> Result<Event, End> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| {
                let mut lines = block.lines().filter_map(|line| line.split_once(": "));
                lines.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
            };
            if let Some(name) = field("event") {
                let data = field("data").expect("one line of data");
                let data = serde_json::from_str(&data).expect("JSON");
                return Ok(Event { id: field("id"), name, data });
            }
        }
    }

    /// The next event that is no heartbeat.
    async fn change(&mut self) -> Result<Event, End> {
        let change = async {
            loop {
                let event = self.event().await?;
                if event.name != "heartbeat" {
                    return Ok(event);
                }
            }
        };
        tokio::time::timeout(PATIENCE, change).await.expect("a change in time")
    }

    /// Changes until that with this `seq`.
    async fn until(&mut self, seq: i64) -> Vec<Event> {
        let mut events = Vec::new();
        while events.last().is_none_or(|event: &Event| event.data["seq"] != seq) {
            events.push(self.change().await.expect("a change"));
        }
        events
    }
}

fn ask(world: &World, query: &str, last: Option<&str>) -> reqwest::RequestBuilder {
    let request = world
        .request(Method::GET, &format!("/v1/changes{query}"))
        .header("Accept", "text/event-stream");
    match last {
        Some(last) => request.header("Last-Event-ID", last),
        None => request,
    }
}

fn seqs(events: &[Event]) -> Vec<i64> {
    events.iter().map(|event| event.data["seq"].as_i64().expect("a seq")).collect()
}

/// Limits for tests that cannot wait long.
fn hasty() -> Limits {
    Limits { heartbeat: Duration::from_millis(100), ..Limits::default() }
}

async fn hasty_world() -> World {
    World::within(hasty(), |_| {}).await
}

/// Opens a pull request and reports some checks of it.
async fn work(world: &World, number: i64) {
    let head = sha(number.unsigned_abs());
    let id = |step: i64| format!("{number}-{step}");
    world.apply("pull_request", &id(0), &pull("opened", number, &head, number, json!({}))).await;
    for step in 1..=4 {
        let run = number * 10 + step;
        let name = format!("build-{step}");
        let check = check(&name, &head, run, json!("success"), number + step);
        world.apply("check_run", &id(step), &check).await;
    }
}

async fn head(world: &World) -> i64 {
    world.get("/v1/changes?after=head").await["head"].as_i64().expect("a head")
}

/// Puts rows of some 20 KB each into the log, more than sockets swallow.
fn flood(world: &World, rows: i64) {
    world.execute(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
         SELECT 'flood', NULL, 'pr_updated', json_object('x', printf('%.*c', 20000, 'x')), 'probe', ''
         FROM n"
    ));
}

#[tokio::test]
async fn the_stream_tells_what_polling_tells() {
    let world = World::new().await;
    work(&world, 1).await;
    let mut feed = Feed::open(&world, "", None).await;
    let headers = feed.response.headers().clone();
    let header = |name: &str| headers.get(name).map(|value| value.to_str().expect("text"));
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!(header("cache-control"), Some("no-store, no-transform"));
    assert_eq!(header("x-accel-buffering"), Some("no"));
    assert_eq!(header("content-encoding"), None);
    assert!(feed.block().await.expect("a comment").starts_with(':'));
    let before = feed.until(head(&world).await).await;
    work(&world, 2).await;
    let after = feed.until(head(&world).await).await;
    let polled = world.get("/v1/changes?after=0&limit=1000").await;
    let epoch = polled["epoch"].as_str().expect("an epoch");
    let expected: Vec<Event> = polled["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| Event {
            id: Some(format!("{epoch}.{}", change["seq"])),
            name: change["type"].as_str().expect("a type").to_owned(),
            data: change.clone(),
        })
        .collect();
    assert_eq!([before, after].concat(), expected);
}

#[tokio::test]
async fn a_stream_begins_at_once_and_ends_cleanly_with_the_server() {
    let mut world = World::new().await;
    let mut idle = Feed::open(&world, "?after=head", None).await;
    assert!(idle.block().await.expect("a comment").starts_with(':'));
    let first = idle.event().await.expect("a place to resume from");
    assert_eq!(first.name, "heartbeat");
    assert!(first.id.is_some_and(|id| id.ends_with(".0")));
    let stopping = Instant::now();
    world.restart().await;
    assert_eq!(idle.event().await, Err(End::Clean));
    assert!(stopping.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_reader_resumes_without_gap_or_repeat_across_restarts() {
    let mut world = World::new().await;
    let (mut seen, mut last) = (Vec::new(), None::<String>);
    for round in 1..=3 {
        work(&world, round * 2).await;
        // `after` tells of the first time only: what the reader saw last beats it.
        let mut feed = Feed::open(&world, "?after=0", last.as_deref()).await;
        for _ in 0..4 {
            let event = feed.change().await.expect("a change");
            last.clone_from(&event.id);
            seen.push(event);
        }
        drop(feed);
        work(&world, round * 2 + 1).await;
        world.restart().await;
    }
    let mut feed = Feed::open(&world, "?after=0", last.as_deref()).await;
    let head = head(&world).await;
    seen.extend(feed.until(head).await);
    assert_eq!(seqs(&seen), (1..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_heartbeat_moves_a_reader_past_what_its_filter_hides() {
    let world = hasty_world().await;
    let mut feed = Feed::open(&world, "?type=project_registered", None).await;
    work(&world, 1).await;
    let registered = feed.change().await.expect("a change");
    assert_eq!(
        (registered.name.as_str(), &registered.data["seq"]),
        ("project_registered", &json!(1))
    );
    let polled = world.get("/v1/changes?after=head").await;
    let next = polled["next"].as_str().expect("a cursor");
    let begun = Instant::now();
    let last = loop {
        assert!(begun.elapsed() < PATIENCE, "the heartbeat does not move");
        let beat = feed.event().await.expect("a heartbeat");
        assert_eq!(beat.name, "heartbeat", "all else is hidden");
        assert_eq!(beat.data["next"].as_str(), beat.id.as_deref());
        if beat.id.as_deref() == Some(next) {
            break next;
        }
    };
    let mut resumed = Feed::open(&world, "", Some(last)).await;
    work(&world, 2).await;
    let change = resumed.change().await.expect("a change");
    assert_eq!(change.data["seq"].as_i64(), polled["head"].as_i64().map(|head| head + 1));
}

#[tokio::test]
async fn what_is_wrong_is_refused_before_the_stream_begins() {
    let world = World::within(Limits { live_readers: 1, ..hasty() }, |_| {}).await;
    work(&world, 1).await;
    let epoch = world.get("/v1/changes").await["epoch"].as_str().expect("an epoch").to_owned();
    world.execute("DELETE FROM change_log WHERE seq <= 3");
    let late = format!("{epoch}.2");
    for (query, last, status, word) in [
        ("?after=x", None, 400, "`after`"),
        ("?after=999", None, 400, "`after`"),
        ("?after=0", Some("x"), 400, "`Last-Event-ID`"),
        ("?type=pr_updatet", None, 400, "`type`"),
        ("?limit=10", None, 400, "`limit`"),
        ("?wait=10", None, 400, "`wait`"),
        ("?token=x", None, 400, "`token`"),
        ("?after=2", None, 410, "pruned"),
        ("?after=head", Some(late.as_str()), 410, "pruned"),
        ("", Some("other.5"), 410, "restored"),
    ] {
        let (got, body) = answer(ask(&world, query, last)).await;
        assert_eq!(got.as_u16(), status, "{query} {last:?}: {body}");
        let message = body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(word), "{query} {last:?}: {body}");
        if status == 410 {
            assert_eq!((&body["floor"], &body["epoch"]), (&json!(3), &json!(epoch)));
        }
    }
    let only = Feed::open(&world, "?after=head", None).await;
    let refused = ask(&world, "?after=head", None).send().await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    drop(only);
    // The server notices on its own time; each answer is the event that is waited for.
    let freed = async {
        while ask(&world, "?after=head", None).send().await.expect("an answer").status()
            != StatusCode::OK
        {}
    };
    tokio::time::timeout(PATIENCE, freed).await.expect("the place is free again");
}

#[tokio::test]
async fn a_new_epoch_resets_the_stream() {
    let world = hasty_world().await;
    work(&world, 1).await;
    let mut feed = Feed::open(&world, "", None).await;
    let last = feed.until(head(&world).await).await.pop().and_then(|event| event.id);
    world.execute("UPDATE meta SET epoch = 'copy'");
    let reset = feed.change().await.expect("a reset");
    assert_eq!((reset.name.as_str(), &reset.id), ("reset", &None));
    assert_eq!(reset.data["epoch"], "copy");
    assert_eq!(reset.data["error"]["code"], "cursor_gone");
    assert_eq!(feed.event().await, Err(End::Clean));
    let (status, _) = answer(ask(&world, "", last.as_deref())).await;
    assert_eq!(status, StatusCode::GONE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_pruned_under_a_slow_reader_resets_its_stream() {
    let world = hasty_world().await;
    flood(&world, 1_500);
    let mut feed = Feed::open(&world, "?after=0", None).await;
    feed.change().await.expect("the first");
    // However much the buffers have taken by now, it is not all of it.
    world.execute("DELETE FROM change_log");
    flood(&world, 1_500);
    let mut told = 1;
    let reset = loop {
        let event = feed.change().await.expect("a change or the reset");
        if event.name == "reset" {
            break event;
        }
        told += 1;
        assert_eq!(event.data["seq"], told);
    };
    assert!(told < 1_500, "the buffers took it all");
    assert_eq!(reset.data["floor"], 1_500);
    assert_eq!(feed.event().await, Err(End::Clean));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_is_cut_off_and_resumes() {
    let limits = Limits { stalled_within: Duration::from_millis(400), ..hasty() };
    let world = World::within(limits, |_| {}).await;
    let mut slow = Feed::open(&world, "?after=0", None).await;
    let mut quick = Feed::open(&world, "?after=0", None).await;
    flood(&world, 1_500);
    assert_eq!(seqs(&quick.until(1_500).await), (1..=1_500).collect::<Vec<_>>());
    let metrics = async {
        loop {
            let url = world.url("/metrics");
            let text = reqwest::get(url).await.expect("metrics").text().await.expect("text");
            if !text.contains("nudged_feed_readers_cut_off_total 0\n") {
                return text;
            }
            let beat = quick.event().await.expect("a heartbeat");
            assert_eq!(beat.name, "heartbeat");
        }
    };
    let metrics = tokio::time::timeout(PATIENCE, metrics).await.expect("somebody was cut off");
    assert!(metrics.contains("nudged_feed_readers "), "{metrics}");
    let mut seen = Vec::new();
    let end = loop {
        match slow.change().await {
            Ok(event) => seen.push(event),
            Err(end) => break end,
        }
    };
    assert_eq!(end, End::Broken);
    assert!(seen.len() < 1_500, "it was cut off before the end");
    let last = seen.last().and_then(|event| event.id.clone());
    let mut resumed = Feed::open(&world, "", last.as_deref()).await;
    seen.extend(resumed.until(1_500).await);
    assert_eq!(seqs(&seen), (1..=1_500).collect::<Vec<_>>());
    flood(&world, 1);
    assert_eq!(seqs(&quick.until(1_501).await), [1_501], "others go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_many_readers_get_every_change_once() {
    const READERS: usize = 200;
    let world = World::new().await;
    work(&world, 1).await;
    let opened = join_all((0..READERS).map(|_| Feed::open(&world, "", None))).await;
    let poll = || world.get("/v1/changes?after=head&wait=20&type=pr_created&limit=1");
    let all_woken = Cell::new(false);
    let pollers = async {
        let polled = join_all((0..50).map(|_| poll())).await;
        all_woken.set(true);
        polled
    };
    let writing = async {
        // Whoever waits is woken by the next one; those who come later find it still at work.
        for number in 2.. {
            work(&world, number).await;
            if all_woken.get() && number > 5 {
                break;
            }
        }
        head(&world).await
    };
    let (polled, head) = tokio::join!(pollers, writing);
    for page in polled {
        assert_eq!(page["changes"][0]["type"], "pr_created", "{page}");
        assert_eq!(page["changes"].as_array().map(Vec::len), Some(1), "{page}");
    }
    let all: Vec<i64> = (1..=head).collect();
    let read = join_all(opened.into_iter().map(async |mut feed| seqs(&feed.until(head).await)));
    assert!(read.await.iter().all(|seqs| *seqs == all));
}

#[tokio::test]
async fn the_token_goes_into_the_header_only() {
    let world = World::new().await;
    let url = world.url(&format!("/v1/changes?access_token={TOKEN}"));
    let request = reqwest::Client::new().get(url).header("Accept", "text/event-stream");
    assert_eq!(answer(request).await.0, StatusCode::UNAUTHORIZED);
}
