//! Whether somebody may write to a repository.

use serde::Deserialize;

use super::budget::Priority;
use super::error::GithubError;
use super::github::Github;
use crate::domain::RepoName;

#[derive(Deserialize)]
struct Permission {
    /// `admin`, `write`, `read` or `none`; roles of an organisation's own fall under one of these.
    permission: String,
}

impl Github {
    /// Asks whether `login`, which is one, may write to a repository. Whoever GitHub does not know may not.
    ///
    /// # Errors
    /// GitHub cannot be asked now, or not as the App.
    pub async fn may_write(&self, repo: &RepoName, login: &str) -> Result<bool, GithubError> {
        let asked = self.repo(repo, Priority::Refresh).await?;
        let path = format!("/collaborators/{login}/permission");
        let answer = match asked.get("permission", &path).await {
            Ok(answer) => answer,
            Err(GithubError::NotFound) => return Ok(false),
            Err(other) => return Err(other),
        };
        let it: Permission = serde_json::from_slice(&answer.body)
            .map_err(|_| GithubError::Malformed("it is no permission".to_owned()))?;
        Ok(matches!(it.permission.as_str(), "admin" | "write"))
    }
}
