//! What can be asked and ordered, without HTTP: queries, commands and the JSON of the contract.
//!
//! A query is a read of the store with its parameters checked; a command goes through the engine and
//! answers with the object that it changed. Errors have stable codes; what status a code has is the
//! business of `http`. The command line reads the same shapes.

mod activity;
mod agents;
mod changes;
mod commands;
mod deliveries;
mod errors;
mod github;
mod github_questions;
mod nudges;
mod paging;
mod projects;
mod pulls;
mod sessions;
mod spawning;
mod tokens;
mod waiting;
mod words;

use std::sync::Arc;

use tokio::sync::watch;

pub use activity::ActivityBody;
pub use agents::{Agents, Later, TerminalJson, WantedAgent};
pub use changes::{ChangeJson, ChangePage, ChangesJson, change_filter, read_cursor, refusal};
pub use commands::{Answer, Origin};
pub use deliveries::{DeliveryJson, DeliveryQuery, KeptDeliveryJson};
pub use errors::{ApiError, Code, ErrorJson};
pub use github::{
    Asked, GithubDoor, GithubPass, GithubStanding, GithubTrouble, LogPart, LogText, Recovery, TAILS,
};
pub use nudges::{NudgeJson, NudgeQuery};
pub use paging::{Beginning, LIMITS, List, Paging};
pub use projects::{BudgetJson, ProjectBody, ProjectJson, ProjectNudges, TrustJson};
pub use pulls::{CheckJson, CommentJson, PullJson, PullQuery};
pub use sessions::{SessionJson, SessionQuery};
pub use spawning::{
    MessageBody, RestoreBody, SpawnBody, TERMINAL_LINES, WhereToRun, new_launch_id,
};
pub use tokens::token_hash;
pub use waiting::{Patience, WAITS, wait};

use crate::engine::Engine;
use crate::store::Store;

/// The door for everybody but GitHub.
#[derive(Clone)]
pub struct Api {
    pub store: Store,
    pub engine: Engine,
    /// Those who run agents here; `None`: nobody does.
    pub agents: Option<Arc<dyn Agents>>,
    /// Becomes `true` when the server shuts down: whoever waits for news is answered at once.
    pub shutdown: watch::Receiver<bool>,
    /// GitHub's API, where there are App credentials.
    pub github: Option<Arc<dyn GithubDoor>>,
}
