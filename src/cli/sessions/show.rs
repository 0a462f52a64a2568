//! `nudged sessions show`: how one session stands, what happened to it, what its agent was told and what became of it.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::why;
use crate::api::{ChangeJson, NudgeJson, SessionJson};
use crate::cli::changes::{self, Filters};
use crate::cli::client::{Client, segment};
use crate::cli::describe::{after, short_pull};
use crate::cli::lists::{newest_first, walk};
use crate::cli::output::{Outcome, Output, complain, line};
use crate::cli::table::{Colour, Screen, cut};
use crate::cli::target::Target;

/// What `sessions show` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The session, as rocket-3
    #[arg(value_name = "ID")]
    session: String,
    /// So many of the newest events
    #[arg(short = 'n', long, value_name = "NUMBER", default_value = "50",
        value_parser = clap::value_parser!(u64).range(1..=10_000))]
    last: u64,
    /// Print it as one JSON object: session, nudges, changes
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let client = args.target.client()?;
    let path = format!("/v1/sessions/{}", segment(&args.session));
    let session: Value = client.get(&path, &[], Duration::ZERO).await?;
    let of = Filters { session: vec![args.session.clone()], ..Filters::default() };
    let (changes, has_older) = changes::last(&of, &client, args.last).await?;
    let nudges = nudges(&client, &args.session, args.last).await?;
    let out = Output { json: args.json };
    out.object(&json!({"session": session, "nudges": nudges, "changes": changes}))?;
    if args.json {
        return Ok(Outcome::Done);
    }
    let screen = Screen::detect();
    standing(&serde_json::from_value(session)?, screen)?;
    out.text("")?;
    timeline(&changes, &nudges, screen)?;
    if has_older {
        complain("older events are not shown: --last NUMBER");
    }
    Ok(Outcome::Done)
}

/// The newest so many nudges to its agent or about it.
async fn nudges(client: &Client, session: &str, most: u64) -> anyhow::Result<Vec<Value>> {
    let query = newest_first(vec![("session", session.to_owned())]);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    walk(client, "/v1/nudges", &query, most, Duration::ZERO, |nudge| {
        found.push(nudge);
        Ok(found.len() < most)
    })
    .await?;
    Ok(found)
}

fn standing(item: &SessionJson, screen: Screen) -> anyhow::Result<()> {
    let out = Output { json: false };
    let width = screen.width.unwrap_or(usize::MAX);
    let word = |word: &str| screen.paint(word, Colour::of(word));
    let status = word(item.status.as_str());
    out.text(format_args!("{}  {status}  {}", line(&item.id), screen.age(why::since(item))))?;
    let field = |name: &str, value: &str| {
        let value = cut(&line(value), width.saturating_sub(12));
        out.text(format_args!("  {name:<9} {}", screen.paint_words(&value)))
    };
    if let Some(why) = why::why(item, screen) {
        field("why", &why)?;
    }
    let place = item.runtime.name.as_deref().unwrap_or("runs elsewhere");
    let parts = [item.activity.state.as_str(), &item.harness, place];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    field("agent", &parts.join(" · "))?;
    for (name, value) in
        [("branch", &item.branch), ("worktree", &item.workspace_path), ("issue", &item.issue_id)]
    {
        if let Some(value) = value {
            field(name, value)?;
        }
    }
    for pull in &item.pulls {
        let name = short_pull(&pull.url);
        let (state, ci, review) = (pull.state, pull.ci, pull.review);
        field("pull", &format!("{name} · {state} · ci {ci} · review {review}"))?;
    }
    let nudges = Some(why::nudges(item)).filter(|said| !said.is_empty());
    field("nudges", nudges.as_deref().unwrap_or("none waits"))?;
    field("begun", &screen.age(&item.created_at))?;
    Ok(())
}

/// What happened, oldest first. A nudge is shown with what it says where it comes up first.
fn timeline(changes: &[Value], nudges: &[Value], screen: Screen) -> anyhow::Result<()> {
    let out = Output { json: false };
    let width = screen.width.unwrap_or(usize::MAX);
    let bodies: HashMap<i64, String> = nudges
        .iter()
        .map(|nudge| {
            let nudge: NudgeJson = serde_json::from_value(nudge.clone())?;
            let says = nudge.body.lines().find(|line| !line.trim().is_empty());
            Ok((nudge.id, says.unwrap_or_default().to_owned()))
        })
        .collect::<anyhow::Result<_>>()?;
    let mut told = String::new();
    for change in changes {
        let change: ChangeJson = serde_json::from_value(change.clone())?;
        let what = after("", &change, screen);
        // A row may change in what is not told here.
        if what == told {
            continue;
        }
        let when = screen.age(&change.created_at);
        out.text(after(&format!("{when:>5}  "), &change, screen))?;
        told = what;
        let payload: Value = serde_json::from_str(change.payload.get())?;
        let body = payload["id"].as_i64().and_then(|id| bodies.get(&id));
        if let (Some(body), "nudge_created") = (body, change.event_type.as_str()) {
            out.text(cut(&format!("         {}", line(body)), width))?;
        }
    }
    if changes.is_empty() {
        out.text("nothing of it is kept in the change log")?;
    }
    Ok(())
}
