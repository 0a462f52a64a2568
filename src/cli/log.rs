//! `nudged log`: a check's whole log, or a part of it, through the server.

use anyhow::Context;

use super::client::segment;
use super::output::{Misuse, Outcome, complain};
use super::pulls::{Name, parse};
use super::target::Target;
use crate::api::{CheckJson, PullJson};
use crate::domain::CheckStatus;

/// What `log` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  nudged log octo/rocket#7\n  \
    nudged log octo/rocket#7 'test (ubuntu)' --grep panicked\n  \
    nudged log octo/rocket#7 test --step 'cargo test' --tail 200")]
pub(super) struct Args {
    /// The pull request: OWNER/REPO#NUMBER, or its address
    #[arg(value_name = "OWNER/REPO#NUMBER", value_parser = parse)]
    pull: Name,
    /// The check's name or id [default: the only one at the head that failed]
    #[arg(value_name = "CHECK")]
    check: Option<String>,
    /// Only the steps whose name holds this
    #[arg(long, value_name = "TEXT")]
    step: Option<String>,
    /// Only the lines that hold this
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
    /// Only the last so many lines
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    tail: Option<u16>,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let client = args.target.client()?;
    let path = args.pull.path();
    let check = match args.check {
        Some(check) => check,
        None => {
            let pull: PullJson =
                client.get(&path, &[], std::time::Duration::ZERO).await.context(path.clone())?;
            failed(pull.checks.as_deref().unwrap_or_default())?
        }
    };
    let mut query = Vec::new();
    query.extend(args.step.map(|step| ("step", step)));
    query.extend(args.grep.map(|grep| ("grep", grep)));
    query.extend(args.tail.map(|tail| ("tail", tail.to_string())));
    let path = format!("{path}/checks/{}/log", segment(&check));
    let truncated = client.text(&path, &query).await?;
    if truncated {
        complain("the log is longer than what is shown");
    }
    Ok(Outcome::Done)
}

/// The one check of Actions that failed.
fn failed(checks: &[CheckJson]) -> Result<String, Misuse> {
    let failed = |check: &&CheckJson| {
        check.status == CheckStatus::Failed && check.source == "github-actions"
    };
    let failed: Vec<_> = checks.iter().filter(failed).collect();
    match failed.as_slice() {
        [one] => Ok(one.id.to_string()),
        [] => Err(Misuse(
            "no check of Actions failed there: name the one whose log you want".to_owned(),
        )),
        several => {
            let names: Vec<_> = several.iter().map(|check| check.name.as_str()).collect();
            Err(Misuse(format!("several checks failed: name one of {}", names.join(", "))))
        }
    }
}
