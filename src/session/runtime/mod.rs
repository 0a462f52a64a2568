//! Where agents run.
//!
//! One trait, and plain data: a runtime starts a program and gives a handle; by the handle it is probed, looked
//! at, typed into and ended, also by a later server. [`tmux`] runs agents here, [`external`] stands for those that
//! run elsewhere.

pub mod ending;
pub mod external;
mod last_words;
pub mod launch;
mod probing;
pub mod procfs;
pub mod screen;
pub mod server;
mod sight;
pub mod tmux;

use serde::{Deserialize, Serialize};

pub use external::External;
pub use launch::{Beside, Launch, MARK, become_agent};
pub use screen::{Line, Screen};
pub use server::{Place, PlaceError};
pub use tmux::Tmux;

use crate::domain::Probe;
use crate::session::Later;
use crate::session::tool::ToolError;
use procfs::Process;

/// What finds a started agent again: its text is kept with the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handle {
    /// How the runtime calls it.
    pub name: String,
    /// Which start it is of.
    pub launch_id: String,
    /// Where it runs, where that is here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pane: Option<Pane>,
}

/// A place in a terminal, and the processes that keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pane {
    /// tmux's own name of it, such as `%3`.
    pub id: String,
    /// The start of the machine in which it was made.
    pub boot_id: String,
    /// The tmux server.
    pub server: Process,
    /// The agent.
    pub process: Process,
}

impl Handle {
    /// Reads what [`Handle::text`] wrote. `None`: it is no handle.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// As it is kept with the session.
    pub fn text(&self) -> String {
        // Plain data without maps: this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What is to be seen of an agent's terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub screen: Screen,
    /// Copy mode, or another of the terminal's own modes, is on.
    pub is_in_mode: bool,
    /// What is in the terminal's foreground.
    pub foreground: Foreground,
    /// Seconds since a person who is attached last pressed a key; `None` where nobody is attached.
    pub last_key: Option<u64>,
    /// When that was, by the clock of the machine: another value later means another key.
    pub last_key_at: Option<u64>,
    /// The name of the foreground's program, as the terminal knows it.
    pub command: String,
}

/// Who would read what is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreground {
    /// The agent.
    Agent,
    /// A shell, which would execute it.
    Shell(String),
    /// Something that the agent has started.
    Other(String),
}

/// What became of something typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// It went into the pane.
    Yes,
    /// The pane was not the agent's any more: nothing was typed.
    No,
}

/// Why a runtime could not do something.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The program behind it gave no answer.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// What is to be started cannot be.
    #[error("{0}")]
    Unstartable(String),
    /// One of that name runs already.
    #[error("{name} runs already")]
    RunsAlready { name: String },
    /// It ended before it had begun.
    #[error("the agent could not be started: {said}")]
    NotStarted { said: String },
    /// There is no such agent any more.
    #[error("{name} is not there any more: {why}")]
    Gone { name: String, why: String },
    /// Processes that could not be ended.
    #[error("{name} could not be ended: processes {pids:?} are still there")]
    StillThere { name: String, pids: Vec<i32> },
    /// This runtime cannot do that.
    #[error("an agent that runs elsewhere cannot be {0} from here")]
    Elsewhere(&'static str),
    /// A file of ours could not be written or read.
    #[error("{what}: {source}")]
    File { what: String, source: std::io::Error },
}

/// Somewhere agents run. All futures end by themselves: what is asked of programs has a time limit.
pub trait Runtime: Send + Sync {
    /// Its word in the session's row.
    fn name(&self) -> &'static str;

    /// Starts a program. When this has answered, the program runs; when it failed, nothing is left of it.
    fn start<'a>(&'a self, launch: &'a Launch) -> Later<'a, Result<Handle, RuntimeError>>;

    /// Finds what an earlier server has started under that name, where it was this start of it.
    fn find<'a>(
        &'a self,
        name: &'a str,
        launch_id: &'a str,
    ) -> Later<'a, Result<Option<Handle>, RuntimeError>>;

    /// Looks whether they are alive: one answer each, in their order.
    fn probe<'a>(&'a self, handles: &'a [Handle]) -> Later<'a, Vec<Probe>>;

    /// Ends it and all that it has started. What has ended already is no error.
    fn kill<'a>(&'a self, handle: &'a Handle) -> Later<'a, Result<(), RuntimeError>>;

    /// What is to be seen of its terminal.
    fn look<'a>(&'a self, handle: &'a Handle) -> Later<'a, Result<View, RuntimeError>>;

    /// The last lines of its terminal, with what has scrolled away, `most` at most.
    fn scrollback<'a>(
        &'a self,
        handle: &'a Handle,
        most: u32,
    ) -> Later<'a, Result<String, RuntimeError>>;

    /// What an agent that has ended said last, once all that it wrote is there; empty where it said nothing.
    fn last_words<'a>(&'a self, handle: &'a Handle) -> Later<'a, String>;

    /// Pastes a line, where the agent still is what `view` shows; out of copy mode first.
    fn paste<'a>(
        &'a self,
        handle: &'a Handle,
        view: &'a View,
        line: &'a str,
    ) -> Later<'a, Result<Typed, RuntimeError>>;

    /// Presses Enter, where the agent still is what `view` shows; out of copy mode first.
    fn enter<'a>(
        &'a self,
        handle: &'a Handle,
        view: &'a View,
    ) -> Later<'a, Result<Typed, RuntimeError>>;
}
