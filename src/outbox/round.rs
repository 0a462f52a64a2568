//! The tasks of one kind: what is due is started while there is room, and what came of it is told.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::performer::{Performed, Performer};
use crate::clock::Clock;
use crate::domain::Task;
use crate::engine::{Engine, EngineError};
use crate::store::{Store, StoreError};

/// The longest sleep: a clock that is set forward is noticed within it.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Between two looks at the store, however often it changes.
const BREATH: Duration = Duration::from_millis(20);
/// After the store or the engine could not be reached.
const RETRY: Duration = Duration::from_secs(1);

/// What a round works with.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) store: Store,
    pub(super) engine: Engine,
    pub(super) clock: Clock,
    pub(super) shutdown: watch::Receiver<bool>,
}

/// What is under way.
pub(super) struct Round<'t> {
    tools: &'t Tools,
    performer: &'t Arc<dyn Performer>,
    under_way: JoinSet<()>,
    /// In whose lane each runs.
    lanes: HashMap<Id, String>,
}

impl<'t> Round<'t> {
    pub(super) fn new(tools: &'t Tools, performer: &'t Arc<dyn Performer>) -> Self {
        Self { tools, performer, under_way: JoinSet::new(), lanes: HashMap::new() }
    }

    /// Makes all attempts that are due by now, and says how many.
    pub(super) async fn finish(mut self) -> Result<usize, StoreError> {
        let mut made = 0;
        loop {
            self.fill().await?;
            if !self.land().await {
                return Ok(made);
            }
            made += 1;
        }
    }

    /// Performs whatever becomes due, until shutdown; then waits for what is under way.
    pub(super) async fn run(mut self) {
        let (mut head, mut shutdown) = (self.tools.engine.head(), self.tools.shutdown.clone());
        loop {
            head.borrow_and_update();
            let sleep = self.fill().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "tasks cannot be read; they are looked for again");
                RETRY
            });
            tokio::select! {
                () = down(&mut shutdown) => break,
                landed = self.land(), if !self.under_way.is_empty() => debug_assert!(landed),
                () = tokio::time::sleep(sleep) => {}
                changed = head.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
        while self.land().await {}
    }

    /// Starts attempts that are due while there is room. How long there is nothing to do then.
    async fn fill(&mut self) -> Result<Duration, StoreError> {
        let at_once = self.performer.at_once();
        let room = at_once.saturating_sub(self.under_way.len());
        if room == 0 {
            return Ok(LONGEST_SLEEP);
        }
        let (tools, kind) = (self.tools, self.performer.kind());
        let now = tools.clock.now();
        let (tasks, next) = tools.store.due_tasks(kind, now, 2 * at_once).await?;
        let free = |task: &Task| !self.lanes.values().any(|lane| *lane == lane_of(task));
        let tasks: Vec<Task> = tasks.into_iter().filter(free).take(room).collect();
        for task in tasks {
            let lane = lane_of(&task);
            let attempt = attempt(tools.clone(), Arc::clone(self.performer), task);
            let started = self.under_way.spawn(attempt);
            self.lanes.insert(started.id(), lane);
        }
        let left = next.map_or(LONGEST_SLEEP, |next| {
            Duration::try_from(next.duration_since(now)).unwrap_or_default()
        });
        Ok(left.clamp(BREATH, LONGEST_SLEEP))
    }

    /// Waits for one attempt to end; `false`: there is none.
    async fn land(&mut self) -> bool {
        let Some(landed) = self.under_way.join_next_with_id().await else { return false };
        let id = match landed {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, kind = %self.performer.kind(), "an attempt died");
                error.id()
            }
        };
        self.lanes.remove(&id);
        true
    }
}

/// One attempt, and the report of it: what is done must not be done again, so the engine is told until it
/// takes it.
async fn attempt(tools: Tools, performer: Arc<dyn Performer>, task: Task) {
    let mut shutdown = tools.shutdown.clone();
    let Some(Performed { report, cause }) = performer.perform(task).await else {
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = down(&mut shutdown) => {}
        }
        return;
    };
    loop {
        match tools.engine.report(report.clone(), cause.clone()).await {
            Ok(()) | Err(EngineError::Closed) => return,
            Err(error @ (EngineError::Busy | EngineError::Store(_))) => {
                tracing::warn!(%error, cause, "an attempt could not be noted down yet");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = down(&mut shutdown) => return,
        }
    }
}

/// Ends when the server shuts down, or when nobody is left to say so.
async fn down(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|down| *down).await;
}

fn lane_of(task: &Task) -> String {
    match &task.lane {
        Some(session) => session.0.to_string(),
        None => format!("task {}", task.payload.name().dedupe_key),
    }
}
