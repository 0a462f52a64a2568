//! What is said, to whom, and the timers behind it.

use super::spelling::spelled;
use super::{NudgeId, ProjectId, SessionId, Subject, Text, Timestamp};

spelled! {
    /// Whom a nudge is for.
    Audience { Agent = "agent", Human = "human" }
}

spelled! {
    /// The reason of a nudge; the first five are for the agent, the rest for the human.
    NudgeKind {
        CiFailed = "ci-failed", ReviewComments = "review-comments",
        MergeConflicts = "merge-conflicts", MergeQueueFailed = "merge-queue-failed",
        AgentIdle = "agent-idle",
        ApprovedAndGreen = "approved-and-green", AgentStuck = "agent-stuck",
        AgentNeedsInput = "agent-needs-input", AgentExited = "agent-exited",
        PrClosed = "pr-closed", PrMerged = "pr-merged", Escalated = "escalated",
    }
}

impl NudgeKind {
    /// Whom a nudge of this kind is for.
    pub const fn audience(self) -> Audience {
        match self {
            Self::CiFailed
            | Self::ReviewComments
            | Self::MergeConflicts
            | Self::MergeQueueFailed
            | Self::AgentIdle => Audience::Agent,
            Self::ApprovedAndGreen
            | Self::AgentStuck
            | Self::AgentNeedsInput
            | Self::AgentExited
            | Self::PrClosed
            | Self::PrMerged
            | Self::Escalated => Audience::Human,
        }
    }

    /// How soon it wants to be heard.
    pub const fn priority(self) -> Priority {
        match self {
            Self::AgentStuck | Self::AgentNeedsInput | Self::AgentExited | Self::Escalated => {
                Priority::Urgent
            }
            Self::PrMerged => Priority::Info,
            Self::CiFailed
            | Self::ReviewComments
            | Self::MergeConflicts
            | Self::MergeQueueFailed
            | Self::AgentIdle
            | Self::ApprovedAndGreen
            | Self::PrClosed => Priority::Action,
        }
    }
}

spelled! {
    /// Whose a failure is.
    FailureClass {
        Code = "code", Base = "base", Infrastructure = "infrastructure",
        Permission = "permission", Flaky = "flaky", Cancelled = "cancelled", Unknown = "unknown",
    }
}

spelled! {
    /// How soon a nudge wants to be heard.
    Priority { Urgent = "urgent", Action = "action", Info = "info" }
}

spelled! {
    /// What became of a nudge. `pending` and `held` are open: they can still be superseded.
    NudgeState {
        Pending = "pending", Held = "held",
        /// It was given to the agent's channel; whether a turn began is not known yet.
        Handed = "handed",
        Delivered = "delivered",
        Acknowledged = "acknowledged", Superseded = "superseded",
        /// Whether it arrived cannot be known: it is never sent again by itself.
        Unconfirmed = "unconfirmed",
        Failed = "failed",
    }
}

impl NudgeState {
    /// Not yet out: it can still be superseded.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Held)
    }
}

spelled! {
    /// Why a nudge waits. The order is the order of precedence.
    HeldReason {
        /// Nudges of the whole project are paused.
        ProjectPaused = "project_paused",
        /// Nudges to this session are paused.
        SessionPaused = "session_paused",
        /// The agent is being ended.
        Stopping = "stopping",
        /// The agent does not run yet.
        NotStarted = "not_started",
        /// It is not known whether the agent is there.
        Detecting = "detecting",
        /// The agent waits for a human.
        NeedsInput = "needs_input",
        /// The agent is stuck, or blocked as by a usage limit.
        Stuck = "stuck",
        /// The project's agents were told too much lately.
        Budget = "budget",
    }
}

/// A nudge row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nudge {
    pub id: NudgeId,
    pub project_id: ProjectId,
    /// Whose agent it is about.
    pub session_id: Option<SessionId>,
    pub subject: Subject,
    pub kind: NudgeKind,
    /// Whose the failure is; `None` where it is about no failure.
    pub class: Option<FailureClass>,
    /// What shows whose it is. Untrusted.
    pub evidence: Option<Text>,
    pub state: NudgeState,
    /// Why it waits, where it is `held`.
    pub held_because: Option<HeldReason>,
    /// It has had its share of the project's budget: it needs no other.
    pub is_budgeted: bool,
    /// What it is about, for "never twice": free of URLs, run ids and log bytes.
    pub signature: Text,
    pub body: Text,
    /// Attempts to bring it to the human, or to the agent's channel.
    pub attempts: u32,
    pub created_at: Timestamp,
    /// When it was last given to the agent's channel.
    pub handed_at: Option<Timestamp>,
    /// When an attempt came through.
    pub delivered_at: Option<Timestamp>,
    pub acknowledged_at: Option<Timestamp>,
}

spelled! {
    /// Why the engine wakes by itself.
    TimerKind {
        /// Failing checks are collected for the settle time before the agent is told.
        CiSettle = "ci_settle",
        /// A head without any CI counts as green once the settle time has passed.
        GreenSettle = "green_settle",
        /// A review's comments are collected for the settle time.
        ReviewSettle = "review_settle",
        /// A conflict that the agent was told of is still there.
        ConflictEscalation = "conflict_escalation",
        /// A pull request left the merge queue, and its group's checks may still be on their way.
        QueueSettle = "queue_settle",
        /// Something was cancelled, and nothing newer has come in its place.
        CancelWait = "cancel_wait",
        /// An agent has become idle; it may only have paused.
        IdleSettle = "idle_settle",
        /// An agent that was told to go on is still idle.
        IdleEscalation = "idle_escalation",
        /// Nothing was heard of an active agent for long.
        QuietAgent = "quiet_agent",
        /// An agent said that it waits for a human though its turn had ended.
        WaitOver = "wait_over",
        /// A usage limit is reset.
        LimitReset = "limit_reset",
        /// The logs of failed checks are waited for before the agent is told.
        LogWait = "log_wait",
        /// The same of checks of a merge group.
        QueueLogWait = "queue_log_wait",
        /// Failed checks are run again; what comes of it is waited for.
        RerunWait = "rerun_wait",
        /// GitHub's answer is waited for before a pull request is called ready.
        RefreshWait = "refresh_wait",
        /// The project's budget has room for another nudge.
        BudgetRefill = "budget_refill",
    }
}

impl NudgeId {
    /// The mark at the start of what an agent is sent: `[nudge 17]`.
    pub fn mark(self) -> String {
        format!("[nudge {}]", self.0)
    }

    /// The nudge whose mark stands first in a text.
    pub fn marked(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("[nudge ")?;
        let (number, _) = rest.split_once(']')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| number.parse().ok().map(Self)).flatten()
    }
}

impl TimerKind {
    /// A new head makes it void.
    pub const fn is_of_head(self) -> bool {
        match self {
            Self::CiSettle
            | Self::GreenSettle
            | Self::CancelWait
            | Self::QueueSettle
            | Self::LogWait
            | Self::QueueLogWait
            | Self::RerunWait
            | Self::RefreshWait => true,
            Self::ReviewSettle
            | Self::ConflictEscalation
            | Self::IdleSettle
            | Self::IdleEscalation
            | Self::QuietAgent
            | Self::WaitOver
            | Self::LimitReset
            | Self::BudgetRefill => false,
        }
    }
}
