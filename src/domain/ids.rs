//! Identifiers that cannot be mixed up.

use serde::{Deserialize, Serialize};

use super::Text;

/// GitHub's numeric repository id. It survives renames and transfers, so it is the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RepoId(pub i64);

/// The store's number of a pull request. Outside, a pull request is (repository id, number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PullId(pub i64);

/// A nudge's number, rising in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NudgeId(pub i64);

/// `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RepoName(Text);

impl RepoName {
    /// Takes `owner/name`: two non-empty parts, no white space or control characters.
    pub fn parse(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let plain = |part: &str| {
            !part.is_empty()
                && !part.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control())
        };
        (plain(owner) && plain(name)).then(|| Self(text.into()))
    }

    /// The part after the slash.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(_, name)| name)
    }

    /// The part before the slash.
    pub fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// `owner/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A full commit hash in lower case: 40 hex digits, or 64 in a SHA-256 repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitSha(Text);

impl CommitSha {
    /// Takes a full hash; abbreviations are refused, they name no commit for sure.
    pub fn parse(text: &str) -> Option<Self> {
        let full = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
        full.then(|| Self(text.to_ascii_lowercase().into()))
    }

    /// All hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, as people write them.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

/// A project's slug, such as `mer`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectId(pub Text);

/// A session's id, `{project}-{n}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub Text);

impl SessionId {
    /// The `number`th session of a project.
    pub fn new(project: &ProjectId, number: i64) -> Self {
        Self(format!("{}-{number}", project.0).into())
    }
}
