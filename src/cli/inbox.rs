//! `nudged inbox`: what the agent that works in this checkout is to hear, for hooks and prompts.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::checkout;
use super::client::{Client, ClientError};
use super::describe::short_pull;
use super::lists::{Query, walk};
use super::output::{Outcome, Output, block, complain, line};
use super::table::Screen;
use super::target::Target;
use crate::api::{List, NudgeJson};

/// The longest that one request may wait, by the API.
const ROUND: Duration = Duration::from_secs(60);
/// How soon a server that is away is asked again.
const PAUSE: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  nudged inbox                          what waits for this branch
  nudged inbox --wait 600 --ack         wait for it; it is not told again
  nudged inbox --format prompt --ack    ready to be given to an agent, or empty

Exit codes: 0 done, with or without nudges; 1 it failed, or --wait was in vain;
2 wrong command line, or the checkout does not tell repository and branch";

/// What `inbox` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The repository [default: that of the remote `origin` of the git checkout here]
    #[arg(long, value_name = "OWNER/REPO")]
    repo: Option<String>,
    /// The branch [default: the one that is checked out here]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Where nothing waits, wait at most so many seconds for it
    #[arg(long, value_name = "SECONDS", default_value = "0", hide_default_value = true,
        value_parser = clap::value_parser!(u64).range(0..=86_400))]
    wait: u64,
    /// Say that they were heard, once they are printed: they are not told again
    #[arg(long)]
    ack: bool,
    /// How they are printed
    #[arg(long, value_enum, default_value = "text", conflicts_with = "json")]
    format: Form,
    /// Print one JSON object a nudge
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

/// How nudges are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people
    Text,
    /// For an agent's prompt: each under its mark, and nothing else
    Prompt,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let repo = args.repo.clone().map_or_else(checkout::repository, Ok)?;
    let branch = args.branch.clone().map_or_else(checkout::branch, Ok)?;
    let client = args.target.client()?;
    let nudges = waiting(&client, &repo, &branch, Duration::from_secs(args.wait)).await?;
    if nudges.is_empty() {
        complain(&format!("nothing for {} in {}", line(&branch), line(&repo)));
        if args.wait > 0 {
            return Ok(Outcome::Failed);
        }
        if !is_watched(&client, &repo).await? {
            complain(&format!(
                "no delivery of {} has come yet: does its webhook lead to this server?",
                line(&repo)
            ));
        }
        return Ok(Outcome::Done);
    }
    let screen = Screen::detect();
    for nudge in &nudges {
        show(&args, nudge, screen)?;
    }
    std::io::stdout().lock().flush()?;
    let mut outcome = Outcome::Done;
    for nudge in nudges.iter().filter(|_| args.ack) {
        let id = &nudge["id"];
        if let Err(error) = client.post::<Value>(&format!("/v1/nudges/{id}/ack")).await {
            complain(&format!("nudge {id}: {error}"));
            outcome = Outcome::Failed;
        }
    }
    Ok(outcome)
}

/// What waits for the agent on that branch, oldest first. A server that goes away meanwhile is waited for
/// as well.
async fn waiting(
    client: &Client,
    repo: &str,
    branch: &str,
    wait: Duration,
) -> Result<Vec<Value>, ClientError> {
    let (start, mut is_told) = (Instant::now(), false);
    loop {
        let left = wait.saturating_sub(start.elapsed());
        // The API counts in whole seconds.
        let round = Duration::from_secs(left.min(ROUND).as_millis().div_ceil(1_000) as u64);
        let mut query: Query = vec![
            ("repo", repo.to_owned()),
            ("branch", branch.to_owned()),
            ("audience", "agent".to_owned()),
            ("state", "pending".to_owned()),
            ("limit", "1000".to_owned()),
        ];
        if !round.is_zero() {
            query.push(("wait", round.as_secs().to_string()));
        }
        let asked = Instant::now();
        match client.get::<List<Value>>("/v1/nudges", &query, round).await {
            Err(ClientError::Passing(reason)) if left > PAUSE => {
                if !std::mem::replace(&mut is_told, true) {
                    complain(&format!("{reason}; trying again, nothing is lost"));
                }
                tokio::time::sleep(PAUSE).await;
            }
            // A server that is about to stop does not wait.
            Ok(list) if list.items.is_empty() && !round.is_zero() => {
                tokio::time::sleep(PAUSE.min(left).saturating_sub(asked.elapsed())).await;
            }
            Ok(list) => return Ok(list.items),
            Err(error) => return Err(error),
        }
    }
}

fn show(args: &Args, nudge: &Value, screen: Screen) -> anyhow::Result<()> {
    let out = Output { json: args.json };
    out.object(nudge)?;
    if args.json {
        return Ok(());
    }
    let nudge: NudgeJson = serde_json::from_value(nudge.clone())?;
    let body = block(nudge.body.trim_end());
    match args.format {
        Form::Prompt => out.text(format_args!("[nudge {}]\n{body}\n", nudge.id))?,
        Form::Text => {
            let pull = line(&short_pull(nudge.pull_url.as_deref().unwrap_or_default()));
            let age = screen.age(&nudge.created_at);
            out.text(format_args!("nudge {} · {} · {pull} · {age}\n", nudge.id, nudge.kind))?;
            out.text(format_args!("{body}\n"))?;
        }
    }
    Ok(())
}

/// Whether the repository is one of the server's projects.
async fn is_watched(client: &Client, repo: &str) -> anyhow::Result<bool> {
    let mut found = false;
    walk(client, "/v1/projects", &Query::new(), 1_000, Duration::ZERO, |project| {
        found |= project["repo"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(repo));
        Ok(!found)
    })
    .await?;
    Ok(found)
}
