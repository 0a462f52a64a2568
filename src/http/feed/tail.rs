//! The newest part of the change log in memory: each change is read and rendered once, whatever the
//! number of readers.
//!
//! One task reads what was committed, renders it and wakes the readers. It rests while nobody
//! listens. Whoever stands before the oldest change kept here reads the store instead.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::entry::Entry;
use crate::store::reads::{Bounds, ChangeFilter, Cursor, Found, Look};
use crate::store::{Store, StoreError};

/// What is kept, at most.
const ENTRIES: usize = 4_096;
const BYTES: usize = 8 * 1024 * 1024;

/// With how much of the log the tail begins, so that the readers of a server that has just started
/// need not all ask the store for what they missed.
const FILL: i64 = 1_024;

/// Rows in one read.
const PAGE: usize = 512;

/// Readers are woken no more often than this: what is committed meanwhile comes together.
const GAP: Duration = Duration::from_millis(5);

/// After a read that failed.
const BREATH: Duration = Duration::from_secs(1);

/// What the tail had for a reader.
pub(super) struct Taken {
    pub(super) entries: Vec<Arc<Entry>>,
    /// Everything up to here was looked at.
    pub(super) reached: i64,
    /// Where the log began and ended when the tail looked last.
    pub(super) at: Arc<Bounds>,
}

/// The changes after `floor`, without a gap, up to `reached`.
struct Ring {
    at: Arc<Bounds>,
    floor: i64,
    reached: i64,
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
}

impl Ring {
    fn beginning(at: Arc<Bounds>, floor: i64) -> Self {
        Self { at, floor, reached: floor, entries: VecDeque::new(), bytes: 0 }
    }

    fn append(&mut self, entries: Vec<Entry>, reached: i64) {
        self.bytes += entries.iter().map(Entry::size).sum::<usize>();
        self.entries.extend(entries.into_iter().map(Arc::new));
        self.reached = reached;
        while self.entries.len() > ENTRIES || self.bytes > BYTES {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.size();
            self.floor = oldest.seq();
        }
    }

    fn take(&self, epoch: &str, seq: i64, filter: &ChangeFilter, limit: usize) -> Option<Taken> {
        if self.at.epoch != epoch || seq < self.floor {
            return None;
        }
        let from = self.entries.partition_point(|entry| entry.seq() <= seq);
        let passing = self.entries.range(from..).filter(|entry| entry.passes(filter));
        let entries: Vec<_> = passing.take(limit).cloned().collect();
        let reached = match entries.last() {
            Some(last) if entries.len() >= limit => last.seq(),
            // The reader may have read further than the tail did.
            _ => self.reached.max(seq),
        };
        Some(Taken { entries, reached, at: Arc::clone(&self.at) })
    }
}

/// The newest changes, shared by all readers.
pub(in crate::http) struct Tail {
    ring: RwLock<Option<Ring>>,
    news: watch::Sender<i64>,
    wanted: Notify,
}

impl Tail {
    /// Starts the task that reads; it ends when the server shuts down.
    ///
    /// `check` is how often it looks at the log when nothing is committed, to see a new epoch.
    pub(in crate::http) fn start(
        store: Store,
        head: watch::Receiver<i64>,
        shutdown: watch::Receiver<bool>,
        check: Duration,
    ) -> Arc<Self> {
        let tail = Arc::new(Self {
            ring: RwLock::new(None),
            news: watch::Sender::new(0),
            wanted: Notify::new(),
        });
        tokio::spawn(Arc::clone(&tail).run(store, head, shutdown, check));
        tail
    }

    /// Wakes up after commits, once the tail has read them. Listen first, then query.
    pub(super) fn listen(&self) -> watch::Receiver<i64> {
        let news = self.news.subscribe();
        self.wanted.notify_one();
        news
    }

    /// Up to `limit` changes after `seq`; `None` where the tail cannot tell and the store must.
    pub(super) fn take(
        &self,
        epoch: &str,
        seq: i64,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Option<Taken> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.as_ref()?.take(epoch, seq, filter, limit)
    }

    async fn run(
        self: Arc<Self>,
        store: Store,
        mut head: watch::Receiver<i64>,
        mut shutdown: watch::Receiver<bool>,
        check: Duration,
    ) {
        loop {
            let listened_to = self.news.receiver_count() > 0;
            if listened_to {
                head.mark_unchanged();
                let rest = match self.refresh(&store).await {
                    Ok(false) => Duration::ZERO,
                    Ok(true) => {
                        self.news.send_replace(*head.borrow());
                        GAP
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the change feed cannot read the log; trying again");
                        BREATH
                    }
                };
                if !rest.is_zero() {
                    tokio::select! {
                        () = tokio::time::sleep(rest) => {}
                        _ = shutdown.wait_for(|down| *down) => return,
                    }
                }
            }
            tokio::select! {
                changed = head.changed(), if listened_to => if changed.is_err() { return },
                () = tokio::time::sleep(check), if listened_to => {}
                () = self.wanted.notified() => {}
                _ = shutdown.wait_for(|down| *down) => return,
            }
        }
    }

    /// Reads on to the end of the log; whether there was anything new.
    async fn refresh(&self, store: &Store) -> Result<bool, StoreError> {
        let mut news = false;
        loop {
            let known = {
                let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
                ring.as_ref().map(|ring| (ring.at.epoch.clone(), ring.reached))
            };
            let step = read_on(store, known).await?;
            news |= !step.goes_on || !step.found.changes.is_empty();
            let done = step.found.reached >= step.at.head;
            self.add(step);
            if done {
                return Ok(news);
            }
        }
    }

    fn add(&self, Step { at, start, goes_on, found }: Step) {
        let entries: Result<Vec<_>, _> =
            found.changes.into_iter().map(|change| Entry::new(&at.epoch, change)).collect();
        let at = Arc::new(at);
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = match ring.take() {
            Some(ring) if goes_on => ring,
            _ => Ring::beginning(Arc::clone(&at), start),
        };
        match entries {
            Ok(entries) => {
                next.append(entries, found.reached);
                next.at = at;
            }
            // What cannot be shown here cannot be shown from the store either: that tells them.
            Err(_) => next = Ring::beginning(at, found.reached),
        }
        *ring = Some(next);
    }
}

/// A page of the log.
struct Step {
    at: Bounds,
    start: i64,
    /// It follows what the ring holds.
    goes_on: bool,
    found: Found,
}

/// Reads from where the ring ends, unless that is another epoch's, pruned, or so far back that nothing
/// of it would stay: then from where a ring begins.
async fn read_on(store: &Store, known: Option<(String, i64)>) -> Result<Step, StoreError> {
    let read = |from| store.changes(from, PAGE, ChangeFilter::default());
    if let Some((epoch, seq)) = known {
        let Look { at, found } = read(Cursor::Of { epoch, seq }).await?;
        if let (Ok(found), false) = (found, is_far_back(seq, &at)) {
            return Ok(Step { at, start: seq, goes_on: true, found });
        }
    }
    let newest = Cursor::Newest(FILL);
    let Look { at, found } = read(newest.clone()).await?;
    let start = newest.position(&at).unwrap_or(at.head);
    let found = found.unwrap_or(Found { changes: Vec::new(), reached: start, heavy: false });
    Ok(Step { at, start, goes_on: false, found })
}

/// Nothing of what follows would still be there once all of it was read.
fn is_far_back(seq: i64, at: &Bounds) -> bool {
    seq < at.head.saturating_sub(i64::try_from(ENTRIES).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::feed::entry::tests::entry;

    fn bounds(floor: i64, head: i64) -> Bounds {
        Bounds { epoch: "e1".into(), head, floor }
    }

    fn ring(last: i64) -> Ring {
        let mut ring = Ring::beginning(Arc::new(bounds(0, last)), 0);
        ring.append((1..=last).map(|seq| entry(seq, "pr_updated", "{}")).collect(), last);
        ring
    }

    fn seqs(taken: &Taken) -> Vec<i64> {
        taken.entries.iter().map(|entry| entry.seq()).collect()
    }

    #[test]
    fn the_ring_gives_what_follows_and_says_when_it_cannot() {
        let all = ChangeFilter::default();
        let ring = ring(9);
        let taken = ring.take("e1", 6, &all, 10).unwrap();
        assert_eq!((seqs(&taken), taken.reached), (vec![7, 8, 9], 9));
        let full = ring.take("e1", 2, &all, 2).unwrap();
        assert_eq!((seqs(&full), full.reached), (vec![3, 4], 4));
        let ahead = ring.take("e1", 12, &all, 2).unwrap();
        assert_eq!((seqs(&ahead), ahead.reached), (vec![], 12));
        assert!(ring.take("e2", 6, &all, 10).is_none());
        let hidden = ChangeFilter { sessions: vec!["s".into()], ..all };
        let hidden = ring.take("e1", 0, &hidden, 10).unwrap();
        assert_eq!((seqs(&hidden), hidden.reached), (vec![], 9));
    }

    #[test]
    fn the_ring_forgets_the_oldest() {
        let last = i64::try_from(ENTRIES).unwrap() + 10;
        let ring = ring(last);
        assert_eq!((ring.floor, ring.entries.len()), (10, ENTRIES));
        assert!(ring.take("e1", 9, &ChangeFilter::default(), 1).is_none());
        let sum: usize = ring.entries.iter().map(|entry| entry.size()).sum();
        assert_eq!(ring.bytes, sum);
    }

    #[test]
    fn a_ring_that_would_be_replaced_whole_is_begun_afresh() {
        assert!(!is_far_back(0, &bounds(0, 10)));
        assert!(!is_far_back(9_000, &bounds(0, 10_000)));
        assert!(is_far_back(1_000, &bounds(0, 10_000)));
    }
}
