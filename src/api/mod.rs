//! What can be asked and ordered, without HTTP: queries, commands and the JSON of the contract.
//!
//! A query is a read of the store with its parameters checked; a command goes through the engine and
//! answers with the object that it changed. Errors have stable codes; what status a code has is the
//! business of `http`. The command line reads the same shapes.

mod activity;
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
mod waiting;
mod words;

use std::sync::Arc;

use tokio::sync::watch;

pub use activity::ActivityBody;
pub use changes::{ChangeJson, ChangePage, ChangesJson, change_filter, read_cursor, refusal};
pub use commands::{Answer, Origin};
pub use deliveries::{DeliveryJson, DeliveryQuery};
pub use errors::{ApiError, Code, ErrorJson};
pub use github::{
    Asked, GithubDoor, GithubPass, GithubStanding, GithubTrouble, LogPart, LogText, Recovery, TAILS,
};
pub use nudges::{NudgeJson, NudgeQuery};
pub use paging::{LIMITS, List, Paging};
pub use projects::{ProjectBody, ProjectJson, ProjectNudges};
pub use pulls::{CheckJson, CommentJson, PullJson, PullQuery};
pub use sessions::{SessionJson, SessionQuery};
pub use waiting::{Patience, WAITS, wait};

use crate::engine::Engine;
use crate::store::Store;

/// The door for everybody but GitHub.
#[derive(Clone)]
pub struct Api {
    pub store: Store,
    pub engine: Engine,
    /// Becomes `true` when the server shuts down: whoever waits for news is answered at once.
    pub shutdown: watch::Receiver<bool>,
    /// GitHub's API, where there are App credentials.
    pub github: Option<Arc<dyn GithubDoor>>,
}
