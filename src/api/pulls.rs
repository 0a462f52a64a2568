//! Pull requests with their checks, read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::errors::ApiError;
use super::paging::{List, Paging};
use crate::domain::{CheckStatus, CiState, CommentKind, Mergeability, PrState, ReviewDecision};
use crate::store::reads::{CheckedPull, Portion, PullFilter, PullName, WholePull};
use crate::store::views::{CheckView, CommentView, PullView};

const LIST: &str = "pulls";

/// A pull request.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PullJson {
    pub url: String,
    pub project_id: String,
    pub session_id: Option<String>,
    pub repo: String,
    pub number: i64,
    pub title: String,
    pub author: String,
    pub head_ref: String,
    pub head_sha: String,
    pub base_ref: String,
    pub state: PrState,
    pub ci: CiState,
    pub review: ReviewDecision,
    pub mergeability: Mergeability,
    /// Left out where a pull request is only mentioned, as in a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<CheckJson>>,
    /// There are more checks than are shown at most.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub checks_truncated: bool,
    pub unresolved_comments: i64,
    /// Only where one pull request is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<Vec<CommentJson>>,
    /// There are more comments than are shown at most.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub comments_truncated: bool,
    pub created_at: String,
    pub updated_at: String,
}

impl PullJson {
    /// With its checks where they were read.
    fn new(view: PullView, checks: Option<Portion<CheckView>>) -> Self {
        let checks_truncated = checks.as_ref().is_some_and(|checks| checks.more);
        Self {
            url: view.url,
            project_id: view.project_id,
            session_id: view.session_id,
            repo: view.repo,
            number: view.number,
            title: view.title,
            author: view.author,
            head_ref: view.head_ref,
            head_sha: view.head_sha,
            base_ref: view.base_ref,
            state: view.state,
            ci: view.ci,
            review: view.review,
            mergeability: view.mergeability,
            checks: checks.map(|checks| checks.items.into_iter().map(CheckJson::from).collect()),
            checks_truncated,
            unresolved_comments: view.unresolved_comments,
            comments: None,
            comments_truncated: false,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

impl From<CheckedPull> for PullJson {
    fn from(CheckedPull { pull, checks }: CheckedPull) -> Self {
        Self::new(pull, Some(checks))
    }
}

impl From<WholePull> for PullJson {
    fn from(WholePull { pull, checks, comments }: WholePull) -> Self {
        Self {
            comments_truncated: comments.more,
            comments: Some(comments.items.into_iter().map(CommentJson::from).collect()),
            ..Self::new(pull, Some(checks))
        }
    }
}

impl From<PullView> for PullJson {
    fn from(pull: PullView) -> Self {
        Self::new(pull, None)
    }
}

/// A check at one commit of a pull request.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckJson {
    /// Of the run that counts; of a commit status the status' own.
    #[serde(default)]
    pub id: i64,
    pub name: String,
    pub source: String,
    pub workflow: Option<String>,
    pub commit: String,
    pub status: CheckStatus,
    pub conclusion: Option<String>,
    pub url: String,
    /// What its log ends with; left out in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_tail: Option<String>,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
}

impl From<CheckView> for CheckJson {
    fn from(view: CheckView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            source: view.source,
            workflow: view.workflow,
            commit: view.commit,
            status: view.status,
            conclusion: view.conclusion,
            url: view.url,
            log_tail: view.log_tail,
            started_at: view.started_at,
            completed_at: view.completed_at,
        }
    }
}

/// A comment on a pull request.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommentJson {
    pub id: i64,
    pub kind: CommentKind,
    pub author: String,
    pub file: Option<String>,
    pub line: Option<i64>,
    pub body: String,
    pub resolved: bool,
    pub url: String,
    pub created_at: String,
}

impl From<CommentView> for CommentJson {
    fn from(view: CommentView) -> Self {
        Self {
            id: view.id,
            kind: view.kind,
            author: view.author,
            file: view.file,
            line: view.line,
            body: view.body,
            resolved: view.resolved,
            url: view.url,
            created_at: view.created_at,
        }
    }
}

/// Which pull requests are wanted; what is `None` does not restrict.
#[derive(Debug, Clone, Default)]
pub struct PullQuery {
    pub project: Option<String>,
    pub state: Option<PrState>,
    pub paging: Paging,
}

/// A pull request by its address, or as `owner/repo/number`.
pub(super) fn pull_name(parameter: &str, text: &str) -> Result<PullName, ApiError> {
    if text.contains("://") {
        return Ok(PullName::Url(text.trim_end_matches('/').to_owned()));
    }
    let named = text.rsplit_once('/').and_then(|(repo, number)| {
        let (owner, name) = repo.split_once('/')?;
        let number = number.parse().ok()?;
        let plain = !owner.is_empty() && !name.is_empty() && !name.contains('/');
        plain.then(|| PullName::Number(repo.to_owned(), number))
    });
    let what = "give the pull request's address, or owner/repo/number";
    named.ok_or_else(|| ApiError::parameter(parameter, what))
}

impl Api {
    /// Pull requests with the checks of their heads, ordered by when they were first seen.
    ///
    /// # Errors
    /// The cursor is of another list, or the store cannot be read.
    pub async fn pulls(&self, query: PullQuery) -> Result<List<PullJson>, ApiError> {
        let PullQuery { project, state, paging } = query;
        let page = paging.page(LIST)?;
        let listed = self.store.pulls(PullFilter { project, state }, page).await?;
        Ok(List::of(LIST, listed, PullJson::from))
    }

    /// One pull request with its comments and the checks of its head, or with `history` of all its
    /// commits. `repo` is `owner/name`.
    ///
    /// # Errors
    /// None was seen, or the store cannot be read.
    pub async fn pull(
        &self,
        repo: String,
        number: i64,
        history: bool,
    ) -> Result<PullJson, ApiError> {
        let found = self.store.pull(PullName::Number(repo, number), history).await?;
        let message = "no such pull request was seen; GET /v1/pulls lists those that were";
        found.map(PullJson::from).ok_or_else(|| ApiError::not_found(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_requests_have_two_names() {
        let read = |text| pull_name("pull", text);
        assert_eq!(read("o/r/7").unwrap(), PullName::Number("o/r".into(), 7));
        let url = "https://github.com/o/r/pull/7";
        assert_eq!(read(url).unwrap(), PullName::Url(url.into()));
        for text in ["7", "o/r", "o/r/x", "a/b/c/7", "/r/7"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
