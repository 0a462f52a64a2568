//! What is seen of an agent: whether it is there, what it does, and what its hooks tell.

use super::spelling::spelled;
use super::{ActivitySource, ActivityState, Text};

spelled! {
    /// What was found when somebody looked. `failed` and `unknown` are never read as death.
    ProbeAnswer { Alive = "alive", Dead = "dead", Failed = "failed", Unknown = "unknown" }
}

/// One look at a session's runtime and at the agent's process in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub runtime: ProbeAnswer,
    pub process: ProbeAnswer,
    /// What was found, in words. Times in it do not matter.
    pub evidence: Text,
    /// The death that it tells of cannot be otherwise: the machine has started anew, the runtime's server is
    /// gone, or the process was reaped. It is believed at once, however lately the agent was active.
    pub is_proof: bool,
}

/// What an agent does, as its hooks or a look at it tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivitySeen {
    pub state: ActivityState,
    pub source: ActivitySource,
    /// The hook's event, such as `Stop`; without one the state is taken as it is.
    pub event: Option<Text>,
    /// How the agent itself calls the conversation now.
    pub agent_session_id: Option<Text>,
    /// The file in which the agent keeps the conversation.
    pub transcript_path: Option<Text>,
    /// `[nudge 17]`, where the event shows that this nudge has begun a turn.
    pub mark: Option<Text>,
    /// The tool that the event is about.
    pub tool: Option<Text>,
    /// Why, in the agent's words: what it asks for, why it is blocked, how a session began.
    pub reason: Option<Text>,
    /// Which start of the agent it is of; an earlier one's is ignored.
    pub launch_id: Option<Text>,
}

impl ActivitySeen {
    /// A state that was seen, and nothing else.
    pub const fn new(state: ActivityState, source: ActivitySource) -> Self {
        Self {
            state,
            source,
            event: None,
            agent_session_id: None,
            transcript_path: None,
            mark: None,
            tool: None,
            reason: None,
            launch_id: None,
        }
    }
}

/// A hook's event, as far as it tells of the session's state. What a payload does not have is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookEvent {
    /// `Stop`, `PreToolUse`, `session.status`, …
    pub name: String,
    /// It is of a subagent, and says nothing of the session.
    pub of_subagent: bool,
    /// How a session began, why it ended, what a notification or an error is about, a status' word.
    pub detail: String,
    /// The tool that it is about.
    pub tool: String,
    /// Tasks that go on in the background; the end of one makes a turn by itself.
    pub background_tasks: usize,
    /// What it says to people: a question, an error with the time at which a limit is reset.
    pub message: String,
}
