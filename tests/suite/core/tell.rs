//! Facts that read like sentences: `pull(1).head(2).at(10)`, `check("build").failed().at(20)`.
//!
//! What is not said is pull request 1 of `acme/rocket`, commit 1, second 0.

mod checks;
mod logs;
mod queue;
mod talk;

use std::sync::Arc;

use jiff::SignedDuration;
use nudged::domain::{
    CommitSha, Mergeability, PrState, PullCore, PullSeen, RepoId, RepoName, RepoSeen,
    ScmObservation, Timestamp,
};

pub use checks::{Check, check, status, suite_completed, workflow_run};
pub use logs::{refreshed, trouble};
pub use queue::{enqueued, group, left_queue};
pub use talk::{comment, remark, resolved, review, unresolved};

/// `acme/rocket`.
pub const REPO: RepoId = RepoId(41);

/// A full commit hash from a small number.
pub fn sha(number: u64) -> CommitSha {
    CommitSha::parse(&format!("{number:040x}")).expect("a hash")
}

/// An instant of the story's own time, in seconds since its start.
pub fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-05-01T08:00:00Z".parse().expect("an instant");
    start.checked_add(SignedDuration::from_secs(seconds)).expect("an instant")
}

/// A repository, as every payload shows it.
pub fn repo(id: i64, name: &str) -> RepoSeen {
    RepoSeen {
        id: RepoId(id),
        name: RepoName::parse(name).expect("a name"),
        url: format!("https://github.com/{name}").into(),
        updated_at: Some(at(-1_000)),
        former: None,
        is_private: None,
    }
}

/// The repository as it is called since that second.
pub fn renamed(id: i64, name: &str, seconds: i64) -> RepoSeen {
    RepoSeen { updated_at: Some(at(seconds)), ..repo(id, name) }
}

/// The event that says so.
pub fn named(id: i64, name: &str, seconds: i64) -> ScmObservation {
    ScmObservation::Repository { repo: renamed(id, name, seconds) }
}

/// `acme/rocket` as a payload of that second shows who may see it.
pub fn seen_by(everybody: bool, seconds: i64) -> RepoSeen {
    RepoSeen { is_private: Some(!everybody), ..renamed(REPO.0, "acme/rocket", seconds) }
}

fn rocket() -> RepoSeen {
    repo(REPO.0, "acme/rocket")
}

/// A pull request as a payload shows it.
#[derive(Clone)]
pub struct Pull {
    repo: RepoSeen,
    seen: PullSeen,
}

/// A pull request of that number on its branch `branch-{number}`: open, its mergeability not computed yet.
pub fn pull(number: i64) -> Pull {
    let core = PullCore {
        state: PrState::Open,
        title: format!("Change {number}").into(),
        author: "ada-agent".into(),
        head_ref: format!("branch-{number}").into(),
        head_sha: sha(1),
        head_repo: Some(REPO),
        base_ref: "main".into(),
        base_sha: sha(1_000_000),
        created_at: at(-500),
        first: false,
    };
    let core = Arc::new(core);
    let updated_at = at(0);
    let seen = PullSeen { number, core, updated_at, before: None, mergeability: None, read: None };
    Pull { repo: rocket(), seen }
}

impl Pull {
    fn with(mut self, change: impl FnOnce(&mut PullCore)) -> Self {
        change(Arc::make_mut(&mut self.seen.core));
        self
    }

    pub fn head(self, number: u64) -> Self {
        self.head_sha(&sha(number))
    }

    pub fn head_sha(self, sha: &CommitSha) -> Self {
        self.with(|core| core.head_sha = sha.clone())
    }

    /// A push has put this head in the place of that one.
    pub fn moved(self, before: u64, head: u64) -> Self {
        self.head(head).replaces(&sha(before))
    }

    /// A push has put its head in the place of that commit.
    pub fn replaces(mut self, before: &CommitSha) -> Self {
        self.seen.before = Some(before.clone());
        self
    }

    pub fn at(mut self, seconds: i64) -> Self {
        self.seen.updated_at = at(seconds);
        self
    }

    pub fn titled(self, title: &str) -> Self {
        self.with(|core| core.title = title.into())
    }

    /// As the payload of the opening shows it.
    pub fn first(self) -> Self {
        self.with(|core| core.first = true)
    }

    pub fn draft(self) -> Self {
        self.with(|core| core.state = PrState::Draft)
    }

    pub fn closed(self) -> Self {
        self.with(|core| core.state = PrState::Closed)
    }

    pub fn merged(self) -> Self {
        self.with(|core| core.state = PrState::Merged)
    }

    pub fn branch(self, name: &str) -> Self {
        self.with(|core| core.head_ref = name.into())
    }

    /// Its branch is another repository's.
    pub fn of_fork(self) -> Self {
        self.with(|core| core.head_repo = Some(RepoId(4_242)))
    }

    pub fn base(self, branch: &str) -> Self {
        self.with(|core| core.base_ref = branch.into())
    }

    pub fn answered(mut self, mergeability: Mergeability) -> Self {
        self.seen.mergeability = Some(mergeability);
        self
    }

    pub fn clean(self) -> Self {
        self.answered(Mergeability::Mergeable)
    }

    pub fn dirty(self) -> Self {
        self.answered(Mergeability::Conflicting)
    }

    pub fn of_repo(mut self, repo: RepoSeen) -> Self {
        self.repo = repo;
        self
    }
}

impl From<Pull> for ScmObservation {
    fn from(Pull { repo, seen }: Pull) -> Self {
        Self::Pull { repo, pull: seen }
    }
}

/// A push to a branch.
pub fn push(branch: &str, seconds: i64) -> ScmObservation {
    ScmObservation::Push { repo: rocket(), branch: branch.into(), pushed_at: at(seconds) }
}
