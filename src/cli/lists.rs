//! Lists of the API, page after page: `nudged projects`, `sessions` and `deliveries`.

use std::io;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{Client, ClientError};
use super::output::{Outcome, Output, complain};
use super::recover;

use super::table::{Column, Screen, Table, prose, text, word};
use super::target::Target;
use crate::api::{DeliveryJson, List, ProjectJson, ProjectNudges, SessionJson};

/// The most that the API gives at once.
const PAGE: u64 = 1000;

/// Parameters of a query.
pub(super) type Query = Vec<(&'static str, String)>;

/// What every list takes.
#[derive(Debug, clap::Args)]
pub(super) struct Listing {
    /// Show at most so many
    #[arg(long, default_value = "1000", value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Print one JSON object an item
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) target: Target,
}

/// What `projects` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Projects {
    #[command(flatten)]
    listing: Listing,
}

/// What `sessions` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: nudged sessions --project rocket --status ci_failed")]
pub(super) struct Sessions {
    /// Only of this project
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Only with this display status, as working, ci_failed, mergeable or merged
    #[arg(long)]
    status: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

/// What `deliveries` takes.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  nudged deliveries --outcome quarantined\n  nudged deliveries recover"
)]
pub(super) struct Deliveries {
    #[command(subcommand)]
    action: Option<DeliveriesAction>,
    /// Only with this outcome: applied, ignored or quarantined
    #[arg(long)]
    outcome: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

/// What is done with deliveries, where they are not listed.
#[derive(Debug, clap::Subcommand)]
enum DeliveriesAction {
    /// Fetch from GitHub what never arrived, and process it now
    Recover(recover::Args),
}

/// Hands over item after item; whether there are more than `limit`.
pub(super) async fn walk(
    client: &Client,
    path: &str,
    query: &Query,
    limit: u64,
    wait: Duration,
    mut each: impl FnMut(Value) -> io::Result<bool>,
) -> anyhow::Result<bool> {
    let mut left = limit;
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query.clone();
        query.push(("limit", left.min(PAGE).to_string()));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let wait = if left == limit { wait } else { Duration::ZERO };
        if !wait.is_zero() {
            query.push(("wait", wait.as_secs().to_string()));
        }
        let page: List<Value> =
            client.get(path, &query, wait).await.map_err(|error| named(error, path))?;
        left -= left.min(page.items.len() as u64);
        for item in page.items {
            if !each(item)? {
                return Ok(false);
            }
        }
        match page.next {
            Some(_) if left == 0 => return Ok(true),
            Some(next) => cursor = Some(next),
            None => return Ok(false),
        }
    }
}

fn named(error: ClientError, path: &str) -> anyhow::Error {
    match error {
        ClientError::Passing(_) => error.into(),
        ClientError::Lasting(_) | ClientError::Misuse(_) => {
            anyhow::Error::new(error).context(format!("GET {path}"))
        }
    }
}

/// What is listed, and how it looks as a table.
pub(super) struct View<'a, T> {
    /// The plural, for "there are no …".
    pub(super) what: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Query,
    pub(super) wait: Duration,
    pub(super) columns: &'a [Column],
    pub(super) cells: fn(&T, Screen) -> Vec<String>,
}

/// Prints a whole list.
pub(super) async fn print<T: DeserializeOwned>(
    listing: &Listing,
    view: View<'_, T>,
) -> anyhow::Result<Outcome> {
    let client = listing.target.client()?;
    let out = Output { json: listing.json };
    let screen = Screen::detect();
    let mut table = Table::new(view.columns);
    let mut count = 0_u64;
    let more = walk(&client, view.path, &view.query, listing.limit, view.wait, |item| {
        count += 1;
        // As it came: a script may know more of it than this build does.
        out.object(&item)?;
        if !out.json {
            table.row((view.cells)(&serde_json::from_value(item)?, screen));
        }
        Ok(true)
    });
    let more = more.await?;
    table.print(screen)?;
    if count == 0 {
        let such = if view.query.is_empty() { "" } else { " such" };
        complain(&format!("there are no{such} {}", view.what));
    } else if more {
        complain(&format!("there are more {}: --limit shows more, filters show fewer", view.what));
    }
    Ok(Outcome::Done)
}

/// The filters that were given.
pub(super) fn filters<const N: usize>(given: [(&'static str, &Option<String>); N]) -> Query {
    given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

/// A text as a cell, empty where there is none.
pub(super) fn cell(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

pub(super) async fn projects(args: Projects) -> anyhow::Result<Outcome> {
    let columns = [text("ID"), text("REPO"), text("ADOPT"), prose("NUDGES"), text("SINCE")];
    let cells = |item: &ProjectJson, screen: Screen| {
        vec![
            item.id.clone(),
            item.repo.clone(),
            item.adopt.to_string(),
            nudges_of(&item.nudges),
            screen.age(&item.registered_at),
        ]
    };
    let (what, path) = ("projects", "/v1/projects");
    let view =
        View { what, path, query: Query::new(), wait: Duration::ZERO, columns: &columns, cells };
    print(&args.listing, view).await
}

/// `all`, `paused`, or the checks that count.
fn nudges_of(nudges: &ProjectNudges) -> String {
    let mut words = Vec::new();
    words.extend(nudges.paused.then(|| "paused".to_owned()));
    for (which, globs) in [("only", &nudges.checks.only), ("except", &nudges.checks.except)] {
        words.extend((!globs.is_empty()).then(|| format!("{which} {}", globs.join(","))));
    }
    if words.is_empty() { "all".to_owned() } else { words.join("; ") }
}

pub(super) async fn sessions(args: Sessions) -> anyhow::Result<Outcome> {
    let columns = [
        text("ID"),
        word("STATUS"),
        word("AGENT"),
        text("HARNESS").spare(),
        text("PULLS"),
        prose("BRANCH"),
        text("UPDATED"),
    ];
    let cells = |item: &SessionJson, screen: Screen| {
        let numbers: Vec<_> = item.pulls.iter().map(|pull| format!("#{}", pull.number)).collect();
        vec![
            item.id.clone(),
            item.status.to_string(),
            item.activity.state.to_string(),
            item.harness.clone(),
            numbers.join(" "),
            cell(item.branch.as_ref()),
            screen.age(&item.updated_at),
        ]
    };
    let query = filters([("project", &args.project), ("status", &args.status)]);
    let (what, path) = ("sessions", "/v1/sessions");
    let view = View { what, path, query, wait: Duration::ZERO, columns: &columns, cells };
    print(&args.listing, view).await
}

pub(super) async fn deliveries(args: Deliveries) -> anyhow::Result<Outcome> {
    if let Some(DeliveriesAction::Recover(args)) = args.action {
        return recover::run(args).await;
    }
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
        let event = match &item.action {
            Some(action) => format!("{} {action}", item.event),
            None => item.event.clone(),
        };
        vec![
            item.id.to_string(),
            screen.age(&item.received_at),
            event,
            cell(item.repo.as_ref()),
            item.outcome.clone(),
            cell(item.reason.as_ref()),
            item.delivery.clone(),
        ]
    };
    let query = filters([("outcome", &args.outcome)]);
    let (what, path) = ("deliveries", "/v1/deliveries");
    let view = View { what, path, query, wait: Duration::ZERO, columns: &columns, cells };
    print(&args.listing, view).await
}
