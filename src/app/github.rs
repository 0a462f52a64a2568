//! What asks GitHub by itself, where there are App credentials.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::GithubDoor;
use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::Engine;
use crate::github::api::{Client, Credentials, Door, Github, Missed, Reconciler};
use crate::outbox::{AskPermissions, FetchLogs, Performer, RefreshPulls, RerunFailed};
use crate::store::Store;

/// GitHub's API and the standing work with it; clones share everything.
#[derive(Clone)]
pub struct GithubWork {
    /// For whoever performs tasks there.
    pub github: Github,
    /// Compares everything.
    pub reconciler: Arc<Reconciler>,
    /// Fetches what never arrived.
    pub missed: Arc<Missed>,
}

impl GithubWork {
    /// Sets it up; nothing is asked yet.
    ///
    /// # Errors
    /// The API's address is of no use.
    pub(super) fn new(
        settings: &Settings,
        store: &Store,
        engine: &Engine,
        clock: &Clock,
    ) -> anyhow::Result<Option<Self>> {
        let Some(app) = &settings.github_app else { return Ok(None) };
        let credentials = Credentials::new(app.id, app.private_key.expose());
        let client = Client::new(&settings.github_api_url, credentials, clock.clone())
            .context("NUDGED_GITHUB_API_URL")?;
        let github = Github::new(client);
        let reconciler = Reconciler::new(github.clone(), store.clone(), engine.clone());
        let missed = Missed::new(github.clone(), store.clone(), engine.clone());
        let (reconciler, missed) = (Arc::new(reconciler), Arc::new(missed));
        tracing::info!(app = app.id, api = settings.github_api_url, "GitHub's API is asked");
        Ok(Some(Self { github, reconciler, missed }))
    }

    /// What the API offers of it.
    pub(super) fn door(&self) -> Arc<dyn GithubDoor> {
        Arc::new(Door::new(self.github.clone(), Arc::clone(&self.missed)))
    }

    /// What performs tasks there.
    pub(super) fn performers(
        &self,
        clock: &Clock,
        shutdown: &watch::Receiver<bool>,
    ) -> [Arc<dyn Performer>; 4] {
        let github = || self.github.clone();
        [
            Arc::new(FetchLogs::new(github(), clock.clone())),
            Arc::new(RefreshPulls::new(github(), clock.clone(), shutdown.clone())),
            Arc::new(RerunFailed::new(github(), clock.clone())),
            Arc::new(AskPermissions::new(github(), clock.clone())),
        ]
    }

    /// Works until shutdown.
    ///
    /// # Errors
    /// Part of it panicked.
    pub(super) async fn run(
        self,
        every: Duration,
        shutdown: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let Self { reconciler, missed, .. } = self;
        let mut works = JoinSet::new();
        let down = shutdown.clone();
        works.spawn(async move { missed.run(down).await });
        works.spawn(async move { reconciler.run(every, shutdown).await });
        while let Some(ended) = works.join_next().await {
            ended.context("what asks GitHub died")?;
        }
        Ok(())
    }
}
