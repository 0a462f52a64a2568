//! Agents of different make, as data: how each is started and taken up again, what it may read of the server's
//! environment, by which channels it is told, and what its terminal looks like.

mod assignment;
mod builtin;
pub mod notes;
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

    /// Its hooks tell what it does, so that silence after a start means something.
    pub const fn has_hooks(&self) -> bool {
        !matches!(self.family, Family::Other)
    }
}

/// Stand-in until the real one comes.
impl Harness {
    pub async fn prepare(&self, it: &Assignment) -> Result<Prepared, HarnessError> {
        let (words, id) = match &it.way {
            Way::Start => (&self.start, Some(it.launch_id.clone())),
            Way::Resume { agent_session_id } => (&self.resume, agent_session_id.clone()),
        };
        if words.is_empty() {
            return Err(HarnessError::NoResume {
                name: self.name.clone(),
                why: "it has no `resume`".into(),
            });
        }
        let id = (self.conversation() == Conversation::Chosen
            || matches!(it.way, Way::Resume { .. }))
        .then_some(id)
        .flatten();
        if matches!(it.way, Way::Resume { .. })
            && id.is_none()
            && words.iter().any(|w| w.contains("{agentSessionId}"))
        {
            return Err(HarnessError::NoResume {
                name: self.name.clone(),
                why: "its conversation is not known".into(),
            });
        }
        let prompt = it.prompt.clone().unwrap_or_default();
        let takes = words.iter().any(|w| w.contains("{prompt}"));
        let fill = |w: &String| {
            w.replace("{workspace}", &it.workspace.display().to_string())
                .replace("{sessionId}", &it.session_id)
                .replace("{agentSessionId}", id.as_deref().unwrap_or_default())
                .replace("{prompt}", &prompt)
        };
        let mut environment = crate::session::environment::Environment::of(
            it.outer.iter().cloned(),
            self.passes.iter().map(String::as_str),
        );
        for (n, v) in &self.env {
            environment.set(n, v);
        }
        for (n, v) in [
            ("NUDGED_URL", &it.url),
            ("NUDGED_TOKEN", &it.token),
            ("NUDGED_SESSION_ID", &it.session_id),
            ("NUDGED_PROJECT_ID", &it.project_id),
        ] {
            environment.set(n, v);
        }
        environment.set("NUDGED_ISSUE_ID", it.issue_id.clone().unwrap_or_default());
        environment.set("NUDGED_FOLDER", it.folder.as_os_str());
        let launch = crate::session::runtime::Launch {
            name: it.session_id.clone(),
            launch_id: it.launch_id.clone(),
            command: words.iter().map(|w| fill(w).into()).collect(),
            environment,
            folder: it.workspace.clone(),
        };
        Ok(Prepared {
            launch,
            agent_session_id: id,
            prompt_left: it.prompt.clone().filter(|p| !takes && !p.is_empty()),
            warnings: vec![],
        })
    }
}
