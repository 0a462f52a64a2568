//! Everything compared with GitHub, at start and every so often: what differs is taken in as observations.
//!
//! A failed request is no observation. What could not be read in one pass is read in the next, which comes sooner
//! then. Nothing of a pass is held but what one repository shows.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::{Mutex, watch};

use super::error::GithubError;
use super::github::Github;
use super::pass::{Memory, Pass};
use super::timetable::Timetable;
use crate::api::GithubPass;
use crate::domain::{ProjectId, Timestamp};
use crate::engine::{Engine, EngineError, Found, Observe};
use crate::store::reads::WatchedProject;
use crate::store::{Store, StoreError};

/// Facts that go into one transaction.
const BATCH: usize = 64;
/// Closed pull requests of a project that are compared, the newest.
const RECENT: usize = 200;
/// What ended so long before the last comparison is compared again: its checks may have come later.
const MARGIN: SignedDuration = SignedDuration::from_hours(24);
/// Every so many passes, conversations are read of all pull requests.
const THOROUGH: u64 = 4;
/// So often it is looked whether there are new projects.
const LOOK: Duration = Duration::from_secs(15);
/// While the engine's queue is full.
const BUSY: Duration = Duration::from_millis(50);

const PASSES: &str = "reconcile_passes";
const FILLED: &str = "filled_projects";

/// Compares everything with GitHub.
pub struct Reconciler {
    github: Github,
    store: Store,
    engine: Engine,
    /// One pass at a time.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Passes so far, of this database.
    number: Option<u64>,
    memories: HashMap<ProjectId, Memory>,
    /// Projects that were compared once, with when that last came through, by GitHub's clock: what was there
    /// before they were watched is known.
    filled: BTreeMap<ProjectId, Timestamp>,
}

/// Why a pass could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Reconciler {
    pub fn new(github: Github, store: Store, engine: Engine) -> Self {
        Self { github, store, engine, state: Mutex::default() }
    }

    /// Compares now, and again every so often, until shutdown.
    pub async fn run(&self, every: Duration, mut shutdown: watch::Receiver<bool>) {
        let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX);
        let mut timetable = Timetable::new(every, self.github.now());
        while !*shutdown.borrow() {
            let is_due = timetable.is_due(self.github.now());
            let work = async {
                if is_due { self.pass().await.map(Some) } else { self.fill().await.map(|_| None) }
            };
            let went = tokio::select! {
                went = work => went,
                _ = shutdown.wait_for(|down| *down) => return,
            };
            if let Err(error) = &went {
                tracing::warn!(%error, "a comparison with GitHub could not begin");
            }
            let whole = match went {
                Ok(None) => None,
                Ok(Some(pass)) => Some(pass.failed == 0),
                Err(_) => Some(false),
            };
            if let Some(whole) = whole {
                let closed = self.github.standing().closed_until;
                timetable.ended(whole, closed, self.github.now());
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = shutdown.wait_for(|down| *down) => return,
            }
        }
    }

    /// One pass over all projects.
    ///
    /// # Errors
    /// The store or the engine cannot be reached.
    pub async fn pass(&self) -> Result<GithubPass, PassError> {
        self.over(|_, _| true).await
    }

    /// A pass over the projects that were never compared; `None`: there are none.
    ///
    /// # Errors
    /// As [`Reconciler::pass`].
    pub async fn fill(&self) -> Result<Option<GithubPass>, PassError> {
        let projects = self.store.watched().await?;
        self.github.note_stopped(&projects);
        let new = {
            let mut state = self.state.lock().await;
            self.remember(&mut state).await?;
            let tried = |id| state.filled.contains_key(id) || state.memories.contains_key(id);
            projects.iter().any(|project| project.access.is_granted() && !tried(&project.id))
        };
        if !new {
            return Ok(None);
        }
        self.over(|state, id| !state.filled.contains_key(id) && !state.memories.contains_key(id))
            .await
            .map(Some)
    }

    async fn over(
        &self,
        wanted: impl Fn(&State, &ProjectId) -> bool,
    ) -> Result<GithubPass, PassError> {
        let mut state = self.state.lock().await;
        self.remember(&mut state).await?;
        let began_at = self.github.now();
        let begun = std::time::Instant::now();
        let number = state.number.unwrap_or(0) + 1;
        self.engine.remember(PASSES, number.to_string()).await?;
        state.number = Some(number);
        let mut pass =
            GithubPass { began_at, milliseconds: 0, looked_at: 0, applied: 0, failed: 0 };
        let projects = self.store.watched().await?;
        self.github.keep_troubles(&projects);
        for project in projects.iter().filter(|project| project.access.is_granted()) {
            if !wanted(&state, &project.id) {
                continue;
            }
            pass.looked_at += 1;
            let went = self.project(&mut state, project, number).await?;
            self.github.note(&project.repo, &went);
            match went {
                Ok(taken) => pass.applied += taken,
                Err(error) => {
                    // A repository that is not ours to ask about keeps no pass from being whole.
                    pass.failed += u64::from(error.is_passing() || error.is_general());
                    tracing::warn!(repo = project.repo.as_str(), %error, "it was not compared");
                    if error.is_general() {
                        break;
                    }
                }
            }
        }
        pass.milliseconds = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        tracing::info!(
            number,
            repositories = pass.looked_at,
            facts = pass.applied,
            failed = pass.failed,
            milliseconds = pass.milliseconds,
            "compared with GitHub"
        );
        self.github.reconciled(pass.clone());
        Ok(pass)
    }

    /// Compares one project; how many facts were news.
    async fn project(
        &self,
        state: &mut State,
        project: &WatchedProject,
        number: u64,
    ) -> Result<Result<u64, GithubError>, PassError> {
        let known = self.store.known_pulls(project.id.clone(), RECENT).await?;
        let asked_at = self.github.there();
        let last = state.filled.get(&project.id).copied();
        let first = last.is_none();
        let since = last.map(|last| last.checked_sub(MARGIN).unwrap_or(last));
        let thorough = number.is_multiple_of(THOROUGH);
        let cause = format!("reconcile:{number}");
        let memory = state.memories.entry(project.id.clone()).or_default();
        let (pass, renamed) = match Pass::begin(&self.github, project, known, since, thorough).await
        {
            Ok(begun) => begun,
            Err(error) => return Ok(Err(error)),
        };
        let mut taken = 0;
        if let Some(renamed) = renamed {
            taken += self.take(&cause, vec![renamed], false).await?;
        }
        let shown = match pass.read(memory).await {
            Ok(shown) => shown,
            Err(error) => return Ok(Err(error)),
        };
        for mut portion in shown.portions {
            let found = std::mem::take(&mut portion.found);
            // What a project has when it is first looked at is from before it was watched.
            taken += self.take(&cause, found, first && portion.new).await?;
            memory.took(portion);
        }
        if let Some(error) = shown.failed {
            return Ok(Err(error));
        }
        state.filled.insert(project.id.clone(), asked_at);
        let filled: Vec<String> =
            state.filled.iter().map(|(id, at)| format!("{} {at}", &*id.0)).collect();
        self.engine.remember(FILLED, filled.join("\n")).await?;
        Ok(Ok(taken))
    }

    /// Has the engine take facts in, a portion at a time, after whatever waits there.
    async fn take(
        &self,
        cause: &str,
        mut found: Vec<Found>,
        quiet: bool,
    ) -> Result<u64, EngineError> {
        let mut taken = 0;
        while !found.is_empty() {
            let rest = found.split_off(found.len().min(BATCH));
            let batch = Observe { cause: cause.to_owned(), found, quiet };
            loop {
                match self.engine.take_in(batch.clone()).await {
                    Ok(done) => {
                        taken += done.taken as u64;
                        break;
                    }
                    Err(EngineError::Busy) => tokio::time::sleep(BUSY).await,
                    Err(other) => return Err(other),
                }
            }
            found = rest;
        }
        Ok(taken)
    }

    /// What earlier processes left to remember.
    async fn remember(&self, state: &mut State) -> Result<(), StoreError> {
        if state.number.is_none() {
            let passes = self.store.remembered(PASSES).await?;
            let filled = self.store.remembered(FILLED).await?.unwrap_or_default();
            let lines = filled.lines().filter_map(|line| line.split_once(' '));
            let known = lines.filter_map(|(id, at)| Some((ProjectId(id.into()), at.parse().ok()?)));
            state.filled = known.collect();
            state.number = Some(passes.and_then(|it| it.parse().ok()).unwrap_or(0));
        }
        Ok(())
    }

    /// When the last pass began.
    pub fn last(&self) -> Option<Timestamp> {
        self.github.standing().reconciled.map(|pass| pass.began_at)
    }
}
