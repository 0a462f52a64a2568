//! `nudged projects`: the repositories that are watched, and their settings.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::client::{Client, ClientError, segment};
use super::lists::{Listing, Query, View, print};
use super::output::{Misuse, Outcome, Output, line};
use super::table::{Screen, prose, text};
use super::target::Target;
use super::words;
use crate::api::{BudgetJson, ProjectJson, ProjectNudges, TrustJson};
use crate::domain::{BudgetRule, Rerun};

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
    /// People of this author_association have a say, as MEMBER; may be repeated, '' stands for the rule
    #[arg(long, value_name = "WORD")]
    trust_association: Vec<String>,
    /// These logins have a say; may be repeated, '' stands for none
    #[arg(long, value_name = "LOGIN")]
    trust_user: Vec<String>,
    /// These bots have a say; may be repeated, '' stands for all
    #[arg(long, value_name = "GLOB")]
    trust_bot: Vec<String>,
    /// Its agents may be told so much at once
    #[arg(long, value_name = "N")]
    budget_burst: Option<u32>,
    /// And so much more each minute
    #[arg(long, value_name = "N")]
    budget_per_minute: Option<u32>,
    /// Whether failures that may be nobody's are run again before they are told
    #[arg(long, value_parser = words::rerun())]
    rerun: Option<String>,
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

/// A repeated flag's words: without the '' that empties the list.
fn words_of(given: &[String]) -> Vec<String> {
    given.iter().filter(|word| !word.is_empty()).cloned().collect()
}

impl Set {
    fn names_trust(&self) -> bool {
        let lists = [&self.trust_association, &self.trust_user, &self.trust_bot];
        lists.iter().any(|given| !given.is_empty())
    }

    fn names_budget(&self) -> bool {
        self.budget_burst.or(self.budget_per_minute).is_some()
    }

    /// `trust` with the lists that are named.
    fn trust(&self, mut trust: TrustJson) -> TrustJson {
        let or_rule = |given: &[String]| Some(words_of(given)).filter(|words| !words.is_empty());
        if !self.trust_association.is_empty() {
            trust.associations = or_rule(&self.trust_association);
        }
        if !self.trust_user.is_empty() {
            trust.users = words_of(&self.trust_user);
        }
        if !self.trust_bot.is_empty() {
            trust.bots = or_rule(&self.trust_bot);
        }
        trust
    }

    /// The settings that are named, as the API takes them: trust and budget as a whole, of which `known` has
    /// what is not named.
    fn body(&self, known: Option<ProjectNudges>) -> Map<String, Value> {
        let (trust, budget) = known.map(|known| (known.trust, known.budget)).unwrap_or_else(|| {
            let BudgetRule { burst, per_minute } = BudgetRule::default();
            (TrustJson::default(), BudgetJson { burst, per_minute })
        });
        let mut checks = Map::new();
        for (name, given) in [("only", &self.only), ("except", &self.except)] {
            if !given.is_empty() {
                checks.insert(name.to_owned(), json!(words_of(given)));
            }
        }
        let mut nudges = Map::new();
        if self.pause || self.resume {
            nudges.insert("paused".to_owned(), json!(self.pause));
        }
        if !checks.is_empty() {
            nudges.insert("checks".to_owned(), checks.into());
        }
        if self.names_trust() {
            nudges.insert("trust".to_owned(), json!(self.trust(trust)));
        }
        if self.names_budget() {
            let burst = self.budget_burst.unwrap_or(budget.burst);
            let per_minute = self.budget_per_minute.unwrap_or(budget.per_minute);
            nudges.insert("budget".to_owned(), json!(BudgetJson { burst, per_minute }));
        }
        if let Some(rerun) = &self.rerun {
            nudges.insert("rerun".to_owned(), json!(rerun));
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

/// `all`, or what is set otherwise than it is by itself.
fn nudges_of(nudges: &ProjectNudges) -> String {
    let mut words = Vec::new();
    words.extend(nudges.paused.then(|| "paused".to_owned()));
    let (checks, trust) = (&nudges.checks, &nudges.trust);
    let users = Some(&trust.users).filter(|users| !users.is_empty());
    for (which, list) in [
        ("only", Some(&checks.only).filter(|globs| !globs.is_empty())),
        ("except", Some(&checks.except).filter(|globs| !globs.is_empty())),
        ("trust", trust.associations.as_ref()),
        ("users", users),
        ("bots", trust.bots.as_ref()),
    ] {
        let none =
            |list: &Vec<String>| if list.is_empty() { "none".into() } else { list.join(",") };
        words.extend(list.map(|list| format!("{which} {}", none(list))));
    }
    let BudgetJson { burst, per_minute } = nudges.budget;
    if (BudgetRule { burst, per_minute }) != BudgetRule::default() {
        words.push(format!("budget {burst}+{per_minute}/min"));
    }
    words.extend((nudges.rerun != Rerun::default()).then(|| format!("rerun {}", nudges.rerun)));
    if words.is_empty() { "all".to_owned() } else { words.join("; ") }
}

/// The project as it is, where that matters to what is set.
async fn as_it_is(args: &Set, client: &Client, path: &str) -> anyhow::Result<Option<ProjectJson>> {
    match client.get(path, &[], Duration::ZERO).await {
        Ok(project) => Ok(Some(project)),
        Err(ClientError::Lasting(_)) if args.repo.is_some() => Ok(None),
        // Without a repository a slip of the pen would be taken for a new project.
        Err(error) => Err(error)
            .with_context(|| format!("project {} (--repo registers a new one)", line(&args.id))),
    }
}

async fn set(args: Set) -> anyhow::Result<Outcome> {
    if args.body(None).is_empty() {
        return Err(Misuse("name a setting to change; --help lists them".to_owned()).into());
    }
    let client = args.target.client()?;
    let path = format!("/v1/projects/{}", segment(&args.id));
    let known = as_it_is(&args, &client, &path).await?;
    let body = args.body(known.map(|project| project.nudges));
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
