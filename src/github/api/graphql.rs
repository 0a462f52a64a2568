//! Queries for many pull requests at once, and what GitHub's graph answers to them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::json;

use super::error::GithubError;
use crate::domain::{RepoName, Timestamp};

/// Pull requests in one query.
pub const MOST: usize = 25;

const PULL: &str = "fragment pull on PullRequest {
 number title state isDraft createdAt updatedAt author { __typename login }
 headRefName headRefOid headRepository { databaseId } baseRefName baseRefOid
 mergeable mergeStateStatus reviewDecision
";
/// Costs a point for each pull request, where all the rest costs one in all: GitHub counts a request for each
/// thread that there may be.
const THREADS: &str = " reviewThreads(first: 100) { nodes { isResolved comments(first: 1) { nodes { databaseId } } } }\n";

/// The body of a query for pull requests, named by repository and number; the `n`th goes by `pN`.
/// `threads`: with their threads.
pub(super) fn body(pulls: &[(RepoName, i64)], threads: bool) -> String {
    let mut query = String::from("query {\n rateLimit { cost remaining }\n");
    for (index, (repo, number)) in pulls.iter().enumerate() {
        let (owner, name) = (json!(repo.owner()), json!(repo.name()));
        // Writing to a String cannot fail.
        let _ = writeln!(
            query,
            " p{index}: repository(owner: {owner}, name: {name}) {{ databaseId nameWithOwner url \
             updatedAt isPrivate pullRequest(number: {number}) {{ ...pull }} }}"
        );
    }
    query.push_str("}\n");
    query.push_str(PULL);
    query.push_str(if threads { THREADS } else { "" });
    query.push('}');
    json!({ "query": query }).to_string()
}

#[derive(Debug, Deserialize)]
struct Whole {
    #[serde(default)]
    data: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    errors: Vec<Wrong>,
}

#[derive(Debug, Deserialize)]
struct Wrong {
    #[serde(default)]
    message: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// What a query cost.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Cost {
    #[serde(default)]
    pub(super) cost: u64,
}

/// A repository with one pull request of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RepoNode {
    pub(super) database_id: i64,
    pub(super) name_with_owner: String,
    pub(super) url: String,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) is_private: Option<bool>,
    pub(super) pull_request: Option<PullNode>,
}

/// A pull request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PullNode {
    pub(super) number: i64,
    pub(super) title: String,
    /// `OPEN`, `CLOSED`, `MERGED`.
    pub(super) state: String,
    pub(super) is_draft: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) author: Option<Actor>,
    pub(super) head_ref_name: String,
    pub(super) head_ref_oid: String,
    pub(super) head_repository: Option<Numbered>,
    pub(super) base_ref_name: String,
    pub(super) base_ref_oid: String,
    /// `MERGEABLE`, `CONFLICTING`, `UNKNOWN`.
    pub(super) mergeable: String,
    pub(super) merge_state_status: String,
    pub(super) review_decision: Option<String>,
    #[serde(default)]
    pub(super) review_threads: Option<Nodes<ThreadNode>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Actor {
    #[serde(rename = "__typename")]
    pub(super) kind: String,
    pub(super) login: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Numbered {
    pub(super) database_id: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Nodes<T> {
    pub(super) nodes: Vec<T>,
}

impl<T> Default for Nodes<T> {
    fn default() -> Self {
        Self { nodes: Vec::new() }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThreadNode {
    pub(super) is_resolved: bool,
    #[serde(default)]
    pub(super) comments: Nodes<Numbered>,
}

/// The answers by their place in the query, and what they cost. A pull request that GitHub does not show is
/// `None`.
///
/// # Errors
/// There is no answer at all: the graph is to be asked for otherwise.
pub(super) fn read(
    body: &[u8],
    count: usize,
) -> Result<(Vec<Option<RepoNode>>, Cost), GithubError> {
    let malformed = |error: serde_json::Error| GithubError::Malformed(error.to_string());
    let whole: Whole = serde_json::from_slice(body).map_err(malformed)?;
    let Some(mut data) = whole.data.filter(|data| !data.is_empty()) else {
        let wrong = whole.errors.first();
        let kind = wrong.and_then(|it| it.kind.clone()).unwrap_or_default();
        let message: String =
            wrong.map_or_else(String::new, |it| it.message.chars().take(200).collect());
        return Err(GithubError::Malformed(format!("GraphQL: {kind} {message}")));
    };
    let cost = data.remove("rateLimit").and_then(|it| serde_json::from_value(it).ok());
    let mut nodes = Vec::with_capacity(count);
    for index in 0..count {
        let node = data.remove(&format!("p{index}")).filter(|node| !node.is_null());
        nodes.push(node.map(serde_json::from_value).transpose().map_err(malformed)?);
    }
    Ok((nodes, cost.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_what_is_not_shown_is_none() {
        let repo = RepoName::parse("ac\"me/rocket").unwrap();
        let body = body(&[(repo, 7)], true);
        let query: serde_json::Value = serde_json::from_str(&body).unwrap();
        let query = query["query"].as_str().unwrap();
        assert!(query.contains(r#"p0: repository(owner: "ac\"me", name: "rocket")"#), "{query}");
        let answer =
            br#"{"data":{"rateLimit":{"cost":2},"p0":null},"errors":[{"type":"NOT_FOUND"}]}"#;
        let (nodes, cost) = read(answer, 1).unwrap();
        assert!(nodes[0].is_none());
        assert_eq!(cost.cost, 2);
        assert!(read(br#"{"errors":[{"type":"SOME","message":"x"}]}"#, 1).is_err());
    }
}
