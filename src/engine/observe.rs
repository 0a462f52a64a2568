//! What a comparison with GitHub found: taken in as observations, a bounded batch at a time.
//!
//! What GitHub's API shows is how things are when it is asked. Registers order by the times of payloads, which
//! are whole seconds: so what differs from what is known with that very stamp gets one a millisecond later, and
//! what does not differ is left out.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

use super::transaction::Transaction;
use super::work::Piece;
use crate::domain::{
    Comment, CommentKind, Mergeability, Observation, PullCore, PullSeen, RepoId, RepoSeen,
    ScmObservation, Thread, Timestamp,
};
use crate::lifecycle::needs;
use crate::store::Fault;

/// What one look at GitHub showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A fact.
    Fact(Box<ScmObservation>),
    /// All comments of a kind that a pull request has: what else is known of it was deleted, unless it was made
    /// after `as_of`, by GitHub's clock.
    Comments {
        repo: RepoSeen,
        number: i64,
        kind: CommentKind,
        ids: BTreeSet<i64>,
        as_of: Timestamp,
    },
}

/// Found facts that are to be taken in, some hundreds at most.
#[derive(Debug, Clone)]
pub struct Observe {
    /// Who causes the changes: `reconcile:N`.
    pub cause: String,
    pub found: Vec<Found>,
    /// Nothing is to be said about it: it is from before the project was watched.
    pub quiet: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observed {
    /// Facts that were handed to the rules.
    pub taken: usize,
    /// Facts that were known as they are, or are of no interest.
    pub left: usize,
    /// Facts that a fault of ours kept out; the log says which.
    pub failed: usize,
}

impl Piece for Observe {
    type Done = Observed;

    fn run(&self, on: &mut Transaction<'_>) -> Result<Observed, Fault> {
        let mut done = Observed::default();
        for found in &self.found {
            self.take(on, found, &mut done)?;
        }
        Ok(done)
    }

    /// One that cannot be taken must not keep the others out.
    fn rescue(&self, on: &mut Transaction<'_>, _reason: &str) -> Result<Observed, Fault> {
        let mut done = Observed::default();
        for found in &self.found {
            let mut one = Observed::default();
            match on.part(|on| self.take(on, found, &mut one))? {
                Ok(()) => {
                    done.taken += one.taken;
                    done.left += one.left;
                }
                Err(reason) => {
                    tracing::error!(cause = self.cause, reason, "a fact could not be taken in");
                    done.failed += 1;
                }
            }
        }
        Ok(done)
    }
}

impl Observe {
    fn take(
        &self,
        on: &mut Transaction<'_>,
        found: &Found,
        done: &mut Observed,
    ) -> Result<(), Fault> {
        let facts = match found {
            Found::Fact(seen) => news(on, seen)?.into_iter().collect(),
            Found::Comments { repo, number, kind, ids, as_of } => {
                deleted(on, repo, *number, *kind, ids, *as_of)?
            }
        };
        done.left += usize::from(facts.is_empty());
        for fact in facts {
            let observation = Observation::Scm(fact);
            let taken = match self.quiet {
                true => on.observe_quietly(&observation, &self.cause),
                false => on.observe(&observation, &self.cause),
            };
            match taken? {
                Ok(()) => done.taken += 1,
                Err(_) => done.left += 1,
            }
        }
        Ok(())
    }
}

/// A fact as it is to be taken in; `None`: it is known as it is.
fn news(on: &mut Transaction<'_>, seen: &ScmObservation) -> Result<Option<ScmObservation>, Fault> {
    let observation = Observation::Scm(seen.clone());
    while on.fetch(needs(on.known, &observation))? {}
    let Observation::Scm(mut seen) = observation else { return Ok(None) };
    let news = match &mut seen {
        ScmObservation::Pull { repo, pull } => pull_is_news(on, repo.id, pull),
        ScmObservation::Review { repo, pull, review } => {
            let known = on.known.pull_of_number(repo.id, pull.number);
            let known = known.and_then(|id| on.known.pull(id));
            let known = known.and_then(|known| known.registers.reviews.get(&review.id));
            let same = known.is_some_and(|known| {
                // When it was seen is no part of what it says.
                review.seen_at = review.seen_at.max(known.seen_at);
                let differs =
                    *known != crate::domain::Review { seen_at: known.seen_at, ..review.clone() };
                if differs && review.seen_at == known.seen_at {
                    review.seen_at = after(known.seen_at);
                }
                !differs
            });
            // The pull request itself comes by itself, with what it is now.
            old_pull(on, repo.id, pull);
            !same
        }
        ScmObservation::Comment { repo, number, pull, comment } => {
            let known = on.known.conversation(repo.id, *number);
            let known = known.comments.get(&(comment.kind, comment.id));
            let news = known.is_none_or(|known| comment.updated_at > known.updated_at);
            if let Some(pull) = pull {
                old_pull(on, repo.id, pull);
            }
            news
        }
        ScmObservation::Thread { repo, pull, thread, .. } => {
            let known = on.known.conversation(repo.id, pull.number).threads.get(&thread.root_id);
            let news = thread_is_news(known, thread);
            old_pull(on, repo.id, pull);
            news
        }
        ScmObservation::Queued { .. }
        | ScmObservation::MergeGroup { .. }
        | ScmObservation::CheckRun { .. }
        | ScmObservation::Status { .. }
        | ScmObservation::WorkflowRun { .. }
        | ScmObservation::SuiteCompleted { .. }
        | ScmObservation::Push { .. }
        | ScmObservation::Repository { .. }
        | ScmObservation::Access { .. } => true,
    };
    Ok(news.then_some(seen))
}

/// Whether a thread's state is news, with a stamp that makes it so. Never resolved is as good as not known.
fn thread_is_news(known: Option<&Thread>, thread: &mut Thread) -> bool {
    match known {
        None => thread.resolved,
        Some(known) if known.resolved == thread.resolved => false,
        Some(known) => {
            if known.at >= thread.at {
                thread.at = after(known.at);
            }
            true
        }
    }
}

/// Whether a pull request is shown otherwise than it is known, with a stamp that decides a tie.
fn pull_is_news(on: &Transaction<'_>, repo: RepoId, seen: &mut PullSeen) -> bool {
    let known = on.known.pull_of_number(repo, seen.number).and_then(|id| on.known.pull(id));
    let Some(known) = known else { return true };
    let row = &known.row;
    let core = PullCore { first: row.core.first, ..(*seen.core).clone() };
    // Where GitHub has just been asked, it names the head that there is: none that was replaced.
    let answer = (seen.core.head_sha.clone(), seen.core.base_ref.clone());
    let answer = known.registers.answers.get(&answer);
    let same_answer =
        seen.mergeability.is_none_or(|value| answer.is_some_and(|answer| answer.value == value));
    let (same_core, same_second) = (core == *row.core, in_second(seen.updated_at, row.core_at));
    // What was read again is an answer where the last one has become void.
    let is_void = row.mergeability == Mergeability::Unknown && seen.mergeability.is_some();
    if same_core
        && same_answer
        && !(is_void && seen.read.is_some())
        && row.updated_at >= seen.updated_at
    {
        let joins = seen.before.as_ref();
        return joins.is_some_and(|sha| !known.registers.commits.contains_key(sha));
    }
    if seen.read.is_some() {
        // When it was read decides a tie.
        return true;
    }
    if !same_core && same_second {
        seen.updated_at = after(row.core_at.max(seen.updated_at));
    } else if !same_answer
        && let Some(answer) = answer.filter(|it| in_second(it.at, seen.updated_at))
    {
        seen.updated_at = after(answer.at.max(seen.updated_at));
    }
    true
}

/// A pull request that is only shown beside something else says nothing new of itself where it is known.
fn old_pull(on: &Transaction<'_>, repo: RepoId, seen: &mut PullSeen) {
    let known = on.known.pull_of_number(repo, seen.number).and_then(|id| on.known.pull(id));
    if let Some(known) = known {
        seen.core = Arc::clone(&known.row.core);
        seen.updated_at = known.row.core_at;
        seen.mergeability = None;
        seen.before = None;
        seen.read = None;
    }
}

/// The comments that are known and no longer there, as deleted ones.
fn deleted(
    on: &mut Transaction<'_>,
    repo: &RepoSeen,
    number: i64,
    kind: CommentKind,
    ids: &BTreeSet<i64>,
    as_of: Timestamp,
) -> Result<Vec<ScmObservation>, Fault> {
    on.fetch(vec![crate::lifecycle::Key::Conversation(repo.id, number)])?;
    let known = Arc::clone(on.known.conversation(repo.id, number));
    let gone = known.comments.values().filter(|comment| {
        comment.kind == kind
            && !comment.deleted
            && !ids.contains(&comment.id)
            && comment.created_at < as_of
    });
    let gone = gone.map(|comment| ScmObservation::Comment {
        repo: repo.clone(),
        number,
        pull: None,
        comment: Arc::new(Comment { deleted: true, ..(**comment).clone() }),
    });
    Ok(gone.collect())
}

/// GitHub's times are whole seconds; ours within one are those that were made here.
fn in_second(one: Timestamp, other: Timestamp) -> bool {
    one.as_second() == other.as_second()
}

fn after(at: Timestamp) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(1)).unwrap_or(at)
}

/// Something of GitHub's API that is to be remembered.
pub(super) struct Remember {
    pub(super) name: &'static str,
    pub(super) value: String,
}

impl Piece for Remember {
    type Done = ();

    fn run(&self, on: &mut Transaction<'_>) -> Result<(), Fault> {
        on.writer.remember(self.name, &self.value)
    }
}
