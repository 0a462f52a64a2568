//! What clients may ask of GitHub through the server.

use super::Api;
use super::errors::{ApiError, Code};
use super::github::{GithubDoor, GithubStanding, LogPart, LogText, Recovery};
use crate::domain::RepoName;
use crate::store::reads::PullName;

impl Api {
    fn door(&self) -> Result<&dyn GithubDoor, ApiError> {
        self.github.as_deref().ok_or_else(|| {
            let message = "this server has no App credentials: set NUDGED_GITHUB_APP_ID and \
                           NUDGED_GITHUB_PRIVATE_KEY, or run `nudged setup`";
            ApiError::new(Code::NoGithub, message)
        })
    }

    /// How it goes with GitHub's API; `None` without App credentials.
    pub fn github_standing(&self) -> Option<GithubStanding> {
        self.github.as_deref().map(GithubDoor::standing)
    }

    /// The same for who asks for it.
    ///
    /// # Errors
    /// There are no App credentials.
    pub fn github(&self) -> Result<GithubStanding, ApiError> {
        Ok(self.door()?.standing())
    }

    /// Fetches from GitHub's list of deliveries what never arrived, and processes it.
    ///
    /// # Errors
    /// There are no App credentials, or GitHub cannot be asked now.
    pub async fn recover_deliveries(&self) -> Result<Recovery, ApiError> {
        self.door()?.recover().await
    }

    /// The whole log of a check, or a part of it. `check` is its id or its name.
    ///
    /// # Errors
    /// There is no such check, it has no log, or GitHub cannot be asked now.
    pub async fn check_log(
        &self,
        repo: String,
        number: i64,
        check: &str,
        part: LogPart,
    ) -> Result<LogText, ApiError> {
        let door = self.door()?;
        let name = RepoName::parse(&repo);
        let pull = self.store.pull(PullName::Number(repo, number), true).await?;
        let (Some(pull), Some(name)) = (pull, name) else {
            return Err(ApiError::not_found("there is no such pull request"));
        };
        let checks = &pull.checks.items;
        let by_id = check.parse::<i64>().ok().and_then(|id| checks.iter().find(|it| it.id == id));
        // The checks of the head come first.
        let found = by_id.or_else(|| checks.iter().find(|it| it.name == check));
        let Some(found) = found else {
            let message = "the pull request has no such check: give the `id` or the `name` of one \
                           that /v1/pulls shows";
            return Err(ApiError::not_found(message));
        };
        if found.source != "github-actions" {
            let message = "only checks of GitHub Actions have a log at GitHub; this one is shown \
                           at its own address";
            return Err(ApiError::not_found(message));
        }
        door.log(name, found.id, part).await
    }
}
