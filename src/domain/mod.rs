//! The words of the field, as plain data: no clock, no SQL, no wire formats, no async.
//!
//! Everything else is told in these types; `design` terms and Rust names are the same.

mod agent;
mod budget;
mod check;
mod check_log;
mod comment;
mod delivery;
mod failure;
mod ids;
mod nudge;
mod observation;
mod operation;
mod project;
mod pull_request;
mod queue;
mod review;
mod session;
mod session_observation;
mod spelling;
mod standing;
mod subject;
mod task;

pub use agent::{ActivitySeen, HookEvent, Probe, ProbeAnswer};
pub use budget::{Budget, BudgetRule};
pub use check::{
    Check, CheckKey, CheckRun, CommitFact, CommitFacts, CommitStatus, Excerpt, RunState,
    WorkflowRun,
};
pub use check::{CheckStatus, CiState, RunStatus};
pub use check_log::{
    Blame, CheckLog, Elsewhere, LogAbsence, LogAnswer, LogExcerpt, LogName, LogState, MOST_EXCERPT,
};
pub use comment::{Comment, CommentKind, CommentName, CommentRow, Conversation, Thread};
pub use delivery::{Delivery, DeliveryOutcome, Observed, Verdict};
pub use failure::Failure;
pub use ids::{CommitSha, NudgeId, ProjectId, PullId, RepoId, RepoName, SessionId};
pub use nudge::{
    Audience, FailureClass, HeldReason, Nudge, NudgeKind, NudgeState, Priority, TimerKind,
};
pub use observation::{
    CommandObservation, Observation, PermissionAnswer, Receipt, Refreshed, Report, RerunAnswer,
    ScmObservation, TimerDue,
};
pub use observation::{Paused, ProjectConfig, RepoSeen};
pub use operation::{Operation, OperationKind};
pub use project::{Adopt, ApiAccess, Person, Project, Rerun, Visibility};
pub use pull_request::{
    HeardLate, PullCommit, PullCore, PullMemory, PullRead, PullRegisters, PullSeen, RefreshMark,
    RerunMark, ReviewAnswer, ToldHead,
};
pub use pull_request::{Mergeability, MergeabilityAnswer, PrState, PullRequest};
pub use queue::{QueueEvent, QueueFact};
pub use review::{Review, ReviewDecision, ReviewState};
pub use session::{
    Activity, ActivitySource, ActivityState, Block, Detecting, DisplayStatus, IdleEpisode, Runtime,
    Session, SessionKind, SessionMemory, SessionState, TerminationReason, Wait,
};
pub use session_observation::{SessionCommand, SessionFact, SessionObservation, SessionWanted};
pub use spelling::UnknownSpelling;
pub use standing::{Standing, Trust};
pub use subject::Subject;
pub use task::{
    AskPermission, FetchLog, RefreshPull, RerunChecks, Task, TaskKind, TaskName, TaskPayload,
};

/// A text that many places share without copying it.
pub type Text = std::sync::Arc<str>;

/// An instant in UTC. The domain receives instants, it never asks for one.
pub type Timestamp = jiff::Timestamp;
