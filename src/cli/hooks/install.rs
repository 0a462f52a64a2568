//! `nudged hooks install`: hooks for Claude Code sessions that people start themselves.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use crate::api::List;
use crate::cli::checkout;
use crate::cli::output::{Misuse, Outcome, Output};
use crate::cli::target::Target;
use crate::config::outer_environment;
use crate::session::environment::Environment;
use crate::session::harness::claude;
use crate::session::harness::hooks::{claude_of_others, is_of_others};

/// What `hooks install` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A session appears in `nudged sessions` by the repository and branch of the \
    checkout that it is started in, where that repository is a project of the server. Codex, opencode and aider \
    are watched where `nudged spawn` starts them."
)]
pub(super) struct Install {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    target: Target,
}

/// What `hooks remove` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
struct Place {
    /// Only in the git checkout here (.claude/settings.local.json) [default: all of the user's sessions]
    #[arg(long)]
    here: bool,
}

impl Place {
    /// The file of settings, behind all links.
    fn file(&self) -> anyhow::Result<PathBuf> {
        let file = if self.here {
            checkout::top()?.join(".claude/settings.local.json")
        } else {
            let environment = outer_environment()
                .into_iter()
                .fold(Environment::default(), |all, (name, value)| all.with(name, value));
            let folder = claude::folder(&environment);
            let none =
                || Misuse("there is no home folder: set HOME or CLAUDE_CONFIG_DIR".to_owned());
            folder.ok_or_else(none)?.join("settings.json")
        };
        Ok(std::fs::canonicalize(&file).unwrap_or(file))
    }
}

pub(super) async fn install(args: Install) -> anyhow::Result<Outcome> {
    let (file, options) = (args.place.file()?, args.target.options()?);
    // A server that cannot be asked now could not be told later either.
    let client = args.target.client()?;
    let one = [("limit", "1".to_owned())];
    client.get::<List<Value>>("/v1/projects", &one, Duration::ZERO).await?;
    let nudged = std::env::current_exe().context("our own executable cannot be found")?;
    change(&file, &claude_of_others(&nudged, &options))?;
    let out = Output { json: false };
    out.text(format_args!("Claude Code's hooks are in {}", file.display()))?;
    out.text("Sessions that you start from now on appear in `nudged sessions`, and are told")?;
    out.text("when their CI fails. `nudged hooks remove` takes the hooks out again.")?;
    Ok(Outcome::Done)
}

pub(super) fn remove(args: &Remove) -> anyhow::Result<Outcome> {
    let file = args.place.file()?;
    let out = Output { json: false };
    if !file.exists() {
        out.text(format_args!("there is no {}", file.display()))?;
        return Ok(Outcome::Done);
    }
    change(&file, &json!({}))?;
    out.text(format_args!("no hook of nudged is in {}", file.display()))?;
    Ok(Outcome::Done)
}

fn change(file: &std::path::Path, hooks: &Value) -> anyhow::Result<()> {
    claude::change_hooks(file, hooks, is_of_others)
        .with_context(|| format!("{} is left as it is", file.display()))
}
