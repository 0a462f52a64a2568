//! Observations played on a store and on its model: a working set behind which there is nothing.

use crate::core::policy;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::SignedDuration;
use nudged::domain::{Observation, Timestamp};
use nudged::lifecycle::{Key, Policy, Record, WorkingSet, Write, needs, reduce};
use nudged::store::{Store, Writer};

/// The clock's first instant: after all fixtures.
const BEGINNING: i64 = 1_800_000_000;

/// An enumeration's variants by name. A new one does not compile before it is listed, and once it is listed
/// the tests want to see it.
macro_rules! variants {
    ($all:ident, $name:ident($type:ident): $($variant:ident)+) => {
        pub const $all: &[&str] = &[$(stringify!($variant)),+];

        pub fn $name(of: &$type) -> &'static str {
            match of { $($type::$variant { .. } => stringify!($variant),)+ }
        }
    };
}

variants! { KEYS, key_name(Key):
    Counters Project Session Pull Commit CheckRows Conversation CommentRows BasePush Nudge Timers Task
    Budget ProjectOfRepo ProjectsNamed ProjectsOfAccount ProjectsOfStem SessionsOfBranch PullOfNumber
    PullsWithCommit PullsOfSession PullsInto OpenPulls OpenNudges OpenNudgesOfProject
}

variants! { WRITES, write_name(Write):
    InsertProject UpdateProject MovePulls InsertSession UpdateSession InsertPull UpdatePull InsertCommit
    ClaimCommit SetFact SetPullCommit SetAnswer SetReview SetComment SetThread AddQueueFact SetBasePush SetCheckRow
    DeleteCheckRow SetCommentRow DeleteCommentRow InsertNudge UpdateNudge SetTimer DeleteTimer InsertTask
    UpdateTask DeleteTask SetBudget
}

/// What was compared and written, by name.
#[derive(Debug, Default)]
pub struct Seen {
    /// Keys under which something was found; for sets, also that somebody left one.
    pub keys: BTreeSet<&'static str>,
    pub writes: BTreeSet<&'static str>,
    pub comparisons: usize,
}

/// A store, its one writer, and the model.
pub struct Play {
    pub store: Store,
    pub writer: Writer,
    pub model: WorkingSet,
    pub now: Timestamp,
    policy: Policy,
    /// Every key that was ever wanted.
    keys: BTreeSet<Key>,
    pub seen: Seen,
    folder: tempfile::TempDir,
}

impl Play {
    pub async fn begin(open: &impl AsyncFn(&Path) -> Store) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&folder.path().join("conformance.db")).await;
        let writer = store.writer().await.expect("a writer");
        let settle = SignedDuration::from_secs(30);
        let policy = Policy { settle, notify: true, github: true, ..policy() };
        let now = Timestamp::from_second(BEGINNING).expect("an instant");
        let mut model = WorkingSet::whole();
        // Which life of the database it is, only the store can say.
        for (key, record) in writer.fetch(&[Key::Counters]).expect("counters") {
            model.learn(key, record);
        }
        let (keys, seen) = (BTreeSet::new(), Seen::default());
        Self { store, writer, model, now, policy, keys, seen, folder }
    }

    pub fn pass(&mut self, seconds: i64) {
        let span = SignedDuration::from_secs(seconds);
        self.now = self.now.checked_add(span).expect("an instant");
    }

    /// Does something in a transaction.
    pub fn commit<T>(&self, run: impl FnOnce(&Writer) -> T) -> T {
        self.writer.begin().expect("begun");
        let done = run(&self.writer);
        self.writer.commit().expect("committed");
        done
    }

    /// Reduces an observation over the model and over what the store teaches, both to the same writes; has
    /// the store make them, and compares all that the observation wanted. Whether it was taken.
    pub fn observe(&mut self, observation: &Observation) -> bool {
        let taught = self.reduce_taught(observation);
        while !self.missing(needs(&self.model, observation)).is_empty() {}
        let reduced = reduce(&self.policy, &mut self.model, observation, self.now);
        let writes = self.model.take_writes();
        assert_eq!(
            writes, taught,
            "what the store teaches makes something else of {observation:?}"
        );
        self.apply(&writes);
        self.compare(needs(&self.model, observation));
        reduced.is_ok()
    }

    /// The writes that come of an observation over a fresh working set.
    pub fn reduce_taught(&self, observation: &Observation) -> Vec<Write> {
        let mut taught = WorkingSet::new(usize::MAX);
        loop {
            let missing = taught.missing(needs(&taught, observation));
            if missing.is_empty() {
                break;
            }
            for (key, record) in self.writer.fetch(&missing).expect("records") {
                taught.learn(key, record);
            }
        }
        // Refused or not is compared by the writes: a refusal leaves none.
        let _ = reduce(&self.policy, &mut taught, observation, self.now);
        taught.take_writes()
    }

    /// The keys of these that were never wanted before; the model learns that nothing is there.
    fn missing(&mut self, keys: Vec<Key>) -> Vec<Key> {
        self.keys.extend(keys.iter().cloned());
        self.model.missing(keys)
    }

    /// Has the store make the writes, in a transaction of their own.
    pub fn apply(&mut self, writes: &[Write]) {
        self.seen.writes.extend(writes.iter().map(write_name));
        self.commit(|writer| writer.apply("test:1", writes, self.now)).expect("applied");
    }

    /// Has the store make what was changed in the model by hand.
    pub fn apply_changes(&mut self) {
        let writes = self.model.take_writes();
        self.apply(&writes);
    }

    /// The store has under these keys what the model has.
    pub fn compare(&mut self, keys: Vec<Key>) {
        self.missing(keys.clone());
        for (key, found) in self.fetched(&keys) {
            let expected = self.model.record(&key);
            assert_eq!(Some(&found), expected, "the store differs from its model under {key:?}");
            if found != Record::absent(&key) {
                self.seen.keys.insert(key_name(&key));
            }
            self.seen.comparisons += 1;
        }
    }

    /// The same for every key that was ever wanted, and for those that follow from the rows.
    pub fn compare_all(&mut self) {
        self.compare(self.keys.iter().cloned().collect());
    }

    pub fn fetched(&self, keys: &[Key]) -> BTreeMap<Key, Record> {
        let found: BTreeMap<_, _> = self.writer.fetch(keys).expect("records").into_iter().collect();
        for key in keys {
            assert!(found.contains_key(key), "{key:?} was not answered");
        }
        found
    }

    /// The next number of each kind.
    pub fn counters(&self) -> Record {
        self.fetched(&[Key::Counters]).remove(&Key::Counters).expect("counters")
    }

    /// Lets go of the store and opens it anew.
    pub async fn reopen(self, open: &impl AsyncFn(&Path) -> Store) -> Self {
        let Self { store, writer, model, now, policy, keys, seen, folder } = self;
        drop((store, writer));
        let store = open(&folder.path().join("conformance.db")).await;
        let writer = store.writer().await.expect("a writer");
        Self { store, writer, model, now, policy, keys, seen, folder }
    }
}
