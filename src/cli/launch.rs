//! `nudged launch FILE`: the step between tmux and an agent. It reads what only we can read, and becomes the agent.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::complain;
use crate::config::outer_environment;
use crate::session::runtime::become_agent;

/// A shell's word for a command that cannot be run.
const NOT_RUN: u8 = 127;

/// What `launch` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The launch file
    file: PathBuf,
}

pub(super) fn run(args: &Args) -> ExitCode {
    match become_agent(&args.file, outer_environment()) {
        Ok(never) => match never {},
        Err(error) => {
            complain(&format!("nudged: the agent cannot be started: {error}"));
            ExitCode::from(NOT_RUN)
        }
    }
}
