//! Has failed checks run again.

use std::future::Future;
use std::pin::Pin;

use super::github_failure::failure;
use super::performer::{Performed, Performer};
use crate::clock::Clock;
use crate::domain::{Report, RerunAnswer, RerunChecks, Task, TaskKind, TaskPayload};
use crate::github::api::{Github, GithubError};

/// Orders under way at once.
const AT_ONCE: usize = 2;

/// Asks GitHub to run checks again, for which the App may write to Actions.
pub struct RerunFailed {
    github: Github,
    clock: Clock,
}

impl RerunFailed {
    /// Asks through `github`.
    pub fn new(github: Github, clock: Clock) -> Self {
        Self { github, clock }
    }

    async fn answer(&self, wanted: &RerunChecks) -> RerunAnswer {
        let asked = match (wanted.jobs.as_slice(), wanted.workflow_run_id) {
            ([job], _) | ([job, ..], None) => self.github.rerun_job(&wanted.repo, *job).await,
            (_, Some(run)) => self.github.rerun_failed_jobs(&wanted.repo, run).await,
            ([], None) => Err(GithubError::NotFound),
        };
        match asked {
            Ok(()) => RerunAnswer::Started,
            Err(GithubError::Running) => RerunAnswer::NotYet,
            Err(
                error @ (GithubError::Forbidden { .. }
                | GithubError::Refused(_)
                | GithubError::NotFound
                | GithubError::Gone
                | GithubError::Withheld),
            ) => RerunAnswer::Refused { reason: error.to_string().into() },
            Err(error) => RerunAnswer::Failed(failure(&error, self.clock.now())),
        }
    }
}

impl Performer for RerunFailed {
    fn kind(&self) -> TaskKind {
        TaskKind::RerunChecks
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn perform(&self, task: Task) -> Pin<Box<dyn Future<Output = Option<Performed>> + Send + '_>> {
        Box::pin(async move {
            let TaskPayload::RerunChecks(wanted) = task.payload else { return None };
            let answer = self.answer(&wanted).await;
            let cause = format!("rerun:{}#{}", wanted.repo.as_str(), wanted.number);
            Some(Performed { report: Report::Rerun { of: wanted, answer }, cause })
        })
    }
}
