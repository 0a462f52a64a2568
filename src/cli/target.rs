//! Which server a command talks to, and with which token: the options that all clients share.

use std::path::PathBuf;

use super::client::Client;
use super::output::Misuse;
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
    /// The options by which another process finds the same server, from whatever folder. A token is none of them.
    ///
    /// # Errors
    /// A token was given, or a setting is wrong.
    pub(super) fn options(&self) -> anyhow::Result<Vec<String>> {
        if self.token.is_some() {
            let what = "a token is not written into settings: name the database with --db, beside which it is kept";
            return Err(Misuse(what.to_owned()).into());
        }
        let (settings, address) = config::client_address(&self.flags(), self.url.as_deref())?;
        let mut options = vec!["--url".to_owned(), address.url.to_string()];
        let db = std::path::absolute(&settings.db)?;
        options.extend(["--db".to_owned(), db.to_string_lossy().into_owned()]);
        if let Some(config) = &self.config {
            let config = std::path::absolute(config)?;
            options.extend(["--config".to_owned(), config.to_string_lossy().into_owned()]);
        }
        Ok(options)
    }

    fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), db: self.db.clone(), ..Flags::default() }
    }

    /// A client of that server.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let flags = self.flags();
        let asked = Asked { url: self.url.as_deref(), token: self.token.as_deref() };
        let (address, pass) = config::client(&flags, asked)?;
        Client::new(address, pass)
    }
}
