//! Looks every few seconds whether agents are alive, and gives first words to those that stood before a dialog.
//!
//! All panes are asked for in one question to tmux, and processes are looked up by number and start time, which is
//! cheaper than a question each; the whole look has a time limit.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::note::{Note, Stage};
use super::starting::first_words;
use super::tools::{Halt, Line, Tools, raised, text};
use super::vanishing::doubt;
use crate::domain::{
    ActivitySeen, ActivitySource, ActivityState, Probe, ProbeAnswer, SessionFact, SessionState,
};
use crate::session::runtime::{Handle, Runtime};
use crate::store::StoreError;
use crate::store::views::SessionView;

/// One look at all.
const LIMIT: Duration = Duration::from_secs(20);
/// First words that are given at once.
const TALKS: usize = 4;

/// Looks whether agents are alive.
pub(super) struct Reaper {
    tools: Arc<Tools>,
    /// Those that are being given their first words.
    talks: JoinSet<()>,
    talked_to: Arc<Mutex<HashSet<String>>>,
}

impl Reaper {
    pub(super) fn new(tools: Arc<Tools>) -> Self {
        Self { tools, talks: JoinSet::new(), talked_to: Arc::default() }
    }

    /// Looks until shutdown.
    pub(super) async fn run(mut self) {
        let mut shutdown = self.tools.shutdown.clone();
        let mut ticks = tokio::time::interval(self.tools.plan.probe_every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = raised(&mut shutdown) => break,
            }
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "agents cannot be looked at; it is tried again");
            }
        }
        self.talks.shutdown().await;
    }

    /// One look at all agents that run here. How many there were.
    pub(super) async fn look(&mut self) -> Result<usize, StoreError> {
        let mut rows = self.tools.store.sessions_at_work().await?;
        rows.retain(|row| row.operation.is_none() && row.runtime_name.as_deref() == Some("tmux"));
        let begun = tokio::time::Instant::now();
        let probes = probe(&self.tools, &rows).await;
        metrics::histogram!("nudged_probe_seconds").record(begun.elapsed().as_secs_f64());
        metrics::gauge!("nudged_agents").set(rows.len() as f64);
        for (row, probe) in rows.iter().zip(probes) {
            if tells_something(row, &probe) {
                let launch_id = row.launch_id.as_deref().map(text);
                let fact = SessionFact::Probed { launch_id, probe };
                // One of an earlier start is refused, and the next look is of the next.
                if matches!(self.tools.observe(&row.id, fact, "probe").await, Err(Halt::Left)) {
                    return Ok(rows.len());
                }
            }
        }
        while self.talks.try_join_next().is_some() {}
        let count = rows.len();
        for row in rows {
            self.talk(row);
        }
        Ok(count)
    }

    /// Gives first words to an agent that showed a dialog before.
    fn talk(&mut self, row: SessionView) {
        let Some(launch_id) = row.launch_id.clone() else { return };
        if row.state.is_terminal() || self.talks.len() >= TALKS {
            return;
        }
        let note = Note::read(&self.tools.folder(&row.id), &launch_id);
        let Some(note) = note.filter(|note| note.stage == Stage::Waiting) else { return };
        let talked_to = Arc::clone(&self.talked_to);
        if !talked_to.lock().unwrap_or_else(PoisonError::into_inner).insert(row.id.clone()) {
            return;
        }
        let tools = Arc::clone(&self.tools);
        self.talks.spawn(async move {
            if let Err(Halt::Failed(reason)) = begin(&tools, &row, &launch_id, note).await {
                tracing::warn!(
                    session = row.id,
                    reason,
                    "an agent could not be given its first words"
                );
            }
            talked_to.lock().unwrap_or_else(PoisonError::into_inner).remove(&row.id);
        });
    }
}

async fn begin(tools: &Tools, row: &SessionView, launch_id: &str, note: Note) -> Result<(), Halt> {
    let Some(line) = Line::to(tools, row) else { return Ok(()) };
    let words = first_words(tools, &line, note).await?;
    if words.waits.is_some() {
        return Ok(());
    }
    let state = if words.has_work { ActivityState::Active } else { ActivityState::Ready };
    let seen = ActivitySeen {
        agent_session_id: words.agent_session_id.as_deref().map(text),
        launch_id: Some(launch_id.into()),
        ..ActivitySeen::new(state, ActivitySource::Terminal)
    };
    // Where it was started anew meanwhile, this is of no interest.
    tools.observe(&row.id, SessionFact::Active(seen), "terminal").await?.ok();
    Ok(())
}

/// A look at each, in their order; one that cannot be had failed.
async fn probe(tools: &Tools, rows: &[SessionView]) -> Vec<Probe> {
    let handles: Vec<Option<Handle>> =
        rows.iter().map(|row| row.runtime_handle.as_deref().and_then(Handle::parse)).collect();
    let known: Vec<Handle> = handles.iter().flatten().cloned().collect();
    let failed = |evidence: &str| Probe {
        runtime: ProbeAnswer::Failed,
        process: ProbeAnswer::Unknown,
        evidence: evidence.into(),
        is_proof: false,
    };
    let looked = match known.is_empty() {
        true => Ok(Vec::new()),
        false => tokio::time::timeout(LIMIT, tools.tmux.probe(&known)).await,
    };
    let mut looked = match looked {
        Ok(probes) => probes,
        Err(_) => vec![failed("tmux did not answer in time"); known.len()],
    };
    doubt(&mut looked);
    let mut looked = looked.into_iter();
    let of = |handle: Option<Handle>| {
        let probe = handle.and_then(|_| looked.next());
        probe.unwrap_or_else(|| failed("its handle cannot be read"))
    };
    handles.into_iter().map(of).collect()
}

/// What only says once more that it is alive need not be told.
fn tells_something(row: &SessionView, probe: &Probe) -> bool {
    let is_alive = probe.runtime == ProbeAnswer::Alive && probe.process == ProbeAnswer::Alive;
    !(is_alive && row.is_alive && row.state != SessionState::Detecting)
}
