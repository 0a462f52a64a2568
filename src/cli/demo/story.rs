//! The story that is shown: what happens at GitHub, and what comes of it here.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api::{ChangeJson, List, NudgeJson};
use crate::cli::changes::Page;
use crate::cli::client::Client;
use crate::cli::describe::after;
use crate::cli::output::{Output, block, line};
use crate::cli::table::Screen;
use crate::fake_github::{FakeGitHub, Log, NewPull, Repo};

/// GitHub's times are whole seconds.
const TICK: Duration = Duration::from_millis(1_010);
/// A machine that is busy may make a question miss its minute.
pub(super) const PATIENCE: Duration = Duration::from_secs(100);

pub(super) const JOBS: &[&str] = &["build", "test"];

/// What Actions keeps of the job that fails.
pub(super) const LOG: &str = include_str!("demo.log");

pub(super) struct Story {
    pub(super) out: Output,
    pub(super) client: Client,
    pub(super) cursor: String,
    /// Nudges whose body was shown.
    pub(super) shown: BTreeSet<i64>,
    /// The kinds of nudges that were made.
    pub(super) kinds: BTreeSet<String>,
    /// Deliveries that were shown.
    pub(super) delivered: usize,
}

impl Story {
    /// An agent opens a pull request, CI fails, it is mended, approved and merged.
    pub(super) async fn happen(&mut self, github: &FakeGitHub) -> anyhow::Result<()> {
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
        self.mended(github, &repo, number).await
    }

    /// What was mended is pushed; CI is green, it is approved and merged.
    pub(super) async fn mended(
        &mut self,
        github: &FakeGitHub,
        repo: &Repo,
        number: i64,
    ) -> anyhow::Result<()> {
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
    pub(super) async fn wait_for(&mut self, kind: &str) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        while !self.kinds.contains(kind) {
            anyhow::ensure!(Instant::now() < until, "no {kind} was said");
            self.changes_within(Duration::from_secs(1)).await?;
        }
        Ok(())
    }

    /// Shows the deliveries since the last time, and what came of them.
    pub(super) async fn show(&mut self, github: &FakeGitHub) -> anyhow::Result<()> {
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
    pub(super) async fn changes_within(&mut self, wait: Duration) -> anyhow::Result<()> {
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
