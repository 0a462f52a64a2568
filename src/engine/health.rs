//! Whether the engine takes work: what ends it for good, and what keeps it from storing for now.

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the writer, its timers and its handles tell each other; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Health {
    close: watch::Sender<bool>,
    failed: watch::Sender<Option<String>>,
    refused: watch::Sender<Option<String>>,
}

impl Health {
    pub(super) fn new() -> Self {
        let none = || watch::Sender::new(None);
        Self { close: watch::Sender::new(false), failed: none(), refused: none() }
    }

    /// No more work is to be taken.
    pub(super) fn close(&self) {
        self.close.send_replace(true);
    }

    pub(super) fn closes(&self) -> bool {
        *self.close.borrow()
    }

    /// Becomes `true` when no more work is to be taken.
    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.close.subscribe()
    }

    /// It can go on no more: whoever supervises the process is told why. The first reason stays.
    pub(super) fn fail(&self, reason: &str) {
        tracing::error!(reason, "the engine has failed");
        self.close();
        self.failed.send_if_modified(|known| {
            let first = known.is_none();
            known.get_or_insert_with(|| reason.to_owned());
            first
        });
    }

    /// Why it has failed, if it has.
    pub(super) fn failure(&self) -> Option<String> {
        self.failed.borrow().clone()
    }

    /// Ends when it has failed, with the reason.
    pub(super) async fn failed(&self) -> String {
        let mut failed = self.failed.subscribe();
        loop {
            if let Some(reason) = failed.borrow_and_update().clone() {
                return reason;
            }
            if failed.changed().await.is_err() {
                // Never so: the other end is `self`'s.
                std::future::pending::<()>().await;
            }
        }
    }

    /// A transaction came through.
    pub(super) fn commits(&self) {
        self.refused.send_if_modified(|known| known.take().is_some());
    }

    /// The store took nothing of a transaction.
    pub(super) fn refuses(&self, reason: String) {
        self.refused.send_replace(Some(reason));
    }

    /// Why the last transaction was not stored, if it was not.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refused.borrow().clone()
    }

    /// Watches over a task that must not die: where it panics, the engine has failed.
    pub(super) fn guard(&self, what: &'static str, task: JoinHandle<()>) {
        let health = self.clone();
        tokio::spawn(async move {
            if task.await.is_err_and(|error| error.is_panic()) {
                health.fail(&format!("{what} panicked; the log says where"));
            }
        });
    }
}
