//! Deliveries that never arrived: GitHub's list of them is read back, and what never succeeded is fetched and
//! taken in here, by the same door and under the same name as if it had come (`docs/github-rules.md` 25).

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{Mutex, watch};

use super::budget::Priority;
use super::error::GithubError;
use super::github::Github;
use super::request::{Asker, Speaker};
use crate::api::{GithubPass, Recovery};
use crate::domain::Delivery;
use crate::engine::{Engine, EngineError};
use crate::github::webhook::{self, Reading};
use crate::store::{Store, StoreError};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(600);
/// Between two looks after one that failed.
const RETRY: Duration = Duration::from_secs(60);
/// Pages of a hundred that are read in one look: GitHub keeps three days.
const MOST_PAGES: usize = 500;
/// While the engine's queue is full.
const BUSY: Duration = Duration::from_millis(50);
/// The newest delivery of GitHub's list that was dealt with.
const SEEN: &str = "deliveries_seen";

/// Looks for deliveries that never arrived.
pub struct Missed {
    github: Github,
    store: Store,
    engine: Engine,
    /// One look at a time.
    looking: Mutex<()>,
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub enum MissedError {
    #[error(transparent)]
    Github(#[from] GithubError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// One attempt to deliver something.
#[derive(Debug, Clone, Deserialize)]
struct Attempt {
    id: i64,
    guid: String,
    #[serde(default)]
    status_code: i64,
}

impl Attempt {
    fn arrived(&self) -> bool {
        (200..300).contains(&self.status_code)
    }
}

#[derive(Deserialize)]
struct Whole<'a> {
    event: String,
    #[serde(borrow)]
    request: Sent<'a>,
}

#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(default)]
    headers: BTreeMap<String, serde_json::Value>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

impl Sent<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// What became of one missed delivery.
enum Fetched {
    Taken,
    /// It is not there any more, or is none.
    Lost,
}

impl Missed {
    pub fn new(github: Github, store: Store, engine: Engine) -> Self {
        Self { github, store, engine, looking: Mutex::new(()) }
    }

    /// Looks now, and again every ten minutes, until shutdown.
    pub async fn run(&self, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow() {
            let went = tokio::select! {
                went = self.recover() => went,
                _ = shutdown.wait_for(|down| *down) => return,
            };
            let wait = match went {
                Ok(_) => EVERY,
                Err(error) => {
                    tracing::warn!(%error, "missed deliveries could not be looked for");
                    RETRY
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = shutdown.wait_for(|down| *down) => return,
            }
        }
    }

    /// Reads the list back to where it was read before, and takes in what never arrived.
    ///
    /// # Errors
    /// GitHub, the store or the engine cannot be reached. What was taken in stays; the next look begins where this
    /// one did.
    pub async fn recover(&self) -> Result<Recovery, MissedError> {
        let _one = self.looking.lock().await;
        let began_at = self.github.now();
        let begun = std::time::Instant::now();
        let went = self.look().await;
        let trouble = match &went {
            Err(MissedError::Github(error)) => Some(error),
            Ok(_) | Err(_) => None,
        };
        self.github.trouble("deliveries", trouble);
        let recovery = went?;
        let milliseconds = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.github.recovered(GithubPass {
            began_at,
            milliseconds,
            looked_at: recovery.looked_at,
            applied: recovery.recovered,
            failed: recovery.failed,
        });
        if recovery.recovered > 0 {
            let (recovered, failed) = (recovery.recovered, recovery.failed);
            tracing::info!(recovered, failed, "missed deliveries were taken in");
        }
        Ok(recovery)
    }

    async fn look(&self) -> Result<Recovery, MissedError> {
        let seen: Option<i64> =
            self.store.remembered(SEEN).await?.and_then(|text| text.parse().ok());
        let attempts = self.attempts(seen.unwrap_or(0)).await?;
        let mut recovery = Recovery { looked_at: attempts.len() as u64, recovered: 0, failed: 0 };
        let mut missed = BTreeMap::<&str, i64>::new();
        for attempt in &attempts {
            let newest = missed.entry(&attempt.guid).or_insert(attempt.id);
            *newest = attempt.id.max(*newest);
        }
        for attempt in attempts.iter().filter(|attempt| attempt.arrived()) {
            missed.remove(attempt.guid.as_str());
        }
        // In the order in which they happened, as far as ids tell.
        let mut missed: Vec<(i64, &str)> =
            missed.into_iter().map(|(guid, id)| (id, guid)).collect();
        missed.sort_unstable();
        for (id, guid) in missed {
            match self.fetch(id, guid).await? {
                Fetched::Taken => recovery.recovered += 1,
                Fetched::Lost => recovery.failed += 1,
            }
        }
        if let Some(newest) = attempts.iter().map(|attempt| attempt.id).max() {
            self.engine.remember(SEEN, newest.to_string()).await?;
        }
        Ok(recovery)
    }

    fn asker(kind: &'static str) -> Asker {
        Asker { speaker: Speaker::App, kind, priority: Priority::Reconcile }
    }

    /// The attempts after the one that was seen last, newest first.
    async fn attempts(&self, seen: i64) -> Result<Vec<Attempt>, GithubError> {
        let mut attempts = Vec::new();
        let mut next = Some("/app/hook/deliveries?per_page=100".to_owned());
        let mut pages = 0;
        while let Some(path) = next.take().filter(|_| pages < MOST_PAGES) {
            let answer = self.github.client.get(Self::asker("deliveries"), &path).await?;
            let page: Vec<Attempt> = serde_json::from_slice(&answer.body)
                .map_err(|error| GithubError::Malformed(error.to_string()))?;
            let reached = page.iter().any(|attempt| attempt.id <= seen);
            attempts.extend(page.into_iter().filter(|attempt| attempt.id > seen));
            next = answer.next.filter(|_| !reached);
            pages += 1;
        }
        Ok(attempts)
    }

    /// Fetches one delivery and takes it in as if it had come.
    async fn fetch(&self, id: i64, guid: &str) -> Result<Fetched, MissedError> {
        let path = format!("/app/hook/deliveries/{id}");
        let answer = match self.github.client.get(Self::asker("delivery"), &path).await {
            Ok(answer) => answer,
            Err(error) if error.is_general() => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, id, "a missed delivery cannot be fetched");
                return Ok(Fetched::Lost);
            }
        };
        let Ok(whole) = serde_json::from_slice::<Whole<'_>>(&answer.body) else {
            tracing::warn!(id, "a missed delivery is not understood");
            return Ok(Fetched::Lost);
        };
        let body = Bytes::copy_from_slice(whole.request.payload.get().as_bytes());
        // Named as `http` names those that come.
        let hook = ["X-GitHub-Hook-Target-ID", "X-GitHub-Hook-ID"];
        let hook = hook.into_iter().find_map(|name| whole.request.header(name));
        let Reading { action, repo, verdict } = webhook::understand(&whole.event, &body);
        let delivery = Delivery {
            hook: hook.unwrap_or_default().to_owned(),
            guid: guid.to_owned(),
            event: whole.event,
            action,
            repo,
            verdict,
            body,
        };
        loop {
            match self.engine.receive(delivery.clone()).await {
                Ok(outcome) => {
                    tracing::debug!(guid, %outcome, "a missed delivery was taken in");
                    return Ok(Fetched::Taken);
                }
                Err(EngineError::Busy) => tokio::time::sleep(BUSY).await,
                Err(other) => return Err(other.into()),
            }
        }
    }
}
