//! Fetches the logs of failed checks, and what else GitHub knows of whose failure each is.

use std::future::Future;
use std::pin::Pin;

use super::github_failure::failure;
use super::performer::{Performed, Performer};
use crate::clock::Clock;
use crate::domain::{
    Blame, FetchLog, LogAbsence, LogAnswer, LogExcerpt, Report, Task, TaskKind, TaskPayload,
};
use crate::github::api::{Github, GithubError, LogOutcome, Suspect};

/// Logs under way at once; each holds 64 KiB at most.
const AT_ONCE: usize = 4;

/// Asks GitHub for logs.
pub struct FetchLogs {
    github: Github,
    clock: Clock,
}

impl FetchLogs {
    /// Asks through `github`.
    pub fn new(github: Github, clock: Clock) -> Self {
        Self { github, clock }
    }

    async fn answer(&self, wanted: &FetchLog) -> LogAnswer {
        let absence = match self.github.log_excerpt(&wanted.repo, wanted.run_id).await {
            Ok(LogOutcome::Excerpt(verdict)) => {
                let excerpt = LogExcerpt {
                    text: verdict.excerpt.into(),
                    class: verdict.class,
                    evidence: verdict.evidence.into(),
                    truncated: verdict.truncated,
                };
                return LogAnswer::Read(excerpt, self.blame(wanted).await);
            }
            Ok(LogOutcome::NotYet) => return LogAnswer::NotYet,
            Ok(LogOutcome::Expired) | Err(GithubError::Gone) => LogAbsence::Expired,
            Ok(LogOutcome::Cancelled) => LogAbsence::Cancelled,
            Ok(LogOutcome::Forbidden(_))
            | Err(GithubError::Forbidden { .. } | GithubError::Withheld) => LogAbsence::Forbidden,
            Ok(LogOutcome::Missing) | Err(GithubError::NotFound) => LogAbsence::Missing,
            Err(error) => {
                tracing::warn!(
                    repo = wanted.repo.as_str(),
                    run_id = wanted.run_id,
                    %error,
                    "a log could not be fetched"
                );
                return LogAnswer::Failed(failure(&error, self.clock.now()));
            }
        };
        LogAnswer::Absent(absence, self.blame(wanted).await)
    }

    /// Worth less than the log: where it cannot be had, the log is told without it.
    async fn blame(&self, wanted: &FetchLog) -> Blame {
        let suspect = Suspect {
            repo: wanted.repo.clone(),
            head: wanted.sha.clone(),
            base_ref: wanted.base_ref.clone(),
            source: wanted.source.clone(),
            name: wanted.name.clone(),
            run_id: wanted.run_id,
            workflow_run_id: wanted.workflow_run_id,
        };
        self.github.blame(&suspect).await.unwrap_or_else(|error| {
            tracing::debug!(%error, run_id = wanted.run_id, "no blame");
            Blame::default()
        })
    }
}

impl Performer for FetchLogs {
    fn kind(&self) -> TaskKind {
        TaskKind::FetchLog
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn perform(&self, task: Task) -> Pin<Box<dyn Future<Output = Option<Performed>> + Send + '_>> {
        Box::pin(async move {
            let TaskPayload::FetchLog(wanted) = task.payload else { return None };
            let report = Report::Log { of: wanted.log_name(), answer: self.answer(&wanted).await };
            let cause = format!("log:{}#{}", wanted.repo.as_str(), wanted.number);
            Some(Performed { report, cause })
        })
    }
}
