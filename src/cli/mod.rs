//! The command line: what is typed, what is printed, and exit codes that mean something.

mod agents;
mod backup;
mod changes;
mod checkout;
mod client;
mod deliver;
mod deliveries;
mod demo;
mod describe;
mod doctor;
mod event_name;
mod excerpt;
mod hooks;
mod inbox;
mod launch;
mod lists;
mod log;
mod logging;
mod notify;
mod nudges;
mod output;
mod projects;
mod pulls;
mod recording;
mod recover;
mod replay;
mod serve;
mod sessions;
mod setup;
mod table;
mod target;
mod words;

use std::io::ErrorKind;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{self, ConfigError};
use client::ClientError;
use output::{Misuse, Outcome};

/// The server between GitHub and your coding agents.
#[derive(Debug, Parser)]
#[command(name = "nudged", version, max_term_width = 80, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 it failed, the reason is on stderr (replay: also \
when a delivery was not acknowledged; --wait: also when nothing came); 2 the command line or a setting \
is wrong";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve: take webhooks, nudge, publish changes
    Serve(serve::Args),
    /// Register a GitHub App in a browser, keep its credentials, and see that it works
    Setup(setup::Args),
    /// Show the whole story on a throw-away server: red CI, the nudge, green, merged
    Demo(demo::Args),
    /// Send recorded webhooks, signed, to a server
    Replay(replay::Args),
    /// Print the change log, and follow it
    Changes(changes::Args),
    /// List the repositories that are watched, and change their settings
    Projects(projects::Args),
    /// List the agents' sessions with their status; hold back and let go their nudges
    Sessions(sessions::Args),
    /// Start an agent on a task, in a worktree and a terminal of its own
    Spawn(agents::Spawn),
    /// Show the terminal of a session's agent, to look on and to type
    Attach(agents::Attach),
    /// Print the last lines of the terminal of a session's agent
    Logs(agents::Logs),
    /// Say something to a session's agent
    Send(agents::Send),
    /// End a session's agent; its worktree stays
    Kill(agents::One),
    /// Have a session that has ended go on, in its own conversation
    Restore(agents::Restore),
    /// Give back the worktree of a session that has ended, unless work would be lost
    Cleanup(agents::One),
    /// List the pull requests, or show one with its checks
    Pulls(pulls::Args),
    /// List what agents and people are told; show and acknowledge it
    Nudges(nudges::Args),
    /// Print what the agent of this git checkout is to hear
    Inbox(inbox::Args),
    /// Print a check's whole log, or a part of it, from GitHub
    Log(log::Args),
    /// List what came in from GitHub and what became of it; show it, do it again
    Deliveries(deliveries::Args),
    /// Show the part of a CI log that a nudge would carry, and whose the failure is
    Excerpt(excerpt::Args),
    /// Try out how the human is told
    Notify(notify::Args),
    /// Check settings, database, server and disk, and say how to mend what is wrong
    Doctor(doctor::Args),
    /// Copy the database, checked, while it is served
    Backup(backup::Args),
    /// Report what an agent's hook tells on standard input: agents of ours call it
    Activity(hooks::Activity),
    /// Have agents that you start yourself watched and told too; what agents call
    Hooks(hooks::Hooks),
    /// Become the agent of a launch file: how agents are started
    #[command(hide = true)]
    Launch(launch::Args),
    /// Print a script that completes this command line: nudged completions bash
    Completions(Completions),
}

#[derive(Debug, clap::Args)]
#[command(after_help = COMPLETIONS)]
struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

const COMPLETIONS: &str = "\
Install:
  nudged completions bash > ~/.local/share/bash-completion/completions/nudged
  nudged completions zsh > ~/.zfunc/_nudged    (a folder in $fpath)
  nudged completions fish > ~/.config/fish/completions/nudged.fish";

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Launch(args) = &cli.command {
        // Another program follows in this process.
        return launch::run(args);
    }
    if let Command::Hooks(args) = &cli.command
        && let Some(code) = hooks::run_waiting(args)
    {
        return code;
    }
    // `doctor` tells them among all else that it finds, and `serve` in its log.
    let tells = matches!(cli.command, Command::Doctor(_) | Command::Serve(_));
    if !tells && !matches!(cli.command, Command::Completions(_) | Command::Activity(_)) {
        for slip in config::slips() {
            output::complain(&format!("warning: {slip}"));
        }
    }
    match run(cli) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            logging::tell_failure(&describe_error(&error));
            if is_misuse(&error) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// What was typed or set is wrong: trying again, as a service manager does, does not mend it.
fn is_misuse(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Misuse>()
            || cause.downcast_ref::<ConfigError>().is_some_and(ConfigError::is_misuse)
            || matches!(cause.downcast_ref(), Some(ClientError::Misuse(_)))
    })
}

/// The error with its causes, but for those that the one before has told already.
fn describe_error(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.contains(&cause) {
            let colon = if told.is_empty() { "" } else { ": " };
            told = format!("{told}{colon}{cause}");
        }
    }
    told
}

fn run(cli: Cli) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args).await,
            Command::Setup(args) => setup::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Replay(args) => replay::run(args).await,
            Command::Changes(args) => changes::run(args).await,
            Command::Projects(args) => projects::run(args).await,
            Command::Sessions(args) => sessions::run(args).await,
            Command::Pulls(args) => pulls::run(args).await,
            Command::Nudges(args) => nudges::run(args).await,
            Command::Inbox(args) => inbox::run(args).await,
            Command::Log(args) => log::run(args).await,
            Command::Deliveries(args) => deliveries::run(args).await,
            Command::Notify(args) => notify::run(args).await,
            Command::Excerpt(args) => excerpt::run(&args),
            Command::Doctor(args) => doctor::run(args).await,
            Command::Backup(args) => backup::run(args).await,
            Command::Completions(args) => complete(args.shell),
            Command::Spawn(args) => agents::spawn(args).await,
            Command::Attach(args) => agents::attach(args).await,
            Command::Logs(args) => agents::logs(args).await,
            Command::Send(args) => agents::send(args).await,
            Command::Kill(args) => agents::kill(args).await,
            Command::Restore(args) => agents::restore(args).await,
            Command::Cleanup(args) => agents::clean_up(args).await,
            Command::Activity(args) => hooks::activity(args).await,
            Command::Hooks(args) => hooks::run(args).await,
            // It is done before there is a runtime.
            Command::Launch(_) => Ok(Outcome::Failed),
        }
    })
}

fn complete(shell: clap_complete::Shell) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nudged", &mut script);
    std::io::Write::write_all(&mut std::io::stdout().lock(), &script)?;
    Ok(Outcome::Done)
}

/// Whoever read our output has gone, as `head` does: no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
