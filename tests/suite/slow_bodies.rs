//! Whoever announces much, and sends it slowly or wrongly signed, keeps nobody else out.

use std::time::{Duration, Instant};

use nudged::http::Limits;
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::payloads::{pull, sha};
use crate::world::World;

const MIB: usize = 1 << 20;
/// Nothing here takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A delivery with a well-formed signature that is nobody's: `announced` bytes, of which `sent` come.
async fn begin(world: &World, announced: usize, sent: usize) -> TcpStream {
    let mut stream = TcpStream::connect(world.running().addr).await.expect("a connection");
    let head = format!(
        "POST /webhooks/github HTTP/1.1\r\nHost: nudged\r\nContent-Type: application/json\r\n\
         X-GitHub-Event: ping\r\nX-GitHub-Delivery: slow\r\nContent-Length: {announced}\r\n\
         X-Hub-Signature-256: sha256={}\r\n\r\n",
        "0".repeat(64)
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    // The server may have hung up by then: whoever reads on learns why.
    let _ = stream.write_all(&vec![b' '; sent]).await;
    stream
}

/// The answer's first line.
async fn answered(mut stream: TcpStream) -> String {
    let mut answer = vec![0; 4_096];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await;
    let length = read.expect("an answer in time").expect("an answer");
    let text = String::from_utf8_lossy(&answer[..length]).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_unsigned_bodies_leave_room_for_signed_ones() {
    // Patient beyond the test, so that it is the room that matters.
    let limits = Limits {
        bodies: 16 * MIB,
        body_within: PATIENCE * 2,
        body_bytes_per_second: 0,
        ..Limits::default()
    };
    let world = World::within(limits, |_| {}).await;
    let mut slow = Vec::new();
    for _ in 0..11 {
        slow.push(begin(&world, 25 * MIB, 2 * MIB).await);
    }
    // Those that found no room were told so; from then on the part for large bodies is full.
    let refused = begin(&world, 25 * MIB, 12 * MIB).await;
    assert!(answered(refused).await.starts_with("HTTP/1.1 503"));
    let mut payload = pull("opened", 1, &sha(1), 0, json!({}));
    payload["padding"] = json!("x".repeat(50_000));
    for number in 0..20 {
        let body = payload.to_string();
        let (status, told) = world.send("pull_request", &number.to_string(), body.as_bytes()).await;
        assert_eq!(status, StatusCode::OK, "{number}: {told}");
    }
    // When they go, large ones come through again.
    drop(slow);
    payload["padding"] = json!("x".repeat(8 * MIB));
    let body = payload.to_string();
    let again = async {
        while world.send("pull_request", "large", body.as_bytes()).await.0 != StatusCode::OK {}
    };
    tokio::time::timeout(PATIENCE, again).await.expect("room for a large one");
}

#[tokio::test]
async fn a_body_that_trickles_or_takes_too_long_is_given_up() {
    let world =
        World::within(Limits { body_within: PATIENCE * 2, ..Limits::default() }, |_| {}).await;
    let begun = Instant::now();
    let (silent, stalled) = (begin(&world, 100, 1).await, begin(&world, 25 * MIB, MIB).await);
    for stream in [silent, stalled] {
        assert!(answered(stream).await.starts_with("HTTP/1.1 408"));
    }
    assert!(begun.elapsed() < PATIENCE, "its speed was not looked at");

    let within = Duration::from_millis(500);
    let world = World::within(Limits { body_within: within, ..Limits::default() }, |_| {}).await;
    let mut stream = begin(&world, 25 * MIB, 1).await;
    let begun = Instant::now();
    // Fast enough, but never done.
    while begun.elapsed() < PATIENCE && stream.write_all(&[b' '; 64]).await.is_ok() {
        tokio::task::yield_now().await;
        let mut answer = [0; 12];
        let came = tokio::time::timeout(Duration::from_millis(1), stream.peek(&mut answer)).await;
        if matches!(came, Ok(Ok(12))) {
            assert_eq!(&answer, b"HTTP/1.1 408");
            return;
        }
    }
    panic!("it was never given up");
}
