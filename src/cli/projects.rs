//! `nudged projects`: the repositories that are watched, and their settings.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::client::segment;
use super::lists::{Listing, Query, View, print};
use super::output::{Misuse, Outcome, Output, line};
use super::table::{Screen, prose, text};
use super::target::Target;
use super::words;
use crate::api::{ProjectJson, ProjectNudges};

/// What `projects` takes.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  nudged projects set rocket --pause\n  \
                  nudged projects set rocket --only 'CI / *' --except '*-flaky'"
)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    listing: Listing,
}

/// What is done with projects, where they are not listed.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Change the settings of one; what is not named stays as it is
    Set(Set),
}

#[derive(Debug, clap::Args)]
struct Set {
    /// The project, as rocket
    id: String,
    /// Hold back the nudges to all its agents
    #[arg(long, conflicts_with = "resume")]
    pause: bool,
    /// Let them go out again, as far as they are still true
    #[arg(long)]
    resume: bool,
    /// Only these checks count for nudges; may be repeated, '' stands for all
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// These checks do not count; may be repeated, '' stands for none
    #[arg(long, value_name = "GLOB")]
    except: Vec<String>,
    /// Whether pull requests without a session get one
    #[arg(long, value_parser = words::adopt())]
    adopt: Option<String>,
    /// The name that people see
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Where its working copy is on the server; '' takes it away
    #[arg(long, value_name = "DIR")]
    path: Option<String>,
    /// Its repository, to register a new project
    #[arg(long, value_name = "OWNER/REPO")]
    repo: Option<String>,
    /// Print it as a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

impl Set {
    /// The settings that are named, as the API takes them.
    fn body(&self) -> Map<String, Value> {
        let globs = |globs: &[String]| -> Value {
            globs.iter().filter(|glob| !glob.is_empty()).cloned().collect()
        };
        let mut checks = Map::new();
        for (name, given) in [("only", &self.only), ("except", &self.except)] {
            if !given.is_empty() {
                checks.insert(name.to_owned(), globs(given));
            }
        }
        let mut nudges = Map::new();
        if self.pause || self.resume {
            nudges.insert("paused".to_owned(), json!(self.pause));
        }
        if !checks.is_empty() {
            nudges.insert("checks".to_owned(), checks.into());
        }
        let mut body = Map::new();
        if !nudges.is_empty() {
            body.insert("nudges".to_owned(), nudges.into());
        }
        for (name, given) in [
            ("adopt", &self.adopt),
            ("displayName", &self.display_name),
            ("path", &self.path),
            ("repo", &self.repo),
        ] {
            if let Some(given) = given {
                body.insert(name.to_owned(), json!(given));
            }
        }
        body
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    match args.action {
        Some(Action::Set(args)) => set(args).await,
        None => list(args).await,
    }
}

async fn list(args: Args) -> anyhow::Result<Outcome> {
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
    let view = View {
        what: "projects",
        path: "/v1/projects",
        queries: vec![Query::new()],
        key: "id",
        wait: Duration::ZERO,
        columns: &columns,
        cells,
    };
    print(&args.listing, view).await?;
    Ok(Outcome::Done)
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

async fn set(args: Set) -> anyhow::Result<Outcome> {
    let body = args.body();
    if body.is_empty() {
        return Err(Misuse("name a setting to change; --help lists them".to_owned()).into());
    }
    let client = args.target.client()?;
    let path = format!("/v1/projects/{}", segment(&args.id));
    if args.repo.is_none() {
        // Without a repository a slip of the pen would be taken for a new project.
        client
            .get::<Value>(&path, &[], Duration::ZERO)
            .await
            .with_context(|| format!("project {} (--repo registers a new one)", line(&args.id)))?;
    }
    let project: Value = client.put(&path, &Value::Object(body)).await?;
    let out = Output { json: args.json };
    out.object(&project)?;
    let project: ProjectJson = serde_json::from_value(project)?;
    out.text(format_args!("{} · {}", line(&project.id), line(&project.repo)))?;
    let field = |name: &str, text: &str| match text {
        "" => Ok(()),
        text => out.text(format_args!("  {name:<7} {}", line(text))),
    };
    field("name", &project.display_name)?;
    field("path", project.path.as_deref().unwrap_or_default())?;
    field("adopt", project.adopt.as_str())?;
    field("nudges", &nudges_of(&project.nudges))?;
    Ok(Outcome::Done)
}
