//! Settings of agents that are started here: where they work, what harnesses and projects are like.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::error::ConfigError;
use super::layer::{Key, Layers};
use super::time::Settle;

pub(super) const DATA: Key = Key { name: "data", env: "NUDGED_DATA" };
pub(super) const PROBE_EVERY: Key = Key { name: "probe_every", env: "NUDGED_PROBE_EVERY" };

/// Settings of agents that are started here.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// The folder of worktrees and of agents' terminals, where one is set.
    pub data: Option<PathBuf>,
    /// Between two looks whether agents are alive.
    pub probe_every: Duration,
    /// `[harness.NAME]`, as it stands there: what is in it is for harnesses to say.
    pub harnesses: BTreeMap<String, Value>,
    /// `[project.ID]`.
    pub projects: BTreeMap<String, ProjectTable>,
}

impl Default for AgentSettings {
    fn default() -> Self {
        let probe_every = Duration::from_secs(5);
        Self { data: None, probe_every, harnesses: BTreeMap::new(), projects: BTreeMap::new() }
    }
}

/// `[project.ID]`: how its agents are started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectTable {
    /// The sessions that a new start of the machine has ended are restored by themselves.
    pub restores_on_boot: bool,
    /// The command that makes a new worktree ready.
    pub setup: Vec<String>,
    pub setup_limit: Option<Duration>,
}

/// The same, as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectText {
    #[serde(default)]
    on_boot: OnBoot,
    #[serde(default)]
    setup: Vec<String>,
    setup_limit: Option<String>,
}

#[derive(Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OnBoot {
    #[default]
    Ask,
    Restore,
}

impl AgentSettings {
    pub(super) fn parse(layers: &Layers) -> Result<Self, ConfigError> {
        let data = layers.find(DATA)?.map(|found| PathBuf::from(found.text()));
        let probe_every = layers.parse(PROBE_EVERY, "a time of at most a day, as 5s")?;
        let probe_every = match probe_every {
            Some(Settle(time)) if time.is_zero() => {
                return Err(ConfigError::new(
                    "probe_every: agents cannot be looked at all the time; as 5s",
                ));
            }
            Some(Settle(time)) => time,
            None => Self::default().probe_every,
        };
        let harnesses = layers.tables("harness");
        let mut projects = BTreeMap::new();
        for (name, table) in layers.tables("project") {
            let place = format!("[project.{name}] in {}", layers.file().display());
            projects.insert(name, project(&place, table)?);
        }
        Ok(Self { data, probe_every, harnesses, projects })
    }
}

fn project(place: &str, table: Value) -> Result<ProjectTable, ConfigError> {
    let text: ProjectText = serde_json::from_value(table)
        .map_err(|error| ConfigError::new(format_args!("{place}: {error}")))?;
    let setup_limit = match text.setup_limit {
        None => None,
        Some(limit) => Some(limit.parse::<Settle>().map(|Settle(time)| time).map_err(|()| {
            ConfigError::new(format_args!(
                "{place}: setup_limit wants a time of at most a day, as 10m"
            ))
        })?),
    };
    let restores_on_boot = text.on_boot == OnBoot::Restore;
    Ok(ProjectTable { restores_on_boot, setup: text.setup, setup_limit })
}

/// The environment of this process, of which agents get the part that they may have.
#[allow(clippy::disallowed_methods, reason = "this is the one room that may")]
pub fn outer_environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}
