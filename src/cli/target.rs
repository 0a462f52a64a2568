//! Which server a command talks to, and with which token: the options that all clients share.

use std::path::PathBuf;

use super::client::Client;
use crate::config::{self, Asked, Flags};

/// What every command that asks a server takes.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// The server [env: NUDGED_URL] [default: http://127.0.0.1:8787, or what NUDGED_LISTEN or the
    /// `listen` of --config says]
    #[arg(long)]
    url: Option<String>,
    /// API token [env: NUDGED_API_TOKEN] [default: the one kept beside the database, which goes to
    /// this machine only]
    #[arg(long)]
    token: Option<String>,
    /// Settings file [default: ./nudged.toml where there is one, but for its address]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The server's database: its API token is kept beside it [env: NUDGED_DB]
    #[arg(long, value_name = "FILE")]
    db: Option<String>,
}

impl Target {
    /// A client of that server.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let flags = Flags { config: self.config.clone(), db: self.db.clone(), ..Flags::default() };
        let asked = Asked { url: self.url.as_deref(), token: self.token.as_deref() };
        let (address, pass) = config::client(&flags, asked)?;
        Client::new(address, pass)
    }
}
