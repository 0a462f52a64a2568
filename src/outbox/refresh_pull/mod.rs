//! Asks what pull requests are now, many in one request.
//!
//! Whoever comes first asks for all that wait then; while requests have to be far apart, others gather.

mod pace;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::github_failure::failure;
use super::performer::{Performed, Performer};
use crate::clock::Clock;
use crate::domain::{
    RefreshPull, Refreshed, Report, ScmObservation, Task, TaskKind, TaskPayload, Thread,
};
use crate::github::api::{Github, GithubError, MOST_REFRESHED, PullAsked, PullRefreshed};
use pace::Pace;

/// Questions that may wait for one another.
const AT_ONCE: usize = 4 * MOST_REFRESHED;
/// What comes within it of the first goes with it.
const GATHER: Duration = Duration::from_millis(100);

type Asked = Result<PullRefreshed, GithubError>;

/// Asks GitHub what pull requests are.
pub struct RefreshPulls {
    github: Github,
    clock: Clock,
    gathered: Mutex<Gathered>,
    shutdown: watch::Receiver<bool>,
}

#[derive(Default)]
struct Gathered {
    waiting: Vec<(PullAsked, oneshot::Sender<Asked>)>,
    /// Somebody asks for those that wait.
    is_led: bool,
    pace: Pace,
}

/// Gives the lead up, however it ends.
struct Lead<'a>(&'a RefreshPulls);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut gathered = self.0.gathered();
        gathered.is_led = false;
        // Nobody is left to ask for them: whoever waits comes again.
        gathered.waiting.clear();
    }
}

impl RefreshPulls {
    /// Asks through `github`, until shutdown.
    pub fn new(github: Github, clock: Clock, shutdown: watch::Receiver<bool>) -> Self {
        Self { github, clock, gathered: Mutex::default(), shutdown }
    }

    /// What a pull request is now; `None`: the server shuts down.
    async fn ask(&self, asked: PullAsked) -> Option<Asked> {
        let (tell, told) = oneshot::channel();
        let leads = {
            let mut gathered = self.gathered();
            gathered.waiting.push((asked, tell));
            !std::mem::replace(&mut gathered.is_led, true)
        };
        if leads {
            self.lead().await;
        }
        told.await.ok()
    }

    /// Asks for all that wait, until none does.
    async fn lead(&self) {
        let _lead = Lead(self);
        let mut wait = GATHER;
        loop {
            // A clock that is moved by hand waits for nothing.
            if self.clock.runs() && self.is_shut_down_within(wait).await {
                return;
            }
            let portion = {
                let mut gathered = self.gathered();
                if gathered.waiting.is_empty() {
                    return;
                }
                wait = gathered.pace.take(Instant::now());
                if self.clock.runs() && !wait.is_zero() {
                    continue;
                }
                let most = gathered.waiting.len().min(MOST_REFRESHED);
                gathered.waiting.drain(..most).collect::<Vec<_>>()
            };
            let asked: Vec<PullAsked> = portion.iter().map(|(asked, _)| asked.clone()).collect();
            let mut refreshed = self.github.refresh(&asked).await;
            for (asked, tell) in portion {
                let at = refreshed.iter().position(|(of, _)| *of == asked);
                let found = at.map(|at| refreshed.swap_remove(at).1);
                // Who is not there any more needs no answer.
                let _ = tell.send(found.unwrap_or(Err(GithubError::NotFound)));
            }
            wait = Duration::ZERO;
        }
    }

    async fn is_shut_down_within(&self, wait: Duration) -> bool {
        let mut shutdown = self.shutdown.clone();
        tokio::select! {
            _ = shutdown.wait_for(|down| *down) => true,
            () = tokio::time::sleep(wait) => false,
        }
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, wanted: &RefreshPull, asked: Asked) -> Refreshed {
        match asked {
            // Its name may be another repository's by now.
            Ok(shown) if shown.repo.id == wanted.repo_id => facts(shown),
            Ok(_) | Err(GithubError::NotFound | GithubError::Gone | GithubError::Withheld) => {
                Refreshed::Hidden
            }
            Err(error) => {
                let (repo, number) = (wanted.repo.as_str(), wanted.number);
                tracing::warn!(repo, number, %error, "a pull request could not be refreshed");
                Refreshed::Failed(failure(&error, self.clock.now()))
            }
        }
    }
}

fn facts(shown: PullRefreshed) -> Refreshed {
    let PullRefreshed { repo, pull, threads } = shown;
    let is_computed = pull.mergeability.is_some();
    let mut found = vec![ScmObservation::Pull { repo: repo.clone(), pull: pull.clone() }];
    found.extend(threads.unwrap_or_default().into_iter().map(|(root_id, resolved)| {
        ScmObservation::Thread {
            repo: repo.clone(),
            pull: pull.clone(),
            thread: Thread { root_id, resolved, at: pull.updated_at },
            comments: Vec::new(),
        }
    }));
    Refreshed::Shown { found, is_computed }
}

impl Performer for RefreshPulls {
    fn kind(&self) -> TaskKind {
        TaskKind::RefreshPull
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn perform(&self, task: Task) -> Pin<Box<dyn Future<Output = Option<Performed>> + Send + '_>> {
        Box::pin(async move {
            let TaskPayload::RefreshPull(wanted) = task.payload else { return None };
            let asked = PullAsked { repo: wanted.repo.clone(), number: wanted.number };
            let answer = self.answer(&wanted, self.ask(asked).await?);
            let cause = format!("refresh:{}#{}", wanted.repo.as_str(), wanted.number);
            let RefreshPull { repo_id: repo, number, .. } = wanted;
            Some(Performed { report: Report::Pull { repo, number, answer }, cause })
        })
    }
}
