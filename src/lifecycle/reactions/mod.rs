//! What is to be said about a pull request, from what it is and what was said before.
//!
//! Each reaction looks at the state, not at the event that led to it, and keeps what it said in
//! the row's memory: so the order of events, a repetition or a restart cannot make it speak twice.

mod agent;
mod agent_wording;
mod cancelled;
mod ci_failed;
mod closing;
mod conflicts;
mod feedback;
mod green;
mod merge_queue;
mod wording;

use std::sync::Arc;

use jiff::SignedDuration;

use crate::domain::{
    Audience, CiState, Conversation, FailureClass, Nudge, NudgeId, NudgeKind, Project, PullRequest,
    Session, Subject, Text, TimerKind, Timestamp,
};

use super::delivery::{Voice, Words};
use super::scm::DerivedCheck;
use super::{Policy, WorkingSet};

pub(super) use agent::{Circumstances, owns_open, pulls_changed, react_to_session};
pub(super) use ci_failed::gathered;

/// What the reactions to one pull request see and say.
pub(super) struct Context<'a> {
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    pub(super) known: &'a mut WorkingSet,
    pub(super) project: &'a Project,
    pub(super) subject: Subject,
    /// What is said about the pull request, where that may have changed.
    pub(super) conversation: Option<&'a Conversation>,
    /// The checks at the head that count for nudges, and what they amount to.
    pub(super) checks: Vec<&'a DerivedCheck>,
    pub(super) ci: CiState,
    /// All failures that can be expected at the head are there.
    pub(super) gathered: bool,
    pub(super) head_moved: bool,
    /// The timer that came due, if that is why we look.
    pub(super) rang: Option<TimerKind>,
    pub(super) session: Option<Arc<Session>>,
    /// The nudges that could be taken back when we began to look.
    pub(super) open: Vec<NudgeId>,
}

/// Speaks about `pull`, whose derived columns are up to date, and remembers it there.
pub(super) fn react(mut context: Context<'_>, pull: &mut PullRequest) {
    for kind in TimerKind::ALL {
        if !pull.core.state.is_open() || (context.head_moved && kind.is_of_head()) {
            context.cancel(*kind);
        }
    }
    closing::react(&mut context, pull);
    // A head cannot have arrived later than now: the clock has been set back since.
    let in_future = |at| at > context.now;
    if pull.memory.head_since.is_none_or(in_future) || context.head_moved {
        pull.memory.head_since = Some(context.now);
    }
    ci_failed::react(&mut context, pull);
    cancelled::react(&mut context, pull);
    conflicts::react(&mut context, pull);
    feedback::react(&mut context, pull);
    merge_queue::react(&mut context, pull);
    green::react(&mut context, pull);
    context.follow_agent(pull);
}

impl Context<'_> {
    /// Says something; to an agent that cannot listen now it is held back, and to one that has ended it
    /// is not said.
    ///
    /// Answers the nudge, if there is one.
    fn say(
        &mut self,
        pull: &mut PullRequest,
        kind: NudgeKind,
        signature: &str,
        body: String,
    ) -> Option<NudgeId> {
        self.say_of(None, pull, kind, signature, body)
    }

    /// The same about a failure, with whose it is.
    fn say_of(
        &mut self,
        class: Option<FailureClass>,
        pull: &mut PullRequest,
        kind: NudgeKind,
        signature: &str,
        body: String,
    ) -> Option<NudgeId> {
        if kind.audience() == Audience::Agent && self.agent_has_ended() {
            return None;
        }
        // It was on its way when it was taken back, and has arrived: that is not to be heard twice.
        if let Some(at) = pull.memory.heard_late.iter().position(|it| it.is(kind, signature)) {
            pull.memory.heard_late.remove(at);
            return None;
        }
        let words = Words {
            subject: self.subject.clone(),
            session: pull.session_id.clone(),
            kind,
            class,
            signature,
            body,
        };
        let session = self.session.clone();
        Some(self.voice().say(words, session.as_deref()))
    }

    fn voice(&mut self) -> Voice<'_> {
        let Self { policy, now, project, .. } = *self;
        Voice { policy, now, known: self.known, project }
    }

    /// The nudges of a kind about something of this name that nobody has heard yet.
    fn waiting(&self, kind: NudgeKind, begins: &str) -> Vec<Arc<Nudge>> {
        let open = self.open.iter().filter_map(|id| self.known.nudge(*id));
        let about = |nudge: &&Arc<Nudge>| {
            nudge.state.is_open() && nudge.kind == kind && nudge.signature.starts_with(begins)
        };
        open.filter(about).cloned().collect()
    }

    /// While a nudge waits, its words follow what it is about.
    fn reword(&mut self, nudge: &Nudge, body: String) {
        if *nudge.body != *body {
            self.known.put_nudge(Nudge { body: body.into(), ..nudge.clone() });
        }
    }

    /// Takes back the nudges that `stale` names and nobody has heard yet; answers their signatures. What an
    /// agent has not heard was not told: it is due again.
    fn supersede(&mut self, pull: &mut PullRequest, stale: impl Fn(&Nudge) -> bool) -> Vec<Text> {
        let mut taken = Vec::new();
        for id in self.open.clone() {
            let Some(nudge) = self.known.nudge(id).cloned() else { continue };
            if nudge.state.is_open() && stale(&nudge) {
                self.voice().take_back(id);
                pull.memory.forget_unheard(id);
                taken.push(nudge.signature.clone());
            }
        }
        taken
    }

    /// Whether the settle time is over. Starts it where it has not begun.
    fn settled(&mut self, kind: TimerKind) -> bool {
        if self.policy.settle.is_zero() {
            return true;
        }
        match self.known.timers(&self.subject).get(&kind) {
            Some(due_at) => *due_at <= self.now,
            None => {
                self.arm(kind, self.policy.settle);
                false
            }
        }
    }

    fn arm(&mut self, kind: TimerKind, wait: SignedDuration) {
        if let Ok(due) = self.now.checked_add(wait) {
            self.known.put_timer(&self.subject, kind, Some(due));
        }
    }

    fn cancel(&mut self, kind: TimerKind) {
        self.known.put_timer(&self.subject, kind, None);
    }

    fn agent_has_ended(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.state.is_terminal())
    }

    /// Nobody speaks to an ended agent; what was held goes out once it is free.
    fn follow_agent(&mut self, pull: &mut PullRequest) {
        let to_agent = |nudge: &Nudge| nudge.kind.audience() == Audience::Agent;
        if self.agent_has_ended() {
            self.supersede(pull, to_agent);
            return;
        }
        let session = self.session.clone();
        for id in self.open.clone() {
            let Some(nudge) = self.known.nudge(id).cloned() else { continue };
            if to_agent(&nudge) {
                self.voice().offer((*nudge).clone(), session.as_deref());
            }
        }
    }
}
