//! Who reads the stream, and who reads too slowly.
//!
//! The server asks a stream for its next event only when the last one went out (or into a buffer of
//! fixed size). One that was not asked for long has a reader that does not read: it is cut off.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::http::server::Hangup;

const REFUSED: &str = "nudged_feed_readers_refused_total";
const CUT_OFF: &str = "nudged_feed_readers_cut_off_total";

/// When the server shuts down nobody is waited for longer than this.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// All readers of the stream.
pub(in crate::http) struct Readers {
    most: usize,
    began: Instant,
    next: AtomicU64,
    places: Mutex<HashMap<u64, Arc<Place>>>,
}

/// What is known of one reader.
struct Place {
    /// Up to where it was told.
    seq: AtomicI64,
    /// When it was given an event and has not asked since, in milliseconds from `began`, plus one.
    given: AtomicU64,
    cut: AtomicBool,
    hangup: Option<Hangup>,
}

/// A reader's place; given up when dropped.
pub(super) struct Seat {
    readers: Arc<Readers>,
    number: u64,
    place: Arc<Place>,
}

impl Readers {
    /// Room for `most` readers; those that do not read for the time given are cut off.
    pub(in crate::http) fn start(
        most: usize,
        patience: Duration,
        shutdown: watch::Receiver<bool>,
    ) -> Arc<Self> {
        for name in [REFUSED, CUT_OFF] {
            metrics::counter!(name).increment(0);
        }
        let readers = Arc::new(Self {
            most,
            began: Instant::now(),
            next: AtomicU64::new(0),
            places: Mutex::new(HashMap::new()),
        });
        tokio::spawn(Arc::clone(&readers).watch(patience, shutdown));
        readers
    }

    /// A place for one more, or `None` when all are taken. `hangup` ends its connection.
    pub(super) fn admit(self: &Arc<Self>, hangup: Option<Hangup>) -> Option<Seat> {
        let mut places = self.places();
        if places.len() >= self.most {
            metrics::counter!(REFUSED).increment(1);
            return None;
        }
        let place = Arc::new(Place {
            seq: AtomicI64::new(i64::MAX),
            given: AtomicU64::new(0),
            cut: AtomicBool::new(false),
            hangup,
        });
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        places.insert(number, Arc::clone(&place));
        Some(Seat { readers: Arc::clone(self), number, place })
    }

    /// How many there are, and up to where the slowest was told.
    pub(in crate::http) fn standing(&self) -> (usize, Option<i64>) {
        let places = self.places();
        let slowest = places.values().map(|place| place.seq.load(Ordering::Relaxed)).min();
        (places.len(), slowest)
    }

    async fn watch(self: Arc<Self>, patience: Duration, mut shutdown: watch::Receiver<bool>) {
        let pause = (patience / 4).max(Duration::from_millis(10));
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => self.cut_off(patience, self.now()),
                _ = shutdown.wait_for(|down| *down) => break,
            }
        }
        while !self.places().is_empty() {
            tokio::time::sleep(LAST_PATIENCE / 10).await;
            self.cut_off(patience.min(LAST_PATIENCE), self.now());
        }
    }

    /// Ends those who at `now` have not asked for more for longer than `patience`.
    fn cut_off(&self, patience: Duration, now: u64) {
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.places().retain(|_, place| {
            let given = place.given.load(Ordering::Relaxed);
            let slow = given != 0 && now.saturating_sub(given) > patience;
            if slow {
                place.cut.store(true, Ordering::Relaxed);
                if let Some(hangup) = &place.hangup {
                    hangup.now();
                }
                metrics::counter!(CUT_OFF).increment(1);
                tracing::info!(
                    seq = place.seq.load(Ordering::Relaxed),
                    "a reader of the change feed does not read and is cut off"
                );
            }
            !slow
        });
    }

    /// Milliseconds since the beginning, from 1 on.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn places(&self) -> MutexGuard<'_, HashMap<u64, Arc<Place>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The reader was told everything up to `seq`.
    pub(super) fn reached(&self, seq: i64) {
        self.place.seq.store(seq, Ordering::Relaxed);
    }

    /// An event was handed over and must be asked for again within the patience.
    pub(super) fn given(&self) {
        self.place.given.store(self.readers.now(), Ordering::Relaxed);
    }

    /// The reader takes more; `false` when it was cut off before.
    pub(super) fn asks(&self) -> bool {
        self.place.given.store(0, Ordering::Relaxed);
        !self.place.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.readers.places().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_counted_and_only_the_slow_lose_theirs() {
        let (_stop, stopping) = watch::channel(false);
        let readers = Readers::start(2, Duration::from_secs(3_600), stopping);
        let (slow, quick) = (readers.admit(None).unwrap(), readers.admit(None).unwrap());
        assert!(readers.admit(None).is_none());
        slow.reached(3);
        quick.reached(5);
        assert_eq!(readers.standing(), (2, Some(3)));
        slow.given();
        quick.given();
        assert!(quick.asks());
        let patience = Duration::from_secs(30);
        readers.cut_off(patience, readers.now());
        assert_eq!(readers.standing(), (2, Some(3)));
        readers.cut_off(patience, readers.now() + 30_001);
        assert_eq!(readers.standing(), (1, Some(5)));
        assert!(!slow.asks() && quick.asks());
        drop((slow, quick));
        assert_eq!(readers.standing(), (0, None));
    }
}
