//! Sessions as they live: what a probe finds, what an agent does, what its hooks tell.

use nudged::domain::{
    ActivitySeen, ActivitySource, ActivityState, CommandObservation, HookEvent, Observation, Probe,
    ProbeAnswer, Receipt, Report, Runtime, SessionCommand, SessionFact, SessionId,
    SessionObservation, SessionWanted,
};
use nudged::domain::{NudgeId, ProjectId};
use nudged::lifecycle::{Refusal, Write, read_hook};

use super::Core;

/// The session that most stories are about.
pub const FIRST: &str = "roc-1";

/// What a look at a runtime and at the process in it found.
pub fn probe(runtime: ProbeAnswer, process: ProbeAnswer) -> Probe {
    Probe { runtime, process, evidence: "seen".into(), is_proof: false }
}

/// An event of a hook: `hook("PostToolUse").tool("Bash")`.
pub fn hook(name: &str) -> Hook {
    let event = HookEvent { name: name.to_owned(), ..HookEvent::default() };
    Hook { harness: "claude-code", event, mark: None, launch_id: None }
}

/// An event of a hook, on its way.
#[derive(Clone)]
pub struct Hook {
    harness: &'static str,
    event: HookEvent,
    mark: Option<String>,
    launch_id: Option<&'static str>,
}

impl Hook {
    pub fn tool(mut self, name: &str) -> Self {
        self.event.tool = name.to_owned();
        self
    }

    pub fn about(mut self, detail: &str) -> Self {
        self.event.detail = detail.to_owned();
        self
    }

    pub fn saying(mut self, message: &str) -> Self {
        self.event.message = message.to_owned();
        self
    }

    pub fn of_launch(mut self, id: &'static str) -> Self {
        self.launch_id = Some(id);
        self
    }

    /// The prompt bears the mark of that nudge.
    pub fn marked(mut self, nudge: i64) -> Self {
        self.mark = Some(NudgeId(nudge).mark());
        self
    }

    /// As the hook's command reports it; `None`: it says nothing.
    pub fn seen(self) -> Option<ActivitySeen> {
        let reading = read_hook(self.harness, &self.event)?;
        Some(ActivitySeen {
            event: Some(self.event.name.into()),
            tool: reading.tool.map(Into::into),
            reason: reading.reason.map(Into::into),
            mark: self.mark.map(Into::into),
            launch_id: self.launch_id.map(Into::into),
            ..ActivitySeen::new(reading.state, ActivitySource::Hook)
        })
    }
}

impl Core {
    /// Takes in a fact about a session.
    pub fn try_live(&mut self, id: &str, fact: SessionFact) -> Result<Vec<Write>, Refusal> {
        let session = SessionId(id.into());
        self.checked(&Observation::Session(SessionObservation { session, fact }))
    }

    /// Takes in a fact about the first session that must not be refused.
    pub fn live(&mut self, fact: SessionFact) -> Vec<Write> {
        self.try_live(FIRST, fact).expect("it is taken in")
    }

    /// The first session's agent is seen in a state.
    pub fn does(&mut self, state: ActivityState) -> Vec<Write> {
        self.live(SessionFact::Active(ActivitySeen::new(state, ActivitySource::Hook)))
    }

    /// A hook of the first session's agent fires.
    pub fn fires(&mut self, hook: Hook) {
        if let Some(seen) = hook.seen() {
            self.live(SessionFact::Active(seen));
        }
    }

    /// Somebody looks whether the first session is alive.
    pub fn probed(&mut self, runtime: ProbeAnswer, process: ProbeAnswer) -> Vec<Write> {
        self.live(SessionFact::Probed { launch_id: None, probe: probe(runtime, process) })
    }

    /// A session of `acme/rocket` is asked for, with an agent that is started here. The project is there by then.
    pub fn spawn(&mut self, launch_id: &str, branch: Option<&str>) -> Result<(), Refusal> {
        let wanted = SessionWanted {
            project: ProjectId("roc".into()),
            launch_id: launch_id.into(),
            prompt: "Mend it.".into(),
            harness: "claude-code".into(),
            branch: branch.map(Into::into),
            issue_id: None,
            is_external: false,
        };
        self.command(SessionCommand::Spawn(wanted))
    }

    /// Asks for something of a session.
    pub fn command(&mut self, asked: SessionCommand) -> Result<(), Refusal> {
        self.checked(&Observation::Command(CommandObservation::Session(asked))).map(drop)
    }

    /// The agent of the first session runs.
    pub fn launched(&mut self, launch_id: &str) {
        self.live(running(launch_id, ActivityState::Active));
    }

    /// What is known of a nudge on its way to the agent.
    pub fn receipt(&mut self, nudge: i64, receipt: Receipt) -> Result<(), Refusal> {
        let report = Report::NudgeTold { nudge: NudgeId(nudge), receipt };
        self.checked(&Observation::Report(report)).map(drop)
    }

    /// Why each nudge that was ever said is held, or nothing.
    pub fn held(&self) -> Vec<&'static str> {
        let reasons = self.nudges().into_iter().map(|nudge| nudge.held_because);
        reasons.map(|reason| reason.map_or("", |reason| reason.as_str())).collect()
    }
}

/// An agent runs in a runtime of ours.
pub fn running(launch_id: &str, activity: ActivityState) -> SessionFact {
    SessionFact::Launched {
        launch_id: launch_id.into(),
        runtime: Runtime { name: "tmux".into(), handle: "it".into() },
        agent_session_id: Some("agent-1".into()),
        activity,
        speaks: true,
    }
}
