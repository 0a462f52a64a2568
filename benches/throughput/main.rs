//! Acknowledged deliveries a second over 64 connections, next to a bare hyper server that only reads
//! the body and checks the signature; both as child processes on loopback, in one run.
//!
//! `cargo bench --bench throughput -- [--deliveries N] [--pulls N] [--a-head N]`

mod bare;
mod bodies;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use bodies::Bodies;

const CONNECTIONS: u64 = 64;
const SECRET: &str = "throughput";
/// A run ends here, however many deliveries are left.
const LONGEST: Duration = Duration::from_secs(60);
/// GitHub waits no longer for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
const PAGE: u64 = 4096;
/// What `/proc` counts processor time in.
const TICK: Duration = Duration::from_millis(10);

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    if args.iter().any(|arg| arg == "--bare") {
        return runtime.block_on(bare::serve(SECRET));
    }
    let number = |name: &str, default: u64, most: u64| -> Result<u64> {
        let Some(at) = args.iter().position(|arg| arg == name) else { return Ok(default) };
        let value = args.get(at + 1).with_context(|| format!("{name} wants a number"))?.parse()?;
        ensure!((1..=most).contains(&value), "{name} wants 1 to {most}");
        Ok(value)
    };
    let deliveries = number("--deliveries", 30_000, 500_000)?;
    let pulls = number("--pulls", 400, 800)?;
    let a_head = number("--a-head", 20, 500_000)?;
    runtime.block_on(compare(deliveries, pulls, a_head))
}

async fn compare(deliveries: u64, pulls: u64, a_head: u64) -> Result<()> {
    let bodies = Arc::new(Bodies::new(SECRET, pulls, a_head)?);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let bare = Server::start(Command::new(std::env::current_exe()?).arg("--bare"))?;
    let bare_run = run("bare hyper", bare.addr, &bodies, deliveries, bare.child.id()).await?;
    drop(bare);

    let server = Server::start(
        Command::new(env!("CARGO_BIN_EXE_nudged"))
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--log", "warn", "--db"])
            .arg(folder.path().join("nudged.db"))
            .env("NUDGED_WEBHOOK_SECRET", SECRET)
            .env_remove("NUDGED_API_TOKEN")
            .current_dir(folder.path()),
    )?;
    let nudged_run = run("nudged", server.addr, &bodies, deliveries, server.child.id()).await?;
    say(&format!("nudged / bare: {:.2}", nudged_run / bare_run));
    Ok(())
}

/// A child that is killed when it is no longer looked at.
struct Server {
    child: Child,
    addr: SocketAddr,
}

impl Server {
    /// Starts it and reads its address from the `url` of its first line.
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start a server")?;
        let out = child.stdout.take().context("no stdout")?;
        let mut server = Self { child, addr: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let start: serde_json::Value = serde_json::from_str(&line)
            .with_context(|| format!("the server did not start: {line:?}"))?;
        let url = start["url"].as_str().context("the server tells no url")?;
        server.addr = url.trim_start_matches("http://").parse()?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends all deliveries and prints what was measured; the deliveries acknowledged a second.
async fn run(
    name: &str,
    addr: SocketAddr,
    bodies: &Arc<Bodies>,
    deliveries: u64,
    pid: u32,
) -> Result<f64> {
    let at_rest = resident(pid)?;
    let peak = Arc::new(AtomicU64::new(at_rest));
    let watcher = tokio::spawn({
        let peak = Arc::clone(&peak);
        async move {
            while let Ok(now) = resident(pid) {
                peak.fetch_max(now, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    let next = Arc::new(AtomicU64::new(0));
    let (start, ticks) = (Instant::now(), cpu_ticks(pid)?);
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::spawn(send(addr, Arc::clone(bodies), Arc::clone(&next), deliveries)))
        .collect();
    let mut times = Vec::new();
    let (mut refused, mut bytes) = (0, 0);
    for worker in workers {
        let sent = worker.await??;
        times.extend(sent.times);
        refused += sent.refused;
        bytes += sent.bytes;
    }
    let (took, ticks) = (start.elapsed(), cpu_ticks(pid)? - ticks);
    watcher.abort();
    times.sort_unstable();
    if times.is_empty() {
        bail!("{name} acknowledged nothing");
    }
    let rate = times.len() as f64 / took.as_secs_f64();
    let percentile = |percent: usize| times[(times.len() - 1) * percent / 100];
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    say(&format!(
        "{name:<10} {rate:>8.0} deliveries/s  p50 {:.2?}  p99 {:.2?}  ({} acknowledged, {refused} refused, \
         {:.1} KB each, {took:.1?})  CPU {:.0} us each  RSS {:.1} MiB at rest, {:.1} MiB at most",
        percentile(50),
        percentile(99),
        times.len(),
        bytes as f64 / 1000.0 / (times.len() as u64 + refused) as f64,
        ticks as f64 * TICK.as_secs_f64() * 1e6 / times.len() as f64,
        mib(at_rest),
        mib(peak.load(Ordering::Relaxed)),
    ));
    Ok(rate)
}

#[derive(Default)]
struct Sent {
    times: Vec<Duration>,
    refused: u64,
    bytes: u64,
}

/// One keep-alive connection that takes the next delivery whenever one was answered.
async fn send(
    addr: SocketAddr,
    bodies: Arc<Bodies>,
    next: Arc<AtomicU64>,
    deliveries: u64,
) -> Result<Sent> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let begun = Instant::now();
    let mut sent = Sent::default();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= deliveries || begun.elapsed() > LONGEST {
            return Ok(sent);
        }
        let (event, body) = bodies.make(number);
        sent.bytes += body.len() as u64;
        let request = Request::post("/webhooks/github")
            .header("host", addr.to_string())
            .header("content-type", "application/json")
            .header("x-github-event", event)
            .header("x-github-delivery", format!("00000000-0000-4000-8000-{number:012}"))
            .header("x-hub-signature-256", bodies.sign(&body))
            .body(Full::new(Bytes::from(body)))?;
        let asked = Instant::now();
        sender.ready().await?;
        let answer = tokio::time::timeout(PATIENCE, sender.send_request(request));
        let response = answer.await.context("no answer in time")??;
        let acknowledged = response.status().is_success();
        response.into_body().collect().await?;
        if acknowledged {
            sent.times.push(asked.elapsed());
        } else {
            sent.refused += 1;
        }
    }
}

/// Resident bytes of a process, where there is a `/proc`.
fn resident(pid: u32) -> Result<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages: u64 = statm.split(' ').nth(1).context("statm")?.parse()?;
    Ok(pages * PAGE)
}

/// Processor time a process has used, in [`TICK`]s.
fn cpu_ticks(pid: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').context("stat")?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    Ok(ticks(11).context("utime")? + ticks(12).context("stime")?)
}

#[allow(clippy::print_stdout, reason = "a benchmark's result is its output")]
fn say(line: &str) {
    println!("{line}");
}
