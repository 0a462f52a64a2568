//! `nudged changes`: the change log, page by page, and on as it grows.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::client::{Client, ClientError};
use super::describe::ChangeTable;
use super::output::{Outcome, Output, complain};
use super::serve::Stop;
use super::table::Screen;
use super::target::Target;
use super::words;

/// What the server is asked to wait for the next change.
const WAIT: Duration = Duration::from_secs(30);
/// The most that the API gives at once.
const PAGE: u64 = 1000;
/// How soon, and how late at most, a server that is away is asked again.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a terminal shows where nobody says from where on.
const SCREENFUL: u64 = 30;
/// How much further back every other look for the newest goes.
const FURTHER: i64 = 8;

const EXAMPLES: &str = "Examples:\n  nudged changes --follow\n  \
    nudged changes --last 100 --project rocket\n  \
    nudged changes --after 0 --json > changes.jsonl";

/// What `changes` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Go on as changes come, also across restarts of the server, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// Begin after this cursor: a seq, the cursor of an earlier answer, or `head` for now [default: with
    /// the oldest change that is kept; on a terminal, with the newest 30]
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Begin with the newest so many
    #[arg(long, value_name = "NUMBER", conflicts_with = "after",
        value_parser = clap::value_parser!(u64).range(1..=100_000))]
    last: Option<u64>,
    #[command(flatten)]
    of: Filters,
    /// End after so many changes
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    target: Target,
    /// Print one JSON object a change
    #[arg(long)]
    json: bool,
}

/// Which changes are wanted; what is empty does not restrict.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Filters {
    /// Only of these projects
    #[arg(long, value_name = "ID")]
    pub(super) project: Vec<String>,
    /// Only of these sessions
    #[arg(long, value_name = "ID")]
    pub(super) session: Vec<String>,
    /// Only of these types
    #[arg(long = "type", value_name = "TYPE", value_parser = words::change_type())]
    pub(super) kind: Vec<String>,
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

    /// The cursor of another place in the same log.
    fn cursor(&self, seq: i64) -> String {
        match self.next.rsplit_once('.') {
            Some((epoch, _)) => format!("{epoch}.{seq}"),
            None => seq.to_string(),
        }
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
    let screen = Screen::detect();
    let table = ChangeTable { screen, live: args.follow };
    let mut cursor = args.after.clone();
    let mut left = args.limit.unwrap_or(u64::MAX);
    let mut wait = Duration::ZERO;
    let mut pause = FIRST_PAUSE;
    let mut headed = false;
    loop {
        let read = match &cursor {
            Some(after) => page(&args.of, client, after, left.min(PAGE), wait).await.map(Some),
            None => begin(args, client, screen).await.map(|begin| {
                cursor = Some(begin);
                None
            }),
        };
        let read = match read {
            Err(ClientError::Passing(reason)) if args.follow => {
                if pause == FIRST_PAUSE {
                    complain(&format!("{reason}; trying again, nothing is lost"));
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
            read => read?,
        };
        pause = FIRST_PAUSE;
        let (Some(page), Some(cursor)) = (read, &mut cursor) else { continue };
        if !std::mem::replace(&mut headed, true) {
            out.text(table.head())?;
        }
        for change in &page.changes {
            out.object(change)?;
            if !out.json {
                out.text(table.row(&serde_json::from_value(change.clone())?))?;
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

/// Where the log is read from on where nobody gave a cursor.
async fn begin(args: &Args, client: &Client, screen: Screen) -> Result<String, ClientError> {
    let unasked = screen.now.map(|_| SCREENFUL.min(args.limit.unwrap_or(SCREENFUL)));
    let Some(count) = args.last.or(unasked) else {
        let end = page(&args.of, client, "head", 1, Duration::ZERO).await?;
        return Ok(end.floor.to_string());
    };
    let (newest, floor) = newest(&args.of, client, count).await?;
    if args.last.is_none() && newest.is_some() {
        complain(&format!("older ones are not shown: --last NUMBER, or --after {floor} for all"));
    }
    Ok(newest.unwrap_or(floor))
}

/// The cursor before the newest so many changes that pass the filters, where there are more than these;
/// and the one before the oldest that is kept. Looks further and further back.
async fn newest(
    of: &Filters,
    client: &Client,
    count: u64,
) -> Result<(Option<String>, String), ClientError> {
    let end = page(of, client, "head", 1, Duration::ZERO).await?;
    let (floor, head) = (end.cursor(end.floor), end.head);
    let mut back = i64::try_from(count).unwrap_or(i64::MAX);
    loop {
        let start = end.floor.max(head.saturating_sub(back));
        let (mut seqs, mut cursor) = (VecDeque::new(), end.cursor(start));
        loop {
            let page = page(of, client, &cursor, PAGE, Duration::ZERO).await?;
            seqs.extend(page.changes.iter().filter_map(|change| change["seq"].as_i64()));
            // One more than wanted: before it there may be others.
            while seqs.len() as u64 > count + 1 {
                seqs.pop_front();
            }
            if page.reaches_head() || page.next == cursor {
                break;
            }
            cursor = page.next;
        }
        if seqs.len() as u64 > count {
            return Ok((seqs.front().map(|seq| end.cursor(*seq)), floor));
        }
        if start == end.floor {
            return Ok((None, floor));
        }
        back = back.saturating_mul(FURTHER);
    }
}

/// The newest so many changes that pass the filters, oldest first, and whether there are older ones.
pub(super) async fn last(
    of: &Filters,
    client: &Client,
    count: u64,
) -> Result<(Vec<Value>, bool), ClientError> {
    let (begin, floor) = newest(of, client, count).await?;
    let has_older = begin.is_some();
    let (mut changes, mut cursor) = (Vec::new(), begin.unwrap_or(floor));
    loop {
        let page = page(of, client, &cursor, PAGE, Duration::ZERO).await?;
        let ends = page.reaches_head() || page.next == cursor;
        cursor.clone_from(&page.next);
        changes.extend(page.changes);
        if ends {
            return Ok((changes, has_older));
        }
    }
}

async fn page(
    of: &Filters,
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
    for (name, values) in [("project", &of.project), ("session", &of.session), ("type", &of.kind)] {
        query.extend(values.iter().map(|value| (name, value.clone())));
    }
    client.get("/v1/changes", &query, wait).await
}
