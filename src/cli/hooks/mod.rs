//! What agents call: `nudged activity`, which reports what an agent's hook tells, and `nudged hooks wait`, by which an
//! agent is woken; and the same for agents that people start themselves, once these hooks were installed.
//!
//! A hook must never be in the agent's way: it returns at once, says nothing, and outside a session of ours does nothing.

mod install;
mod others;
mod report;

use std::path::Path;
use std::process::ExitCode;

use super::client::Client;
use super::output::{Outcome, complain, print};
use super::target::Target;
use crate::config::{AgentSelf, agent_folder, agent_self};
use crate::session::channel::waiter::{Waited, wait};
use crate::session::channel::wake::answer_stop;
use crate::session::harness::Family;
use crate::session::harness::report::Hook;
use report::{hand_on, told};

/// The status by which a waiting hook wakes its agent with what it wrote to stderr.
const WOKEN: u8 = 2;

/// What `activity` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Activity {
    /// Whose hook calls: claude-code, codex, opencode or aider
    #[arg(long, value_name = "NAME")]
    harness: String,
}

/// What `hooks` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Hooks {
    #[command(subcommand)]
    command: HooksCommand,
}

#[derive(Debug, clap::Subcommand)]
enum HooksCommand {
    /// Have Claude Code sessions that you start yourself appear here, and be told as the others are
    Install(install::Install),
    /// Take these hooks out of Claude Code's settings again
    Remove(install::Remove),
    /// Wait for something to tell the agent; ends with status 2 when there is (called by Claude Code)
    Wait,
    /// What an installed hook reports
    #[command(hide = true)]
    Tell(OfOthers),
    /// What an installed hook waits for
    #[command(hide = true)]
    Listen(OfOthers),
}

/// What installed hooks are given.
#[derive(Debug, clap::Args)]
struct OfOthers {
    #[command(flatten)]
    target: Target,
}

/// Whatever goes wrong stays unsaid: the agent would show it to the person.
pub(super) async fn activity(args: Activity) -> anyhow::Result<Outcome> {
    if let Ok(Some(agent)) = agent_self() {
        // A failure is seen by the server, which looks at agents that are quiet.
        let _ = report(&args.harness, &agent).await;
    }
    Ok(Outcome::Done)
}

async fn report(harness: &str, agent: &AgentSelf) -> anyhow::Result<()> {
    let Some(family) = Family::named(harness) else { return Ok(()) };
    let Some(hook) = Hook::read(family, &told()?, agent.folder.as_deref()) else { return Ok(()) };
    if family == Family::ClaudeCode
        && hook.event.name == "Stop"
        && let Some(folder) = &agent.folder
        && let Some(answer) = answer_stop(folder, &hook)
    {
        print(&answer)?;
    }
    let client = Client::plain(agent.url.clone(), agent.token.clone())?;
    hand_on(&client, &agent.session, harness, hook, agent.launch_id.clone()).await
}

pub(super) async fn run(args: Hooks) -> anyhow::Result<Outcome> {
    match args.command {
        HooksCommand::Install(args) => install::install(args).await,
        HooksCommand::Remove(args) => install::remove(&args),
        HooksCommand::Tell(args) => {
            // As with `activity`, whatever goes wrong stays unsaid.
            let _ = others::tell(&args.target).await;
            Ok(Outcome::Done)
        }
        // They wait without a runtime, and are done before there is one.
        HooksCommand::Wait | HooksCommand::Listen(_) => Ok(Outcome::Failed),
    }
}

/// Waits beside the agent, where that is asked for. It is all that its process does, without a runtime. `None`: it is
/// something else that is asked for.
pub(super) fn run_waiting(args: &Hooks) -> Option<ExitCode> {
    let folder = match &args.command {
        HooksCommand::Wait => agent_folder().ok().flatten(),
        HooksCommand::Listen(args) => others::listen(&args.target).ok().flatten(),
        HooksCommand::Install(_) | HooksCommand::Remove(_) | HooksCommand::Tell(_) => return None,
    };
    Some(folder.map_or(ExitCode::SUCCESS, |folder| wait_in(&folder)))
}

fn wait_in(folder: &Path) -> ExitCode {
    match wait(folder) {
        Ok(Waited::Woken { text }) => {
            complain(&text);
            ExitCode::from(WOKEN)
        }
        Ok(Waited::Nothing) | Err(_) => ExitCode::SUCCESS,
    }
}
