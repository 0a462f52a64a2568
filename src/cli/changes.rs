//! `nudged changes`: the change log, page by page, and on as it grows.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::client::{Client, ClientError};
use super::describe::{HEAD, row};
use super::output::{Outcome, Output, complain};

use super::serve::Stop;
use super::target::Target;

/// What the server is asked to wait for the next change.
const WAIT: Duration = Duration::from_secs(30);
/// The most that the API gives at once.
const PAGE: u64 = 1000;
/// How soon, and how late at most, a server that is away is asked again.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What `changes` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Go on as changes come, also across restarts of the server, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Begin after this cursor: a seq, the cursor of an earlier answer, or `head` for now; without it,
    /// with the oldest change that is kept
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Only of these projects
    #[arg(long, value_name = "ID")]
    project: Vec<String>,
    /// Only of these sessions
    #[arg(long, value_name = "ID")]
    session: Vec<String>,
    /// Only of these types, as nudge_created
    #[arg(long = "type", value_name = "TYPE")]
    kind: Vec<String>,
    /// End after so many changes
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    target: Target,
    /// Print one JSON object a change
    #[arg(long)]
    json: bool,
}

/// One answer of `GET /v1/changes`. Changes stay as they came: a script may know more of them than this
/// build does.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) changes: Vec<Value>,
    pub(super) next: String,
    head: i64,
    floor: i64,
}

impl Page {
    /// Nothing is left behind the page that is not on it.
    fn reaches_head(&self) -> bool {
        let seq = self.next.rsplit('.').next().and_then(|seq| seq.parse::<i64>().ok());
        seq.is_none_or(|seq| seq >= self.head)
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let client = args.target.client()?;
    let mut stop = Stop::listen()?;
    tokio::select! {
        done = print(&args, &client) => done,
        _ = stop.asked() => Ok(Outcome::Done),
    }
}

async fn print(args: &Args, client: &Client) -> anyhow::Result<Outcome> {
    let out = Output { json: args.json };
    let mut cursor = args.after.clone();
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut wait = Duration::ZERO;
    let mut pause = FIRST_PAUSE;
    let mut headed = false;
    loop {
        let after = cursor.as_deref().unwrap_or("head");
        let page = match page(args, client, after, left.min(PAGE), wait).await {
            Err(ClientError::Passing(reason)) if args.follow => {
                if pause == FIRST_PAUSE {
                    complain(&format!("{reason}; trying again, nothing is lost"));
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
            page => page?,
        };
        pause = FIRST_PAUSE;
        let Some(cursor) = &mut cursor else {
            cursor = Some(page.floor.to_string());
            continue;
        };
        if !std::mem::replace(&mut headed, true) {
            out.text(HEAD)?;
        }
        for change in &page.changes {
            out.object(change)?;
            if !out.json {
                out.text(row(&serde_json::from_value(change.clone())?))?;
            }
        }
        left -= left.min(page.changes.len() as u64);
        let ends = page.reaches_head() || (page.changes.is_empty() && page.next == *cursor);
        cursor.clone_from(&page.next);
        if left == 0 || (ends && !args.follow) {
            out.text(format_args!("go on with --after {cursor}"))?;
            return Ok(Outcome::Done);
        }
        if ends {
            wait = WAIT;
        }
    }
}

async fn page(
    args: &Args,
    client: &Client,
    cursor: &str,
    limit: u64,
    wait: Duration,
) -> Result<Page, ClientError> {
    let mut query = vec![
        ("after", cursor.to_owned()),
        ("limit", limit.to_string()),
        ("wait", wait.as_secs().to_string()),
    ];
    for (name, values) in
        [("project", &args.project), ("session", &args.session), ("type", &args.kind)]
    {
        query.extend(values.iter().map(|value| (name, value.clone())));
    }
    client.get("/v1/changes", &query, wait).await
}
