//! The words of the field, as plain data: no clock, no SQL, no wire formats, no async.
//!
//! Everything else is told in these types; `design` terms and Rust names are the same.

mod check;
mod comment;
mod delivery;
mod errand;
mod ids;
mod nudge;
mod observation;
mod project;
mod pull_request;
mod review;
mod session;
mod spelling;

pub use check::{
    Check, CheckKey, CheckRun, CommitFacts, CommitStatus, Excerpt, RunState, WorkflowRun,
};
pub use check::{CheckStatus, CiState, RunStatus};
pub use comment::{Comment, CommentKind, Thread};
pub use delivery::{Delivery, DeliveryOutcome, Observed, Verdict};
pub use errand::{Errand, Posting, PostingEnd, SendFailure};
pub use ids::{CommitSha, NudgeId, ProjectId, PullId, RepoId, RepoName, SessionId};
pub use nudge::{Audience, NewNudge, Nudge, NudgeKind, NudgeState, Priority};
pub use nudge::{Memory, Timer, TimerKind, ToldHead};
pub use observation::{CommandObservation, Observation, Report, ScmObservation, TimerDue};
pub use observation::{Paused, ProjectConfig, RepoSeen};
pub use project::{Adopt, Project};
pub use pull_request::{Mergeability, MergeabilityAnswer, PrState, PullRequest};
pub use pull_request::{PullCommit, PullCore, PullSeen};
pub use review::{Review, ReviewDecision, ReviewState};
pub use session::{
    ActivitySource, ActivityState, DisplayStatus, Session, SessionKind, SessionState,
    TerminationReason,
};
pub use spelling::UnknownSpelling;

/// An instant in UTC. The domain receives instants, it never asks for one.
pub type Timestamp = jiff::Timestamp;
