//! Whose a failure is, by what else GitHub knows: whether the check fails at the base too, whether it passed on
//! the very commit, and how far the branch is behind.

use serde::Deserialize;

use super::budget::Priority;
use super::error::GithubError;
use super::github::{Github, Repo};
use crate::domain::{Blame, CommitSha, Elsewhere, RepoName, Text};
use crate::github::webhook::rest;

/// A failed check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    pub repo: RepoName,
    pub head: CommitSha,
    pub base_ref: Text,
    /// The app's slug.
    pub source: Text,
    pub name: Text,
    /// The check run that failed.
    pub run_id: i64,
    /// The Actions run that it belongs to, where it does.
    pub workflow_run_id: Option<i64>,
}

#[derive(Deserialize)]
struct Compared {
    behind_by: u64,
    merge_base_commit: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    sha: String,
}

#[derive(Deserialize)]
struct Runs {
    workflow_runs: Vec<Run>,
}

#[derive(Debug, Clone, Deserialize)]
struct Run {
    id: i64,
    head_sha: String,
    event: String,
    #[serde(default)]
    workflow_id: Option<i64>,
    #[serde(default)]
    check_suite_id: Option<i64>,
}

#[derive(Deserialize)]
struct Checks {
    check_runs: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    id: i64,
    name: String,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default)]
    app: Option<App>,
    #[serde(default)]
    check_suite: Option<Suite>,
}

#[derive(Deserialize)]
struct App {
    #[serde(default)]
    slug: Option<String>,
}

#[derive(Deserialize)]
struct Suite {
    id: i64,
}

impl Check {
    fn has_failed(&self) -> bool {
        matches!(self.conclusion.as_deref(), Some("failure" | "timed_out" | "startup_failure"))
    }

    fn at(&self, sha: &CommitSha) -> Elsewhere {
        let url = self.html_url.as_deref().unwrap_or_default();
        Elsewhere { sha: sha.clone(), url: rest::text(url) }
    }
}

/// Where to look for a check at a commit.
struct Place {
    sha: CommitSha,
    /// The suites whose runs are of the check's workflow; `None` where it has none.
    suites: Option<Vec<i64>>,
}

impl Github {
    /// What speaks for or against the change that a check failed on.
    ///
    /// # Errors
    /// GitHub cannot be asked now. What it knows nothing of is left empty.
    pub async fn blame(&self, suspect: &Suspect) -> Result<Blame, GithubError> {
        let repo = self.repo(&suspect.repo, Priority::Logs).await?;
        let compared = known(repo.compare(suspect).await)?;
        let merge_base = compared.as_ref().and_then(|it| it.merge_base_commit.as_ref());
        let merge_base = merge_base.and_then(|it| CommitSha::parse(&it.sha));
        let behind = compared.as_ref().map(|it| it.behind_by);

        let at_head = repo.runs_at(&suspect.head).await?;
        let own = suspect.workflow_run_id;
        let own = own.and_then(|id| at_head.iter().find(|run| run.id == id));
        let workflow = own.and_then(|run| run.workflow_id);
        let passed = repo.passed(suspect, &at_head, workflow).await?;

        let mut base = None;
        let mut places = Vec::new();
        if let Some(sha) = merge_base {
            let runs = if workflow.is_some() { repo.runs_at(&sha).await? } else { Vec::new() };
            places.push(Place { sha, suites: suites(&runs, workflow) });
        }
        if let Some(last) = repo.last_push(suspect, workflow).await?
            && !places.iter().any(|place| place.sha == last.sha)
        {
            places.push(last);
        }
        for place in places {
            let checks = repo.checks(suspect, &place, "latest").await?;
            if let Some(failed) = checks.iter().find(|check| check.has_failed()) {
                base = Some(failed.at(&place.sha));
                break;
            }
        }
        Ok(Blame { base, passed, behind })
    }
}

impl Repo {
    async fn compare(&self, suspect: &Suspect) -> Result<Compared, GithubError> {
        let (base, head) = (encoded(&suspect.base_ref), suspect.head.as_str());
        let path = format!("/compare/{base}...{head}?per_page=1");
        read(&self.get("compare", &path).await?.body)
    }

    /// The workflow runs at a commit; none where Actions are off.
    async fn runs_at(&self, sha: &CommitSha) -> Result<Vec<Run>, GithubError> {
        let path = format!("/actions/runs?head_sha={}&per_page=100", sha.as_str());
        let answer = known(self.get("runs", &path).await)?;
        let runs = answer.map(|answer| read::<Runs>(&answer.body)).transpose()?;
        Ok(runs.map_or_else(Vec::new, |runs| runs.workflow_runs))
    }

    /// Another run of the same check that passed on the commit.
    async fn passed(
        &self,
        suspect: &Suspect,
        at_head: &[Run],
        workflow: Option<i64>,
    ) -> Result<Option<Elsewhere>, GithubError> {
        let suites = workflow.map(|workflow| {
            let same = at_head.iter().filter(|run| run.workflow_id == Some(workflow));
            same.filter_map(|run| run.check_suite_id).collect()
        });
        let place = Place { sha: suspect.head.clone(), suites };
        let checks = self.checks(suspect, &place, "all").await?;
        let others = checks.iter().filter(|check| check.id != suspect.run_id);
        let passed = |check: &&Check| check.conclusion.as_deref() == Some("success");
        Ok(others.filter(passed).map(|check| check.at(&place.sha)).next())
    }

    /// The last completed run of the workflow on a push to the base; without a workflow its last commit.
    async fn last_push(
        &self,
        suspect: &Suspect,
        workflow: Option<i64>,
    ) -> Result<Option<Place>, GithubError> {
        let base = encoded(&suspect.base_ref);
        let Some(workflow) = workflow else {
            let answer = known(self.get("commit", &format!("/commits/{base}")).await)?;
            let named = answer.map(|answer| read::<Named>(&answer.body)).transpose()?;
            let sha = named.and_then(|named| CommitSha::parse(&named.sha));
            return Ok(sha.map(|sha| Place { sha, suites: None }));
        };
        let path = format!(
            "/actions/workflows/{workflow}/runs?branch={base}&event=push&status=completed&per_page=1"
        );
        let Some(answer) = known(self.get("runs", &path).await)? else { return Ok(None) };
        let runs = read::<Runs>(&answer.body)?.workflow_runs;
        let of_push = runs.into_iter().find(|run| run.event == "push");
        Ok(of_push.and_then(|run| {
            let sha = CommitSha::parse(&run.head_sha)?;
            Some(Place { sha, suites: Some(run.check_suite_id.into_iter().collect()) })
        }))
    }

    /// The runs of the suspect's check at a place.
    async fn checks(
        &self,
        suspect: &Suspect,
        place: &Place,
        filter: &str,
    ) -> Result<Vec<Check>, GithubError> {
        let name: String = form_urlencoded::byte_serialize(suspect.name.as_bytes()).collect();
        let path = format!(
            "/commits/{}/check-runs?check_name={name}&filter={filter}&per_page=100",
            place.sha.as_str()
        );
        let Some(answer) = known(self.get("check_runs", &path).await)? else {
            return Ok(Vec::new());
        };
        let mut checks = read::<Checks>(&answer.body)?.check_runs;
        checks.retain(|check| {
            let slug = check.app.as_ref().and_then(|app| app.slug.as_deref());
            let suite = check.check_suite.as_ref().map(|suite| suite.id);
            let within = |suites: &Vec<i64>| suite.is_some_and(|suite| suites.contains(&suite));
            *check.name == *suspect.name
                && slug.is_none_or(|slug| slug == &*suspect.source)
                && place.suites.as_ref().is_none_or(within)
        });
        Ok(checks)
    }
}

/// The suites of a workflow's runs on pushes and pull requests.
fn suites(runs: &[Run], workflow: Option<i64>) -> Option<Vec<i64>> {
    let workflow = workflow?;
    let counts = |run: &&Run| {
        run.workflow_id == Some(workflow) && matches!(run.event.as_str(), "push" | "pull_request")
    };
    Some(runs.iter().filter(counts).filter_map(|run| run.check_suite_id).collect())
}

/// What GitHub does not have, or does not show, is not known.
fn known<T>(asked: Result<T, GithubError>) -> Result<Option<T>, GithubError> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(GithubError::NotFound | GithubError::Gone | GithubError::Forbidden { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, GithubError> {
    serde_json::from_slice(body).map_err(|error| GithubError::Malformed(error.to_string()))
}

/// A branch's name as part of a path or a query.
fn encoded(branch: &str) -> String {
    form_urlencoded::byte_serialize(branch.as_bytes()).collect::<String>().replace('+', "%20")
}
