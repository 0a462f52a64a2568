//! What GitHub shows of one pull request: its commits' checks, its conversation, itself.
//!
//! Every request is conditional. A list that is as it was when it was last taken in is not read again, and what
//! can change no more (the jobs of an attempt that has ended, the checks of a head that was replaced) is not
//! even asked for.

use std::collections::{BTreeSet, HashSet};

use super::error::GithubError;
use super::github::Repo;
use super::request::Pages;
use crate::domain::{
    CommentKind, CommitSha, RepoSeen, RunStatus, ScmObservation, Timestamp, WorkflowRun,
};
use crate::engine::Found;
use crate::github::webhook::rest::{self, Listed, ShownPull, Unreadable};

/// Commits of one pull request that are looked at for what was checked there, the newest.
const MOST_WALKED: usize = 10;
/// Runs of one commit whose jobs are asked for, at most.
const MOST_RUNS: usize = 50;

/// What was taken in of a pull request, so that it need not be again. Lost with the process.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    /// Lists that were taken in as they are held.
    lists: HashSet<String>,
    /// Attempts of workflow runs that have ended, and whose jobs were taken in.
    attempts: HashSet<(i64, i64)>,
    /// Former heads at which nothing runs any more.
    pub(super) settled: HashSet<CommitSha>,
    /// The head whose commits were looked through for former heads.
    pub(super) walked: Option<CommitSha>,
    /// The pull request's `updated_at` when its conversation was read.
    pub(super) conversed_at: Option<Timestamp>,
    /// The same when it was looked at whether it can be merged.
    pub(super) asked_at: Option<Timestamp>,
}

/// One reading: what was found, and what will be taken then.
pub(super) struct Reading<'r> {
    pub(super) repo: &'r Repo,
    pub(super) taken: Taken,
    pub(super) found: Vec<Found>,
    /// For something the App lacks a permission, which it may get: all is to be read again.
    pub(super) withheld: bool,
}

/// The facts at a commit.
struct AtCommit {
    facts: Vec<ScmObservation>,
    /// Something may still change.
    open: bool,
    /// There is something at all.
    any: bool,
}

impl<'r> Reading<'r> {
    pub(super) fn new(repo: &'r Repo, taken: Taken) -> Self {
        Self { repo, taken, found: Vec::new(), withheld: false }
    }

    /// What is not to be had is left as it is known.
    pub(super) fn possible<T>(
        &mut self,
        asked: Result<T, GithubError>,
    ) -> Result<Option<T>, GithubError> {
        self.withheld |= matches!(asked, Err(GithubError::Forbidden { .. }));
        self.repo.possible(asked)
    }

    fn fact(&mut self, fact: ScmObservation) {
        self.found.push(Found::Fact(Box::new(fact)));
    }

    /// The checks, statuses and workflow runs at the head.
    pub(super) async fn head(&mut self, of: &ShownPull) -> Result<(), GithubError> {
        let at = self.commit(&of.repo, &of.pull.core.head_sha).await?;
        at.facts.into_iter().for_each(|fact| self.fact(fact));
        Ok(())
    }

    /// The same of a former head, until nothing can change there any more. One that we do not know as a head is
    /// taken for one where something was checked.
    pub(super) async fn former_head(
        &mut self,
        of: &ShownPull,
        sha: &CommitSha,
        known: bool,
    ) -> Result<(), GithubError> {
        if self.taken.settled.contains(sha) {
            return Ok(());
        }
        let at = self.commit(&of.repo, sha).await?;
        if !at.open {
            self.taken.settled.insert(sha.clone());
        }
        if known || at.any {
            if !known {
                let ShownPull { repo, mut pull } = of.clone();
                pull.before = Some(sha.clone());
                self.fact(ScmObservation::Pull { repo, pull });
            }
            at.facts.into_iter().for_each(|fact| self.fact(fact));
        }
        Ok(())
    }

    /// Former heads that no payload named: of the commits that led to the head, those where something was
    /// checked.
    pub(super) async fn missed_heads(
        &mut self,
        of: &ShownPull,
        known: &BTreeSet<CommitSha>,
    ) -> Result<(), GithubError> {
        let path = format!("/pulls/{}/commits?", of.pull.number);
        let asked = self.repo.pages("commits", &path).await;
        let Some(pages) = self.possible(asked)? else {
            return Ok(());
        };
        let mut missed = Vec::new();
        for body in &pages.bodies {
            missed.extend(rest::commits(body).map_err(malformed)?);
        }
        missed.retain(|sha| *sha != of.pull.core.head_sha && !known.contains(sha));
        // The newest stand last.
        for sha in missed.iter().rev().take(MOST_WALKED) {
            self.former_head(of, sha, false).await?;
        }
        Ok(())
    }

    async fn commit(&mut self, of: &RepoSeen, sha: &CommitSha) -> Result<AtCommit, GithubError> {
        let mut at = AtCommit { facts: Vec::new(), open: false, any: false };
        let name = sha.as_str();
        let runs = format!("/actions/runs?head_sha={name}");
        let runs = self.list("runs", &runs, &mut at, |body| rest::workflow_runs(of, body)).await?;
        let checks = format!("/commits/{name}/check-runs?filter=all");
        self.list("check_runs", &checks, &mut at, |body| rest::check_runs(of, body)).await?;
        let status = format!("/commits/{name}/status?");
        self.list("status", &status, &mut at, |body| rest::statuses(of, sha, body)).await?;
        let runs = runs.into_iter().filter_map(|seen| {
            if let ScmObservation::WorkflowRun { run, .. } = seen { Some(run) } else { None }
        });
        for run in runs.take(MOST_RUNS) {
            self.jobs(of, &run, &mut at).await?;
        }
        Ok(at)
    }

    /// The jobs of a workflow run: they alone tell of attempts, of steps, and of what never ran.
    async fn jobs(
        &mut self,
        of: &RepoSeen,
        run: &WorkflowRun,
        at: &mut AtCommit,
    ) -> Result<(), GithubError> {
        let attempt = (run.id, run.attempt);
        if self.taken.attempts.contains(&attempt) {
            return Ok(());
        }
        let path = format!("/actions/runs/{}/jobs?filter=all", run.id);
        self.list("jobs", &path, at, |body| rest::jobs(of, body)).await?;
        if run.state.status == RunStatus::Completed {
            self.taken.attempts.insert(attempt);
        }
        Ok(())
    }

    /// All of a list; what of it is not taken in yet is added to the facts. What GitHub does not have, or the App
    /// may not see, is no news.
    async fn list(
        &mut self,
        kind: &'static str,
        path: &str,
        at: &mut AtCommit,
        read: impl Fn(&[u8]) -> Result<Listed<ScmObservation>, Unreadable>,
    ) -> Result<Vec<ScmObservation>, GithubError> {
        let asked = self.repo.pages(kind, path).await;
        let Some(pages) = self.possible(asked)? else {
            return Ok(Vec::new());
        };
        let items = all(&pages, read)?;
        at.any |= !items.is_empty();
        at.open |= items.iter().any(is_open);
        if !(pages.unchanged && self.taken.lists.contains(path)) {
            at.facts.extend(items.iter().cloned());
        }
        self.taken.lists.insert(path.to_owned());
        Ok(items)
    }

    /// Reviews and comments.
    pub(super) async fn conversation(&mut self, of: &ShownPull) -> Result<(), GithubError> {
        let number = of.pull.number;
        let path = format!("/pulls/{number}/reviews?");
        let asked = self.repo.pages("reviews", &path).await;
        if let Some(pages) = self.possible(asked)? {
            let reviews = all(&pages, |body| rest::reviews(of, body))?;
            if !(pages.unchanged && self.taken.lists.contains(&path)) {
                reviews.into_iter().for_each(|fact| self.fact(fact));
            }
            self.taken.lists.insert(path);
        }
        let lists = [
            (CommentKind::Review, "review_comments", format!("/pulls/{number}/comments?")),
            (CommentKind::Issue, "comments", format!("/issues/{number}/comments?")),
        ];
        for (kind, label, path) in lists {
            let as_of = self.repo.github.client.there();
            let asked = self.repo.pages(label, &path).await;
            let Some(pages) = self.possible(asked)? else {
                continue;
            };
            if pages.unchanged && self.taken.lists.contains(&path) {
                continue;
            }
            let comments = all(&pages, |body| rest::comments(of, kind, body))?;
            comments.into_iter().for_each(|fact| self.fact(fact));
            if pages.whole {
                let mut ids = BTreeSet::new();
                for body in &pages.bodies {
                    ids.extend(rest::ids(body).map_err(malformed)?);
                }
                let repo = of.repo.clone();
                self.found.push(Found::Comments { repo, number, kind, ids, as_of });
            }
            self.taken.lists.insert(path);
        }
        self.taken.conversed_at = Some(of.pull.updated_at);
        Ok(())
    }
}

fn all(
    pages: &Pages,
    read: impl Fn(&[u8]) -> Result<Listed<ScmObservation>, Unreadable>,
) -> Result<Vec<ScmObservation>, GithubError> {
    let mut items = Vec::new();
    for body in &pages.bodies {
        let listed = read(body).map_err(malformed)?;
        if listed.unclear > 0 {
            tracing::debug!(unclear = listed.unclear, "entries of a list were not understood");
        }
        items.extend(listed.items);
    }
    Ok(items)
}

/// Whether what is seen may change without being run anew.
fn is_open(seen: &ScmObservation) -> bool {
    if let ScmObservation::Status { status, .. } = seen {
        return &*status.state == "pending";
    }
    let state = if let ScmObservation::CheckRun { run, .. } = seen {
        Some(&run.state)
    } else if let ScmObservation::WorkflowRun { run, .. } = seen {
        Some(&run.state)
    } else {
        None
    };
    state.is_some_and(|state| state.status != RunStatus::Completed)
}

pub(super) fn malformed(error: Unreadable) -> GithubError {
    GithubError::Malformed(error.to_string())
}
