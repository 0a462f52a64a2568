//! `nudged demo`: the whole story in a second, on a throw-away server.
//!
//! The server is the real one, on loopback; the webhooks of the built-in story go through the real
//! signed path, and what is shown was read from the API.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use include_dir::{Dir, include_dir};
use serde_json::Value;

use super::changes::Page;
use super::client::Client;
use super::deliver::{Poster, read_embedded};
use super::describe::after;
use super::logging::start_logging;
use super::output::{Outcome, Output, block, line};
use super::serve::Stop;
use super::table::Screen;
use crate::api::{ChangeJson, List, NudgeJson};
use crate::app::{self, Running};
use crate::config::{LogFormat, NotifyFormat, Secret, Settings};
use crate::domain::Adopt;

static STORY: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/webhooks/plain-life");

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
    let secret = Secret::random();
    let settings = Settings {
        listen: args.listen,
        db: folder.path().join("nudged.db"),
        webhook_secrets: vec![secret.clone()],
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
        github_api_url: "https://api.github.com".to_owned(),
        github_app: None,
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
        told = tell(&args, &settings, &running, secret) => Some(told),
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

/// Sends the story and prints each delivery with the changes it caused.
async fn tell(
    args: &Args,
    settings: &Settings,
    running: &Running,
    secret: Secret,
) -> anyhow::Result<Outcome> {
    let mut listen = settings.clone();
    listen.listen = running.addr;
    let url = listen.client_url();
    let mut story = Story {
        out: Output { json: args.json },
        client: Client::plain(url.parse()?, running.token.clone())?,
        cursor: "0".to_owned(),
        shown: BTreeSet::new(),
        ready: false,
    };
    let poster = Poster::new(&url.parse()?, secret)?;
    let (out, screen) = (story.out, Screen::detect());
    out.text(format_args!("A pull request's life, as GitHub tells it to {url}:\n"))?;
    let mut failed = false;
    for delivery in read_embedded(&STORY)? {
        if delivery.action == "closed" {
            story.wait_until_ready().await?;
        }
        let sent = poster.send(&delivery).await;
        let title = format!("{} {}", delivery.event, delivery.action);
        out.text(format_args!(
            "▶ {:<36} {} in {:.1?}",
            line(&title),
            screen.paint_words(&line(&sent.outcome)),
            sent.took
        ))?;
        failed |= !sent.is_acknowledged();
        story.show_changes().await?;
    }
    if failed {
        anyhow::bail!("a delivery of the story was not acknowledged");
    }
    let token = running.token.expose();
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
    /// The human heard that it can be merged.
    ready: bool,
}

impl Story {
    /// Waits for what is said of a head once it has settled: nobody merges within a second.
    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        if !self.ready {
            self.changes_within(Duration::from_secs(10)).await?;
        }
        Ok(())
    }

    async fn show_changes(&mut self) -> anyhow::Result<()> {
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
            self.ready |= change.payload.get().contains("\"approved-and-green\"");
            if change.event_type == "nudge_created" && !self.out.json {
                self.show_nudge(&change).await?;
            }
        }
        Ok(())
    }

    /// Prints the nudge's body in full, as its reader gets it.
    async fn show_nudge(&mut self, change: &ChangeJson) -> anyhow::Result<()> {
        let payload: Value = serde_json::from_str(change.payload.get())?;
        let Some(id) = payload["id"].as_i64().filter(|id| self.shown.insert(*id)) else {
            return Ok(());
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_story_begins_with_an_open_pull_request_and_ends_merged() {
        let story = read_embedded(&STORY).unwrap();
        assert!(story.len() > 10, "{}", story.len());
        let ends = [&story[0], &story[story.len() - 1]].map(|d| (&*d.event, &*d.action));
        assert_eq!(ends, [("pull_request", "opened"), ("pull_request", "closed")]);
    }
}
