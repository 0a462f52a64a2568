//! What the manager's work is done with: the rows, the rules, tmux, git, harnesses and channels.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::domain::{Observation, SessionFact, SessionId, SessionObservation, Text};
use crate::engine::{Engine, EngineError};
use crate::lifecycle::Refusal;
use crate::session::channel::{Addressee, Channels};
use crate::session::harness::Harnesses;
use crate::session::runtime::{Handle, Runtime, Tmux};
use crate::session::workspace::Worktrees;
use crate::store::Store;
use crate::store::views::SessionView;

/// After the engine could not take something.
const RETRY: Duration = Duration::from_millis(500);

/// Everything that the work on sessions needs.
pub(super) struct Tools {
    pub(super) store: Store,
    pub(super) engine: Engine,
    pub(super) clock: Clock,
    pub(super) tmux: Arc<Tmux>,
    pub(super) worktrees: Worktrees,
    pub(super) harnesses: Harnesses,
    pub(super) channels: Channels,
    pub(super) plan: Plan,
    /// Becomes `true` when the server shuts down.
    pub(super) shutdown: watch::Receiver<bool>,
}

/// What the settings say.
#[derive(Clone)]
pub struct Plan {
    /// Worktrees, notes on starts, and the tmux server lie in it.
    pub data: PathBuf,
    /// A folder with a short path, for the socket where that of `data` is too long.
    pub short: PathBuf,
    /// Our own executable: agents are started through it, and their hooks call it.
    pub nudged: PathBuf,
    /// Where agents reach this server.
    pub url: String,
    /// The server's environment, of which others get the part that they may have.
    pub outer: Vec<(OsString, OsString)>,
    /// Between two looks whether agents are alive.
    pub probe_every: Duration,
    /// By the project's id.
    pub projects: BTreeMap<String, ProjectPlan>,
}

/// What the settings say of a project.
#[derive(Debug, Clone)]
pub struct ProjectPlan {
    /// The sessions that a new start of the machine has ended are restored by themselves.
    pub restores_on_boot: bool,
    /// The command that makes a new worktree ready; empty: there is none.
    pub setup: Vec<String>,
    pub setup_limit: Duration,
}

impl Default for ProjectPlan {
    fn default() -> Self {
        let setup_limit = Duration::from_secs(600);
        Self { restores_on_boot: false, setup: Vec::new(), setup_limit }
    }
}

/// Why something was not gone on with.
#[derive(Debug)]
pub(super) enum Halt {
    /// It failed.
    Failed(String),
    /// It is wanted no more, or the server closes: whoever comes next finds it as it is.
    Left,
}

impl<E: std::error::Error> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Tools {
    /// Stores what was seen of a session or came of what was done to it: told until the engine takes it, since it is
    /// done and must not be done again.
    pub(super) async fn observe(
        &self,
        session: &str,
        fact: SessionFact,
        cause: &str,
    ) -> Result<Result<(), Refusal>, Halt> {
        let session = SessionId(session.into());
        self.store(Observation::Session(SessionObservation { session, fact }), cause).await
    }

    /// The same for any observation.
    pub(super) async fn store(
        &self,
        observation: Observation,
        cause: &str,
    ) -> Result<Result<(), Refusal>, Halt> {
        loop {
            match self.engine.observe(observation.clone(), cause.to_owned()).await {
                Ok(taken) => return Ok(taken),
                Err(EngineError::Closed) => return Err(Halt::Left),
                Err(error @ (EngineError::Busy | EngineError::Store(_))) => {
                    tracing::warn!(%error, cause, "what was done to a session could not be noted down yet");
                }
            }
            let mut shutdown = self.shutdown.clone();
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = raised(&mut shutdown) => return Err(Halt::Left),
            }
        }
    }

    /// The row as it is now.
    pub(super) async fn row(&self, id: &str) -> Result<SessionView, Halt> {
        self.store_row(id).await?.ok_or(Halt::Left)
    }

    async fn store_row(&self, id: &str) -> Result<Option<SessionView>, Halt> {
        Ok(self.store.session(id.to_owned()).await?)
    }

    /// A folder of a session's own, kept over starts of server and agent.
    pub(super) fn folder(&self, session: &str) -> PathBuf {
        self.plan.data.join("sessions").join(session)
    }

    /// What the settings say of a session's project.
    pub(super) fn project_plan(&self, project: &str) -> ProjectPlan {
        self.plan.projects.get(project).cloned().unwrap_or_default()
    }

    /// The main checkout of a session's project.
    pub(super) async fn repository(&self, project: &str) -> Result<PathBuf, Halt> {
        let found = self.store.project(project.to_owned()).await?;
        let path = found.and_then(|project| project.path);
        path.map(PathBuf::from).ok_or_else(|| {
            Halt::Failed(format!(
                "project {project} has no path: tell it where its checkout is \
                 (`nudged projects set {project} --path FOLDER`)"
            ))
        })
    }

    /// Finds the agent of a start that was cut off.
    pub(super) async fn find(&self, name: &str, launch: &str) -> Result<Option<Handle>, Halt> {
        Ok(self.tmux.find(name, launch).await?)
    }
}

/// What talking to a session's agent needs of its row.
pub(super) struct Line {
    pub(super) handle: Handle,
    workspace: PathBuf,
    folder: PathBuf,
    transcript: Option<PathBuf>,
    pub(super) agent_session_id: Option<String>,
    session_id: String,
    harness: String,
}

impl Line {
    /// `None`: its agent does not run here.
    pub(super) fn to(tools: &Tools, row: &SessionView) -> Option<Self> {
        let handle = row.runtime_handle.as_deref().and_then(Handle::parse)?;
        Some(Self::by(tools, row, handle))
    }

    /// The same where the row does not know the handle yet.
    pub(super) fn by(tools: &Tools, row: &SessionView, handle: Handle) -> Self {
        Self {
            handle,
            workspace: row.workspace_path.as_deref().unwrap_or_default().into(),
            folder: tools.folder(&row.id),
            transcript: row.transcript_path.as_deref().map(PathBuf::from),
            agent_session_id: row.agent_session_id.clone(),
            session_id: row.id.clone(),
            harness: row.harness.clone(),
        }
    }

    /// As channels want it.
    pub(super) fn addressee<'a>(&'a self, tools: &'a Tools) -> Result<Addressee<'a>, Halt> {
        Ok(Addressee {
            session_id: &self.session_id,
            harness: tools.harnesses.get(&self.harness)?,
            handle: &self.handle,
            workspace: &self.workspace,
            folder: &self.folder,
            agent_session_id: self.agent_session_id.as_deref(),
            transcript: self.transcript.as_deref(),
        })
    }
}

/// Ends when the flag is up, or when nobody is left to raise it.
pub(super) async fn raised(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|is_up| *is_up).await;
}

/// A text as the domain has it.
pub(super) fn text(words: &str) -> Text {
    words.into()
}
