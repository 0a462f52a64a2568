//! `nudged deliveries`: what came in and what became of it; one of them shown, or done again.

use std::time::Duration;

use serde_json::Value;

use super::lists::{Listing, View, cell, filters, print};
use super::output::{Outcome, Output, block, line};
use super::recover;
use super::table::{Colour, Screen, prose, text, word};
use super::target::Target;
use super::words;
use crate::api::DeliveryJson;

/// What `deliveries` takes.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  nudged deliveries --outcome quarantined\n  nudged deliveries show 12\n  \
                  nudged deliveries replay 12\n  nudged deliveries recover"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only with this outcome
    #[arg(long, value_parser = words::outcome())]
    outcome: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

/// What is done with deliveries, where they are not listed.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print one with all that the ledger kept of it
    Show(One),
    /// Apply again what it became; one that could not be understood is read anew
    Replay(One),
    /// Fetch from GitHub what never arrived, and process it now
    Recover(recover::Args),
}

#[derive(Debug, clap::Args)]
struct One {
    /// The number of its row, as the list shows it
    id: u32,
    /// Print it as a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    match args.action {
        Some(Action::Show(args)) => show(args).await,
        Some(Action::Replay(args)) => replay(args).await,
        Some(Action::Recover(args)) => recover::run(args).await,
        None => list(args).await,
    }
}

async fn list(args: Args) -> anyhow::Result<Outcome> {
    let columns = [
        text("ID"),
        text("RECEIVED"),
        text("EVENT"),
        text("REPO"),
        word("OUTCOME"),
        prose("REASON"),
        text("DELIVERY").spare(),
    ];
    let cells = |item: &DeliveryJson, screen: Screen| {
        vec![
            item.id.to_string(),
            screen.age(&item.received_at),
            event(item),
            cell(item.repo.as_ref()),
            item.outcome.clone(),
            cell(item.reason.as_ref()),
            item.delivery.clone(),
        ]
    };
    let view = View {
        what: "deliveries",
        path: "/v1/deliveries",
        queries: vec![filters([("outcome", &args.outcome)])],
        key: "id",
        wait: Duration::ZERO,
        columns: &columns,
        cells,
    };
    print(&args.listing, view).await?;
    Ok(Outcome::Done)
}

fn event(item: &DeliveryJson) -> String {
    match &item.action {
        Some(action) => format!("{} {action}", item.event),
        None => item.event.clone(),
    }
}

async fn show(args: One) -> anyhow::Result<Outcome> {
    let client = args.target.client()?;
    let path = format!("/v1/deliveries/{}", args.id);
    let shown: Value = client.get(&path, &[], Duration::ZERO).await?;
    let out = Output { json: args.json };
    out.object(&shown)?;
    let (observation, kept) = (shown["observation"].clone(), shown["bodyBytes"].clone());
    let item: DeliveryJson = serde_json::from_value(shown)?;
    let screen = Screen::detect();
    out.text(title(&item, screen))?;
    let field = |name: &str, text: &str| match text {
        "" => Ok(()),
        text => out.text(format_args!("  {name:<9} {}", line(text))),
    };
    field("received", &screen.age(&item.received_at))?;
    field("delivery", &item.delivery)?;
    field("hook", &item.hook)?;
    field("reason", item.reason.as_deref().unwrap_or_default())?;
    if let Some(bytes) = kept.as_u64() {
        field("body", &format!("{} are kept; replay reads it anew", super::output::bytes(bytes)))?;
    }
    if !observation.is_null() {
        out.text("\nIt became:")?;
        out.text(block(&serde_json::to_string_pretty(&observation)?))?;
    }
    Ok(Outcome::Done)
}

fn title(item: &DeliveryJson, screen: Screen) -> String {
    let repo = item.repo.as_deref().map_or_else(String::new, |repo| format!(" · {}", line(repo)));
    let outcome = screen.paint(&line(&item.outcome), Colour::of(&item.outcome));
    format!("delivery {} · {}{repo} · {outcome}", item.id, line(&event(item)))
}

async fn replay(args: One) -> anyhow::Result<Outcome> {
    let client = args.target.client()?;
    let shown: Value = client.post(&format!("/v1/deliveries/{}/replay", args.id)).await?;
    let out = Output { json: args.json };
    out.object(&shown)?;
    let item: DeliveryJson = serde_json::from_value(shown)?;
    out.text(title(&item, Screen::detect()))?;
    if let Some(reason) = &item.reason {
        out.text(line(reason))?;
    }
    // It came to nothing again.
    Ok(if item.outcome == "quarantined" { Outcome::Failed } else { Outcome::Done })
}
