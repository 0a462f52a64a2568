//! Agents of different make, as data: how each is started and taken up again, what it may read of the server's
//! environment, by which channels it is told, and what its terminal looks like.

mod aider;
mod assignment;
mod builtin;
pub mod claude;
mod codex;
mod command;
pub mod composer;
pub mod dialogs;
pub mod hooks;
pub mod notes;
mod opencode;
mod prepare;
pub mod report;
mod settings;

use std::collections::BTreeMap;

pub use assignment::{Assignment, Prepared, Way};
pub use notes::Notes;
pub use settings::{HarnessError, HarnessSettings, Harnesses};

/// One make of agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harness {
    /// Its word in the session's row.
    pub name: String,
    /// Whose manners it has.
    pub family: Family,
    /// The command line of a start, program first. `{prompt}`, `{sessionId}`, `{agentSessionId}` and
    /// `{workspace}` stand for values, `{args}` for `args`; never through a shell.
    pub start: Vec<String>,
    /// The same for taking up its conversation. Empty: it cannot be taken up.
    pub resume: Vec<String>,
    /// Another executable than the one that `start` names.
    pub program: Option<String>,
    /// Further arguments.
    pub args: Vec<String>,
    /// How it is told, the first way that is open.
    pub deliver: Vec<ChannelName>,
    /// Variables of its own.
    pub env: BTreeMap<String, String>,
    /// Names of variables that it may have from the server's environment; a trailing `*` is any ending.
    pub passes: Vec<String>,
    /// Worktrees of registered projects are marked as trusted before it starts.
    pub trust: bool,
}

/// Whose manners an agent has: its hooks, its files, its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    ClaudeCode,
    Codex,
    Opencode,
    Aider,
    /// Nothing is known of it.
    Other,
}

/// How an agent can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelName {
    /// Codex's own server beside its terminal.
    AppServer,
    /// opencode's own HTTP server.
    Http,
    /// A hook of Claude Code's that waits.
    Hook,
    /// A line typed into the terminal.
    Paste,
}

impl ChannelName {
    /// As it is spelled in settings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AppServer => "app-server",
            Self::Http => "http",
            Self::Hook => "hook",
            Self::Paste => "paste",
        }
    }
}

/// Whether a conversation has a name, and who chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversation {
    /// We do, before the start.
    Chosen,
    /// The agent does, and its hooks or its server tell.
    Learned,
    /// It has none.
    Nameless,
}

impl Harness {
    /// Who names its conversation.
    pub fn conversation(&self) -> Conversation {
        let names = |words: &[String]| words.iter().any(|word| word.contains("{agentSessionId}"));
        if names(&self.start) {
            Conversation::Chosen
        } else if names(&self.resume) {
            Conversation::Learned
        } else {
            Conversation::Nameless
        }
    }

    /// Whether its hooks tell of a start within moments, so that their silence means something.
    pub const fn speaks_at_start(&self, has_work: bool) -> bool {
        match self.family {
            Family::ClaudeCode => true,
            Family::Codex | Family::Opencode => has_work,
            // It speaks after its first answer, whenever that is.
            Family::Aider | Family::Other => false,
        }
    }
}
