//! What a timer, a nudge or a remembered reaction belongs to.

use super::{PullId, SessionId};

/// A pull request or a session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Pull(PullId),
    Session(SessionId),
}

impl std::fmt::Display for Subject {
    /// For logs: `pull 17`, `session mer-1`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pull(PullId(id)) => write!(f, "pull {id}"),
            Self::Session(SessionId(id)) => write!(f, "session {id}"),
        }
    }
}
