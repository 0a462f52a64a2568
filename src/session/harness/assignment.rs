//! One start of an agent, as whoever keeps the sessions wants it, and what is made of it.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::session::runtime::Launch;

/// Whether a conversation begins or goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A new one.
    Start,
    /// The one that the agent calls so, where it has a name.
    Resume { agent_session_id: Option<String> },
}

/// What an agent is to be started for.
#[derive(Clone)]
pub struct Assignment {
    /// `mer-1`; the runtime calls it so, too.
    pub session_id: String,
    pub project_id: String,
    pub issue_id: Option<String>,
    pub launch_id: String,
    /// Where our server is reached, and what opens it for this session alone.
    pub url: String,
    pub token: String,
    pub way: Way,
    /// What the agent is to do; on the way `Resume` what it is told first.
    pub prompt: Option<String>,
    /// The main checkout.
    pub repository: PathBuf,
    pub workspace: PathBuf,
    /// A folder of this session's own, outside its worktree, kept over restarts of server and agent. It is made
    /// where it is not there (0700). Sockets lie in it: a short path.
    pub folder: PathBuf,
    /// Our own executable: hooks call it.
    pub nudged: PathBuf,
    /// The server's environment, of which the agent gets the part that it may have.
    pub outer: Vec<(OsString, OsString)>,
}

/// An agent that is ready to be started.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub launch: Launch,
    /// How its conversation is called, where that is known before the start.
    pub agent_session_id: Option<String>,
    /// What could not be part of the command line: `Channels::begin` gives it to the agent once it is there.
    pub prompt_left: Option<String>,
    /// What could not be made ready, in words: it works without, but less well.
    pub warnings: Vec<String>,
}
