//! `nudged pulls`: all pull requests, or one with its checks.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::describe::{short_pull, short_sha};
use super::lists::{Listing, Query, View, cell, filters, in_order, newest_first, print};
use super::output::{Outcome, Output, line};
use super::table::{Colour, Screen, Table, cut, prose, text, word};
use super::words;
use crate::api::{CheckJson, PullJson};
use crate::domain::CheckStatus;

/// What `pulls` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nudged pulls --state open\n  nudged pulls octo/rocket#7\n  \
    nudged pulls octo/rocket#7 --json | jq .checks")]
pub(super) struct Args {
    /// Only this one, with its checks: OWNER/REPO#NUMBER, or its address
    #[arg(value_name = "OWNER/REPO#NUMBER", value_parser = parse, conflicts_with_all = ["project", "state"])]
    pull: Option<Name>,
    /// Only of this project
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = words::pr_state())]
    state: Option<String>,
    #[command(flatten)]
    listing: Listing,
}

/// A pull request's name, as the path of the API spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    owner: String,
    repo: String,
    number: u64,
}

impl Name {
    /// Where the API has it.
    pub(super) fn path(&self) -> String {
        format!("/v1/pulls/{}/{}/{}", self.owner, self.repo, self.number)
    }
}

pub(super) fn parse(text: &str) -> Result<Name, String> {
    let wants = || "wants OWNER/REPO#NUMBER, as octo/rocket#7".to_owned();
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.split_once('/').ok_or_else(wants)?.1.replacen("/pull/", "#", 1),
        None => text.to_owned(),
    };
    let (repo, number) = path.trim_end_matches('/').rsplit_once(['#', '/']).ok_or_else(wants)?;
    let (owner, repo) = repo.split_once('/').ok_or_else(wants)?;
    let plain = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !name.bytes().all(|b| b == b'.')
    };
    let number = number.parse().map_err(|_| wants())?;
    if !plain(owner) || !plain(repo) {
        return Err(wants());
    }
    Ok(Name { owner: owner.to_owned(), repo: repo.to_owned(), number })
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    if let Some(name) = &args.pull {
        return one(&args.listing, name).await;
    }
    let query = filters([("project", &args.project), ("state", &args.state)]);
    let queries = match args.state {
        Some(_) => vec![newest_first(query)],
        None => in_order(query, "state", &["open", "draft"]),
    };
    let columns = [
        text("PULL"),
        word("STATE"),
        word("CI"),
        word("REVIEW"),
        word("MERGE").spare(),
        text("OPEN").spare(),
        text("SESSION").spare(),
        prose("TITLE"),
        text("UPDATED"),
    ];
    let cells = |item: &PullJson, screen: Screen| {
        let comments = Some(item.unresolved_comments).filter(|count| *count > 0);
        vec![
            format!("{}#{}", item.repo, item.number),
            item.state.to_string(),
            item.ci.to_string(),
            item.review.to_string(),
            item.mergeability.to_string(),
            comments.map(|count| count.to_string()).unwrap_or_default(),
            cell(item.session_id.as_ref()),
            item.title.clone(),
            screen.age(&item.updated_at),
        ]
    };
    let view = View {
        what: "pull requests",
        path: "/v1/pulls",
        queries,
        key: "url",
        wait: Duration::ZERO,
        columns: &columns,
        cells,
    };
    print(&args.listing, view).await?;
    Ok(Outcome::Done)
}

async fn one(listing: &Listing, name: &Name) -> anyhow::Result<Outcome> {
    let path = name.path();
    let client = listing.target.client()?;
    let pull: Value = client
        .get(&path, &Query::new(), Duration::ZERO)
        .await
        .with_context(|| format!("{}/{}#{}", name.owner, name.repo, name.number))?;
    let out = Output { json: listing.json };
    out.object(&pull)?;
    if out.json {
        return Ok(Outcome::Done);
    }
    let pull: PullJson = serde_json::from_value(pull)?;
    let screen = Screen::detect();
    let width = screen.width.unwrap_or(usize::MAX);
    let title = format!("{}  {}", short_pull(&line(&pull.url)), line(&pull.title));
    out.text(cut(&title, width))?;
    out.text(cut(&line(&pull.url), width))?;
    out.text("")?;
    let field = |name: &str, value: String| out.text(format_args!("  {name:<9} {value}"));
    let word = |word: &str| screen.paint(word, Colour::of(word));
    field("state", word(pull.state.as_str()))?;
    field("ci", word(pull.ci.as_str()))?;
    field("review", word(pull.review.as_str()))?;
    field("merge", word(pull.mergeability.as_str()))?;
    field("comments", format!("{} unresolved", pull.unresolved_comments))?;
    let short = |text: &str| cut(&line(text), width.saturating_sub(12));
    let head = short_sha(&pull.head_sha);
    field("branch", short(&format!("{} → {} at {head}", pull.head_ref, pull.base_ref)))?;
    field("author", short(&pull.author))?;
    field("session", short(pull.session_id.as_deref().unwrap_or("none")))?;
    field("updated", screen.age(&pull.updated_at))?;
    out.text("")?;
    checks(&pull, screen)?;
    Ok(Outcome::Done)
}

fn checks(pull: &PullJson, screen: Screen) -> std::io::Result<()> {
    let columns =
        [word("CHECK"), prose("NAME"), prose("FROM"), text("FINISHED"), text("URL").spare()];
    let mut table = Table::new(&columns);
    let checks = pull.checks.as_deref().unwrap_or_default();
    for check in checks {
        table.row([
            check.status.to_string(),
            check.name.clone(),
            check.workflow.clone().unwrap_or_else(|| check.source.clone()),
            screen.age(check.completed_at.as_deref().unwrap_or_default()),
            check.url.clone(),
        ]);
    }
    let out = Output { json: false };
    if checks.is_empty() {
        out.text("no check was seen at this commit")?;
    }
    table.print(screen)?;
    if pull.checks_truncated {
        out.text("there are more checks than are shown")?;
    }
    failures(checks, screen)
}

/// The address of each check that failed, whole: it is to be opened.
fn failures(checks: &[CheckJson], screen: Screen) -> std::io::Result<()> {
    let out = Output { json: false };
    let failed = |check: &&CheckJson| check.status == CheckStatus::Failed && !check.url.is_empty();
    for (index, check) in checks.iter().filter(failed).enumerate() {
        if index == 0 {
            out.text("")?;
        }
        let name = match &check.workflow {
            Some(workflow) => format!("{workflow} / {}", check.name),
            None => check.name.clone(),
        };
        out.text(format_args!("{} {}", screen.paint("failed", Colour::Bad), line(&name)))?;
        out.text(format_args!("  {}", line(&check.url)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_requests_are_named_as_people_name_them() {
        let name = Name { owner: "o".to_owned(), repo: "r.s".to_owned(), number: 7 };
        for text in
            ["o/r.s#7", "o/r.s/7", "https://ghe.example/o/r.s/pull/7", "http://h/o/r.s/pull/7/"]
        {
            assert_eq!(parse(text).as_ref(), Ok(&name), "{text}");
        }
        for text in ["", "7", "o#7", "o/r", "o/r#x", "o/../r#7", "../r#7", "o/r?x#7", "https://h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
