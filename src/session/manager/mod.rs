//! The session manager: what is asked of sessions is done here, their agents are watched, and told what there is to say.
//!
//! Every step is written down before the next, so that a server that is cut off anywhere goes on where it stopped.
//! Reading order: `worker` (what is to be done), `starting` with `site` and `note`, `ending`, `reaper` with `vanishing`,
//! `boot`, `telling`, `front` (what the API asks).

mod boot;
mod ending;
mod front;
mod note;
mod reaper;
mod site;
mod starting;
mod telling;
mod tools;
mod vanishing;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use tools::{Plan, ProjectPlan};

use crate::api::Agents;
use crate::clock::Clock;
use crate::domain::{NudgeId, Receipt};
use crate::engine::Engine;
use crate::session::channel::Channels;
use crate::session::environment::Environment;
use crate::session::harness::Harnesses;
use crate::session::runtime::{Place, PlaceError, Tmux};
use crate::session::workspace::{Git, WorkspaceError, Worktrees};
use crate::store::Store;
use reaper::Reaper;
use tools::{Halt, Tools};
use worker::Worker;

/// One question to tmux.
const TMUX_LIMIT: Duration = Duration::from_secs(5);

/// Why there can be no manager.
#[derive(Debug, thiserror::Error)]
pub enum ManagerError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

/// The session manager; clones share it.
#[derive(Clone)]
pub struct Manager {
    tools: Arc<Tools>,
}

impl Manager {
    /// Makes the folders of `plan` where they are not there.
    ///
    /// # Errors
    /// They cannot be made, or are not ours alone.
    pub fn new(
        store: Store,
        engine: Engine,
        clock: Clock,
        harnesses: Harnesses,
        plan: Plan,
        shutdown: watch::Receiver<bool>,
    ) -> Result<Self, ManagerError> {
        let environment = Environment::of(plan.outer.iter().cloned(), []);
        let place = Place::choose(&plan.data, &plan.short)?;
        let launcher = vec![plan.nudged.clone().into(), "launch".into()];
        let tmux = Arc::new(Tmux::new("tmux", place, environment.clone(), launcher, TMUX_LIMIT));
        let worktrees =
            Worktrees::within(&plan.data.join("worktrees"), Git::new("git", environment))?;
        let channels = Channels::new(tmux.clone());
        let tools =
            Tools { store, engine, clock, tmux, worktrees, harnesses, channels, plan, shutdown };
        Ok(Self { tools: Arc::new(tools) })
    }

    /// What the API asks.
    pub fn agents(&self) -> Arc<dyn Agents> {
        self.tools.clone()
    }

    /// Works until shutdown: finishes or takes back what an earlier server has left, does what is asked for, watches.
    pub async fn run(self) {
        self.look_for_programs().await;
        // Before anybody looks who is alive.
        let restores = boot::find(&self.tools).await;
        let worker = Worker::new(Arc::clone(&self.tools)).run();
        let reaper = Reaper::new(Arc::clone(&self.tools)).run();
        let restoring = async {
            match restores {
                Ok(restores) => restores.run(Arc::clone(&self.tools)).await,
                Err(Halt::Left) => {}
                Err(Halt::Failed(reason)) => {
                    tracing::warn!(reason, "nothing is restored after the machine's start");
                }
            }
        };
        tokio::join!(worker, reaper, restoring);
    }

    /// Says by name what is missing or too old; the server goes on without starting agents.
    async fn look_for_programs(&self) {
        match self.tools.tmux.version().await {
            Ok(version) => tracing::debug!(version, "agents run in tmux"),
            Err(error) => tracing::warn!(%error, "no agents can be started here"),
        }
        if let Err(error) = self.tools.worktrees.version().await {
            tracing::warn!(%error, "no agents can be started here");
        }
    }

    /// Brings a nudge to its agent, or finds out what became of it. `None`: there is nothing to tell of it now, and it
    /// is tried again.
    pub async fn deliver(&self, nudge: NudgeId, mark: &str) -> Option<Receipt> {
        match telling::deliver(&self.tools, nudge, mark).await {
            Ok(receipt) => receipt,
            Err(Halt::Left) => None,
            Err(Halt::Failed(reason)) => {
                tracing::warn!(nudge = nudge.0, reason, "a nudge could not be delivered");
                None
            }
        }
    }

    /// Looks at an agent of which nothing was heard for long, and takes down what it does.
    pub async fn look_again(&self, session: &str) {
        if let Err(Halt::Failed(reason)) = telling::look_again(&self.tools, session).await {
            tracing::warn!(session, reason, "a quiet agent could not be looked at");
        }
    }
}
