//! The story with an agent in it: started in a terminal, told there of its red CI, ended by the merge.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};

use super::story::{JOBS, LOG, PATIENCE, Story};
use crate::api::{List, NudgeJson, SessionJson, TerminalJson};
use crate::app;
use crate::cli::client::Client;
use crate::cli::output::block;
use crate::config::{AgentSettings, Settings};
use crate::domain::{ActivityState, NudgeKind, NudgeState};
use crate::fake_github::{FakeGitHub, Log, NewPull};

/// What the agent does, as a script.
const AGENT: &str = include_str!("agent.sh");
const STEP: Duration = Duration::from_millis(100);
/// Of its terminal.
const SHOWN: &str = "14";

/// Settings with the agent as a harness; its repository is made in the folder.
pub(super) fn with_agent(settings: Settings, folder: &Path) -> anyhow::Result<Settings> {
    let (script, repo) = (folder.join("agent.sh"), folder.join("rocket"));
    std::fs::write(&script, AGENT)?;
    std::fs::create_dir(&repo)?;
    for words in [
        &["init", "--quiet", "--initial-branch", "main"][..],
        &[
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.org",
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            "A rocket",
        ],
    ] {
        let done = Command::new("git").args(words).current_dir(&repo).status();
        anyhow::ensure!(
            done.context("git cannot be run")?.success(),
            "git cannot make a repository"
        );
    }
    let nudged = std::env::current_exe().context("our own executable cannot be found")?;
    let harness = json!({"start": ["/bin/sh", script, nudged, "{prompt}"]});
    Ok(Settings {
        agents: AgentSettings {
            data: Some(folder.join("data")),
            probe_every: Duration::from_millis(500),
            harnesses: [("show".to_owned(), harness)].into(),
            ..settings.agents
        },
        // Longer than it takes to open a pull request.
        settle: Duration::from_secs(3),
        ..settings
    })
}

/// Ends the agents that still run, and waits for those that are being ended: they would outlive the server.
pub(super) async fn end_all(client: &Client, settings: &Settings) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let sessions: List<SessionJson> = client.get("/v1/sessions", &[], Duration::ZERO).await?;
        for session in sessions.items.iter().filter(|session| !session.state.is_terminal()) {
            let path = format!("/v1/sessions/{}/kill", session.id);
            client.submit::<Value>(Method::POST, &path, &Value::Null, PATIENCE).await?;
        }
        let is_over =
            |session: &SessionJson| session.state.is_terminal() && session.operation.is_none();
        if sessions.items.iter().all(is_over) {
            break;
        }
        anyhow::ensure!(Instant::now() < until, "the agent cannot be ended");
        tokio::time::sleep(STEP).await;
    }
    // Where no agent was started there is none.
    let mut end = Command::new("tmux");
    end.arg("-S").arg(app::socket(settings)?).arg("kill-server");
    let _ = end.stdout(Stdio::null()).stderr(Stdio::null()).status();
    Ok(())
}

impl Story {
    /// The agent works in a copy of `repo`; its CI fails, it is told in its terminal, and mends it.
    pub(super) async fn happen_with_agent(
        &mut self,
        github: &FakeGitHub,
        repo: &Path,
    ) -> anyhow::Result<()> {
        // It is there before the server asks GitHub about it.
        let rocket = github.repository("octo-org/rocket");
        let project = json!({"repo": "octo-org/rocket", "path": repo});
        self.client.put::<Value>("/v1/projects/rocket", &project).await?;
        self.out.text("▶ nudged spawn -p rocket \"Cool the nozzle\"")?;
        let wanted = json!({"projectId": "rocket", "prompt": "Cool the nozzle", "harness": "show"});
        let spawned = self.client.submit(Method::POST, "/v1/sessions", &wanted, PATIENCE);
        let session: SessionJson = spawned.await?;
        if let Some(failure) = session.failure {
            anyhow::bail!("the agent could not be started: {failure}");
        }
        self.changes_within(Duration::ZERO).await?;
        self.is_idle(&session.id).await?;
        let branch = session.branch.context("a session without a branch")?;

        let number = rocket.open_pull(NewPull::from(&branch).titled("Cool the nozzle"));
        let run = rocket.start_run(&rocket.pull(number).head_sha, "CI", "pull_request", JOBS);
        self.show(github).await?;
        rocket.finish_job(rocket.job(run, "build"), "success", None);
        rocket.finish_job(rocket.job(run, "test"), "failure", Some(Log::new(LOG)));
        self.show(github).await?;
        self.wait_for("ci-failed").await?;
        self.is_told(&session.id).await?;
        self.is_idle(&session.id).await?;
        self.terminal(&session.id).await?;
        self.mended(github, &rocket, number).await
    }

    /// Waits until the agent has done what it was given.
    async fn is_idle(&mut self, id: &str) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let path = format!("/v1/sessions/{id}");
            let session: SessionJson = self.client.get(&path, &[], Duration::ZERO).await?;
            if session.activity.state == ActivityState::Idle {
                return self.changes_within(Duration::ZERO).await;
            }
            anyhow::ensure!(Instant::now() < until, "the agent goes on and on");
            tokio::time::sleep(STEP).await;
        }
    }

    /// Waits until a turn of the agent has begun with the nudge.
    async fn is_told(&mut self, id: &str) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let query = [("session", id.to_owned()), ("audience", "agent".to_owned())];
            let nudges: List<NudgeJson> =
                self.client.get("/v1/nudges", &query, Duration::ZERO).await?;
            let is_told = |nudge: &NudgeJson| {
                nudge.kind == NudgeKind::CiFailed && nudge.state == NudgeState::Delivered
            };
            if nudges.items.iter().any(is_told) {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < until, "the agent was not told");
            tokio::time::sleep(STEP).await;
        }
    }

    /// Shows the end of the agent's terminal.
    async fn terminal(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("/v1/sessions/{id}/terminal");
        let query = [("lines", SHOWN.to_owned())];
        let terminal: TerminalJson = self.client.get(&path, &query, Duration::ZERO).await?;
        self.out.text(format_args!("    ┌─ the terminal of {id}"))?;
        for text in block(terminal.text.trim_end()).lines() {
            self.out.text(format_args!("    │ {text}"))?;
        }
        self.out.text("    └─")?;
        Ok(())
    }
}
