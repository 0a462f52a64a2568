//! Waiting for news without polling, and without holding a transaction meanwhile.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Sleep;

use super::{App, AppState};

/// One client's patience. Make it **before** the first query: it remembers commits from then on.
pub(super) struct Patience {
    head: watch::Receiver<i64>,
    shutdown: watch::Receiver<bool>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Begins to watch; waits for no longer than `wait` in all.
    pub(super) fn new(app: &AppState, wait: Duration) -> Self {
        Self::for_news(app.engine.head(), app, wait)
    }

    /// The same for commits that the change feed's tail has read.
    pub(super) fn with_tail(app: &App, wait: Duration) -> Self {
        // Nobody who does not wait keeps the tail at work.
        let head = if wait.is_zero() { app.engine.head() } else { app.tail.listen() };
        Self::for_news(head, app, wait)
    }

    fn for_news(mut head: watch::Receiver<i64>, app: &AppState, wait: Duration) -> Self {
        head.mark_unchanged();
        let deadline = (!wait.is_zero()).then(|| Box::pin(tokio::time::sleep(wait)));
        Self { head, shutdown: app.shutdown.clone(), deadline }
    }

    /// Returns `true` as soon as something was committed since the last call (or the beginning),
    /// `false` when the time is up or the server shuts down.
    pub(super) async fn news(&mut self) -> bool {
        let Some(deadline) = &mut self.deadline else { return false };
        tokio::select! {
            changed = self.head.changed() => changed.is_ok(),
            () = deadline => false,
            _ = self.shutdown.wait_for(|down| *down) => false,
        }
    }
}
