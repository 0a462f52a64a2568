//! From the acknowledgement of a delivery to its arrival at a reader of the event stream, alone and
//! beside 1,000 others, and what a reader costs in memory; the server is a child process on loopback.
//!
//! `cargo bench --bench feed -- [--deliveries N] [--readers N]`

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use nudged::github::webhook::signature::Secrets;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const SECRET: &str = "feed";
const TOKEN: &str = "feed-token";
/// No step takes longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two deliveries: as many a second as a busy organisation has.
const PAUSE: Duration = Duration::from_millis(10);
const PAGE: u64 = 4096;
const BODY: &str = include_str!("../fixtures/webhooks/plain-life/01-pull_request-opened.json");

/// How soon the event stream has what was acknowledged, and what its readers cost.
#[derive(Debug, Parser)]
#[command(name = "feed")]
struct Options {
    /// Deliveries of a run
    #[arg(long, value_name = "N", default_value_t = 500,
        value_parser = clap::value_parser!(u64).range(1..=10_000))]
    deliveries: u64,
    /// Readers of the second run
    #[arg(long, value_name = "N", default_value_t = 1_000,
        value_parser = clap::value_parser!(u64).range(1..=2_000))]
    readers: u64,
    /// `cargo bench` says so to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    tokio::runtime::Runtime::new()?.block_on(measure(options.deliveries, options.readers))
}

async fn measure(deliveries: u64, readers: u64) -> Result<()> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let server = Server::start(
        Command::new(env!("CARGO_BIN_EXE_nudged"))
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--log", "warn", "--db"])
            .arg(folder.path().join("nudged.db"))
            .env("NUDGED_WEBHOOK_SECRET", SECRET)
            .env("NUDGED_API_TOKEN", TOKEN)
            .current_dir(folder.path()),
    )?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut next = 0;
    // The first deliveries warm everything up.
    run(&server, &client, &mut next, 50).await?;
    let alone = run(&server, &client, &mut next, deliveries).await?;
    report("alone", &alone);

    let before = server.resident()?;
    let begun = Instant::now();
    let received = Arc::new(AtomicU64::new(0));
    let mut others = JoinSet::new();
    for _ in 0..readers {
        let (addr, received) = (server.addr.clone(), Arc::clone(&received));
        others.spawn(async move { Reader::open(&addr).await.map(|reader| (reader, received)) });
    }
    let mut reading = JoinSet::new();
    while let Some(opened) = others.join_next().await {
        let (mut reader, received) = opened??;
        reading.spawn(async move {
            while let Ok(changes) = reader.more().await {
                received.fetch_add(changes, Ordering::Relaxed);
            }
        });
    }
    let opened = begun.elapsed();
    let idle = server.resident()?;
    let beside = run(&server, &client, &mut next, deliveries).await?;
    report(&format!("beside {readers}"), &beside);
    let busy = server.resident()?;
    let each = |now: u64| now.saturating_sub(before) as f64 / readers as f64 / 1024.0;
    say(&format!(
        "{readers} readers connected within {opened:.2?}; a reader costs {:.1} KiB idle, {:.1} KiB \
         after the run (RSS {:.1} MiB before them); {} changes went to them",
        each(idle),
        each(busy),
        before as f64 / f64::from(1 << 20),
        received.load(Ordering::Relaxed),
    ));
    reading.shutdown().await;
    Ok(())
}

/// Sends deliveries one after another; from each acknowledgement to the arrival of its first change.
async fn run(
    server: &Server,
    client: &reqwest::Client,
    next: &mut u64,
    deliveries: u64,
) -> Result<Vec<Duration>> {
    let secrets = Secrets::new([SECRET])?;
    let mut reader = Reader::open(&server.addr).await?;
    let mut times = Vec::new();
    for _ in 0..deliveries {
        *next += 1;
        let body = body(*next);
        let request = client
            .post(format!("http://{}/webhooks/github", server.addr))
            .header("content-type", "application/json")
            .header("x-github-event", "pull_request")
            .header("x-github-delivery", format!("feed-{next}"))
            .header("x-hub-signature-256", secrets.sign(body.as_bytes()))
            .body(body);
        // The reader is looked at while the answer comes: a change may arrive before it.
        let acknowledged = async {
            let status = request.send().await?.status();
            ensure!(status.is_success(), "the delivery was answered {status}");
            Ok(Instant::now())
        };
        let arrived = async {
            while reader.more().await? == 0 {}
            Ok(Instant::now())
        };
        let both = async { tokio::try_join!(acknowledged, arrived) };
        let (acknowledged, arrived) =
            tokio::time::timeout(PATIENCE, both).await.context("nothing arrived in time")??;
        times.push(arrived.saturating_duration_since(acknowledged));
        let rest = async { while reader.more().await.is_ok() {} };
        // What else belongs to this delivery.
        let _ = tokio::time::timeout(PAUSE, rest).await;
    }
    times.sort_unstable();
    Ok(times)
}

/// The recorded pull request under another number: a new one each time, so that there is a change.
fn body(number: u64) -> String {
    let number = 1_000 + number;
    BODY.replace("3398518793", &(4_000_000_000 + number).to_string())
        .replace("\"number\": 231", &format!("\"number\": {number}"))
        .replace("/pull/231", &format!("/pull/{number}"))
        .replace("/pulls/231", &format!("/pulls/{number}"))
        .replace("ada/retry-budget-window", &format!("ada/branch-{number}"))
        .replace("368ec74b6f583c3c5347b9391129796ea14cfd3c", &format!("{number:040x}"))
}

/// A reader of the stream that counts the changes, over a bare socket.
struct Reader {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Reader {
    /// Asks, and returns when the stream has begun.
    async fn open(addr: &str) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        let mut reader = Self { stream, buffer: Vec::new() };
        let request = format!(
            "GET /v1/changes?after=head HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Accept: text/event-stream\r\n\r\n"
        );
        reader.stream.write_all(request.as_bytes()).await?;
        let begins = async {
            while !reader.buffer.windows(10).any(|found| found == b"heartbeat\n") {
                ensure!(reader.stream.read_buf(&mut reader.buffer).await? > 0, "refused");
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, begins).await.context("the stream did not begin")??;
        reader.buffer.clear();
        Ok(reader)
    }

    /// Reads once; how many changes came.
    async fn more(&mut self) -> Result<u64> {
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the stream ended");
        let text = String::from_utf8_lossy(&self.buffer);
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let changes = text[..whole].matches("data: {\"seq\"").count();
        self.buffer.drain(..whole);
        Ok(changes as u64)
    }
}

/// A child that is killed when it is no longer looked at.
struct Server {
    child: Child,
    addr: String,
}

impl Server {
    /// Starts it and reads its address from the `url` of its first line.
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start a server")?;
        let out = child.stdout.take().context("no stdout")?;
        let mut server = Self { child, addr: String::new() };
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let start: serde_json::Value = serde_json::from_str(&line)
            .with_context(|| format!("the server did not start: {line:?}"))?;
        let url = start["url"].as_str().context("the server tells no url")?;
        server.addr = url.trim_start_matches("http://").to_owned();
        Ok(server)
    }

    /// Resident bytes, where there is a `/proc`.
    fn resident(&self) -> Result<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id()))?;
        let pages: u64 = statm.split(' ').nth(1).context("statm")?.parse()?;
        Ok(pages * PAGE)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn report(name: &str, times: &[Duration]) {
    let percentile = |percent: usize| times[(times.len() - 1) * percent / 100];
    say(&format!(
        "{name:<12} acknowledged → arrived  p50 {:.2?}  p99 {:.2?}  ({} deliveries)",
        percentile(50),
        percentile(99),
        times.len(),
    ));
}

#[allow(clippy::print_stdout, reason = "a benchmark's result is its output")]
fn say(line: &str) {
    println!("{line}");
}
