//! Waiting for news without polling, and without holding a transaction meanwhile.

use std::ops::RangeInclusive;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Sleep;

use super::Api;
use super::errors::ApiError;

/// For how many seconds a request may wait.
pub const WAITS: RangeInclusive<i64> = 0..=60;

/// The time that a request waits at most; none where it does not say.
///
/// # Errors
/// It is out of [`WAITS`].
pub fn wait(seconds: Option<i64>) -> Result<Duration, ApiError> {
    match seconds {
        None => Ok(Duration::ZERO),
        Some(seconds) if WAITS.contains(&seconds) => {
            Ok(Duration::from_secs(seconds.unsigned_abs()))
        }
        Some(_) => Err(ApiError::range("wait", &WAITS)),
    }
}

/// One client's patience. Make it **before** the first query: it remembers commits from then on.
pub struct Patience<N = i64> {
    news: watch::Receiver<N>,
    shutdown: watch::Receiver<bool>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Api {
    /// Begins to watch for commits; waits for no longer than `wait` in all.
    pub fn patience(&self, wait: Duration) -> Patience {
        Patience::new(self.engine.head(), self.shutdown.clone(), wait)
    }
}

impl<N> Patience<N> {
    /// Begins to watch for news.
    pub fn new(
        mut news: watch::Receiver<N>,
        shutdown: watch::Receiver<bool>,
        wait: Duration,
    ) -> Self {
        news.mark_unchanged();
        let deadline = (!wait.is_zero()).then(|| Box::pin(tokio::time::sleep(wait)));
        Self { news, shutdown, deadline }
    }

    /// The time is up, or the server shuts down.
    pub fn is_over(&self) -> bool {
        self.deadline.as_ref().is_none_or(|deadline| deadline.is_elapsed())
            || *self.shutdown.borrow()
    }

    /// Returns `true` as soon as something was committed since the last call (or the beginning),
    /// `false` when the time is up or the server shuts down.
    pub async fn news(&mut self) -> bool {
        let Some(deadline) = &mut self.deadline else { return false };
        tokio::select! {
            changed = self.news.changed() => changed.is_ok(),
            () = deadline => false,
            _ = self.shutdown.wait_for(|down| *down) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_ever() {
        assert_eq!(wait(None).unwrap(), Duration::ZERO);
        assert_eq!(wait(Some(60)).unwrap(), Duration::from_secs(60));
        assert!(wait(Some(61)).is_err() && wait(Some(-1)).is_err());
    }
}
