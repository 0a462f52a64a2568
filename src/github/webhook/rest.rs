//! The objects of GitHub's REST API: the same shapes as in webhooks, and translated by the same rules.
//!
//! Of a list, entries that are not understood are left out and counted, so that one strange entry does not
//! hide the others.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::payload::{
    CheckRun, Comment, PullRequest, Repository, Review, WorkflowJob, WorkflowRun,
};
use super::scalar::{Text, Time};
use super::translation::{self, MOST_TEXT, UnclearField, optional_text, required};
use crate::domain::{CommentKind, CommitSha, CommitStatus, PullSeen, RepoSeen, ScmObservation};
use crate::excerpt::excerpt_text;

/// The body has not the shape that GitHub documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// A list, as far as it was understood.
#[derive(Debug, Clone)]
pub struct Listed<T> {
    pub items: Vec<T>,
    /// Entries that were not understood.
    pub unclear: usize,
}

/// A pull request, with the repository that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownPull {
    pub repo: RepoSeen,
    pub pull: PullSeen,
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(body).map_err(|error| Unreadable(error.to_string()))
}

fn listed<S, T>(seen: &[S], read: impl Fn(&S) -> Result<T, UnclearField>) -> Listed<T> {
    let items: Vec<T> = seen.iter().filter_map(|it| read(it).ok()).collect();
    Listed { unclear: seen.len() - items.len(), items }
}

/// `GET /repos/{owner}/{repo}`.
///
/// # Errors
/// It is no repository.
pub fn repository(body: &[u8]) -> Result<RepoSeen, Unreadable> {
    translation::repo(&parse::<Repository<'_>>(body)?).map_err(unclear)
}

#[derive(Deserialize)]
struct BaseOf<'a> {
    #[serde(borrow)]
    base: BaseRepo<'a>,
}

#[derive(Deserialize)]
struct BaseRepo<'a> {
    #[serde(borrow)]
    repo: Repository<'a>,
}

/// `GET /repos/{owner}/{repo}/pulls/{number}`.
///
/// # Errors
/// It is no pull request.
pub fn pull(body: &[u8]) -> Result<ShownPull, Unreadable> {
    let base: BaseOf<'_> = parse(body)?;
    let repo = translation::repo(&base.base.repo).map_err(unclear)?;
    let pull = translation::pull_seen(&parse::<PullRequest<'_>>(body)?, None).map_err(unclear)?;
    Ok(ShownPull { repo, pull })
}

/// `GET /repos/{owner}/{repo}/pulls`: none of them says whether it can be merged.
///
/// # Errors
/// It is no list of pull requests.
pub fn pulls(body: &[u8]) -> Result<Listed<ShownPull>, Unreadable> {
    let (bases, pulls): (Vec<BaseOf<'_>>, Vec<PullRequest<'_>>) = (parse(body)?, parse(body)?);
    let pairs: Vec<_> = bases.into_iter().zip(pulls).collect();
    Ok(listed(&pairs, |(base, pull)| {
        let repo = translation::repo(&base.base.repo)?;
        Ok(ShownPull { repo, pull: translation::pull_seen(pull, None)? })
    }))
}

/// `GET /repos/{owner}/{repo}/commits/{sha}/check-runs`.
///
/// # Errors
/// It is no list of check runs.
pub fn check_runs(repo: &RepoSeen, body: &[u8]) -> Result<Listed<ScmObservation>, Unreadable> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        check_runs: Vec<CheckRun<'a>>,
    }
    Ok(listed(&parse::<List<'_>>(body)?.check_runs, |run| {
        let (sha, run) = translation::run_at(run)?;
        Ok(ScmObservation::CheckRun { repo: repo.clone(), sha, run })
    }))
}

/// `GET /repos/{owner}/{repo}/actions/runs/{id}/jobs`.
///
/// # Errors
/// It is no list of jobs.
pub fn jobs(repo: &RepoSeen, body: &[u8]) -> Result<Listed<ScmObservation>, Unreadable> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        jobs: Vec<WorkflowJob<'a>>,
    }
    Ok(listed(&parse::<List<'_>>(body)?.jobs, |job| {
        let (sha, run) = translation::job_at(job)?;
        Ok(ScmObservation::CheckRun { repo: repo.clone(), sha, run })
    }))
}

/// `GET /repos/{owner}/{repo}/actions/runs`.
///
/// # Errors
/// It is no list of workflow runs.
pub fn workflow_runs(repo: &RepoSeen, body: &[u8]) -> Result<Listed<ScmObservation>, Unreadable> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        workflow_runs: Vec<WorkflowRun<'a>>,
    }
    Ok(listed(&parse::<List<'_>>(body)?.workflow_runs, |run| {
        let (sha, run) = translation::workflow_at(run)?;
        Ok(ScmObservation::WorkflowRun { repo: repo.clone(), sha, run })
    }))
}

#[derive(Deserialize)]
struct Status<'a> {
    id: i64,
    #[serde(borrow)]
    context: Text<'a>,
    #[serde(borrow)]
    state: Text<'a>,
    #[serde(borrow, default)]
    description: Option<Text<'a>>,
    #[serde(borrow, default)]
    target_url: Option<Text<'a>>,
    created_at: Time,
    updated_at: Time,
}

/// `GET /repos/{owner}/{repo}/commits/{sha}/status`: the newest of each context.
///
/// # Errors
/// It is no list of statuses.
pub fn statuses(
    repo: &RepoSeen,
    sha: &CommitSha,
    body: &[u8],
) -> Result<Listed<ScmObservation>, Unreadable> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        statuses: Vec<Status<'a>>,
    }
    Ok(listed(&parse::<List<'_>>(body)?.statuses, |status| {
        let seen = CommitStatus {
            updated_at: required(status.updated_at, "updated_at")?,
            id: status.id,
            context: text(&status.context),
            state: text(&status.state),
            description: status
                .description
                .as_deref()
                .map(|said| excerpt_text(said, MOST_TEXT).into()),
            url: optional_text(status.target_url.as_deref()),
            created_at: required(status.created_at, "created_at")?,
        };
        let (repo, sha) = (repo.clone(), sha.clone());
        Ok(ScmObservation::Status { repo, sha, status: std::sync::Arc::new(seen) })
    }))
}

/// `GET /repos/{owner}/{repo}/pulls/{number}/reviews`.
///
/// # Errors
/// It is no list of reviews.
pub fn reviews(of: &ShownPull, body: &[u8]) -> Result<Listed<ScmObservation>, Unreadable> {
    Ok(listed(&parse::<Vec<Review<'_>>>(body)?, |review| {
        let review = translation::review_of(review, of.pull.updated_at)?;
        let ShownPull { repo, pull } = of.clone();
        Ok(ScmObservation::Review { repo, pull, review })
    }))
}

/// `GET /repos/{owner}/{repo}/pulls/{number}/comments` and `…/issues/{number}/comments`.
///
/// # Errors
/// It is no list of comments.
pub fn comments(
    of: &ShownPull,
    kind: CommentKind,
    body: &[u8],
) -> Result<Listed<ScmObservation>, Unreadable> {
    Ok(listed(&parse::<Vec<Comment<'_>>>(body)?, |seen| {
        let comment = translation::comment(seen, kind, false)?;
        let ShownPull { repo, pull } = of.clone();
        let number = pull.number;
        // As in webhooks: only what stands on the diff shows the pull request.
        let pull = (kind == CommentKind::Review).then_some(pull);
        Ok(ScmObservation::Comment { repo, number, pull, comment })
    }))
}

/// The ids of all entries of a list, whether or not they are understood otherwise.
///
/// # Errors
/// It is no list of objects with ids.
pub fn ids(body: &[u8]) -> Result<BTreeSet<i64>, Unreadable> {
    #[derive(Deserialize)]
    struct Named {
        id: i64,
    }
    Ok(parse::<Vec<Named>>(body)?.into_iter().map(|it| it.id).collect())
}

/// The commits of `GET /repos/{owner}/{repo}/pulls/{number}/commits`.
///
/// # Errors
/// It is no list of commits.
pub fn commits(body: &[u8]) -> Result<Vec<CommitSha>, Unreadable> {
    #[derive(Deserialize)]
    struct Commit<'a> {
        #[serde(borrow)]
        sha: Text<'a>,
    }
    let commits = parse::<Vec<Commit<'_>>>(body)?;
    Ok(commits.iter().filter_map(|commit| CommitSha::parse(&commit.sha)).collect())
}

/// A text of an API's answer, bounded as those of webhooks are.
pub fn text(raw: &str) -> crate::domain::Text {
    translation::text(raw)
}

fn unclear(UnclearField(field): UnclearField) -> Unreadable {
    Unreadable(format!("`{field}` is missing or has a value that is not understood"))
}
