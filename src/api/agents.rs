//! What is asked of whoever runs agents here: this room knows what may be asked, not how it is done.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::errors::ApiError;
use crate::store::views::{ProjectView, SessionView};

/// An answer that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// An agent that somebody wants to have started here.
#[derive(Debug, Clone)]
pub struct WantedAgent {
    pub project: ProjectView,
    /// `claude-code`, …
    pub harness: String,
    /// The branch it is to make; `None`: one of its own.
    pub branch: Option<String>,
}

/// Those who run agents here.
pub trait Agents: Send + Sync {
    /// Says what is in the way of a start before anything is written down.
    fn check<'a>(&'a self, wanted: &'a WantedAgent) -> Later<'a, ()>;

    /// Says something to an agent, in the words of a person. When this has answered, it was given to it.
    fn tell<'a>(&'a self, session: &'a SessionView, text: &'a str) -> Later<'a, ()>;

    /// What its terminal shows, the last `lines` of it.
    fn terminal<'a>(&'a self, session: &'a SessionView, lines: u32) -> Later<'a, TerminalJson>;
}

/// An agent's terminal.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TerminalJson {
    /// The socket of the tmux server that it is in, on the server's machine.
    pub socket: String,
    /// The name of its tmux session.
    pub name: String,
    /// Its last lines, without control characters.
    pub text: String,
}
