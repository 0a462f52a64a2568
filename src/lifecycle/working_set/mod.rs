//! What is known while observations are reduced: the rows that they want, by key.
//!
//! The rules say which keys an observation wants (`needs`); the store teaches the missing ones
//! ([`WorkingSet::learn`]); `reduce` reads and changes what is here, and each change leaves a
//! [`Write`] for the store. A working set lives across transactions: what is here is what the rows
//! say, as long as nobody else writes them. Whoever rolls back, or deletes rows, makes it forget.
//!
//! Bounded in bytes, oldest out first: records that were wanted lately are kept apart from those that
//! were wanted before; once the first take half of the room they become the second, and what was not
//! wanted since is dropped. That happens between transactions only ([`WorkingSet::age`]).

mod change;
mod index;
mod key;
mod read;
mod record;
mod write;

use std::collections::HashMap;

use foldhash::fast::RandomState;

pub use key::Key;
pub use record::{CommitRecord, Counters, PullRecord, Record};
pub use write::Write;

/// Records by key, and the writes that came of changing them.
#[derive(Debug, Default)]
pub struct WorkingSet {
    lately: HashMap<Key, Record, RandomState>,
    before: HashMap<Key, Record, RandomState>,
    /// Of `lately`, about.
    bytes: usize,
    most_bytes: usize,
    /// Nothing is known anywhere else.
    whole: bool,
    writes: Vec<Write>,
}

impl WorkingSet {
    /// An empty one that keeps about so many bytes at most.
    pub fn new(most_bytes: usize) -> Self {
        Self { most_bytes, ..Self::default() }
    }

    /// One behind which there is no store: what is not here does not exist. For tests of the rules.
    pub fn whole() -> Self {
        Self { most_bytes: usize::MAX, whole: true, ..Self::default() }
    }

    /// Those of `keys` that the store has to teach. The others are counted as wanted now. Where there is no
    /// store, those that are absent, as it is noted here.
    pub fn missing(&mut self, keys: Vec<Key>) -> Vec<Key> {
        let mut missing = Vec::new();
        for key in keys {
            if self.lately.contains_key(&key) {
                continue;
            }
            match self.before.remove(&key) {
                Some(record) => self.learn(key, record),
                None => {
                    if self.whole {
                        self.learn(key.clone(), Record::absent(&key));
                    }
                    missing.push(key);
                }
            }
        }
        missing
    }

    /// Takes in what the store has under a key.
    pub fn learn(&mut self, key: Key, record: Record) {
        self.bytes += record.weight();
        self.lately.insert(key, record);
    }

    /// What is here under a key.
    pub fn record(&self, key: &Key) -> Option<&Record> {
        self.lately.get(key).or_else(|| self.before.get(key))
    }

    /// Forgets everything: what is here may not be what the rows say.
    pub fn forget(&mut self) {
        self.lately.clear();
        self.before.clear();
        self.writes.clear();
        self.bytes = 0;
    }

    /// Drops what was not wanted lately, where there is more than half of what may be kept.
    pub fn age(&mut self) {
        if self.bytes > self.most_bytes / 2 {
            self.before = std::mem::take(&mut self.lately);
            self.bytes = 0;
        }
    }

    /// The writes since they were taken last, in the order in which they must be made.
    pub fn take_writes(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.writes)
    }

    fn wanted(&self, key: &Key) -> &Record {
        self.record(key).unwrap_or_else(|| panic!("{key:?} is used, but `needs` does not name it"))
    }

    /// Puts a record in the place of the one that is there; `grown`: by about so many bytes.
    fn replace(&mut self, key: Key, record: Record, grown: usize) {
        self.bytes += grown;
        self.before.remove(&key);
        self.lately.insert(key, record);
    }
}
