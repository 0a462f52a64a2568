//! Agents that run on the server's machine: `nudged spawn`, `kill`, `restore`, `send`, `cleanup`, `attach`, `logs`.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Client;
use super::output::{Misuse, Outcome, Output, block, bytes, complain, line};
use super::target::Target;
use crate::api::{SessionJson, SpawnBody, TerminalJson, WhereToRun};

/// The server answers when it is done, or after half a minute.
const PATIENCE: Duration = Duration::from_secs(40);
/// Between two looks at what takes longer.
const STEP: Duration = Duration::from_millis(500);

/// What `spawn` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: nudged spawn -p rocket --issue R-7 \"Mend the flaky test of the parser\""
)]
pub(super) struct Spawn {
    /// The project
    #[arg(short, long, value_name = "ID")]
    project: String,
    /// Which agent: claude-code, codex, opencode, aider, or one of nudged.toml [default: claude-code]
    #[arg(long, value_name = "NAME")]
    harness: Option<String>,
    /// The branch to make for it [default: nudged/SESSION]
    #[arg(long)]
    branch: Option<String>,
    /// The issue that it is about
    #[arg(long, value_name = "ID")]
    issue: Option<String>,
    /// Start nothing: the agent runs elsewhere, and asks for its nudges itself
    #[arg(long)]
    external: bool,
    /// What it is to do; - reads it from standard input
    prompt: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What all of them take.
#[derive(Debug, clap::Args)]
struct Common {
    /// Print the session as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// What `kill` and `cleanup` take.
#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// The session, such as rocket-3
    session: String,
    #[command(flatten)]
    common: Common,
}

/// What `restore` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// The session, such as rocket-3
    session: String,
    /// Begin a new conversation, with its first prompt
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    common: Common,
}

/// What `send` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: nudged send rocket-3 \"Leave the changelog alone, please\"")]
pub(super) struct Send {
    /// The session, such as rocket-3
    session: String,
    /// What to say; - reads it from standard input
    text: String,
    #[command(flatten)]
    common: Common,
}

/// What `attach` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Leave it with Ctrl-b d: the agent goes on.")]
pub(super) struct Attach {
    /// The session, such as rocket-3
    session: String,
    #[command(flatten)]
    target: Target,
}

/// What `logs` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Logs {
    /// The session, such as rocket-3
    session: String,
    /// The last lines of its terminal
    #[arg(short = 'n', long, default_value = "200", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    lines: u32,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn spawn(args: Spawn) -> anyhow::Result<Outcome> {
    let body = SpawnBody {
        project_id: args.project,
        prompt: args.prompt.map(words).transpose()?,
        harness: args.harness,
        branch: args.branch,
        issue_id: args.issue,
        runtime: args.external.then_some(WhereToRun::External),
    };
    let client = args.common.target.client()?;
    order(&client, "/v1/sessions", &serde_json::to_value(body)?, args.common.json).await
}

pub(super) async fn kill(args: One) -> anyhow::Result<Outcome> {
    let (client, path) = args.asked("kill")?;
    order(&client, &path, &Value::Null, args.common.json).await
}

pub(super) async fn clean_up(args: One) -> anyhow::Result<Outcome> {
    let (client, path) = args.asked("cleanup")?;
    order(&client, &path, &Value::Null, args.common.json).await
}

pub(super) async fn restore(args: Restore) -> anyhow::Result<Outcome> {
    let path = path(&args.session, "restore")?;
    let client = args.common.target.client()?;
    order(&client, &path, &json!({"fresh": args.fresh}), args.common.json).await
}

pub(super) async fn send(args: Send) -> anyhow::Result<Outcome> {
    let path = path(&args.session, "messages")?;
    let text = words(args.text)?;
    let client = args.common.target.client()?;
    let said: Value = client.submit(Method::POST, &path, &json!({"text": text}), PATIENCE).await?;
    let out = Output { json: args.common.json };
    out.object(&said)?;
    out.text(format_args!("{} was told", args.session))?;
    Ok(Outcome::Done)
}

pub(super) async fn logs(args: Logs) -> anyhow::Result<Outcome> {
    let path = path(&args.session, "terminal")?;
    let client = args.common.target.client()?;
    let query = [("lines", args.lines.to_string())];
    let shown: Value = client.get(&path, &query, Duration::ZERO).await?;
    let out = Output { json: args.common.json };
    out.object(&shown)?;
    let terminal: TerminalJson = serde_json::from_value(shown)?;
    out.text(block(&terminal.text))?;
    Ok(Outcome::Done)
}

pub(super) async fn attach(args: Attach) -> anyhow::Result<Outcome> {
    let path = path(&args.session, "terminal")?;
    let client = args.target.client()?;
    if !client.is_here() {
        let message =
            "its terminal is on the server's machine: attach there, or read it with `nudged logs`";
        return Err(Misuse(message.to_owned()).into());
    }
    let terminal: TerminalJson =
        client.get(&path, &[("lines", "1".to_owned())], Duration::ZERO).await?;
    // It comes back only where it cannot be run.
    let error = Command::new("tmux")
        .arg("-S")
        .arg(&terminal.socket)
        .args(["attach-session", "-t", &format!("={}", terminal.name)])
        .env_remove("TMUX")
        .exec();
    Err(anyhow::Error::new(error).context("tmux cannot be run"))
}

impl One {
    fn asked(&self, verb: &str) -> anyhow::Result<(Client, String)> {
        Ok((self.common.target.client()?, path(&self.session, verb)?))
    }
}

/// A session's route. What cannot be its id is refused here: it would name another route.
fn path(session: &str, verb: &str) -> anyhow::Result<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if session.is_empty() || !session.chars().all(is_plain) {
        return Err(
            Misuse(format!("{session:?} is no session; `nudged sessions` lists them")).into()
        );
    }
    Ok(format!("/v1/sessions/{session}/{verb}"))
}

/// Words as they were typed, or from standard input.
fn words(given: String) -> anyhow::Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
    Ok(text.trim_end().to_owned())
}

/// Asks for it, waits until it is done, and says what came of it.
async fn order(client: &Client, path: &str, body: &Value, json: bool) -> anyhow::Result<Outcome> {
    let mut shown: Value = client.submit(Method::POST, path, body, PATIENCE).await?;
    let mut session: SessionJson = serde_json::from_value(shown.clone())?;
    while session.operation.is_some() {
        tokio::time::sleep(STEP).await;
        shown = client.get(&format!("/v1/sessions/{}", session.id), &[], Duration::ZERO).await?;
        session = serde_json::from_value(shown.clone())?;
    }
    let out = Output { json };
    out.object(&shown)?;
    if let Some(failure) = &session.failure {
        complain(&format!("{}: {failure}", session.id));
        return Ok(Outcome::Failed);
    }
    let mut told = format!("{}  {}", session.id, session.status);
    for part in [&session.branch, &session.workspace_path].into_iter().flatten() {
        told = format!("{told}  {}", line(part));
    }
    if let Some(freed) = session.freed_bytes {
        told = format!("{told}  {} of disk are free again", bytes(freed.unsigned_abs()));
    }
    out.text(told)?;
    Ok(Outcome::Done)
}
