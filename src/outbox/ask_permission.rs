//! Asks whether people may write to a repository.

use std::future::Future;
use std::pin::Pin;

use super::github_failure::failure;
use super::performer::{Performed, Performer};
use crate::clock::Clock;
use crate::domain::{
    AskPermission, Failure, PermissionAnswer, Report, Task, TaskKind, TaskPayload,
};
use crate::github::api::{Github, GithubError};

/// Questions under way at once.
const AT_ONCE: usize = 2;

/// Asks GitHub who has a say.
pub struct AskPermissions {
    github: Github,
    clock: Clock,
}

impl AskPermissions {
    /// Asks through `github`.
    pub fn new(github: Github, clock: Clock) -> Self {
        Self { github, clock }
    }

    async fn answer(&self, wanted: &AskPermission) -> PermissionAnswer {
        match self.github.may_write(&wanted.repo, &wanted.login).await {
            Ok(may_write) => PermissionAnswer::Known(may_write),
            Err(error) => {
                let repo = wanted.repo.as_str();
                tracing::warn!(repo, %error, "it is not known whether somebody may write");
                // It is asked again a day later anyway.
                let for_good = matches!(
                    error,
                    GithubError::Forbidden { .. } | GithubError::Refused(_) | GithubError::Withheld
                );
                let failure = failure(&error, self.clock.now());
                PermissionAnswer::Failed(Failure { for_good, ..failure })
            }
        }
    }
}

impl Performer for AskPermissions {
    fn kind(&self) -> TaskKind {
        TaskKind::AskPermission
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn perform(&self, task: Task) -> Pin<Box<dyn Future<Output = Option<Performed>> + Send + '_>> {
        Box::pin(async move {
            let TaskPayload::AskPermission(wanted) = task.payload else { return None };
            let answer = self.answer(&wanted).await;
            let cause = format!("permission:{}", wanted.repo.as_str());
            Some(Performed { report: Report::Permission { of: wanted, answer }, cause })
        })
    }
}
