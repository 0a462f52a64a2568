//! What came of it, in the words that people see.

use nudged::domain::{CommitSha, Project, ProjectId, PullRequest, RepoId, Session, SessionId};
use nudged::lifecycle::{DrivingPull, PullRecord, display_status, driving_pull};

use super::Core;
use super::tell::REPO;

impl Core {
    /// `kind state` of every nudge that was ever said, in the order of creation.
    pub fn told(&self) -> Vec<String> {
        self.nudges().iter().map(|nudge| format!("{} {}", nudge.kind, nudge.state)).collect()
    }

    /// The same of the nudges of one kind.
    pub fn told_of(&self, kind: &str) -> Vec<String> {
        self.told().into_iter().filter(|told| told.starts_with(kind)).collect()
    }

    /// The text of the nudge that was said last.
    pub fn said(&self) -> &str {
        &self.nudges().last().expect("a nudge").body
    }

    fn record(&self, repo: RepoId, number: i64) -> &PullRecord {
        let id = self.known.pull_of_number(repo, number).expect("a pull request");
        self.known.pull(id).expect("its row")
    }

    /// The row of a pull request.
    pub fn row_in(&self, repo: RepoId, number: i64) -> &PullRequest {
        &self.record(repo, number).row
    }

    /// The row of a pull request of `acme/rocket`.
    pub fn row(&self, number: i64) -> &PullRequest {
        self.row_in(REPO, number)
    }

    pub fn ci(&self, number: i64) -> &'static str {
        self.row(number).ci.as_str()
    }

    pub fn mergeability(&self, number: i64) -> &'static str {
        self.row(number).mergeability.as_str()
    }

    /// The session that owns a pull request.
    pub fn owner(&self, number: i64) -> &str {
        self.row(number).session_id.as_ref().map_or("none", |id| &id.0)
    }

    /// `name status` of the checks at a pull request's head.
    pub fn checks(&self, number: i64) -> Vec<String> {
        let row = self.row(number);
        self.checks_at(row, &row.core.head_sha)
    }

    /// The same at all its commits.
    pub fn all_checks(&self, number: i64) -> Vec<String> {
        let record = self.record(REPO, number);
        let commits = record.registers.commits.keys();
        commits.flat_map(|sha| self.checks_at(&record.row, sha)).collect()
    }

    fn checks_at(&self, row: &PullRequest, sha: &CommitSha) -> Vec<String> {
        let rows = self.known.check_rows(row.id, sha).values();
        rows.map(|check| format!("{} {}", check.key.name, check.status)).collect()
    }

    /// `id body resolved` of the comments on pull request 1 that are there.
    pub fn comments(&self) -> Vec<String> {
        let rows = self.known.comment_rows(self.row(1).id).values();
        rows.map(|it| format!("{} {} {}", it.id, it.body, it.resolved)).collect()
    }

    /// The row of a session.
    pub fn the_session(&self, id: &str) -> &Session {
        self.known.session(&SessionId(id.into())).expect("a session")
    }

    /// `state status alive|dead reason` of a session.
    pub fn session(&self, id: &str) -> String {
        let id = SessionId(id.into());
        let session = self.known.session(&id).expect("a session");
        let pulls = self.known.pulls_of_session(&id).iter();
        let rows: Vec<&PullRequest> =
            pulls.filter_map(|id| self.known.pull(*id)).map(|record| &*record.row).collect();
        let driver = driving_pull(&rows, |row| (row.core.state, row.updated_at));
        let driver = driver.map(|row| DrivingPull {
            state: row.core.state,
            ci: row.ci,
            review: row.review,
            mergeability: row.mergeability,
            unresolved_comments: row.unresolved_comments,
        });
        let status = display_status(session.state, session.termination_reason, driver.as_ref());
        let life = if session.is_alive { "alive" } else { "dead" };
        let reason = session.termination_reason.map_or("", |reason| reason.as_str());
        format!("{} {status} {life} {reason}", session.state).trim_end().to_owned()
    }

    /// The project that watches a repository.
    pub fn project_of(&self, repo: RepoId) -> &Project {
        let id: &ProjectId = self.known.project_of_repo(repo).expect("a project");
        self.known.project(id).expect("its row")
    }
}
