//! `nudged sessions`: the agents' sessions, who needs somebody and why; one of them whole; nudges held back.

mod show;
mod why;

use std::time::Duration;

use serde_json::Value;

use super::client::segment;
use super::lists::{Listing, View, cell, filters, in_order, newest_first, print};
use super::output::{Outcome, Output, complain, line};
use super::table::{Screen, prose, text, word};
use super::target::Target;
use super::words;
use crate::api::SessionJson;

/// The statuses of what goes on, from who needs somebody most.
const BY_NEED: [&str; 13] = [
    "needs_input",
    "stuck",
    "mergeable",
    "approved",
    "detecting",
    "changes_requested",
    "ci_failed",
    "review_pending",
    "pr_open",
    "draft",
    "idle",
    "working",
    "spawning",
];

/// What `sessions` takes.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  nudged sessions --project rocket --status ci_failed\n  \
                  nudged sessions show rocket-3\n  nudged sessions pause rocket-3\n  \
                  nudged sessions resume rocket-3"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only of this project
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Only with this display status
    #[arg(long, value_parser = words::display_status())]
    status: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

/// What is done with sessions, where they are not listed.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// One session: how it stands, what happened, what was said and what became of it
    Show(show::Args),
    /// Hold back what their agents are told; nothing is lost
    Pause(Named),
    /// Let it go out again, as far as it is still true
    Resume(Named),
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The sessions, as rocket-3
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Print one JSON object a session
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    match args.action {
        Some(Action::Show(args)) => show::run(args).await,
        Some(Action::Pause(args)) => set(args, "pause").await,
        Some(Action::Resume(args)) => set(args, "resume").await,
        None => list(args).await,
    }
}

async fn list(args: Args) -> anyhow::Result<Outcome> {
    let columns = [
        text("ID"),
        word("STATUS"),
        text("SINCE"),
        text("PULL"),
        word("CI"),
        word("REVIEW"),
        text("NUDGES"),
        text("WHY"),
        word("AGENT").spare(),
        text("HARNESS").spare(),
        prose("BRANCH").spare(),
        text("AGE").spare(),
    ];
    let cells = |item: &SessionJson, screen: Screen| {
        let pull = why::driver(item);
        vec![
            item.id.clone(),
            item.status.to_string(),
            screen.age(why::since(item)),
            why::numbers(item),
            pull.map(|pull| pull.ci.to_string()).unwrap_or_default(),
            pull.map(|pull| pull.review.to_string()).unwrap_or_default(),
            why::nudges(item),
            why::why(item, screen).unwrap_or_default(),
            item.activity.state.to_string(),
            item.harness.clone(),
            cell(item.branch.as_ref()),
            screen.age(&item.created_at),
        ]
    };
    let asked = filters([("project", &args.project), ("status", &args.status)]);
    let queries = match args.status {
        None => in_order(asked, "status", &BY_NEED),
        Some(_) => vec![newest_first(asked)],
    };
    let view = View {
        what: "sessions",
        path: "/v1/sessions",
        queries,
        key: "id",
        wait: Duration::ZERO,
        columns: &columns,
        cells,
    };
    print(&args.listing, view).await?;
    Ok(Outcome::Done)
}

fn said(item: &SessionJson) -> &'static str {
    if item.nudges.paused { "paused" } else { "on" }
}

async fn set(args: Named, verb: &str) -> anyhow::Result<Outcome> {
    let client = args.target.client()?;
    let out = Output { json: args.json };
    let mut outcome = Outcome::Done;
    for id in &args.ids {
        match client.post::<Value>(&format!("/v1/sessions/{}/{verb}", segment(id))).await {
            Ok(session) => {
                out.object(&session)?;
                let session: SessionJson = serde_json::from_value(session)?;
                out.text(format_args!("{}: nudges {}", line(&session.id), said(&session)))?;
            }
            Err(error) => {
                complain(&format!("session {id}: {error}"));
                outcome = Outcome::Failed;
            }
        }
    }
    Ok(outcome)
}
