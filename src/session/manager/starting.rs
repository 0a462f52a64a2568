//! Starting an agent, of a new session or of one that goes on: worktree, token, process, first words, each written
//! down so that a server that is cut off at any step goes on with it or takes it back.

use std::time::Duration;

use tokio::sync::watch;

use super::note::{Note, Stage};
use super::site::Site;
use super::tools::{Halt, Line, Tools, raised, text};
use crate::api::token_hash;
use crate::domain::{
    ActivitySeen, ActivitySource, ActivityState, OperationKind, ProbeAnswer,
    Runtime as RuntimeFact, SessionFact,
};
use crate::session::channel::begin::{Beginning, Begun};
use crate::session::harness::{Assignment, HarnessError, Way};
use crate::session::runtime::{Handle, Launch, Runtime, RuntimeError};
use crate::store::views::SessionView;

/// An agent may take so long until it can be spoken to.
const PATIENCE: Duration = Duration::from_secs(60);
/// An agent that lives so long after a restore goes on.
const SURVIVAL: Duration = Duration::from_millis(1_500);
const ENDED: &str = "the agent ended at once";
/// What a restore that failed leaves to do.
const FRESH: &str = "restore it with --fresh to begin a new conversation";
/// The agent of a start that was cut off may be about to begin: it is looked for so often, and so long each time.
const LOOKS: usize = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A start that is to be made.
pub(super) struct Start<'a> {
    pub(super) tools: &'a Tools,
    pub(super) row: &'a SessionView,
    pub(super) kind: OperationKind,
    /// An earlier attempt was cut off: something may be there already.
    pub(super) is_again: bool,
    /// Becomes `true` when the session is to be ended instead.
    pub(super) cancelled: watch::Receiver<bool>,
}

impl Start<'_> {
    /// Makes it, and tells what came of it.
    pub(super) async fn run(self) {
        let session = self.row.id.as_str();
        let Some(launch_id) = self.row.launch_id.as_deref() else {
            let reason = text("the start has no name");
            let _ = self
                .tools
                .observe(session, SessionFact::OperationFailed { reason }, self.cause())
                .await;
            return;
        };
        let Err(Halt::Failed(reason)) = self.attempt(launch_id).await else { return };
        tracing::warn!(session, reason, "an agent could not be started");
        let failed =
            SessionFact::LaunchFailed { launch_id: launch_id.into(), reason: text(&reason) };
        // Where even that cannot be stored the server closes, and the next one tries again.
        let _ = self.tools.observe(session, failed, self.cause()).await;
    }

    const fn cause(&self) -> &'static str {
        match self.kind {
            OperationKind::Spawn => "spawn",
            OperationKind::Restore
            | OperationKind::RestoreFresh
            | OperationKind::Kill
            | OperationKind::Cleanup => "restore",
        }
    }

    async fn attempt(&self, launch_id: &str) -> Result<(), Halt> {
        let (tools, row) = (self.tools, self.row);
        if self.is_again
            && let Some(handle) = tools.find(&row.id, launch_id).await?
        {
            return self.live(launch_id, handle).await;
        }
        if let Some(old) = row.runtime_handle.as_deref().and_then(Handle::parse) {
            // Two processes would write one conversation.
            tools.tmux.kill(&old).await?;
        }
        let site = match self.kind {
            OperationKind::Spawn => {
                self.unless_cancelled(Site::make(tools, row, self.is_again)).await?
            }
            OperationKind::Restore
            | OperationKind::RestoreFresh
            | OperationKind::Kill
            | OperationKind::Cleanup => Site::again(tools, row, false).await?,
        };
        match self.raise(launch_id, &site).await {
            Ok(()) => Ok(()),
            Err(halt) => {
                let closes = *tools.shutdown.borrow();
                let is_cancelled = *self.cancelled.borrow();
                if matches!(halt, Halt::Failed(_)) || (is_cancelled && !closes) {
                    site.undo(tools, row).await;
                }
                Err(halt)
            }
        }
    }

    /// From a worktree that is there to an agent that works in it.
    async fn raise(&self, launch_id: &str, site: &Site) -> Result<(), Halt> {
        let (tools, row) = (self.tools, self.row);
        if self.kind == OperationKind::Spawn && row.workspace_path.is_none() {
            self.unless_cancelled(site.set_up(tools, row)).await?;
        }
        let token = hex::encode(rand::random::<[u8; 32]>());
        let path = text(&site.workspace.path.to_string_lossy());
        let made = SessionFact::WorkspaceMade {
            launch_id: launch_id.into(),
            path,
            token_hash: text(&token_hash(&token)),
        };
        if tools.observe(&row.id, made, self.cause()).await?.is_err() {
            return Err(Halt::Left);
        }
        let now = tools.row(&row.id).await?;
        if now.operation != Some(self.kind) || now.launch_id.as_deref() != Some(launch_id) {
            return Err(Halt::Left);
        }
        let folder = tools.folder(&row.id);
        let resumes = self.kind == OperationKind::Restore;
        let way = match resumes {
            true => Way::Resume { agent_session_id: row.agent_session_id.clone() },
            false => Way::Start,
        };
        let prompt = Some(row.prompt.clone()).filter(|prompt| !resumes && !prompt.is_empty());
        let has_prompt = prompt.is_some();
        let assignment = Assignment {
            session_id: row.id.clone(),
            project_id: row.project_id.clone(),
            issue_id: row.issue_id.clone(),
            launch_id: launch_id.to_owned(),
            url: tools.plan.url.clone(),
            token,
            way,
            prompt,
            repository: site.workspace.repository.clone(),
            workspace: site.workspace.path.clone(),
            folder: folder.clone(),
            nudged: tools.plan.nudged.clone(),
            outer: tools.plan.outer.clone(),
        };
        let harness = tools.harnesses.get(&row.harness)?;
        let prepared = harness.prepare(&assignment).await.map_err(offering_fresh)?;
        for warning in &prepared.warnings {
            tracing::warn!(
                session = row.id,
                warning,
                "an agent is started with less than it could have"
            );
        }
        let note = Note {
            launch_id: launch_id.to_owned(),
            agent_session_id: prepared.agent_session_id,
            prompt_left: prepared.prompt_left,
            has_prompt,
            stage: Stage::Prepared,
        };
        note.write(&folder)?;
        let handle = self.begin_process(&prepared.launch).await?;
        self.live(launch_id, handle).await
    }

    async fn begin_process(&self, launch: &Launch) -> Result<Handle, Halt> {
        match self.tools.tmux.start(launch).await {
            Err(RuntimeError::RunsAlready { name }) if self.is_again => {
                for _ in 0..LOOKS {
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                    if let Some(handle) = self.tools.find(&name, &launch.launch_id).await? {
                        return Ok(handle);
                    }
                }
                Err(RuntimeError::RunsAlready { name }.into())
            }
            Err(error @ RuntimeError::NotStarted { .. }) => Err(self.offering_fresh(error.into())),
            started => Ok(started?),
        }
    }

    /// An agent that could not take up its conversation never begins anew by itself, but may be told to.
    fn offering_fresh(&self, halt: Halt) -> Halt {
        match halt {
            Halt::Failed(reason) if self.kind == OperationKind::Restore => {
                Halt::Failed(format!("{reason}; {FRESH}"))
            }
            other @ (Halt::Failed(_) | Halt::Left) => other,
        }
    }

    /// The agent runs: it gets its first words, and the row comes to know of it.
    async fn live(&self, launch_id: &str, handle: Handle) -> Result<(), Halt> {
        let (tools, row) = (self.tools, self.row);
        let now = tools.row(&row.id).await?;
        let mut line = Line::by(tools, &now, handle);
        let folder = tools.folder(&row.id);
        let note = Note::read(&folder, launch_id);
        // A new conversation is not the one that the row knows of.
        let known = now.agent_session_id.filter(|_| self.kind != OperationKind::RestoreFresh);
        line.agent_session_id = note.as_ref().and_then(|it| it.agent_session_id.clone()).or(known);
        let begun = match note {
            Some(note) => {
                let begins = first_words(tools, &line, note);
                self.unless_cancelled(begins).await.map_err(|halt| self.offering_fresh(halt))?
            }
            None => FirstWords { agent_session_id: None, has_work: false, waits: None },
        };
        if self.kind == OperationKind::Restore {
            let survives = self.unless_cancelled(survives(tools, &line.handle)).await;
            survives.map_err(|halt| self.offering_fresh(halt))?;
        }
        let launched = SessionFact::Launched {
            launch_id: launch_id.into(),
            runtime: RuntimeFact { name: "tmux".into(), handle: line.handle.text().into() },
            agent_session_id: begun.agent_session_id.as_deref().map(text),
            activity: match begun.has_work && begun.waits.is_none() {
                true => ActivityState::Active,
                false => ActivityState::Ready,
            },
            speaks: line.addressee(tools)?.harness.speaks_at_start(begun.has_work),
        };
        if tools.observe(&row.id, launched, self.cause()).await?.is_err() {
            // It is of no start that anybody knows of.
            tools.tmux.kill(&line.handle).await?;
            return Err(Halt::Left);
        }
        if let Some(shown) = begun.waits {
            tools.observe(&row.id, waits(launch_id, &shown), "terminal").await?.ok();
        }
        Ok(())
    }

    /// Steps that may take long come to their end where the session is to be ended, or the server closes.
    async fn unless_cancelled<T>(
        &self,
        step: impl Future<Output = Result<T, Halt>>,
    ) -> Result<T, Halt> {
        let (mut cancelled, mut shutdown) = (self.cancelled.clone(), self.tools.shutdown.clone());
        tokio::select! {
            done = step => done,
            () = raised(&mut cancelled) => Err(Halt::Left),
            () = raised(&mut shutdown) => Err(Halt::Left),
        }
    }
}

/// An agent that cannot take its conversation up says so and ends: that is no restore.
async fn survives(tools: &Tools, handle: &Handle) -> Result<(), Halt> {
    let until = tokio::time::Instant::now() + SURVIVAL;
    while tokio::time::Instant::now() < until {
        let looks = tools.tmux.probe(std::slice::from_ref(handle)).await;
        if looks.iter().any(|look| look.process == ProbeAnswer::Dead) {
            let shown = tools.tmux.last_words(handle).await;
            tools.tmux.kill(handle).await?;
            return Err(Halt::Failed(format!("{ENDED}: {shown}")));
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(())
}

/// What came of an agent's first words.
pub(super) struct FirstWords {
    pub(super) agent_session_id: Option<String>,
    pub(super) has_work: bool,
    /// It shows a dialog, and was given nothing yet: what is to be seen.
    pub(super) waits: Option<String>,
}

/// Gives an agent what could not be part of its command line. After a crash in the middle of it nothing is given again.
pub(super) async fn first_words(
    tools: &Tools,
    line: &Line,
    note: Note,
) -> Result<FirstWords, Halt> {
    let mut words = FirstWords {
        agent_session_id: note.agent_session_id.clone(),
        has_work: note.has_prompt,
        waits: None,
    };
    let addressee = line.addressee(tools)?;
    let folder = addressee.folder;
    match note.stage {
        Stage::Begun => return Ok(words),
        Stage::Beginning if note.prompt_left.is_some() => {
            let session = addressee.session_id;
            tracing::warn!(
                session,
                "it is not known whether the agent got its prompt: it is not given again"
            );
            return Ok(words);
        }
        Stage::Prepared | Stage::Beginning | Stage::Waiting => {}
    }
    let note = note.at(Stage::Beginning, folder)?;
    let beginning = Beginning {
        prompt: note.prompt_left.as_deref(),
        launch_id: &note.launch_id,
        patience: PATIENCE,
    };
    match tools.channels.begin(&addressee, beginning).await {
        Begun::Started { agent_session_id } => {
            words.agent_session_id = agent_session_id.or(words.agent_session_id);
            note.at(Stage::Begun, folder)?;
            Ok(words)
        }
        Begun::Waiting { shown } => {
            note.at(Stage::Waiting, folder)?;
            words.waits = Some(shown);
            Ok(words)
        }
        Begun::Failed { reason } => {
            let shown = match reason.starts_with(ENDED) {
                true => tools.tmux.last_words(&line.handle).await,
                false => String::new(),
            };
            tools.tmux.kill(&line.handle).await?;
            Err(Halt::Failed(match shown.is_empty() {
                true => reason,
                false => format!("{ENDED}: {shown}"),
            }))
        }
    }
}

/// An agent that shows a dialog waits for a human.
pub(super) fn waits(launch_id: &str, shown: &str) -> SessionFact {
    SessionFact::Active(ActivitySeen {
        reason: Some(text(shown)),
        launch_id: Some(launch_id.into()),
        ..ActivitySeen::new(ActivityState::WaitingInput, ActivitySource::Terminal)
    })
}

/// It never begins anew by itself: that is said, and offered.
fn offering_fresh(error: HarnessError) -> Halt {
    match error {
        error @ HarnessError::NoResume { .. } => Halt::Failed(format!("{error}; {FRESH}")),
        error @ (HarnessError::Unknown { .. }
        | HarnessError::Bad { .. }
        | HarnessError::File { .. }
        | HarnessError::Port { .. }) => error.into(),
    }
}
