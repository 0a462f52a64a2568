//! Deliveries over many connections at once, each answered before the next is sent on it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hyper::Request;

use super::bodies::{Bodies, Delivery};
use super::process::{Client, Server, Usage, busy};
use super::table::{Figures, percentile};

/// GitHub waits no longer for an answer.
const LATE: Duration = Duration::from_secs(10);
/// Nor does a run, beyond this.
const PATIENCE: Duration = Duration::from_secs(120);

/// The deliveries of a run.
pub(super) struct Load {
    pub(super) bodies: Bodies,
    pub(super) connections: u64,
    pub(super) deliveries: u64,
    /// It ends here, however many deliveries are left.
    pub(super) longest: Duration,
}

/// What was measured.
pub(super) struct Measured {
    pub(super) figures: Figures,
    pub(super) acknowledged: u64,
    /// How many a second while each pull request was seen for the first time, and how many after.
    pub(super) opening: f64,
    pub(super) later: f64,
    /// What is worth a remark.
    pub(super) remarks: String,
}

impl Load {
    /// Sends what must be there before.
    pub(super) async fn prepare(self: &Arc<Self>, server: &Server) -> Result<()> {
        let sent = self.send_all(server, 0..self.bodies.seeds(), Bodies::seed).await?;
        let refused: u64 = sent.iter().map(|sent| sent.refused).sum();
        ensure!(refused == 0, "deliveries that were refused beforehand: {refused}");
        Ok(())
    }

    /// Sends all deliveries.
    pub(super) async fn measure(self: &Arc<Self>, server: &Server) -> Result<Measured> {
        let (before, before_all) = (server.usage()?, Others::now(server)?);
        let begun = Instant::now();
        let sent = self.send_all(server, 0..self.deliveries, Bodies::delivery).await?;
        let (took, after) = (begun.elapsed(), server.usage()?);
        let others = Others::now(server)?.since(before_all, took)?;
        let mut times: Vec<Duration> = sent.iter().flat_map(|sent| &sent.times).copied().collect();
        times.sort_unstable();
        ensure!(!times.is_empty(), "nothing was acknowledged");
        let refused: u64 = sent.iter().map(|sent| sent.refused).sum();
        let bytes: u64 = sent.iter().map(|sent| sent.bytes).sum();
        let done = times.len() as u64 + refused;

        let opened = sent.iter().filter_map(|sent| sent.opened).max();
        let opened = opened.map_or(took, |at| at.duration_since(begun));
        let opening = self.bodies.pulls().min(done);
        let each = |time: Duration| time.as_secs_f64() * 1e6 / times.len() as f64;
        let mut remarks = format!(
            "{:.1} KB each, {took:.1?}, others used {others:.0} % of the machine",
            bytes as f64 / 1e3 / done as f64
        );
        let late = times.len() - times.partition_point(|time| *time <= LATE);
        if late > 0 {
            remarks += &format!(", {late} later than GitHub waits");
        }
        if refused > 0 {
            remarks += &format!(", {refused} REFUSED");
        }
        if done < self.deliveries {
            remarks += &format!(", ended after {done}");
        }
        Ok(Measured {
            figures: Figures {
                rate: times.len() as f64 / took.as_secs_f64(),
                p50: percentile(&times, 50),
                p99: percentile(&times, 99),
                cpu: each(after.cpu - before.cpu),
                at_rest: before.resident,
                peak: after.peak,
            },
            acknowledged: times.len() as u64,
            opening: opening as f64 / opened.as_secs_f64(),
            later: if done > opening {
                (done - opening) as f64 / (took - opened).as_secs_f64()
            } else {
                0.0
            },
            remarks,
        })
    }

    async fn send_all(
        self: &Arc<Self>,
        server: &Server,
        numbers: Range<u64>,
        make: fn(&Bodies, u64) -> Delivery,
    ) -> Result<Vec<Sent>> {
        let next = Arc::new(AtomicU64::new(numbers.start));
        let mut workers = Vec::new();
        for _ in 0..self.connections {
            let client = Client::open(server.addr).await?;
            let (load, next) = (Arc::clone(self), Arc::clone(&next));
            workers.push(tokio::spawn(
                async move { load.send(client, &next, numbers.end, make).await },
            ));
        }
        let mut all = Vec::new();
        for worker in workers {
            all.push(worker.await??);
        }
        Ok(all)
    }

    /// Takes the next delivery whenever one was answered.
    async fn send(
        &self,
        mut client: Client,
        next: &AtomicU64,
        end: u64,
        make: fn(&Bodies, u64) -> Delivery,
    ) -> Result<Sent> {
        let begun = Instant::now();
        let mut sent = Sent::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= end || begun.elapsed() > self.longest {
                return Ok(sent);
            }
            let Delivery { event, id, body } = make(&self.bodies, number);
            sent.bytes += body.len() as u64;
            let request = Request::post("/webhooks/github")
                .header("content-type", "application/json")
                .header("x-github-event", event)
                .header("x-github-delivery", id)
                .header("x-hub-signature-256", self.bodies.sign(&body));
            let asked = Instant::now();
            let answer = tokio::time::timeout(PATIENCE, client.send(request, body));
            let (status, _) = answer.await.context("no answer in time")??;
            if status.is_success() {
                sent.times.push(asked.elapsed());
            } else {
                sent.refused += 1;
            }
            if number < self.bodies.pulls() {
                sent.opened = Some(Instant::now());
            }
        }
    }
}

/// Processor time of all processes but the server and this one: what they use is missing in a run.
#[derive(Clone, Copy)]
struct Others(Duration);

impl Others {
    fn now(server: &Server) -> Result<Self> {
        let ours = server.usage()?.cpu + Usage::of("self")?.cpu;
        Ok(Self(busy()?.saturating_sub(ours)))
    }

    /// Percent of all processors.
    fn since(self, before: Self, took: Duration) -> Result<f64> {
        let cores = std::thread::available_parallelism()?.get() as f64;
        let used = self.0.saturating_sub(before.0).as_secs_f64();
        Ok(used / took.as_secs_f64() / cores * 100.0)
    }
}

/// What went over one connection.
#[derive(Default)]
struct Sent {
    times: Vec<Duration>,
    refused: u64,
    bytes: u64,
    /// When the last pull request that appeared here was acknowledged.
    opened: Option<Instant>,
}
