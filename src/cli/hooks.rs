//! What agents call: `nudged activity`, which reports what an agent's hook tells, and `nudged hooks wait`, by which an
//! agent is woken.
//!
//! A hook must never be in the agent's way: it returns at once, says nothing, and outside a session of ours does nothing.

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

use super::client::Client;
use super::output::{Outcome, complain, print};
use crate::api::ActivityBody;
use crate::config::{AgentSelf, agent_folder, agent_self};
use crate::session::channel::waiter::{Waited, wait};
use crate::session::channel::wake::answer_stop;
use crate::session::harness::Family;
use crate::session::harness::report::Hook;

/// A server that does not answer by then is not waited for.
const LIMIT: Duration = Duration::from_millis(800);
/// Of what an agent tells its hook.
const MOST_INPUT: u64 = 16 << 20;
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
    /// Wait for something to tell the agent; ends with status 2 when there is (called by Claude Code)
    Wait,
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
    let mut told = Vec::new();
    std::io::stdin().lock().take(MOST_INPUT).read_to_end(&mut told)?;
    let told = String::from_utf8_lossy(&told);
    let Some(hook) = Hook::read(family, &told, agent.folder.as_deref()) else { return Ok(()) };
    if family == Family::ClaudeCode
        && hook.event.name == "Stop"
        && let Some(folder) = &agent.folder
        && let Some(answer) = answer_stop(folder, &hook)
    {
        print(&answer)?;
    }
    let Some(mut body) = ActivityBody::of_hook(harness, &hook.event) else { return Ok(()) };
    body.agent_session_id = hook.agent_session_id;
    body.transcript_path = hook.transcript_path;
    body.mark = hook.mark;
    body.launch_id.clone_from(&agent.launch_id);
    let client = Client::plain(agent.url.clone(), agent.token.clone())?;
    let path = format!("/v1/sessions/{}/activity", agent.session);
    client.tell(&path, &serde_json::to_value(body)?, LIMIT).await;
    Ok(())
}

/// Waits beside the agent. It uses no runtime: it is all that its process does.
pub(super) fn run(args: &Hooks) -> ExitCode {
    let HooksCommand::Wait = args.command;
    let Ok(Some(folder)) = agent_folder() else { return ExitCode::SUCCESS };
    match wait(&folder) {
        Ok(Waited::Woken { text }) => {
            complain(&text);
            ExitCode::from(WOKEN)
        }
        Ok(Waited::Nothing) | Err(_) => ExitCode::SUCCESS,
    }
}
