//! `nudged notify test`: whether a nudge to the human arrives where it is sent.

use std::path::PathBuf;

use serde_json::json;

use super::output::{Misuse, Outcome, Output, line};
use super::table::{Colour, Screen};
use crate::app;
use crate::config::{Flags, Settings};

/// What `notify` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Send a test message to NUDGED_NOTIFY_URL, as the server sends nudges to the human, and say what came back
    Test(Test),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the receiver took it; 1 it did not; 2 no address is set, or a setting is wrong"
)]
struct Test {
    /// Settings file [default: ./nudged.toml where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The server's database: the secret that messages are signed with is kept beside it [env: NUDGED_DB]
    #[arg(long, value_name = "FILE")]
    db: Option<String>,
    /// Print what came back as a JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let Action::Test(args) = args.action;
    let flags = Flags { config: args.config, db: args.db, ..Flags::default() };
    let settings = Settings::load(&flags)?;
    let Some(receiver) = app::receiver(&settings)? else {
        let how = "set NUDGED_NOTIFY_URL, or notify_url in nudged.toml, to the receiver's";
        return Err(Misuse(format!("no address to notify is set: {how}")).into());
    };
    let tested = receiver.test(crate::clock::now()).await;
    let out = Output { json: args.json };
    out.object(&json!({
        "host": receiver.host(),
        "form": receiver.form(),
        "taken": tested.error.is_none(),
        "status": tested.status,
        "answer": tested.answer,
        "error": tested.error,
    }))?;
    let screen = Screen::detect();
    out.text(format_args!("sent to {} in the {} form", receiver.host(), receiver.form()))?;
    if receiver.signs() && settings.notify_secret.is_none() {
        let file = settings.notify_secret_file();
        out.text(format_args!("signed with the secret in {}", file.display()))?;
    }
    let verdict = match &tested.error {
        None => format!("{}: the receiver took it", screen.paint("good", Colour::Good)),
        Some(error) => format!("{}: {error}", screen.paint("failed", Colour::Bad)),
    };
    out.text(verdict)?;
    if !tested.answer.is_empty() {
        out.text(format_args!("it says: {}", line(&tested.answer)))?;
    }
    Ok(if tested.error.is_none() { Outcome::Done } else { Outcome::Failed })
}
