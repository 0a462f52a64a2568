//! `nudged backup`: a checked copy of the database, also while it is served.

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::json;

use super::output::{Outcome, Output, bytes};
use super::serve::Stop;
use crate::config::{Flags, Settings};
use crate::store::Backup;

/// What `backup` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = ABOUT)]
pub(super) struct Args {
    /// Where the copy goes
    file: PathBuf,
    /// Replace what is there
    #[arg(long)]
    force: bool,
    /// Settings file [default: ./nudged.toml where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database [env: NUDGED_DB] [default: nudged.db]
    #[arg(long, value_name = "FILE")]
    db: Option<String>,
    /// Print what was copied as a JSON object
    #[arg(long)]
    json: bool,
}

const ABOUT: &str = "\
The copy is one moment of the database, checked, with mode 0600 and without the API token. It has an \
epoch of its own: who reads its changes with a cursor of the original is answered 410 and reads anew.

Restore: stop the server, then `nudged serve --db COPY`, or move the copy to where the database was \
and remove the -wal and -shm files beside it.";

pub(super) async fn run(args: Args) -> anyhow::Result<Outcome> {
    let flags = Flags { config: args.config, db: args.db, ..Flags::default() };
    let settings = Settings::load(&flags)?;
    let to = args.file;
    let backup = Backup::begin(&settings.db, &to, args.force).context("no backup")?;
    let interrupt = backup.interrupt();
    let mut stop = Stop::listen()?;
    let mut work = tokio::task::spawn_blocking(move || backup.run());
    let copied = tokio::select! {
        copied = &mut work => copied,
        signal = stop.asked() => {
            interrupt.interrupt();
            // It cleans up behind itself; it may also have been done already.
            match work.await {
                Ok(Ok(copied)) => Ok(Ok(copied)),
                Ok(Err(_)) => bail!("no backup: ended by {signal}"),
                Err(error) => Err(error),
            }
        }
    };
    let copied = copied.context("the copying died")?.context("no backup")?;
    let out = Output { json: args.json };
    out.object(&json!({
        "file": to, "size": copied.size, "head": copied.head, "epoch": copied.epoch,
    }))?;
    out.text(format_args!(
        "{} is a whole copy: {}, changes up to {}, epoch {}",
        to.display(),
        bytes(copied.size),
        copied.head,
        copied.epoch,
    ))?;
    Ok(Outcome::Done)
}
