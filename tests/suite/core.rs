//! The rules alone: `reduce` over a working set behind which there is no store.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use nudged::domain::{
    Adopt, CommitSha, Nudge, NudgeId, Observation, ProjectId, PullId, RepoId, ScmObservation,
    Timestamp,
};
use nudged::lifecycle::{
    Key, Policy, PullRecord, Record, Refusal, WorkingSet, Write, needs, reduce,
};

/// The clock's first instant: after all fixtures.
const BEGINNING: i64 = 1_800_000_000;

/// All that is known, the settings, and the time.
pub struct Core {
    pub known: WorkingSet,
    pub policy: Policy,
    pub now: Timestamp,
}

impl Core {
    /// Nothing is known; failures settle at once, every pull request is adopted.
    pub fn new() -> Self {
        let policy = Policy {
            settle: SignedDuration::ZERO,
            adopt: Adopt::All,
            auto_register: true,
            notify: false,
        };
        let now = Timestamp::from_second(BEGINNING).expect("an instant");
        Self { known: WorkingSet::whole(), policy, now }
    }

    /// Reduces an observation; the writes that came of it.
    pub fn observe(&mut self, observation: &Observation) -> Result<Vec<Write>, Refusal> {
        loop {
            let wanted = needs(&self.known, observation);
            let count = wanted.len();
            self.known.missing(wanted);
            if needs(&self.known, observation).len() == count {
                break;
            }
        }
        reduce(&self.policy, &mut self.known, observation, self.now)?;
        Ok(self.known.take_writes())
    }

    /// The same with a working set that is empty before, and learns from this one what `needs` names and
    /// nothing else.
    pub fn observe_cold(&self, observation: &Observation) -> Result<Vec<Write>, Refusal> {
        let mut cold = WorkingSet::new(usize::MAX);
        loop {
            let missing = cold.missing(needs(&cold, observation));
            if missing.is_empty() {
                break;
            }
            for key in missing {
                let record = self.known.record(&key).cloned();
                let record = record.unwrap_or_else(|| Record::absent(&key));
                cold.learn(key, record);
            }
        }
        reduce(&self.policy, &mut cold, observation, self.now)?;
        Ok(cold.take_writes())
    }

    pub fn scm(&mut self, seen: &ScmObservation) -> Result<Vec<Write>, Refusal> {
        self.observe(&Observation::Scm(seen.clone()))
    }

    /// The pull request of a number.
    pub fn pull(&self, repo: RepoId, number: i64) -> &PullRecord {
        let id = self.known.pull_of_number(repo, number).expect("a pull request");
        self.known.pull(id).expect("its row")
    }

    /// Every nudge that was ever said, in the order of creation.
    pub fn nudges(&self) -> Vec<&Nudge> {
        let Some(Record::Counters(counters)) = self.known.record(&Key::Counters) else {
            return Vec::new();
        };
        let ids = (1..counters.nudge).map(NudgeId);
        ids.filter_map(|id| self.known.nudge(id)).map(|nudge| &**nudge).collect()
    }

    /// All that must not depend on the order of arrival, as text.
    pub fn rows(&self) -> BTreeMap<String, String> {
        let mut rows = BTreeMap::new();
        let Some(Record::Counters(counters)) = self.known.record(&Key::Counters) else {
            return rows;
        };
        for id in (1..counters.pull).map(PullId) {
            let Some(PullRecord { row, registers }) = self.known.pull(id) else { continue };
            let mut pull = (**row).clone();
            // What was said, and to whom it belongs, may depend on it.
            pull.memory = Default::default();
            (pull.session_id, pull.id) = (None, PullId(0));
            pull.project_id = ProjectId("any".into());
            let name = format!("{}#{}", pull.repo_id.0, pull.number);
            rows.insert(name.clone(), format!("{pull:?}"));
            rows.insert(format!("{name} registers"), format!("{registers:?}"));
            for sha in registers.commits.keys() {
                let checks = self.known.check_rows(id, sha);
                rows.insert(format!("{name} {}", CommitSha::short(sha)), format!("{checks:?}"));
            }
            rows.insert(format!("{name} comments"), format!("{:?}", self.known.comment_rows(id)));
        }
        rows
    }
}
