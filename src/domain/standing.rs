//! What a payload says of somebody's standing in a repository, and whom a project listens to.

use serde::{Deserialize, Serialize};

use super::Text;

/// An author's standing as the payload of a review or comment gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Standing {
    /// GitHub's `author_association`, such as `MEMBER`; `None` where the payload has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association: Option<Text>,
    /// The account is an app's (`user.type` is `Bot`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_bot: bool,
}

/// Whom a project's agents hear, where that differs from the rule. What is `None` follows the rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trust {
    /// The associations that have a say, in private repositories too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associations: Option<Vec<String>>,
    /// Logins that have a say whatever their association is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Globs of the bots that have a say; by the rule all have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bots: Option<Vec<String>>,
}
