//! `nudged demo`: the whole story in a few seconds, on a throw-away server.
//!
//! The server is the real one, on loopback, beside a GitHub of our own: its webhooks go through the real signed
//! path, its logs are fetched as those of the real one, and what is shown was read from the API.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;

use super::changes::Page;
use super::client::Client;
use super::describe::after;
use super::logging::start_logging;
use super::output::{Outcome, Output, block, line};
use super::serve::Stop;
use super::table::Screen;
use crate::api::{ChangeJson, List, NudgeJson};
use crate::app::{self, Running};
use crate::config::{AgentSettings, GithubApp, LogFormat, NotifyFormat, Secret, Settings};
use crate::domain::Adopt;
use crate::fake_github::{FakeGitHub, Log, NewPull};

/// GitHub's times are whole seconds.
const TICK: Duration = Duration::from_millis(1_010);
/// A machine that is busy may make a question miss its minute.
const PATIENCE: Duration = Duration::from_secs(100);

const JOBS: &[&str] = &["build", "test"];

/// What Actions keeps of the job that fails.
const LOG: &str = include_str!("demo.log");

/// What `demo` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to serve on [default: a free port on loopback]
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), hide_default_value = true)]
    listen: SocketAddr,
    /// End after the story instead of serving on
    #[arg(long)]
    exit: bool,
    /// Print one JSON object a change, and nothing else
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let folder = tempfile::Builder::new()
        .prefix("nudged-demo-")
        .tempdir()
        .context("cannot make a temporary folder for the database")?;
    let github = FakeGitHub::start(Arc::new(crate::clock::now)).await;
    let github = github.context("cannot set up a GitHub for the show")?;
    let app = github.app();
    let settings = Settings {
        listen: args.listen,
        db: folder.path().join("nudged.db"),
        webhook_secrets: vec![Secret::random()],
        api_token: Some(Secret::random()),
        // Longer than CI takes here: that it failed is told because the workflow run ended.
        settle: Duration::from_secs(1),
        cancel_wait: Duration::from_secs(600),
        quiet_after: Duration::from_secs(600),
        adopt: Adopt::All,
        auto_register: true,
        notify_url: None,
        notify_secret: None,
        notify_format: NotifyFormat::Auto,
        notify_timeout: Duration::from_secs(10),
        agents: AgentSettings::default(),
        github_api_url: github.url().to_owned(),
        github_app: Some(GithubApp { id: app.id, private_key: Secret::new(app.private_key) }),
        reconcile_every: Duration::from_secs(900),
        retain_changes: None,
        retain_deliveries: None,
        log: "warn".to_owned(),
        log_format: LogFormat::Text,
    };
    start_logging(&settings)?;
    let mut stop = Stop::listen()?;
    let mut running = app::start(&settings, crate::clock::Clock::system()).await?;

    let told = tokio::select! {
        told = tell(&args, &settings, &running, &github) => Some(told),
        _ = stop.asked() => None,
    };
    let outcome = match told {
        Some(Ok(Outcome::Done)) if !args.exit => {
            tokio::select! {
                _ = stop.asked() => Ok(Outcome::Done),
                error = running.failed() => return Err(error),
            }
        }
        Some(told) => told,
        None => Ok(Outcome::Done),
    };
    stop.next_one_ends_the_process();
    running.stop().await?;
    folder.close().context("cannot remove the throw-away database")?;
    outcome
}

/// Has the story happen at `github` and prints each delivery with the changes it caused.
async fn tell(
    args: &Args,
    settings: &Settings,
    running: &Running,
    github: &FakeGitHub,
) -> anyhow::Result<Outcome> {
    let mut listen = settings.clone();
    listen.listen = running.addr;
    let url = listen.client_url();
    let mut story = Story {
        out: Output { json: args.json },
        client: Client::plain(url.parse()?, running.token.clone())?,
        cursor: "0".to_owned(),
        shown: BTreeSet::new(),
        kinds: BTreeSet::new(),
        delivered: 0,
    };
    let secret = settings.required_webhook_secrets()?.first().map_or("", Secret::expose);
    github.send_webhooks_to(&format!("{url}/webhooks/github"), secret);
    story.out.text(format_args!("A pull request's life, as GitHub tells it to {url}:\n"))?;
    story.happen(github).await?;
    let token = running.token.expose();
    let out = story.out;
    out.text(format_args!(
        "\nPoll for changes, from this moment on or from the beginning (after=0):\n\n  \
         curl -H 'Authorization: Bearer {token}' '{url}/v1/changes?after={}&wait=30'\n  \
         curl -H 'Authorization: Bearer {token}' '{url}/v1/nudges?audience=agent'\n",
        story.cursor
    ))?;
    if !args.exit {
        out.text("Serving until Ctrl-C; the database is thrown away then.")?;
    }
    Ok(Outcome::Done)
}

struct Story {
    out: Output,
    client: Client,
    cursor: String,
    /// Nudges whose body was shown.
    shown: BTreeSet<i64>,
    /// The kinds of nudges that were made.
    kinds: BTreeSet<String>,
    /// Deliveries that were shown.
    delivered: usize,
}

impl Story {
    /// An agent opens a pull request, CI fails, it is mended, approved and merged.
    async fn happen(&mut self, github: &FakeGitHub) -> anyhow::Result<()> {
        let repo = github.repository("octo-org/rocket");
        let number = repo.open_pull(NewPull::from("ada/cool-the-nozzle").titled("Cool the nozzle"));
        self.show(github).await?;
        let run = repo.start_run(&repo.pull(number).head_sha, "CI", "pull_request", JOBS);
        self.show(github).await?;
        repo.finish_job(repo.job(run, "build"), "success", None);
        repo.finish_job(repo.job(run, "test"), "failure", Some(Log::new(LOG)));
        self.show(github).await?;
        self.wait_for("ci-failed").await?;

        tokio::time::sleep(TICK).await;
        let head = repo.push(number);
        let run = repo.start_run(&head, "CI", "pull_request", JOBS);
        self.show(github).await?;
        for job in JOBS {
            repo.finish_job(repo.job(run, job), "success", None);
        }
        self.show(github).await?;
        tokio::time::sleep(TICK).await;
        repo.review(number, "grace", "approved", "It cools.");
        self.show(github).await?;
        self.wait_for("approved-and-green").await?;

        tokio::time::sleep(TICK).await;
        repo.merge(number, "grace");
        self.show(github).await?;
        self.wait_for("pr-merged").await
    }

    /// Waits for a nudge of this kind: its log is fetched, and GitHub asked what the pull request is.
    async fn wait_for(&mut self, kind: &str) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        while !self.kinds.contains(kind) {
            anyhow::ensure!(Instant::now() < until, "no {kind} was said");
            self.changes_within(Duration::from_secs(1)).await?;
        }
        Ok(())
    }

    /// Shows the deliveries since the last time, and what came of them.
    async fn show(&mut self, github: &FakeGitHub) -> anyhow::Result<()> {
        github.settle().await;
        let deliveries = github.deliveries();
        for delivery in deliveries.iter().rev().skip(self.delivered) {
            let action = delivery.action.as_deref().unwrap_or_default();
            let (title, code) = (format!("{} {action}", delivery.event), delivery.status_code);
            self.out.text(format_args!("▶ {title:<36} {code} in {:.1?}", delivery.took))?;
            anyhow::ensure!(code == 200, "a delivery of the story was answered {code}");
        }
        self.delivered = deliveries.len();
        self.changes_within(Duration::ZERO).await
    }

    /// Shows what is new, and waits that long for anything.
    async fn changes_within(&mut self, wait: Duration) -> anyhow::Result<()> {
        let query = [
            ("after", self.cursor.clone()),
            ("limit", "1000".to_owned()),
            ("wait", wait.as_secs().to_string()),
        ];
        let page: Page = self.client.get("/v1/changes", &query, wait).await?;
        self.cursor = page.next;
        let screen = Screen::detect();
        for change in page.changes {
            self.out.object(&change)?;
            let change: ChangeJson = serde_json::from_value(change)?;
            let kind = format!("    {:<19} ", line(&change.event_type));
            self.out.text(after(&kind, &change, screen))?;
            if change.event_type == "nudge_created" {
                self.show_nudge(&change).await?;
            }
        }
        Ok(())
    }

    /// Prints the nudge's body in full, as its reader gets it.
    async fn show_nudge(&mut self, change: &ChangeJson) -> anyhow::Result<()> {
        let payload: Value = serde_json::from_str(change.payload.get())?;
        self.kinds.extend(payload["kind"].as_str().map(str::to_owned));
        let Some(id) = payload["id"].as_i64().filter(|id| self.shown.insert(*id)) else {
            return Ok(());
        };
        if self.out.json {
            return Ok(());
        }
        let mut query = vec![("limit", "1000".to_owned())];
        query.extend(change.session_id.clone().map(|session| ("session", session)));
        let nudges: List<NudgeJson> = self.client.get("/v1/nudges", &query, Duration::ZERO).await?;
        let Some(nudge) = nudges.items.into_iter().find(|nudge| nudge.id == id) else {
            return Ok(());
        };
        let kind = Screen::detect().paint_words(nudge.kind.as_str());
        self.out.text(format_args!("    ┌─ {kind} to the {}", nudge.audience))?;
        for text in block(&nudge.body).lines() {
            self.out.text(format_args!("    │ {text}"))?;
        }
        self.out.text("    └─")?;
        Ok(())
    }
}
