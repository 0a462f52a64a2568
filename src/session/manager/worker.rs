//! Does what is to be done to sessions: what was asked for, and what a server that was cut off has left.
//!
//! Woken by commits. Of one session one thing is done at a time; a kill ends a start that is under way.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::ending;
use super::starting::Start;
use super::tools::{Tools, raised};
use crate::domain::OperationKind;
use crate::store::views::SessionView;

/// Starts at once: each makes a worktree and begins an agent.
const STARTS: usize = 4;
/// Between two looks at the store, however often it changes.
const BREATH: Duration = Duration::from_millis(20);
/// After something could not be done, or the store not be read.
const RETRY: Duration = Duration::from_secs(2);
/// The longest sleep without news.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What is under way on one session.
struct UnderWay {
    kind: OperationKind,
    since: Option<String>,
    cancel: watch::Sender<bool>,
}

/// Does what is to be done to sessions.
pub(super) struct Worker {
    tools: Arc<Tools>,
    starts: Arc<Semaphore>,
    tasks: JoinSet<()>,
    under_way: HashMap<String, UnderWay>,
    sessions: HashMap<Id, String>,
    /// What was there when the server started: something of it may have been done already.
    is_first: bool,
    /// The last attempt of each session, with what it was about: the same is tried again more slowly.
    attempts: HashMap<String, (Option<String>, Instant)>,
}

impl Worker {
    pub(super) fn new(tools: Arc<Tools>) -> Self {
        Self {
            tools,
            starts: Arc::new(Semaphore::new(STARTS)),
            tasks: JoinSet::new(),
            under_way: HashMap::new(),
            sessions: HashMap::new(),
            is_first: true,
            attempts: HashMap::new(),
        }
    }

    /// Works until shutdown. What is under way then is left as it is: the next server goes on with it.
    pub(super) async fn run(mut self) {
        let (mut news, mut shutdown) = (self.tools.engine.commits(), self.tools.shutdown.clone());
        loop {
            news.borrow_and_update();
            let sleep = self.fill().await;
            tokio::select! {
                () = raised(&mut shutdown) => break,
                Some(landed) = self.tasks.join_next_with_id() => self.land(landed),
                () = tokio::time::sleep(sleep) => {}
                changed = news.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
        self.tasks.shutdown().await;
    }

    /// Begins what waits. How long there is nothing to do then.
    async fn fill(&mut self) -> Duration {
        let rows = match self.tools.store.sessions_at_work().await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "sessions cannot be read; they are looked for again");
                return RETRY;
            }
        };
        let is_again = std::mem::take(&mut self.is_first);
        let mut sleep = LONGEST_SLEEP;
        self.attempts
            .retain(|id, _| rows.iter().any(|row| row.id == *id && row.operation.is_some()));
        for row in rows {
            let Some(kind) = row.operation else { continue };
            if let Some(under_way) = self.under_way.get(&row.id) {
                if kind == OperationKind::Kill && under_way.kind != kind {
                    under_way.cancel.send_replace(true);
                }
                continue;
            }
            let tried = self.attempts.get(&row.id).filter(|(what, _)| *what == row.operation_since);
            let rested = tried.map(|(_, at)| at.elapsed());
            if rested.is_some_and(|rested| rested < RETRY) {
                sleep = sleep.min(RETRY);
                continue;
            }
            self.begin(row, kind, is_again || rested.is_some());
        }
        sleep
    }

    fn begin(&mut self, row: SessionView, kind: OperationKind, is_again: bool) {
        let (tools, starts) = (Arc::clone(&self.tools), Arc::clone(&self.starts));
        let (cancel, mut cancelled) = watch::channel(false);
        let (id, since) = (row.id.clone(), row.operation_since.clone());
        tracing::info!(session = id, operation = %kind, is_again, "at work on a session");
        let task = self.tasks.spawn(async move {
            match kind {
                OperationKind::Spawn | OperationKind::Restore | OperationKind::RestoreFresh => {
                    let permit = tokio::select! {
                        permit = starts.acquire_owned() => permit,
                        () = raised(&mut cancelled) => return,
                    };
                    Start { tools: &tools, row: &row, kind, is_again, cancelled }.run().await;
                    drop(permit);
                }
                OperationKind::Kill => ending::kill(&tools, &row).await,
                OperationKind::Cleanup => ending::clean_up(&tools, &row).await,
            }
        });
        self.sessions.insert(task.id(), id.clone());
        self.under_way.insert(id, UnderWay { kind, since, cancel });
    }

    fn land(&mut self, landed: Result<(Id, ()), JoinError>) {
        let id = match landed {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "work on a session died; it is begun again");
                error.id()
            }
        };
        if let Some(session) = self.sessions.remove(&id)
            && let Some(ended) = self.under_way.remove(&session)
        {
            // Where it came to its end, the row says so, and this is forgotten.
            self.attempts.insert(session, (ended.since, Instant::now()));
        }
    }
}
