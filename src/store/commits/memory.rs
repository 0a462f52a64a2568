//! What the writer remembers of recent commits.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{CheckRun, CommitFacts, CommitSha, RepoId};
use crate::lifecycle::{CommitFact, alike, stirs_old_runs};

/// What is remembered at most, about.
const MOST_BYTES: usize = 16 << 20;
/// What a fact takes beside the text of its excerpts, about.
const FACT_BYTES: usize = 512;

/// Facts at recent commits, as the rows say. One connection's own.
#[derive(Default)]
pub(crate) struct CommitMemory(RefCell<Remembered>);

/// What was wanted lately, and what was wanted before that: once the first takes half of the room, it
/// becomes the second, and what was not wanted since is forgotten.
#[derive(Default)]
struct Remembered {
    lately: HashMap<(RepoId, CommitSha), Known>,
    before: HashMap<(RepoId, CommitSha), Known>,
    /// Of `lately`.
    bytes: usize,
}

/// A commit's row, and the facts at it. Check runs that a newer one stands for are without excerpts,
/// which are long and never told.
#[derive(Clone)]
pub(in crate::store) struct Known {
    pub(in crate::store) id: i64,
    pub(in crate::store) facts: CommitFacts,
}

impl CommitMemory {
    /// Forgets everything: what is remembered may not be what the rows say.
    pub(crate) fn forget(&self) {
        self.0.take();
    }

    pub(super) fn recall(&self, repo: RepoId, sha: &CommitSha) -> Option<Known> {
        self.0.borrow_mut().find(repo, sha).cloned()
    }

    pub(super) fn remember(&self, repo: RepoId, sha: &CommitSha, known: &Known) {
        self.0.borrow_mut().put((repo, sha.clone()), known.clone());
    }

    /// Brings a remembered commit up to a register that is written; answers the commit's id.
    pub(super) fn learn(&self, repo: RepoId, sha: &CommitSha, fact: &CommitFact) -> Option<i64> {
        let mut remembered = self.0.borrow_mut();
        let Known { id, facts } = remembered.find(repo, sha)?;
        let id = *id;
        match fact {
            // Excerpts come to matter that are not remembered.
            CommitFact::CheckRun(run) if stirs_old_runs(facts, run) => {
                remembered.lately.remove(&(repo, sha.clone()));
                return Some(id);
            }
            CommitFact::CheckRun(run) => {
                let run = Arc::new(run.clone());
                put(&mut facts.check_runs, Arc::clone(&run), |a, b| a.run_id == b.run_id);
                drop_untold(facts, &run);
            }
            CommitFact::Status(status) => {
                put(&mut facts.statuses, status.clone(), |known, new| known.context == new.context);
            }
            CommitFact::WorkflowRun(run) => {
                put(&mut facts.workflow_runs, run.clone(), |known, new| known.id == new.id);
            }
            CommitFact::SuiteCompleted(suite) => {
                put(&mut facts.completed_suites, *suite, |known, new| known == new);
            }
        }
        remembered.bytes += FACT_BYTES;
        if let CommitFact::CheckRun(run) = fact {
            remembered.bytes += written(run);
        }
        Some(id)
    }
}

impl Remembered {
    fn find(&mut self, repo: RepoId, sha: &CommitSha) -> Option<&mut Known> {
        let key = (repo, sha.clone());
        if let Some(known) = self.before.remove(&key) {
            self.put(key.clone(), known);
        }
        self.lately.get_mut(&key)
    }

    fn put(&mut self, key: (RepoId, CommitSha), known: Known) {
        let bytes = weight(&known.facts);
        if self.bytes + bytes > MOST_BYTES / 2 {
            self.before = std::mem::take(&mut self.lately);
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.lately.insert(key, known);
    }
}

/// Takes the excerpts off the runs like this one, but for the newest.
fn drop_untold(facts: &mut CommitFacts, like: &CheckRun) {
    let runs = &mut facts.check_runs;
    let newest = runs.iter().filter(|run| alike(run, like)).map(|run| run.run_id).max();
    for run in runs.iter_mut().filter(|run| alike(run, like) && Some(run.run_id) != newest) {
        if written(run) > 0 {
            let run = Arc::make_mut(run);
            (run.output, run.failed_step) = (None, None);
        }
    }
}

fn put<T>(all: &mut Vec<T>, new: T, same: fn(&T, &T) -> bool) {
    match all.iter_mut().find(|known| same(known, &new)) {
        Some(known) => *known = new,
        None => all.push(new),
    }
}

fn weight(facts: &CommitFacts) -> usize {
    let runs: usize = facts.check_runs.iter().map(|run| FACT_BYTES + written(run)).sum();
    let others = facts.statuses.len() + facts.workflow_runs.len() + facts.completed_suites.len();
    runs + FACT_BYTES * (others + 1)
}

fn written(run: &CheckRun) -> usize {
    run.output.iter().chain(&run.failed_step).map(|excerpt| excerpt.text.len()).sum()
}
