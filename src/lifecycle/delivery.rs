//! Whether an agent may hear a nudge now: by what it does, by pauses, and by the project's budget.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::domain::{
    ActivityState, Audience, Budget, BudgetRule, FailureClass, HeldReason, Nudge, NudgeId,
    NudgeKind, NudgeState, OperationKind, Project, Session, SessionId, SessionState, Subject, Task,
    TaskName, TaskPayload, Text, TimerKind, Timestamp,
};

use super::{Key, Policy, Record, WorkingSet};

/// How the signature begins of what the human is told of an exhausted budget.
const OVERSPENT: &str = "budget:";

/// What nudges are said with.
pub(super) struct Voice<'a> {
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    pub(super) known: &'a mut WorkingSet,
    pub(super) project: &'a Project,
}

/// What a nudge is to say.
pub(super) struct Words<'a> {
    pub(super) subject: Subject,
    pub(super) session: Option<SessionId>,
    pub(super) kind: NudgeKind,
    pub(super) class: Option<FailureClass>,
    pub(super) evidence: Option<Text>,
    pub(super) signature: &'a str,
    pub(super) body: String,
}

/// Why nothing is said to an agent for now: nudges are paused, or by [`held_by_agent`].
pub(super) fn held_because(project: &Project, session: Option<&Session>) -> Option<HeldReason> {
    if project.nudges_paused {
        return Some(HeldReason::ProjectPaused);
    }
    session.and_then(held_by_agent)
}

/// Why nothing is said to this agent: it waits for a human, is not known to be there, or its nudges are paused.
pub(super) fn held_by_agent(session: &Session) -> Option<HeldReason> {
    if session.nudges_paused {
        return Some(HeldReason::SessionPaused);
    }
    match session.operation.map(|operation| operation.kind) {
        Some(OperationKind::Kill) => return Some(HeldReason::Stopping),
        Some(OperationKind::Spawn) => return Some(HeldReason::NotStarted),
        Some(OperationKind::Restore | OperationKind::RestoreFresh | OperationKind::Cleanup)
        | None => {}
    }
    match (session.state, session.activity.state) {
        (SessionState::NotStarted | SessionState::Done | SessionState::Terminated, _) => {
            Some(HeldReason::NotStarted)
        }
        (SessionState::Detecting, _) => Some(HeldReason::Detecting),
        (SessionState::NeedsInput, _) | (_, ActivityState::WaitingInput) => {
            Some(HeldReason::NeedsInput)
        }
        (SessionState::Stuck, _) | (_, ActivityState::Blocked) => Some(HeldReason::Stuck),
        (SessionState::Working | SessionState::Idle, _) => None,
    }
}

impl Voice<'_> {
    /// Says something; to an agent that cannot listen now it is held back.
    pub(super) fn say(&mut self, words: Words<'_>, session: Option<&Session>) -> NudgeId {
        let Words { subject, session: session_id, kind, class, evidence, signature, body } = words;
        let id = NudgeId(self.known.next(|counters| &mut counters.nudge));
        let nudge = Nudge {
            id,
            project_id: self.project.id.clone(),
            session_id: session_id.clone(),
            subject,
            kind,
            class,
            evidence,
            state: NudgeState::Pending,
            held_because: None,
            is_budgeted: false,
            signature: signature.into(),
            body: body.into(),
            attempts: 0,
            created_at: self.now,
            handed_at: None,
            delivered_at: None,
            acknowledged_at: None,
        };
        if kind.audience() == Audience::Agent {
            self.offer(nudge, session);
            return id;
        }
        self.known.put_nudge(nudge);
        if self.policy.notify {
            let epoch: &Text = &self.known.counters().epoch;
            let message_id = format!("msg_{epoch}_{}", id.0).into();
            self.enqueue(TaskPayload::NotifyHuman { nudge: id, message_id }, session_id);
        }
        id
    }

    /// Lets an open nudge to an agent out where the agent may hear it now, and holds it back where it may not.
    pub(super) fn offer(&mut self, nudge: Nudge, session: Option<&Session>) {
        if !nudge.state.is_open() {
            return;
        }
        let mut nudge = nudge;
        nudge.held_because = held_because(self.project, session);
        if nudge.held_because.is_none() && !nudge.is_budgeted {
            nudge.is_budgeted = self.spend(&nudge);
            nudge.held_because = (!nudge.is_budgeted).then_some(HeldReason::Budget);
        }
        let free = nudge.held_because.is_none();
        nudge.state = if free { NudgeState::Pending } else { NudgeState::Held };
        let id = nudge.id;
        self.known.put_nudge(nudge);
        match session.filter(|session| free && session.runtime.is_some()) {
            Some(session) => {
                let mark = id.mark().into();
                self.enqueue(
                    TaskPayload::DeliverNudge { nudge: id, mark },
                    Some(session.id.clone()),
                );
            }
            None => self.forget_task(&TaskName::deliver(id)),
        }
    }

    /// Takes back a nudge that nobody has heard yet; the nudge, if it was one.
    pub(super) fn take_back(&mut self, id: NudgeId) -> Option<Arc<Nudge>> {
        let nudge = self.known.nudge(id).filter(|nudge| nudge.state.is_open()).cloned()?;
        let (state, held_because) = (NudgeState::Superseded, None);
        self.known.put_nudge(Nudge { state, held_because, ..(*nudge).clone() });
        self.forget_task(&TaskName::of(&nudge));
        Some(nudge)
    }

    /// Enqueues a task, unless it waits already.
    pub(super) fn enqueue(&mut self, payload: TaskPayload, lane: Option<SessionId>) {
        if self.waits(&payload.name()) {
            return;
        }
        self.known.put_task(Task {
            payload,
            lane,
            attempts: 0,
            created_at: self.now,
            due_at: self.now,
            last_error: None,
        });
    }

    /// Takes a task off, where it waits.
    pub(super) fn forget_task(&mut self, name: &TaskName) {
        if self.waits(name) {
            self.known.drop_task(name);
        }
    }

    /// A nudge that was only just made has no task yet, and none was asked for.
    fn waits(&self, name: &TaskName) -> bool {
        matches!(self.known.record(&Key::Task(name.clone())), Some(Record::Task(Some(_))))
    }

    /// When a timer of a subject rings.
    pub(super) fn due(&self, subject: &Subject, kind: TimerKind) -> Option<Timestamp> {
        self.known.timers(subject).get(&kind).copied()
    }

    /// Whether the settle time is over. Starts it where it has not begun.
    pub(super) fn settled(&mut self, subject: &Subject, kind: TimerKind) -> bool {
        let settle = self.policy.settle;
        if settle.is_zero() {
            return true;
        }
        match self.due(subject, kind) {
            Some(due_at) => due_at <= self.now,
            None => {
                self.arm(subject, kind, settle);
                false
            }
        }
    }

    pub(super) fn arm(&mut self, subject: &Subject, kind: TimerKind, wait: SignedDuration) {
        if let Ok(due) = self.now.checked_add(wait) {
            self.known.put_timer(subject, kind, Some(due));
        }
    }

    /// Whether the budget had room for a nudge. Where it has not, the human hears of it once, until all of it was
    /// earned again.
    fn spend(&mut self, nudge: &Nudge) -> bool {
        let project = self.project;
        let budget = self.known.budget(&project.id).unwrap_or_default();
        match budget.spend(self.now) {
            Ok(mut after) => {
                if budget.is_whole(self.now)
                    && let Some(told) = after.told.take()
                {
                    self.take_back(told);
                }
                self.known.put_budget(&project.id, after);
                true
            }
            Err(room_at) => {
                self.known.put_timer(&nudge.subject, TimerKind::BudgetRefill, Some(room_at));
                if budget.told.is_none() {
                    let told = self.say_overspent(nudge, budget.rule);
                    self.known.put_budget(&project.id, Budget { told: Some(told), ..budget });
                }
                false
            }
        }
    }

    fn say_overspent(&mut self, nudge: &Nudge, rule: BudgetRule) -> NudgeId {
        let body = format!(
            "The agents of {} were told {} things within a short time. More nudges to them are held back, and go \
             out one by one, {} a minute, as far as they are still true then.\n\nSee `nudged nudges` for what \
             waits. The budget is a setting of the project.\n",
            self.project.id.0, rule.burst, rule.per_minute,
        );
        self.say(
            Words {
                subject: nudge.subject.clone(),
                session: nudge.session_id.clone(),
                kind: NudgeKind::Escalated,
                class: None,
                evidence: None,
                signature: &format!("{OVERSPENT}{}", self.project.id.0),
                body,
            },
            None,
        )
    }
}
