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

use super::errors::ApiError;
use crate::domain::{RepoName, Timestamp};

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
