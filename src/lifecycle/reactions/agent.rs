//! What is said about an agent itself: that it is idle, stuck, waits for somebody, or is gone.
//!
//! As with pull requests, each reaction looks at what the session has become, and keeps what it said in the
//! row's memory.

use jiff::SignedDuration;

use crate::domain::{
    ActivityState, Audience, Nudge, NudgeId, NudgeKind, Session, SessionId, SessionMemory,
    SessionState, Subject, TaskName, TaskPayload, TimerKind, Timestamp,
};
use crate::lifecycle::WorkingSet;
use crate::lifecycle::delivery::{Voice, Words};
use crate::lifecycle::policy::{IDLE_PATIENCE, WAIT_AFTER_STOP};
use crate::lifecycle::session::is_idle;

use super::agent_wording as wording;

/// How the signatures of what is said about idleness begin.
const IDLE: &str = "idle@";

/// What is to be known of a session beside its row.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::lifecycle) struct Circumstances {
    /// An open or draft pull request is its own.
    pub(in crate::lifecycle) owns_open: bool,
    /// It has just ended, and nobody meant it to.
    pub(in crate::lifecycle) has_died: bool,
    /// The timer that came due, if that is why we look.
    pub(in crate::lifecycle) rang: Option<TimerKind>,
}

/// Whether an open or draft pull request is a session's own.
pub(in crate::lifecycle) fn owns_open(known: &WorkingSet, id: &SessionId) -> bool {
    let pulls = known.pulls_of_session(id).iter().filter_map(|pull| known.pull(*pull));
    pulls.into_iter().any(|pull| pull.row.core.state.is_open())
}

/// Speaks about a session where its pull requests have changed. What was never said cannot be over.
pub(in crate::lifecycle) fn pulls_changed(voice: Voice<'_>, id: &SessionId) {
    let known = match voice.known.session(id) {
        Some(session) if !session.memory.is_empty() => session.clone(),
        _ => return,
    };
    let owns_open = owns_open(voice.known, id);
    let mut session = (*known).clone();
    let circumstances = Circumstances { owns_open, ..Circumstances::default() };
    let now = voice.now;
    let voice = react_to_session(voice, circumstances, &mut session);
    if session != *known {
        voice.known.put_session(Session { updated_at: now, ..session });
    }
}

/// Speaks about a session, and remembers it there.
pub(in crate::lifecycle) fn react_to_session<'a>(
    voice: Voice<'a>,
    circumstances: Circumstances,
    session: &mut Session,
) -> Voice<'a> {
    let subject = Subject::Session(session.id.clone());
    let open = voice.known.open_nudges(&subject).iter().copied().collect();
    let mut on = Reaction { voice, circumstances, subject, open };
    if session.state.is_terminal() {
        on.ended(session);
        return on.voice;
    }
    on.supersede(|nudge| nudge.kind == NudgeKind::AgentExited);
    on.idle(session);
    on.stuck(session);
    on.needs_input(session);
    on.ends_by_itself(session);
    on.quiet(session);
    for id in on.open.clone() {
        let nudge = on.voice.known.nudge(id).cloned();
        if let Some(nudge) = nudge.filter(|nudge| nudge.kind.audience() == Audience::Agent) {
            on.voice.offer((*nudge).clone(), Some(session));
        }
    }
    on.voice
}

struct Reaction<'a> {
    voice: Voice<'a>,
    circumstances: Circumstances,
    subject: Subject,
    /// The nudges about the session itself that could be taken back when we began to look.
    open: Vec<NudgeId>,
}

impl Reaction<'_> {
    fn idle(&mut self, session: &mut Session) {
        let Some(mut episode) = session.memory.idle else {
            self.supersede(is_about_idleness);
            self.cancel(TimerKind::IdleSettle);
            self.cancel(TimerKind::IdleEscalation);
            return;
        };
        // It still waits for somebody who is not there, or its life is in doubt: the episode goes on.
        if !is_idle(session) {
            return;
        }
        episode.is_excused |= self.circumstances.owns_open;
        if episode.is_excused {
            self.supersede(is_about_idleness);
            self.cancel(TimerKind::IdleSettle);
            self.cancel(TimerKind::IdleEscalation);
        } else if !episode.is_told && self.settled(TimerKind::IdleSettle) {
            self.cancel(TimerKind::IdleSettle);
            episode.is_told = true;
            if session.memory.turn_of_idle_nudge {
                // It was told to go on, and has stopped again: that goes round in circles.
                episode.is_escalated = true;
                self.say(session, NudgeKind::Escalated, IDLE, wording::stopped_again(session));
            } else {
                self.say(session, NudgeKind::AgentIdle, IDLE, wording::idle(session));
                self.arm(TimerKind::IdleEscalation, IDLE_PATIENCE);
            }
        } else if self.circumstances.rang == Some(TimerKind::IdleEscalation)
            && !episode.is_escalated
        {
            episode.is_escalated = true;
            self.say(session, NudgeKind::Escalated, IDLE, wording::still_idle(session));
        }
        session.memory.idle = Some(episode);
    }

    /// An episode ends only when the agent works, is idle or waits for input again: a quarantine in between
    /// is part of it.
    fn stuck(&mut self, session: &mut Session) {
        match session.state {
            SessionState::Stuck if !session.memory.stuck_told => {
                session.memory.stuck_told = true;
                self.say(session, NudgeKind::AgentStuck, "stuck@", wording::stuck(session));
            }
            SessionState::Working | SessionState::Idle | SessionState::NeedsInput => {
                session.memory.stuck_told = false;
                self.supersede(|nudge| nudge.kind == NudgeKind::AgentStuck);
            }
            SessionState::Stuck
            | SessionState::NotStarted
            | SessionState::Detecting
            | SessionState::Done
            | SessionState::Terminated => {}
        }
    }

    fn needs_input(&mut self, session: &mut Session) {
        match session.state {
            SessionState::NeedsInput if !session.memory.needs_input_told => {
                session.memory.needs_input_told = true;
                let text = wording::needs_input(session);
                self.say(session, NudgeKind::AgentNeedsInput, "needs-input@", text);
            }
            SessionState::Working | SessionState::Idle | SessionState::Stuck => {
                session.memory.needs_input_told = false;
                self.supersede(|nudge| nudge.kind == NudgeKind::AgentNeedsInput);
            }
            SessionState::NeedsInput
            | SessionState::NotStarted
            | SessionState::Detecting
            | SessionState::Done
            | SessionState::Terminated => {}
        }
    }

    /// States of which no event will show the end.
    fn ends_by_itself(&mut self, session: &Session) {
        let after_stop = session.memory.wait.as_ref().is_some_and(|wait| wait.after_stop);
        match (after_stop, self.due(TimerKind::WaitOver)) {
            (true, None) => self.arm(TimerKind::WaitOver, WAIT_AFTER_STOP),
            (false, Some(_)) => self.cancel(TimerKind::WaitOver),
            (true, Some(_)) | (false, None) => {}
        }
        let resets_at = session.memory.block.as_ref().and_then(|block| block.resets_at);
        self.set(TimerKind::LimitReset, resets_at);
    }

    /// An active agent of which nothing was heard for long is looked at: not all that ends a turn tells of it.
    fn quiet(&mut self, session: &Session) {
        let watched = session.activity.state == ActivityState::Active
            && session.runtime.is_some()
            && session.operation.is_none();
        let quiet_after = self.voice.policy.quiet_after;
        if !watched || quiet_after.is_zero() {
            self.cancel(TimerKind::QuietAgent);
            return;
        }
        let rang = self.circumstances.rang == Some(TimerKind::QuietAgent);
        if self.due(TimerKind::QuietAgent).is_some() && !rang {
            return;
        }
        // News since move it; a row need not be written for each of them.
        let due = session.activity.last_at.checked_add(quiet_after).unwrap_or(Timestamp::MAX);
        if due > self.voice.now {
            self.set(TimerKind::QuietAgent, Some(due));
            return;
        }
        let look = TaskPayload::LookAgain { session: session.id.clone() };
        self.voice.enqueue(look, Some(session.id.clone()));
        self.arm(TimerKind::QuietAgent, quiet_after);
    }

    fn ended(&mut self, session: &mut Session) {
        self.supersede(|nudge| {
            is_about_idleness(nudge)
                || matches!(nudge.kind, NudgeKind::AgentStuck | NudgeKind::AgentNeedsInput)
        });
        let is_heard = session.memory.is_heard;
        session.memory = SessionMemory { is_heard, ..SessionMemory::default() };
        for kind in TimerKind::ALL {
            self.cancel(*kind);
        }
        self.voice.forget_task(&TaskName::look_again(&session.id));
        if self.circumstances.has_died {
            self.say(session, NudgeKind::AgentExited, "exited@", wording::exited(session));
        }
    }

    /// `about`: what the signature begins with; the episode is named by its first instant.
    fn say(&mut self, session: &Session, kind: NudgeKind, about: &str, body: String) {
        let words = Words {
            subject: self.subject.clone(),
            session: Some(session.id.clone()),
            kind,
            class: None,
            evidence: None,
            signature: &format!("{about}{}", self.voice.now),
            body,
        };
        self.voice.say(words, Some(session));
    }

    fn supersede(&mut self, stale: impl Fn(&Nudge) -> bool) {
        for id in self.open.clone() {
            if self.voice.known.nudge(id).is_some_and(|nudge| stale(nudge)) {
                self.voice.take_back(id);
            }
        }
    }

    fn due(&self, kind: TimerKind) -> Option<Timestamp> {
        self.voice.due(&self.subject, kind)
    }

    fn settled(&mut self, kind: TimerKind) -> bool {
        self.voice.settled(&self.subject, kind)
    }

    fn arm(&mut self, kind: TimerKind, wait: SignedDuration) {
        self.voice.arm(&self.subject, kind, wait);
    }

    fn cancel(&mut self, kind: TimerKind) {
        self.set(kind, None);
    }

    fn set(&mut self, kind: TimerKind, due_at: Option<Timestamp>) {
        self.voice.known.put_timer(&self.subject, kind, due_at);
    }
}

fn is_about_idleness(nudge: &Nudge) -> bool {
    nudge.kind == NudgeKind::AgentIdle || nudge.signature.starts_with(IDLE)
}
