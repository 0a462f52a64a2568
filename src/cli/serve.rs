//! `nudged serve`: the server, until it is told to stop.

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::logging::start_logging;
use super::output::{Outcome, Output};
use crate::app;
use crate::config::{Flags, LogFormat, Settings, TokenSource, inspect, slips};
use crate::http::{Files, Limits};

/// What `serve` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    flags: Flags,
    /// Print the start as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let settings = Settings::load(&args.flags).inspect_err(|_| {
        // What is wrong is told in the form that the log has.
        let _ = start_logging(&inspect(&args.flags).settings);
    })?;
    start_logging(&settings)?;
    for slip in slips() {
        tracing::warn!("{slip}");
    }
    let mut stop = Stop::listen()?;
    let clock = crate::clock::Clock::system();
    let mut running = app::start_within(&settings, clock, limits()).await?;
    let json = args.json || settings.log_format == LogFormat::Json;
    announce(Output { json }, &settings, &running)?;

    tokio::select! {
        signal = stop.asked() => tracing::info!(signal, "finishing what was accepted; again to stop at once"),
        error = running.failed() => return Err(error),
    }
    stop.next_one_ends_the_process();
    running.stop().await?;
    tracing::info!("stopped");
    Ok(Outcome::Done)
}

/// As much as this process may have open files for.
fn limits() -> Limits {
    let (full, files) = (Limits::default(), Files::raise().now);
    let limits = full.clone().fitting(files);
    if limits.connections < full.connections {
        tracing::warn!(
            files,
            needed = full.files(),
            connections = limits.connections,
            "few files may be open, so fewer connections are taken; raise the limit (ulimit -n, \
             LimitNOFILE)"
        );
    }
    limits
}

/// The token itself is never printed, only where it is.
fn announce(out: Output, settings: &Settings, running: &app::Running) -> std::io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let db = settings.db.display();
    let url = format!("http://{}", running.addr);
    out.text(format_args!("nudged {version} listens on {url}"))?;
    out.text(format_args!("  database   {db}"))?;
    out.text(format_args!("  webhooks   POST {url}/webhooks/github"))?;
    let token_file = match &running.token_source {
        TokenSource::Set => {
            out.text("  API token  as set")?;
            None
        }
        TokenSource::Kept(file) => {
            out.text(format_args!("  API token  in {}", file.display()))?;
            Some(file)
        }
        TokenSource::Made(file) => {
            out.text(format_args!("  API token  made, in {}", file.display()))?;
            Some(file)
        }
    };
    out.object(&json!({
        "version": version,
        "url": url,
        "db": settings.db,
        "webhooks": format!("{url}/webhooks/github"),
        "tokenFile": token_file,
    }))
}

/// Ctrl-C, SIGTERM, and SIGHUP, which comes when the terminal closes. The first asks, the second ends
/// the process at once.
pub(super) struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None` where we were started to outlive the terminal, as by `nohup`.
    hangup: Option<tokio::signal::unix::Signal>,
}

impl Stop {
    pub(super) fn listen() -> std::io::Result<Self> {
        // Asked first: to listen for it ends its being ignored.
        let ignored = ignores_hangup();
        let hangup = (!ignored).then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
        })
    }

    /// Ends at the first signal; its name.
    pub(super) async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
            _ = hung_up(&mut self.hangup) => "SIGHUP",
        }
    }

    pub(super) fn next_one_ends_the_process(mut self) {
        tokio::spawn(async move {
            self.asked().await;
            std::process::exit(130);
        });
    }
}

async fn hung_up(hangup: &mut Option<tokio::signal::unix::Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether this process ignores SIGHUP, which is signal 1: the lowest bit of `SigIgn` (proc(5)). Where
/// that cannot be read it counts as not ignored.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}
