//! `nudged replay`: recorded webhooks against any server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::deliver::{Poster, Sent, read_paths};
use super::output::{Misuse, Outcome, Output, line};
use super::recording::RecordedDelivery;
use crate::config::{Flags, Secret, client_address};

/// What `replay` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = FORMS)]
pub(super) struct Args {
    /// Files, folders of such, or `-` for standard input
    #[arg(required = true, value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// The server [env: NUDGED_URL] [default: http://127.0.0.1:8787, or what NUDGED_LISTEN or the
    /// `listen` of --config says]
    #[arg(long)]
    url: Option<String>,
    /// Webhook secret to sign with [env: NUDGED_WEBHOOK_SECRET]
    #[arg(long)]
    secret: Option<String>,
    /// Send each this often, under the same delivery id
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,
    /// Send so many at a time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
    /// Send in random order; the same SEED gives the same order
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true)]
    shuffle: Option<Option<u64>>,
    /// Fail also where a delivery was ignored or quarantined
    #[arg(long)]
    strict: bool,
    /// The event of bodies that do not tell it themselves
    #[arg(long)]
    event: Option<String>,
    /// Settings file [default: ./nudged.toml where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON object a delivery, and one summary
    #[arg(long)]
    json: bool,
}

const FORMS: &str = "\
A file is JSON, JSON Lines, or a list; each value one of these:
  a bare body, its headers in X.headers beside X.json, or above it as copied
    from Recent Deliveries at GitHub, or nowhere: then the event is inferred
  a delivery as GitHub's API answers it: /app/hook/deliveries/ID
  an event of smee.io, also a whole event stream
  a fixture of Probot: {\"name\": EVENT, \"payload\": BODY}
  octokit's webhooks-examples

Bodies are signed anew and sent byte for byte; a delivery without an id gets one.

Exit codes: 0 all were acknowledged (--strict: and none ignored or quarantined),
1 not all, or a file cannot be read; then nothing is sent; 2 wrong command line";

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let out = Output { json: args.json };
    let flags = Flags { config: args.config.clone(), ..Flags::default() };
    let (settings, address) = client_address(&flags, args.url.as_deref())?;
    let secret = match args.secret {
        Some(secret) => Secret::new(secret),
        None => settings.webhook_secrets.first().cloned().ok_or_else(|| {
            let how = "give the server's with --secret or NUDGED_WEBHOOK_SECRET";
            Misuse(format!("no secret to sign with: {how}"))
        })?,
    };
    let recorded: Vec<_> =
        read_paths(&args.paths, args.event.as_deref())?.into_iter().map(Arc::new).collect();
    let mut queue: Vec<_> = recorded
        .iter()
        .flat_map(|delivery| std::iter::repeat_n(delivery, args.repeat as usize).cloned())
        .collect();
    let seed = args.shuffle.map(|seed| seed.unwrap_or_else(|| rand::random::<u32>().into()));
    if let Some(seed) = seed {
        queue.shuffle(&mut StdRng::seed_from_u64(seed));
    }

    let mut summary = Summary::new(seed, args.strict);
    let mut results = send_all(Poster::new(&address.url, secret)?, queue, args.concurrency.into());
    while let Some((delivery, sent)) = results.recv().await {
        summary.count(&sent);
        out.text(row(&delivery, &sent))?;
        out.object(&object(&delivery, &sent))?;
    }
    out.text(summary.text())?;
    out.object(&summary.object())?;
    Ok(if summary.is_well() { Outcome::Done } else { Outcome::Failed })
}

/// Sends the queue over so many connections; results come as they are there.
fn send_all(
    poster: Poster,
    queue: Vec<Arc<RecordedDelivery>>,
    workers: usize,
) -> mpsc::Receiver<(Arc<RecordedDelivery>, Sent)> {
    let (results, receiver) = mpsc::channel(workers);
    let queue = Arc::new(queue);
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..workers {
        let (poster, queue) = (poster.clone(), Arc::clone(&queue));
        let (next, results) = (Arc::clone(&next), results.clone());
        tokio::spawn(async move {
            while let Some(delivery) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = poster.send(delivery).await;
                if results.send((Arc::clone(delivery), sent)).await.is_err() {
                    return;
                }
            }
        });
    }
    receiver
}

fn row(delivery: &RecordedDelivery, sent: &Sent) -> String {
    let event = match delivery.action.as_str() {
        "" => delivery.event.clone(),
        action => format!("{} {action}", delivery.event),
    };
    let status = sent.status.map_or_else(|| "---".to_owned(), |status| status.as_u16().to_string());
    let retries =
        if sent.retries == 0 { String::new() } else { format!("  retries {}", sent.retries) };
    format!(
        "{status}  {:<12} {:>8.1} ms  {:<32} {}{retries}",
        line(&sent.outcome),
        milliseconds(sent.took),
        line(&event),
        line(&delivery.name),
    )
}

fn object(delivery: &RecordedDelivery, sent: &Sent) -> Value {
    json!({
        "file": delivery.name,
        "event": delivery.event,
        "action": delivery.action,
        "delivery": delivery.guid,
        "outcome": sent.outcome,
        "status": sent.status.map(|status| status.as_u16()),
        "ms": milliseconds(sent.took),
        "retries": sent.retries,
    })
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

struct Summary {
    start: Instant,
    seed: Option<u64>,
    strict: bool,
    sent: u64,
    failed: u64,
    unused: u64,
    outcomes: BTreeMap<String, u64>,
}

impl Summary {
    fn new(seed: Option<u64>, strict: bool) -> Self {
        let (start, outcomes) = (Instant::now(), BTreeMap::new());
        Self { start, seed, strict, sent: 0, failed: 0, unused: 0, outcomes }
    }

    fn is_well(&self) -> bool {
        self.failed == 0 && (self.unused == 0 || !self.strict)
    }

    fn count(&mut self, sent: &Sent) {
        self.sent += 1;
        self.failed += u64::from(!sent.is_acknowledged());
        self.unused += u64::from(sent.is_unused());
        *self.outcomes.entry(line(&sent.outcome)).or_default() += 1;
    }

    fn text(&self) -> String {
        let outcomes: Vec<_> =
            self.outcomes.iter().map(|(word, n)| format!("{n} {word}")).collect();
        let seed = self.seed.map_or_else(String::new, |seed| format!(", order --shuffle={seed}"));
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {failed} not acknowledged"),
        };
        let unused = match self.unused {
            unused @ 1.. if self.strict => format!(", {unused} without use (--strict)"),
            _ => String::new(),
        };
        let took = self.start.elapsed();
        let outcomes = outcomes.join(", ");
        format!("{} sent in {took:.2?}: {outcomes}{failed}{unused}{seed}", self.sent)
    }

    fn object(&self) -> Value {
        json!({ "summary": {
            "sent": self.sent,
            "failed": self.failed,
            "outcomes": self.outcomes,
            "ms": milliseconds(self.start.elapsed()),
            "seed": self.seed,
        } })
    }
}
