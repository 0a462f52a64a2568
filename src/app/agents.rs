//! The session manager from the settings: what is described there is checked first, and a folder that cannot be used is
//! said; the server then runs on without starting agents.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::{ConfigError, Settings, outer_environment};
use crate::engine::Engine;
use crate::session::harness::{HarnessSettings, Harnesses};
use crate::session::runtime::Place;
use crate::session::{Manager, Plan, ProjectPlan};
use crate::store::Store;

/// Says what is wrong with the harnesses that the settings describe.
///
/// # Errors
/// One cannot be used.
pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    harnesses(settings).map(drop)
}

fn harnesses(settings: &Settings) -> Result<Harnesses, ConfigError> {
    let mut all = BTreeMap::new();
    for (name, table) in &settings.agents.harnesses {
        let table: HarnessSettings = serde_json::from_value(table.clone())
            .map_err(|error| ConfigError::misuse(format_args!("[harness.{name}]: {error}")))?;
        all.insert(name.clone(), table);
    }
    Harnesses::new(&all).map_err(ConfigError::misuse)
}

/// `None`: no agents can be started here; the log says why.
pub(super) fn manager(
    settings: &Settings,
    addr: SocketAddr,
    store: &Store,
    engine: &Engine,
    clock: &Clock,
    shutdown: &watch::Receiver<bool>,
) -> Option<Manager> {
    let made = || -> anyhow::Result<Manager> {
        let (plan, harnesses) = (plan(settings, addr)?, harnesses(settings)?);
        let (store, engine, clock) = (store.clone(), engine.clone(), clock.clone());
        Ok(Manager::new(store, engine, clock, harnesses, plan, shutdown.clone())?)
    };
    match made() {
        Ok(manager) => Some(manager),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "no agents can be started here");
            None
        }
    }
}

/// The folder for data, and one with a short path for what does not fit there.
fn folders(settings: &Settings) -> anyhow::Result<(PathBuf, PathBuf)> {
    let outer = outer_environment();
    let runtime = outer.iter().find(|(name, _)| name == "XDG_RUNTIME_DIR");
    let short = runtime.map(|(_, folder)| PathBuf::from(folder)).filter(|folder| folder.is_dir());
    let data = std::path::absolute(settings.data_folder()).context("the folder for data")?;
    Ok((data, short.unwrap_or_else(|| Path::new("/tmp").to_owned())))
}

/// The socket of the tmux server in which agents of a server with these settings run.
///
/// # Errors
/// It can be nowhere.
pub fn socket(settings: &Settings) -> anyhow::Result<PathBuf> {
    let (data, short) = folders(settings)?;
    Ok(Place::choose(&data, &short)?.socket())
}

fn plan(settings: &Settings, addr: SocketAddr) -> anyhow::Result<Plan> {
    let (data, short) = folders(settings)?;
    let nudged = std::env::current_exe().context("our own executable cannot be found")?;
    let projects = settings.agents.projects.iter().map(|(id, table)| {
        let default = ProjectPlan::default();
        let plan = ProjectPlan {
            restores_on_boot: table.restores_on_boot,
            setup: table.setup.clone(),
            setup_limit: table.setup_limit.unwrap_or(default.setup_limit),
        };
        (id.clone(), plan)
    });
    Ok(Plan {
        data,
        short,
        nudged,
        url: url(addr),
        projects: projects.collect(),
        outer: outer_environment(),
        probe_every: settings.agents.probe_every,
    })
}

/// Where an agent on this machine finds the server.
fn url(mut addr: SocketAddr) -> String {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    format!("http://{addr}")
}
