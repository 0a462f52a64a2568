//! `nudged nudges`: what agents and people were or are to be told; shown whole, and acknowledged.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::describe::short_pull;
use super::lists::{Listing, View, cell, filters, in_order, newest_first, print};
use super::output::{Outcome, Output, block, complain, line};
use super::table::{Colour, Screen, cut, prose, text, word};
use super::target::Target;
use super::words;
use crate::api::NudgeJson;

/// What `nudges` takes.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

const EXAMPLES: &str = "Examples:\n  nudged nudges --audience human --state pending\n  \
    nudged nudges --repo octo/rocket --branch my-branch --state pending --wait 60\n  \
    nudged nudges show 7\n  nudged nudges ack 7 8";

/// The states of what somebody has still to hear of.
const WAITING: &str = "pending,held,handed,unconfirmed";

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print a nudge whole, as the agent gets it
    Show(Show),
    /// Say that nudges were heard: they are not told again
    Ack(Ack),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only of this pull request: OWNER/REPO#NUMBER, or its address
    #[arg(long, value_name = "PULL")]
    pull: Option<String>,
    /// Only of sessions or pull requests on this branch
    #[arg(long)]
    branch: Option<String>,
    /// Only of this repository, whose branches others may have too
    #[arg(long, value_name = "OWNER/REPO")]
    repo: Option<String>,
    /// Only of this project
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Only to these
    #[arg(long, value_parser = words::audience())]
    audience: Option<String>,
    /// Only in these states; several with commas
    #[arg(long, value_delimiter = ',', value_parser = words::nudge_state())]
    state: Vec<String>,
    /// Where there is none, wait at most so many seconds for one; exit code 1 where none came
    #[arg(long, value_name = "SECONDS", default_value = "0", hide_default_value = true,
        value_parser = clap::value_parser!(u64).range(0..=60))]
    wait: u64,
    #[command(flatten)]
    listing: Listing,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The nudge's number
    id: u32,
    /// Print it as a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
struct Ack {
    /// The nudges' numbers
    #[arg(required = true, value_name = "ID")]
    ids: Vec<u32>,
    /// Print one JSON object a nudge
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    match args.action {
        Some(Action::Show(args)) => show(args).await,
        Some(Action::Ack(args)) => acknowledge(args).await,
        None => list(args.list).await,
    }
}

async fn list(args: List) -> anyhow::Result<Outcome> {
    let columns = [
        text("ID"),
        text("TO"),
        text("KIND"),
        word("STATE"),
        word("PRIORITY").spare(),
        text("SESSION").spare(),
        text("PULL"),
        text("CREATED"),
        prose("SAYS").spare(),
    ];
    let cells = |item: &NudgeJson, screen: Screen| {
        vec![
            item.id.to_string(),
            item.audience.to_string(),
            item.kind.to_string(),
            item.state.to_string(),
            item.priority.to_string(),
            cell(item.session_id.as_ref()),
            short_pull(item.pull_url.as_deref().unwrap_or_default()),
            screen.age(&item.created_at),
            item.body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned(),
        ]
    };
    // The API's query has no `#`, which begins a fragment.
    let pull = args.pull.as_ref().map(|pull| match pull.contains("://") {
        true => pull.clone(),
        false => pull.replace('#', "/"),
    });
    let mut query = filters([
        ("repo", &args.repo),
        ("project", &args.project),
        ("session", &args.session),
        ("pull", &pull),
        ("branch", &args.branch),
        ("audience", &args.audience),
    ]);
    query.extend(args.state.iter().map(|state| ("state", state.clone())));
    let wait = Duration::from_secs(args.wait);
    let queries = if args.state.is_empty() && wait.is_zero() {
        in_order(query, "state", &[WAITING])
    } else {
        vec![newest_first(query)]
    };
    let view = View {
        what: "nudges",
        path: "/v1/nudges",
        queries,
        key: "id",
        wait,
        columns: &columns,
        cells,
    };
    let any = print(&args.listing, view).await?;
    Ok(if any || wait.is_zero() { Outcome::Done } else { Outcome::Failed })
}

async fn show(args: Show) -> anyhow::Result<Outcome> {
    let client = args.target.client()?;
    let path = format!("/v1/nudges/{}", args.id);
    let nudge: Value = client
        .get(&path, &[], Duration::ZERO)
        .await
        .with_context(|| format!("nudge {}", args.id))?;
    let out = Output { json: args.json };
    out.object(&nudge)?;
    let nudge: NudgeJson = serde_json::from_value(nudge)?;
    let screen = Screen::detect();
    let state = nudge.state.as_str();
    out.text(format_args!(
        "nudge {} to the {} · {} · {} · {}",
        nudge.id,
        nudge.audience,
        nudge.kind,
        screen.paint(state, Colour::of(state)),
        screen.age(&nudge.created_at),
    ))?;
    let pull = line(&short_pull(nudge.pull_url.as_deref().unwrap_or_default()));
    out.text(cut(&pull, screen.width.unwrap_or(usize::MAX)))?;
    out.text("")?;
    out.text(block(nudge.body.trim_end()))?;
    Ok(Outcome::Done)
}

async fn acknowledge(args: Ack) -> anyhow::Result<Outcome> {
    let client = args.target.client()?;
    let out = Output { json: args.json };
    let mut outcome = Outcome::Done;
    for id in args.ids {
        match client.post::<Value>(&format!("/v1/nudges/{id}/ack")).await {
            Ok(nudge) => {
                out.object(&nudge)?;
                let NudgeJson { state, .. } = serde_json::from_value(nudge)?;
                out.text(format_args!("nudge {id} is {state}"))?;
            }
            Err(error) => {
                complain(&format!("nudge {id}: {error}"));
                outcome = Outcome::Failed;
            }
        }
    }
    Ok(outcome)
}
