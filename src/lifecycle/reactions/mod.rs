//! What is to be said about a pull request, from what it is and what was said before.
//!
//! Each reaction looks at the state, not at the event that led to it, and keeps what it said in
//! the row's memory: so the order of events, a repetition or a restart cannot make it speak twice.

mod ci_failed;
mod closing;
mod conflicts;
mod feedback;
mod green;

use jiff::SignedDuration;

use crate::domain::{
    ActivityState, Audience, Check, CiState, NewNudge, Nudge, NudgeKind, NudgeState, Project,
    PullRequest, Session, SessionState, TimerKind, Timestamp,
};

use super::snapshot::{Effect, Policy, PullFacts, PullSnapshot};

pub(super) use ci_failed::{BRAKE_COMMITS, gathered};
pub(super) use feedback::Feedback;

/// What the reactions to one pull request see, and the effects they add.
pub(super) struct Scene<'a> {
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    pub(super) project: &'a Project,
    pub(super) before: &'a PullSnapshot,
    /// The pull request's registers, where they were loaded.
    pub(super) before_facts: Option<&'a PullFacts>,
    /// The checks at the head that count for nudges, and what they amount to.
    pub(super) checks: &'a [Check],
    pub(super) ci: CiState,
    /// All failures that can be expected at the head are there.
    pub(super) gathered: bool,
    pub(super) head_moved: bool,
    /// The timer that came due, if that is why we look.
    pub(super) rang: Option<TimerKind>,
    pub(super) session: Option<&'a Session>,
    pub(super) effects: Vec<Effect>,
}

/// Speaks about `pull`, whose derived columns are up to date, and remembers it there.
pub(super) fn react(mut scene: Scene<'_>, pull: &mut PullRequest) -> Vec<Effect> {
    for kind in TimerKind::ALL {
        if !pull.core.state.is_open() || (scene.head_moved && kind.is_of_head()) {
            scene.cancel(*kind);
        }
    }
    closing::react(&mut scene, pull);
    ci_failed::react(&mut scene, pull);
    conflicts::react(&mut scene, pull);
    feedback::react(&mut scene, pull);
    green::react(&mut scene, pull);
    scene.follow_agent();
    scene.effects
}

/// An agent that waits for a human, is not known to be there, or whose nudges are paused is not
/// spoken to.
pub(super) fn agent_is_free(project: &Project, session: Option<&Session>) -> bool {
    !project.nudges_paused
        && session.is_none_or(|session| {
            let waits =
                matches!(session.activity, ActivityState::WaitingInput | ActivityState::Blocked);
            let there = matches!(session.state, SessionState::Working | SessionState::Idle);
            there && !waits && !session.nudges_paused
        })
}

impl Scene<'_> {
    /// Says something; to an agent that cannot listen now it is held back.
    fn say(&mut self, kind: NudgeKind, signature: String, body: String) {
        let to_agent = kind.audience() == Audience::Agent;
        if to_agent && self.session.is_some_and(|session| session.state.is_terminal()) {
            return;
        }
        let state =
            if to_agent && !self.agent_is_free() { NudgeState::Held } else { NudgeState::Pending };
        self.effects.push(Effect::Say(NewNudge { kind, state, signature, body }));
    }

    /// Takes back the open nudges that `stale` names; answers their signatures.
    fn supersede(&mut self, stale: impl Fn(&Nudge) -> bool) -> Vec<String> {
        let mut taken = Vec::new();
        for nudge in self.before.nudges.iter().filter(|nudge| stale(nudge)) {
            let effect = Effect::SetNudge(nudge.id, NudgeState::Superseded);
            if !self.effects.contains(&effect) {
                self.effects.push(effect);
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
        let armed = self.before.timers.iter().find(|timer| timer.kind == kind);
        match armed.filter(|_| !(self.head_moved && kind.is_of_head())) {
            Some(timer) => timer.due_at <= self.now,
            None => {
                self.arm(kind, self.policy.settle);
                false
            }
        }
    }

    fn arm(&mut self, kind: TimerKind, wait: SignedDuration) {
        if let Ok(due) = self.now.checked_add(wait) {
            self.effects.push(Effect::ArmTimer(kind, due));
        }
    }

    fn cancel(&mut self, kind: TimerKind) {
        let effect = Effect::CancelTimer(kind);
        let armed = self.before.timers.iter().any(|timer| timer.kind == kind);
        if armed && !self.effects.contains(&effect) {
            self.effects.push(effect);
        }
    }

    fn agent_is_free(&self) -> bool {
        agent_is_free(self.project, self.session)
    }

    /// Nobody speaks to an ended agent; what was held goes out once it is free.
    fn follow_agent(&mut self) {
        let to_agent = |nudge: &Nudge| nudge.kind.audience() == Audience::Agent;
        if self.session.is_some_and(|session| session.state.is_terminal()) {
            self.supersede(to_agent);
            return;
        }
        let wanted = if self.agent_is_free() { NudgeState::Pending } else { NudgeState::Held };
        for nudge in self.before.nudges.iter().filter(|nudge| to_agent(nudge)) {
            let gone = self.effects.contains(&Effect::SetNudge(nudge.id, NudgeState::Superseded));
            if !gone && nudge.state != wanted {
                self.effects.push(Effect::SetNudge(nudge.id, wanted));
            }
        }
    }
}
