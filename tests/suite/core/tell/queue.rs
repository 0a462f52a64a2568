//! The merge queue.

use nudged::domain::{CommitSha, QueueEvent, QueueFact, ScmObservation};

use super::{Pull, at, rocket, sha};

fn queued(pull: Pull, event: QueueEvent) -> ScmObservation {
    let Pull { repo, seen } = pull;
    let fact = QueueFact { at: seen.updated_at, event };
    ScmObservation::Queued { repo, pull: seen, fact }
}

/// A pull request was put into the merge queue.
pub fn enqueued(pull: Pull) -> ScmObservation {
    queued(pull, QueueEvent::Joined)
}

/// It left the merge queue for a reason of GitHub's.
pub fn left_queue(pull: Pull, reason: &str) -> ScmObservation {
    let head = pull.seen.core.head_sha.clone();
    queued(pull, QueueEvent::Left { head, reason: reason.into() })
}

/// A merge group with that commit tries a pull request.
pub fn group(number: i64, commit: u64, seconds: i64) -> ScmObservation {
    let sha: CommitSha = sha(commit);
    let fact = QueueFact { at: at(seconds), event: QueueEvent::Group { sha } };
    ScmObservation::MergeGroup { repo: rocket(), number, fact }
}
