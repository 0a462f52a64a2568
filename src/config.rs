//! Settings: flags, then environment, then `nudged.toml`, then defaults. The only reader of the
//! environment.
//!
//! Values from the environment stay strings until a setting parses them: a secret of digits alone
//! must not become a number on the way. An empty variable counts as not set.

mod agent;
mod agents;
mod app_file;
mod error;
mod github;
mod inspect;
mod layer;
mod names;
mod notify;
mod secret;
mod server;
mod time;
mod token;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::domain::Adopt;

pub use agent::{AgentSelf, agent_folder, agent_self, state_of_agents};
pub use agents::{AgentSettings, ProjectTable, outer_environment};
use agents::{DATA, PROBE_EVERY};
pub use app_file::AppFile;
pub use error::ConfigError;
pub use github::GithubApp;
pub use inspect::{Inspected, InspectedSettings, Source, inspect};
use layer::{Found, Key, Layers};
pub use notify::{NotifyFormat, SigningSecret};
pub use secret::Secret;
pub use server::{Address, Asked, Pass, client, client_address, is_here};
use time::{NotifyTimeout, Retain, Settle};
pub use token::TokenSource;

const LISTEN: Key = Key { name: "listen", env: "NUDGED_LISTEN" };
const DB: Key = Key { name: "db", env: "NUDGED_DB" };
const WEBHOOK_SECRET: Key = Key { name: "webhook_secret", env: "NUDGED_WEBHOOK_SECRET" };
const API_TOKEN: Key = Key { name: "api_token", env: "NUDGED_API_TOKEN" };
const SETTLE: Key = Key { name: "settle", env: "NUDGED_SETTLE" };
const CANCEL_WAIT: Key = Key { name: "cancel_wait", env: "NUDGED_CANCEL_WAIT" };
const QUIET_AFTER: Key = Key { name: "quiet_after", env: "NUDGED_QUIET_AFTER" };
const ADOPT: Key = Key { name: "adopt", env: "NUDGED_ADOPT" };
const AUTO_REGISTER: Key = Key { name: "auto_register", env: "NUDGED_AUTO_REGISTER" };
const NOTIFY_URL: Key = Key { name: "notify_url", env: "NUDGED_NOTIFY_URL" };
const NOTIFY_SECRET: Key = Key { name: "notify_secret", env: "NUDGED_NOTIFY_SECRET" };
const NOTIFY_FORMAT: Key = Key { name: "notify_format", env: "NUDGED_NOTIFY_FORMAT" };
const NOTIFY_TIMEOUT: Key = Key { name: "notify_timeout", env: "NUDGED_NOTIFY_TIMEOUT" };
const GITHUB_API_URL: Key = Key { name: "github_api_url", env: "NUDGED_GITHUB_API_URL" };
const GITHUB_APP_ID: Key = Key { name: "github_app_id", env: "NUDGED_GITHUB_APP_ID" };
const GITHUB_PRIVATE_KEY: Key =
    Key { name: "github_private_key", env: "NUDGED_GITHUB_PRIVATE_KEY" };
const RECONCILE_EVERY: Key = Key { name: "reconcile_every", env: "NUDGED_RECONCILE_EVERY" };
const RETAIN_CHANGES: Key = Key { name: "retain_changes", env: "NUDGED_RETAIN_CHANGES" };
const RETAIN_DELIVERIES: Key = Key { name: "retain_deliveries", env: "NUDGED_RETAIN_DELIVERIES" };
const LOG: Key = Key { name: "log", env: "NUDGED_LOG" };
const LOG_FORMAT: Key = Key { name: "log_format", env: "NUDGED_LOG_FORMAT" };
const KEYS: &[Key] = &[
    LISTEN,
    DB,
    WEBHOOK_SECRET,
    API_TOKEN,
    SETTLE,
    CANCEL_WAIT,
    QUIET_AFTER,
    ADOPT,
    AUTO_REGISTER,
    NOTIFY_URL,
    NOTIFY_SECRET,
    NOTIFY_FORMAT,
    NOTIFY_TIMEOUT,
    DATA,
    PROBE_EVERY,
    GITHUB_API_URL,
    GITHUB_APP_ID,
    GITHUB_PRIVATE_KEY,
    RECONCILE_EVERY,
    RETAIN_CHANGES,
    RETAIN_DELIVERIES,
    LOG,
    LOG_FORMAT,
];

/// Everything that can be set. Holds secrets, which its `Debug` does not show.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The database file; `api-token` lies beside it.
    pub db: PathBuf,
    /// Every secret that a webhook may be signed with; several while one replaces another.
    pub webhook_secrets: Vec<Secret>,
    /// The API token where one is set; otherwise it is in the file beside the database.
    pub api_token: Option<Secret>,
    /// How long failing checks are collected before the agent is told.
    pub settle: Duration,
    /// How long something cancelled may wait for what comes in its place before the human is told.
    pub cancel_wait: Duration,
    /// How long nothing is heard of an active agent before it is looked at; zero: it never is.
    pub quiet_after: Duration,
    /// What a new project does with pull requests that no session owns.
    pub adopt: Adopt,
    /// Whether a delivery for an unknown repository makes it a project.
    pub auto_register: bool,
    /// Where nudges to the human are sent; a secret, as Slack's addresses are.
    pub notify_url: Option<Secret>,
    /// What they are signed with; otherwise it is in the file beside the database.
    pub notify_secret: Option<SigningSecret>,
    /// How they look.
    pub notify_format: NotifyFormat,
    /// How long their receiver may take to answer.
    pub notify_timeout: Duration,
    /// Agents that are started here.
    pub agents: AgentSettings,
    /// Where GitHub's REST API is, without a slash at its end.
    pub github_api_url: String,
    /// Who the server is at GitHub; `None`: its API is not asked.
    pub github_app: Option<GithubApp>,
    /// How often everything is compared with GitHub.
    pub reconcile_every: Duration,
    /// How long changes are kept; `None` is for ever.
    pub retain_changes: Option<Duration>,
    /// How long the ledger keeps deliveries; `None` is for ever.
    pub retain_deliveries: Option<Duration>,
    /// A filter of tracing's form, as `info` or `nudged=debug`.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The settings that the command line can give; they beat all others.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Settings file [default: ./nudged.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on [env: NUDGED_LISTEN] [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Database file; the API token is kept beside it [env: NUDGED_DB] [default: nudged.db]
    #[arg(long, value_name = "FILE")]
    pub db: Option<String>,
    /// Time to collect failing checks before the agent is told [env: NUDGED_SETTLE] [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub settle: Option<String>,
    /// Time that something cancelled may wait for a newer run [env: NUDGED_CANCEL_WAIT] [default: 10m]
    #[arg(long, value_name = "TIME")]
    pub cancel_wait: Option<String>,
    /// Time after which a quiet agent is looked at [env: NUDGED_QUIET_AFTER] [default: 10m]
    #[arg(long, value_name = "TIME")]
    pub quiet_after: Option<String>,
    /// Whether pull requests without a session get one [env: NUDGED_ADOPT] [default: all]
    #[arg(long, value_name = "WHICH", value_parser = ["all", "none"])]
    pub adopt: Option<String>,
    /// Whether unknown repositories become projects [env: NUDGED_AUTO_REGISTER] [default: true]
    #[arg(long, value_name = "BOOL", value_parser = ["true", "false"])]
    pub auto_register: Option<String>,
    /// Form of nudges to the human [env: NUDGED_NOTIFY_FORMAT] [default: auto]
    #[arg(long, value_name = "FORM", value_parser = ["auto", "standard", "slack"])]
    pub notify_format: Option<String>,
    /// Time their receiver has to answer [env: NUDGED_NOTIFY_TIMEOUT] [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub notify_timeout: Option<String>,
    /// Folder of worktrees and of agents' terminals [env: NUDGED_DATA] [default: nudged-data beside the database]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<String>,
    /// Time between two looks whether agents are alive [env: NUDGED_PROBE_EVERY] [default: 5s]
    #[arg(long, value_name = "TIME")]
    pub probe_every: Option<String>,
    /// Time that changes are kept, or forever [env: NUDGED_RETAIN_CHANGES] [default: 90d]
    #[arg(long, value_name = "TIME")]
    pub retain_changes: Option<String>,
    /// Time that deliveries are kept, or forever [env: NUDGED_RETAIN_DELIVERIES] [default: 30d]
    #[arg(long, value_name = "TIME")]
    pub retain_deliveries: Option<String>,
    /// What to log: error, warn, info, debug, or a filter [env: NUDGED_LOG] [default: info]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// How log lines look [env: NUDGED_LOG_FORMAT] [default: text]
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"])]
    pub log_format: Option<String>,
}

impl Flags {
    fn given(&self) -> Vec<(Key, String)> {
        let all = [
            (LISTEN, &self.listen),
            (DB, &self.db),
            (SETTLE, &self.settle),
            (CANCEL_WAIT, &self.cancel_wait),
            (QUIET_AFTER, &self.quiet_after),
            (ADOPT, &self.adopt),
            (AUTO_REGISTER, &self.auto_register),
            (NOTIFY_FORMAT, &self.notify_format),
            (NOTIFY_TIMEOUT, &self.notify_timeout),
            (DATA, &self.data),
            (PROBE_EVERY, &self.probe_every),
            (RETAIN_CHANGES, &self.retain_changes),
            (RETAIN_DELIVERIES, &self.retain_deliveries),
            (LOG, &self.log),
            (LOG_FORMAT, &self.log_format),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect()
    }
}

impl Settings {
    /// Reads all layers.
    ///
    /// # Errors
    /// The first setting that is wrong, by name, with its source.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        Self::from_layers(flags, &environment()?)
    }

    fn from_layers(flags: &Flags, env: &[(Key, String)]) -> Result<Self, ConfigError> {
        let layers = Layers::read(KEYS, flags.config.as_deref(), env, &flags.given())?;
        let mut settings = Self::parse(&layers)?;
        settings.take_app_file(&layers)?;
        Ok(settings)
    }

    /// What `setup` has kept holds where no other App is set; its webhook secret is one of several.
    fn take_app_file(&mut self, layers: &Layers) -> Result<(), ConfigError> {
        let Some(file) = AppFile::read(&self.app_file())? else { return Ok(()) };
        let another = |app: &GithubApp| app.id != file.app.id;
        if self.github_app.as_ref().is_some_and(another) {
            return Ok(());
        }
        if !self.webhook_secrets.contains(&file.webhook_secret) {
            self.webhook_secrets.push(file.webhook_secret);
        }
        self.github_app.get_or_insert(file.app);
        if layers.find(GITHUB_API_URL)?.is_none() {
            self.github_api_url = file.api_url;
        }
        Ok(())
    }

    /// Where the App that `setup` registered is kept.
    pub fn app_file(&self) -> PathBuf {
        AppFile::beside(&self.db)
    }

    fn parse(layers: &Layers) -> Result<Self, ConfigError> {
        Ok(Self {
            listen: layers
                .parse(LISTEN, "an address with a port, as 127.0.0.1:8787")?
                .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8787))),
            db: database(layers.find(DB)?)?,
            webhook_secrets: layers.find(WEBHOOK_SECRET)?.map_or_else(Vec::new, |f| secrets(&f)),
            api_token: layers.find(API_TOKEN)?.map(token::given).transpose()?,
            settle: layers
                .parse(SETTLE, "a time of at most a day, as 30s, 2m or 0s")?
                .map_or(Duration::from_secs(30), |Settle(time)| time),
            cancel_wait: layers
                .parse(CANCEL_WAIT, "a time of at most a day, as 10m")?
                .map_or(Duration::from_secs(600), |Settle(time)| time),
            quiet_after: layers
                .parse(QUIET_AFTER, "a time of at most a day, as 10m")?
                .map_or(Duration::from_secs(600), |Settle(time)| time),
            adopt: layers.parse(ADOPT, "all or none")?.unwrap_or(Adopt::All),
            auto_register: layers.parse(AUTO_REGISTER, "true or false")?.unwrap_or(true),
            notify_url: layers.find(NOTIFY_URL)?.map(notify::url).transpose()?,
            notify_secret: layers.find(NOTIFY_SECRET)?.map(notify::secret).transpose()?,
            notify_format: layers
                .parse(NOTIFY_FORMAT, "auto, standard or slack")?
                .unwrap_or(NotifyFormat::Auto),
            notify_timeout: layers
                .parse(NOTIFY_TIMEOUT, "a time of at most a minute, as 10s")?
                .map_or(Duration::from_secs(10), |NotifyTimeout(time)| time),
            agents: AgentSettings::parse(layers)?,
            github_api_url: layers
                .find(GITHUB_API_URL)?
                .map_or_else(|| Ok(github::API.to_owned()), |found| github::api_url(&found))?,
            github_app: github::app(layers.find(GITHUB_APP_ID)?, layers.find(GITHUB_PRIVATE_KEY)?)?,
            reconcile_every: layers
                .parse(RECONCILE_EVERY, "a time from a minute to a day, as 15m")?
                .map_or(Duration::from_secs(900), |github::ReconcileEvery(time)| time),
            retain_changes: retain(layers, RETAIN_CHANGES, time::CHANGES)?,
            retain_deliveries: retain(layers, RETAIN_DELIVERIES, time::DELIVERIES)?,
            log: layers.find(LOG)?.map_or_else(|| "info".to_owned(), Found::into_text),
            log_format: layers.parse(LOG_FORMAT, "text or json")?.unwrap_or(LogFormat::Text),
        })
    }

    /// The secrets that webhooks are signed with.
    ///
    /// # Errors
    /// There is none; the message says how to make one.
    pub fn required_webhook_secrets(&self) -> Result<&[Secret], ConfigError> {
        if self.webhook_secrets.is_empty() {
            return Err(ConfigError::new(
                "no webhook secret is set, so no delivery could be trusted. Make one with\n\n    \
                 openssl rand -hex 32\n\nset it as NUDGED_WEBHOOK_SECRET (or webhook_secret in \
                 nudged.toml), and enter the same one in the webhook settings at GitHub. Or let \
                 `nudged setup` register a GitHub App, which brings its own",
            ));
        }
        Ok(&self.webhook_secrets)
    }

    /// The folder of worktrees and of agents' terminals.
    pub fn data_folder(&self) -> PathBuf {
        self.agents.data.clone().unwrap_or_else(|| self.db.with_file_name("nudged-data"))
    }

    /// Where the API token is kept when none is set.
    pub fn token_file(&self) -> PathBuf {
        token::file_beside(&self.db)
    }

    /// The API token and where it came from; makes one where there is none yet.
    pub fn token_or_make(&self) -> Result<(Secret, TokenSource), ConfigError> {
        match &self.api_token {
            Some(token) => Ok((token.clone(), TokenSource::Set)),
            None => token::read_or_make(&self.token_file()),
        }
    }

    /// Where the secret of notifications is kept when none is set.
    pub fn notify_secret_file(&self) -> PathBuf {
        notify::file_beside(&self.db)
    }

    /// The secret that notifications are signed with; makes one where there is none yet.
    pub fn notify_secret_or_make(&self) -> Result<SigningSecret, ConfigError> {
        match &self.notify_secret {
            Some(secret) => Ok(secret.clone()),
            None => notify::read_or_make(&self.notify_secret_file()),
        }
    }

    /// The API token for a client of the server that these settings describe.
    ///
    /// # Errors
    /// None is set and the file beside the database cannot be read.
    pub fn token_for_client(&self) -> Result<Secret, ConfigError> {
        match &self.api_token {
            Some(token) => Ok(token.clone()),
            None => token::read(&self.token_file()),
        }
    }

    /// Where a client on this machine finds the server.
    pub fn client_url(&self) -> String {
        let mut address = self.listen;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            IpAddr::V4(_) | IpAddr::V6(_) => {}
        }
        format!("http://{address}")
    }
}

fn retain(layers: &Layers, key: Key, default: Duration) -> Result<Option<Duration>, ConfigError> {
    let given = layers.parse(key, "a time of at least an hour, as 90d, or forever")?;
    Ok(given.map_or(Some(default), |Retain(time)| time))
}

fn database(found: Option<Found>) -> Result<PathBuf, ConfigError> {
    let Some(found) = found else { return Ok(PathBuf::from("nudged.db")) };
    let path = PathBuf::from(found.text());
    if path.file_name().is_none() || path.is_dir() {
        return Err(found.wrong("the path of a file (it need not exist yet)"));
    }
    match path.parent().filter(|folder| *folder != Path::new("")) {
        Some(folder) if !folder.is_dir() => {
            Err(found.wrong(&format!("a file in a folder that exists; make {}", folder.display())))
        }
        _ => Ok(path),
    }
}

fn secrets(found: &Found) -> Vec<Secret> {
    found
        .text()
        .split(',')
        .map(str::trim)
        .filter(|secret| !secret.is_empty())
        .map(Secret::new)
        .collect()
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

/// Whether colours are unwanted, by <https://no-color.org>.
#[allow(clippy::disallowed_methods, reason = "this is the one room that may")]
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// A sentence for each variable that looks like a setting and is none.
#[allow(clippy::disallowed_methods, reason = "this is the one room that may")]
pub fn slips() -> Vec<String> {
    let given: Vec<_> =
        std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    let known: Vec<_> = KEYS.iter().map(|key| key.env).collect();
    names::slips(&known, given.iter().map(String::as_str))
}

/// A variable that is set and not empty.
#[allow(clippy::disallowed_methods, reason = "this is the one room that may")]
fn variable(name: &str) -> Result<Option<String>, ConfigError> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(ConfigError::new(format_args!("{name} is not valid UTF-8")))
        }
    }
}

fn environment() -> Result<Vec<(Key, String)>, ConfigError> {
    let set = KEYS.iter().map(|key| Ok(variable(key.env)?.map(|value| (*key, value))));
    set.filter_map(Result::transpose).collect()
}

#[cfg(test)]
mod tests;
