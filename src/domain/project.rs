//! A watched repository.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::spelling::spelled;
use super::{ProjectId, RepoId, RepoName, Text, Timestamp, Trust};

spelled! {
    /// Whether a pull request that no session owns gets a session of its own.
    Adopt { All = "all", None = "none" }
}

spelled! {
    /// What becomes of a failure that may be nobody's: of the infrastructure, or of a flaky check.
    #[derive(Default)]
    Rerun {
        /// It is told.
        #[default]
        Never = "never",
        /// It is run again first, once for each commit and check; only a second failure is told.
        Once = "once",
    }
}

/// Who can see a repository. The order is the order of the register: the newest, then public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visibility {
    /// `repository.updated_at` of the payload.
    pub at: Option<Timestamp>,
    pub is_public: bool,
}

/// Whether the App may ask GitHub about a repository. The order is the order of the register at a tie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiAccess {
    Granted,
    /// Its installation is suspended, until whoever did that ends it.
    Suspended,
    /// The App was uninstalled, or the repository taken from it.
    Removed,
}

impl ApiAccess {
    /// As payloads tell it.
    pub const fn told(granted: bool, suspended: bool) -> Self {
        match (granted, suspended) {
            (true, _) => Self::Granted,
            (false, true) => Self::Suspended,
            (false, false) => Self::Removed,
        }
    }

    /// Whether it may be asked.
    pub fn is_granted(self) -> bool {
        self == Self::Granted
    }
}

/// Somebody of whom GitHub was asked whether he may write to a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    pub asked_at: Timestamp,
    /// The question is under way.
    pub is_open: bool,
    /// GitHub's last word.
    pub may_write: Option<bool>,
}

/// A project row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    /// GitHub's id; `None` until the first delivery of a project that was registered by name.
    pub repo_id: Option<RepoId>,
    pub repo: RepoName,
    /// The newest name that payloads gave it, and its page. `repo` and `repo_origin_url` follow them
    /// unless a younger repository has taken the name over.
    pub claim: Option<(RepoName, Text)>,
    /// `repository.updated_at` of the payload that gave the claim: the newest name wins.
    pub named_at: Option<Timestamp>,
    /// Names that payloads gave as former ones, in lower case: they lose ties.
    pub former_names: Vec<Text>,
    /// The repository's page, without a trailing slash: the stem of every pull request's URL.
    pub repo_origin_url: Text,
    pub display_name: Text,
    pub path: Option<Text>,
    pub adopt: Adopt,
    /// Nudges to all its agents are held back.
    pub nudges_paused: bool,
    /// Globs of the checks that count for nudges; none: all do.
    pub checks_only: Vec<String>,
    /// Globs of the checks that do not.
    pub checks_except: Vec<String>,
    /// Whose reviews and comments count.
    pub trust: Trust,
    /// Whether failures that may be nobody's are run again before they are told.
    pub rerun: Rerun,
    /// Whether the repository is private or internal, by the newest payload that says so; at a tie it is public.
    pub visibility: Option<Visibility>,
    /// Whom GitHub was asked about, by login in lower case.
    pub people: BTreeMap<Text, Person>,
    /// A check, status or workflow run was once seen here, so its absence at a head means "not yet".
    pub ci_seen: bool,
    /// The number that the next session gets.
    pub next_session: i64,
    /// Whether the app may still ask GitHub about it, and when that was last said.
    pub api_access: (ApiAccess, Option<Timestamp>),
    pub registered_at: Timestamp,
    pub archived_at: Option<Timestamp>,
}
