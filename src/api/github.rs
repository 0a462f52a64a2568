//! What GitHub's API adds: how it goes with it, whole logs, missed deliveries fetched now.
//!
//! The room that asks GitHub lies above this one, so it comes in by a trait.

use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::Api;
use super::errors::{ApiError, Code};
use crate::domain::{RepoName, Timestamp};
use crate::store::reads::PullName;

/// How it goes with GitHub's API.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GithubStanding {
    /// What does not go well, by repository or by the work it is about.
    pub troubles: Vec<GithubTrouble>,
    /// Until then nothing is sent: a limit is in force, or nobody answers.
    #[schema(value_type = Option<String>)]
    pub closed_until: Option<Timestamp>,
    /// Requests of this hour that are left, of the account that has fewest.
    pub quota_left: Option<u64>,
    /// By how much GitHub's clock is ahead of ours.
    pub clock_skew_seconds: i64,
    /// The last comparison of everything.
    pub reconciled: Option<GithubPass>,
    /// The last look for deliveries that were missed.
    pub recovered: Option<GithubPass>,
}

impl GithubStanding {
    /// The same for whoever has no token: names of repositories are nobody's business.
    pub fn without_names(mut self) -> Self {
        for trouble in &mut self.troubles {
            if trouble.about.contains('/') {
                "a repository".clone_into(&mut trouble.about);
            }
        }
        self
    }
}

/// Something that does not go well at GitHub.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GithubTrouble {
    /// A repository as `owner/name`, or `deliveries`.
    pub about: String,
    /// As `forbidden`, `suspended`, `limited`, `unavailable`.
    pub code: String,
    pub message: String,
    #[schema(value_type = String)]
    pub since: Timestamp,
}

/// One pass over something.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GithubPass {
    #[schema(value_type = String)]
    pub began_at: Timestamp,
    pub milliseconds: i64,
    /// Repositories that were compared, or deliveries that were looked at.
    pub looked_at: u64,
    /// Facts that were handed on, or deliveries that were fetched and processed.
    pub applied: u64,
    /// Repositories, or deliveries, of which something went wrong.
    pub failed: u64,
}

/// What came of fetching missed deliveries.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// Deliveries in GitHub's list that were looked at.
    pub looked_at: u64,
    /// Those that never succeeded, and were processed now.
    pub recovered: u64,
    /// Those of them that could not be fetched, or were not understood.
    pub failed: u64,
}

/// Which part of a log is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPart {
    /// Of the step whose name holds this.
    pub step: Option<String>,
    /// Lines that hold this.
    pub grep: Option<String>,
    /// The last so many lines.
    pub tail: Option<usize>,
}

/// How many last lines of a log can be asked for.
pub const TAILS: RangeInclusive<i64> = 1..=10_000;

impl LogPart {
    /// A part as a client names it.
    ///
    /// # Errors
    /// `tail` is out of its range.
    pub fn new(
        step: Option<String>,
        grep: Option<String>,
        tail: Option<i64>,
    ) -> Result<Self, ApiError> {
        if tail.is_some_and(|tail| !TAILS.contains(&tail)) {
            return Err(ApiError::range("tail", &TAILS));
        }
        Ok(Self { step, grep, tail: tail.and_then(|tail| usize::try_from(tail).ok()) })
    }
}

/// A check's log on its way.
#[derive(Debug)]
pub struct LogText {
    /// It is known beforehand that not all of it comes.
    pub truncated: bool,
    /// An error ends it in the middle.
    pub pieces: mpsc::Receiver<Result<Bytes, String>>,
}

/// Work that ends with an answer.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// GitHub's API, as far as others need it.
pub trait GithubDoor: Send + Sync {
    /// How it goes.
    fn standing(&self) -> GithubStanding;

    /// Fetches and processes now what was missed.
    fn recover(&self) -> Asked<'_, Recovery>;

    /// The log of a check run of Actions.
    fn log(&self, repo: RepoName, run_id: i64, part: LogPart) -> Asked<'_, LogText>;
}

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
