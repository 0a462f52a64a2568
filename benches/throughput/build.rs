//! A build of nudged, served on a database of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hyper::StatusCode;

use super::process::{Client, Server};
use super::{SECRET, TOKEN};

/// A start takes no longer, migrations included.
const LONGEST_START: Duration = Duration::from_secs(600);

/// A program and what the table calls it.
#[derive(Debug, Clone)]
pub(super) struct Build {
    pub(super) name: String,
    pub(super) program: PathBuf,
}

impl FromStr for Build {
    type Err = String;

    /// `NAME=PATH`, or a path alone, which is the name then.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) if !name.contains('/') => (name, path),
            _ => (text, text),
        };
        // The server runs in another folder.
        let program = std::path::absolute(path).map_err(|error| error.to_string())?;
        if !program.is_file() {
            return Err(format!("there is no file {}", program.display()));
        }
        Ok(Self { name: name.to_owned(), program })
    }
}

impl Build {
    /// Serves the database, which is made where there is none. Beside the server: how long it took from
    /// the start of the process until it said that it is ready.
    pub(super) async fn serve(&self, db: &Path) -> Result<(Server, Duration)> {
        let begun = Instant::now();
        let server = Server::start(
            self.command(db)?
                .args(["serve", "--json", "--listen", "127.0.0.1:0", "--log", "warn", "--db"])
                .arg(db),
        )?;
        while Client::open(server.addr).await?.get("/readyz").await?.0 != StatusCode::OK {
            ensure!(begun.elapsed() < LONGEST_START, "{} does not become ready", self.name);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok((server, begun.elapsed()))
    }

    /// What `nudged doctor` says about the database, where that is not that it is whole.
    pub(super) fn complaint(&self, db: &Path) -> Result<Option<String>> {
        let out = self.command(db)?.args(["doctor", "--json", "--db"]).arg(db).output()?;
        let text = String::from_utf8(out.stdout)?;
        for line in text.lines() {
            let finding: serde_json::Value = serde_json::from_str(line)?;
            if finding["check"] == "database" {
                return Ok((finding["level"] != "ok").then(|| finding["message"].to_string()));
            }
        }
        Ok(Some(format!("doctor says nothing about the database: {text}")))
    }

    fn command(&self, db: &Path) -> Result<Command> {
        let mut command = Command::new(&self.program);
        command
            .env("NUDGED_WEBHOOK_SECRET", SECRET)
            .env("NUDGED_API_TOKEN", TOKEN)
            .env_remove("NUDGED_NOTIFY_URL")
            .current_dir(db.parent().context("a database in no folder")?);
        Ok(command)
    }
}
