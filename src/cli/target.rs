//! Which server a command talks to, and with which token: the options that all clients share.

use std::path::PathBuf;

use super::client::Client;
use crate::config::{Flags, Secret, Settings};

/// What every command that asks a server takes.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// The server [default: the one that the settings describe, http://127.0.0.1:8787]
    #[arg(long)]
    pub(super) url: Option<String>,
    /// API token [env: NUDGED_API_TOKEN] [default: the one kept beside the database]
    #[arg(long)]
    pub(super) token: Option<String>,
    /// Settings file [default: ./nudged.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The server's database: its API token is kept beside it [env: NUDGED_DB]
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<String>,
}

impl Target {
    /// The settings that these options and the layers below them make.
    pub(super) fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), db: self.db.clone(), ..Flags::default() }
    }

    /// A client of that server.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let settings = Settings::load(&self.flags())?;
        let (token, source) = match &self.token {
            Some(token) => (Secret::new(token), "--token".to_owned()),
            None => (settings.token_for_client()?, settings.token_place()),
        };
        let url = self.url.clone().unwrap_or_else(|| settings.client_url());
        Ok(Client::new(&url, token)?.with_token_from(source))
    }
}
