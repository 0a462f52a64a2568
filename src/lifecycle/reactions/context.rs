//! What the reactions to one pull request see, and how they say something.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::domain::{
    Audience, CiState, Conversation, FailureClass, Nudge, NudgeId, NudgeKind, Project, PullRequest,
    Session, Subject, TaskPayload, Text, TimerKind, Timestamp,
};
use crate::lifecycle::delivery::{Voice, Words};
use crate::lifecycle::scm::DerivedCheck;
use crate::lifecycle::{Policy, WorkingSet};

/// What the reactions to one pull request see and say.
pub(in crate::lifecycle) struct Context<'a> {
    pub(in crate::lifecycle) policy: &'a Policy,
    pub(in crate::lifecycle) now: Timestamp,
    pub(in crate::lifecycle) known: &'a mut WorkingSet,
    pub(in crate::lifecycle) project: &'a Project,
    pub(in crate::lifecycle) subject: Subject,
    /// What is said about the pull request, where that may have changed.
    pub(in crate::lifecycle) conversation: Option<&'a Conversation>,
    /// The checks at the head that count for nudges, and what they amount to.
    pub(in crate::lifecycle) checks: Vec<&'a DerivedCheck>,
    pub(in crate::lifecycle) ci: CiState,
    /// All failures that can be expected at the head are there.
    pub(in crate::lifecycle) gathered: bool,
    pub(in crate::lifecycle) head_moved: bool,
    /// What payloads leave open about the pull request.
    pub(in crate::lifecycle) doubts: BTreeSet<String>,
    /// The timer that came due, if that is why we look.
    pub(in crate::lifecycle) rang: Option<TimerKind>,
    pub(in crate::lifecycle) session: Option<Arc<Session>>,
    /// The nudges that could be taken back when we began to look.
    pub(in crate::lifecycle) open: Vec<NudgeId>,
}

impl Context<'_> {
    /// Says something; to an agent that cannot listen now it is held back, and to one that has ended it
    /// is not said.
    ///
    /// Answers the nudge, if there is one.
    pub(super) fn say(
        &mut self,
        pull: &mut PullRequest,
        kind: NudgeKind,
        signature: &str,
        body: String,
    ) -> Option<NudgeId> {
        self.say_of(None, pull, kind, signature, body)
    }

    /// The same about a failure, with whose it is and what shows it.
    pub(super) fn say_of(
        &mut self,
        blame: Option<(FailureClass, &str)>,
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
            class: blame.map(|(class, _)| class),
            evidence: blame.map(|(_, shown)| shown).filter(|it| !it.is_empty()).map(Text::from),
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
    pub(super) fn waiting(&self, kind: NudgeKind, begins: &str) -> Vec<Arc<Nudge>> {
        let open = self.open.iter().filter_map(|id| self.known.nudge(*id));
        let about = |nudge: &&Arc<Nudge>| {
            nudge.state.is_open() && nudge.kind == kind && nudge.signature.starts_with(begins)
        };
        open.filter(about).cloned().collect()
    }

    /// While a nudge waits, its words follow what it is about.
    pub(super) fn reword(&mut self, nudge: &Nudge, body: String) {
        let blame = nudge.class.map(|class| (class, nudge.evidence.clone().unwrap_or_default()));
        self.reword_of(blame.as_ref().map(|(class, shown)| (*class, &**shown)), nudge, body);
    }

    /// The same about a failure, with whose it is by now.
    pub(super) fn reword_of(
        &mut self,
        blame: Option<(FailureClass, &str)>,
        nudge: &Nudge,
        body: String,
    ) {
        let class = blame.map(|(class, _)| class);
        let evidence = blame.map(|(_, shown)| shown).filter(|it| !it.is_empty());
        let same =
            *nudge.body == *body && nudge.class == class && nudge.evidence.as_deref() == evidence;
        if !same {
            let (body, evidence) = (body.into(), evidence.map(Text::from));
            self.known.put_nudge(Nudge { body, class, evidence, ..nudge.clone() });
        }
    }

    /// Takes back the nudges that `stale` names and nobody has heard yet; answers their signatures. What an
    /// agent has not heard was not told: it is due again.
    pub(super) fn supersede(
        &mut self,
        pull: &mut PullRequest,
        stale: impl Fn(&Nudge) -> bool,
    ) -> Vec<Text> {
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
    pub(super) fn settled(&mut self, kind: TimerKind) -> bool {
        let subject = self.subject.clone();
        self.voice().settled(&subject, kind)
    }

    /// How long it is until the settle time since the head arrived is over; `None`: it is.
    pub(super) fn head_settles_in(&self, pull: &PullRequest) -> Option<SignedDuration> {
        let arrived = pull.memory.head_since.unwrap_or(self.now);
        let left = self.policy.settle.saturating_sub(self.now.duration_since(arrived));
        left.is_positive().then_some(left)
    }

    pub(super) fn arm(&mut self, kind: TimerKind, wait: SignedDuration) {
        let subject = self.subject.clone();
        self.voice().arm(&subject, kind, wait);
    }

    /// When a timer of the pull request rings.
    pub(super) fn due(&self, kind: TimerKind) -> Option<Timestamp> {
        self.known.timers(&self.subject).get(&kind).copied()
    }

    /// Whether something that is under way is still waited for: not for longer than `wait` since it was first
    /// asked so.
    pub(super) fn awaits(
        &mut self,
        kind: TimerKind,
        wait: SignedDuration,
        is_under_way: bool,
    ) -> bool {
        match self.due(kind) {
            None if is_under_way => self.arm(kind, wait),
            Some(due_at) if is_under_way && due_at > self.now => {}
            None | Some(_) => {
                self.cancel(kind);
                return false;
            }
        }
        true
    }

    /// Whether GitHub may be asked about the repository, as far as is known here.
    pub(super) fn may_ask(&self) -> bool {
        self.policy.github && self.project.api_access.0.is_granted()
    }

    /// Enqueues a task for whoever is free.
    pub(super) fn enqueue(&mut self, payload: TaskPayload) {
        self.voice().enqueue(payload, None);
    }

    pub(super) fn cancel(&mut self, kind: TimerKind) {
        self.known.put_timer(&self.subject, kind, None);
    }

    pub(super) fn agent_has_ended(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.state.is_terminal())
    }

    /// Nobody speaks to an ended agent; what was held goes out once it is free.
    pub(super) fn follow_agent(&mut self, pull: &mut PullRequest) {
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
