//! `nudged demo`: the whole story in a few seconds, on a throw-away server.
//!
//! The server is the real one, on loopback, beside a GitHub of our own: its webhooks go through the real signed
//! path, its logs are fetched as those of the real one, and what is shown was read from the API.

mod agent;
mod story;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::app::{self, Running};
use crate::cli::client::Client;
use crate::cli::logging::start_logging;
use crate::cli::output::{Outcome, Output};
use crate::cli::serve::Stop;
use crate::config::{AgentSettings, GithubApp, LogFormat, NotifyFormat, Secret, Settings};
use crate::domain::Adopt;
use crate::fake_github::FakeGitHub;
use story::Story;

/// What `demo` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to serve on [default: a free port on loopback]
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), hide_default_value = true)]
    listen: SocketAddr,
    /// Have an agent in the story, in a terminal of its own (wants git and tmux)
    #[arg(long)]
    agent: bool,
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
    let settings = if args.agent { agent::with_agent(settings, folder.path())? } else { settings };
    start_logging(&settings)?;
    let mut stop = Stop::listen()?;
    let mut running = app::start(&settings, crate::clock::Clock::system()).await?;

    let repo = folder.path().join("rocket");
    let told = tokio::select! {
        told = tell(&args, &settings, &running, &github, &repo) => Some(told),
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
    let ended = match args.agent {
        true => agent::end_all(&client(&settings, &running)?, &settings).await,
        false => Ok(()),
    };
    running.stop().await?;
    folder.close().context("cannot remove the throw-away database")?;
    // Why the story broke off matters more than what came of that.
    outcome.and_then(|outcome| ended.map(|()| outcome))
}

/// Has the story happen at `github` and prints each delivery with the changes it caused.
async fn tell(
    args: &Args,
    settings: &Settings,
    running: &Running,
    github: &FakeGitHub,
    repo: &Path,
) -> anyhow::Result<Outcome> {
    let url = url(settings, running);
    let mut story = Story {
        out: Output { json: args.json },
        client: client(settings, running)?,
        cursor: "0".to_owned(),
        shown: BTreeSet::new(),
        kinds: BTreeSet::new(),
        delivered: 0,
    };
    let secret = settings.required_webhook_secrets()?.first().map_or("", Secret::expose);
    github.send_webhooks_to(&format!("{url}/webhooks/github"), secret);
    story.out.text(format_args!("A pull request's life, as GitHub tells it to {url}:\n"))?;
    match args.agent {
        true => story.happen_with_agent(github, repo).await?,
        false => story.happen(github).await?,
    }
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

fn url(settings: &Settings, running: &Running) -> String {
    Settings { listen: running.addr, ..settings.clone() }.client_url()
}

fn client(settings: &Settings, running: &Running) -> anyhow::Result<Client> {
    Client::plain(url(settings, running).parse()?, running.token.clone())
}
