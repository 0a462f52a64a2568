//! The command line: what is typed, what is printed, and exit codes that mean something.

mod changes;
mod client;
mod deliver;
mod demo;
mod describe;
mod output;
mod replay;
mod serve;

use std::io::ErrorKind;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};
use output::Output;

/// The server between GitHub and your coding agents.
#[derive(Debug, Parser)]
#[command(name = "nudged", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 it failed, the reason is on stderr (replay: also \
when a delivery was not acknowledged); 2 the command line is wrong";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve: take webhooks, nudge, publish changes
    Serve(serve::Args),
    /// Show the whole story on a throw-away server: red CI, the nudge, green, merged
    Demo(demo::Args),
    /// Send recorded webhooks, signed, to a server
    Replay(replay::Args),
    /// Print the change log, and follow it
    Changes(changes::Args),
}

/// Whether a command did what it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Failed,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Replay(args) => replay::run(args).await,
            Command::Changes(args) => changes::run(args).await,
        }
    })
}

/// Whoever read our output has gone, as `head` does: no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Logs go to stderr, so that stdout stays what was asked for.
fn start_logging(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log).with_context(|| {
        format!("log filter {:?}: wants a level or a filter, as info or nudged=debug", settings.log)
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => builder.with_ansi(output::stderr_is_terminal()).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
