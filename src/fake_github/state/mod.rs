//! What the fake GitHub knows: repositories with their pull requests, commits, checks and runs, and the App's
//! installations. Plain data; `changes` alters it, `shapes` writes it down as GitHub does.

mod checks;
mod ids;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

pub use checks::{Annotation, Check, Job, JobLog, Maker, Run, Status, Step, Suite};
pub use ids::{Bases, Ids, account_id};

/// Everything.
#[derive(Debug, Default)]
pub struct State {
    pub repositories: BTreeMap<i64, Repository>,
    pub installations: BTreeMap<i64, Installation>,
    pub ids: Ids,
    pub bases: Bases,
    /// How many times the mergeability of a pull request is answered as not computed yet.
    pub slow_mergeability: u32,
}

/// A repository.
#[derive(Debug)]
pub struct Repository {
    pub id: i64,
    pub owner: String,
    pub name: String,
    /// `owner/name`, as it was once called: the API redirects these.
    pub former: Vec<String>,
    pub private: bool,
    pub default_branch: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub pushed_at: Timestamp,
    /// What its branches point to; a fork's branch is `owner:branch`.
    pub branches: BTreeMap<String, String>,
    pub commits: HashMap<String, Commit>,
    pub pulls: BTreeMap<i64, Pull>,
    pub suites: BTreeMap<i64, Suite>,
    pub checks: BTreeMap<i64, Check>,
    pub statuses: BTreeMap<i64, Status>,
    pub runs: BTreeMap<i64, Run>,
    /// By the id of the check run, which is the job's own.
    pub jobs: BTreeMap<i64, Job>,
    /// `admin`, `maintain`, `write`, `triage`, `read` or `none` of those that differ from `write`.
    pub roles: BTreeMap<String, String>,
    /// Members of the organisation who do not show that they are.
    pub hidden: BTreeSet<String>,
    /// Names of workflows and their ids.
    pub workflows: BTreeMap<String, i64>,
    /// An approving review is needed before a merge.
    pub review_required: bool,
    /// Checks that must pass before a merge.
    pub required_checks: BTreeSet<String>,
}

impl Repository {
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// What an account may do here.
    pub fn permission(&self, login: &str) -> &str {
        if login == self.owner {
            return "admin";
        }
        self.roles.get(login).map_or("write", String::as_str)
    }

    /// What payloads call the author of something.
    pub fn association(&self, login: &str) -> &'static str {
        if login == self.owner {
            return "OWNER";
        }
        if self.hidden.contains(login) {
            return "CONTRIBUTOR";
        }
        match self.permission(login) {
            "admin" | "maintain" | "write" if !login.ends_with("[bot]") => "MEMBER",
            "triage" => "COLLABORATOR",
            "read" => "CONTRIBUTOR",
            _ => "NONE",
        }
    }

    /// Open pull requests with this commit as their head.
    pub fn pulls_at<'a>(&'a self, sha: &'a str) -> impl Iterator<Item = &'a Pull> {
        self.pulls.values().filter(move |pull| pull.open() && pull.head_sha == sha)
    }

    pub fn checks_at<'a>(&'a self, sha: &'a str) -> impl Iterator<Item = &'a Check> {
        self.checks.values().filter(move |check| check.head_sha == sha)
    }

    /// All commits that can be reached from this one, itself too.
    pub fn history(&self, sha: &str) -> BTreeSet<String> {
        let (mut seen, mut next) = (BTreeSet::new(), vec![sha.to_owned()]);
        while let Some(sha) = next.pop() {
            if let Some(commit) = self.commits.get(&sha)
                && seen.insert(sha)
            {
                next.extend(commit.parents.iter().cloned());
            }
        }
        seen
    }

    /// What a branch, a commit or a `refs/heads/…` name points to.
    pub fn resolve(&self, name: &str) -> Option<String> {
        let short = name.strip_prefix("refs/heads/").unwrap_or(name);
        let branch = self.branches.get(short).cloned();
        branch.or_else(|| self.commits.contains_key(name).then(|| name.to_owned()))
    }

    /// The newest state of each context at a commit.
    pub fn latest_statuses(&self, sha: &str) -> Vec<&Status> {
        let mut latest: BTreeMap<&str, &Status> = BTreeMap::new();
        for status in self.statuses.values().filter(|status| status.sha == sha) {
            latest.insert(&status.context, status);
        }
        latest.into_values().collect()
    }

    /// The newest check run of each suite and name at a commit.
    pub fn latest_checks<'a>(&'a self, sha: &'a str) -> Vec<&'a Check> {
        let mut latest: BTreeMap<(i64, &str), &Check> = BTreeMap::new();
        for check in self.checks_at(sha) {
            latest.insert((check.suite, &check.name), check);
        }
        latest.into_values().collect()
    }
}

/// A commit of a repository, or of one of its forks.
#[derive(Debug, Clone)]
pub struct Commit {
    pub sha: String,
    pub parents: Vec<String>,
    pub message: String,
    pub author: String,
    pub at: Timestamp,
}

/// Where the head of a pull request lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// In the repository itself.
    Own,
    /// In a fork.
    Fork {
        /// The fork's id.
        id: i64,
        /// The fork's owner.
        owner: String,
    },
    /// In a fork that was deleted.
    Gone,
}

/// A pull request.
#[derive(Debug, Clone)]
pub struct Pull {
    pub id: i64,
    pub number: i64,
    pub title: String,
    pub body: String,
    pub author: String,
    pub draft: bool,
    pub head: Head,
    pub head_ref: String,
    pub head_sha: String,
    pub base_ref: String,
    pub base_sha: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub merged_at: Option<Timestamp>,
    pub merged_by: Option<String>,
    pub merge_commit: Option<String>,
    pub labels: Vec<String>,
    pub requested_reviewers: Vec<String>,
    /// Its commits cannot be merged into the base.
    pub conflicting: bool,
    /// A rule of the branch that the fake has no word for stands against it.
    pub blocked: bool,
    /// `None`: mergeability is known. Else how many questions are still answered with not computed.
    pub computing: Option<u32>,
    pub reviews: Vec<Review>,
    pub comments: Vec<Comment>,
    /// What was said below it, beside no line.
    pub remarks: Vec<Remark>,
    /// Root comments of resolved threads.
    pub resolved: BTreeSet<i64>,
    /// The merge group that tries it, by the group's commit.
    pub queued: Option<Group>,
}

impl Pull {
    /// The repository of its branch, where that is still there.
    pub(super) fn head_repository(&self, own: i64) -> Option<i64> {
        match self.head {
            Head::Own => Some(own),
            Head::Fork { id, .. } => Some(id),
            Head::Gone => None,
        }
    }

    pub fn open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// The root of a comment's thread.
    pub fn root(&self, comment: i64) -> i64 {
        let found = self.comments.iter().find(|it| it.id == comment);
        found.and_then(|it| it.in_reply_to).unwrap_or(comment)
    }

    /// Root comments in the order of their making.
    pub fn threads(&self) -> Vec<i64> {
        let mut roots: Vec<i64> =
            self.comments.iter().map(|it| it.in_reply_to.unwrap_or(it.id)).collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }

    /// `APPROVED`, `CHANGES_REQUESTED`, or `None` where nobody decided anything.
    pub fn decision(&self) -> Option<&'static str> {
        let mut newest: BTreeMap<&str, &str> = BTreeMap::new();
        for review in self.reviews.iter().filter(|it| it.state != "commented") {
            newest.insert(&review.author, &review.state);
        }
        let has = |state: &str| newest.values().any(|it| *it == state);
        match (has("changes_requested"), has("approved")) {
            (true, _) => Some("CHANGES_REQUESTED"),
            (false, true) => Some("APPROVED"),
            (false, false) => None,
        }
    }
}

/// A merge group.
#[derive(Debug, Clone)]
pub struct Group {
    pub sha: String,
    pub reference: String,
    pub base_sha: String,
    pub at: Timestamp,
}

/// A review; `state` as webhooks spell it: `approved`, `changes_requested`, `commented`, `dismissed`.
#[derive(Debug, Clone)]
pub struct Review {
    pub id: i64,
    pub author: String,
    pub state: String,
    pub body: String,
    pub commit: String,
    pub submitted_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A review comment.
#[derive(Debug, Clone)]
pub struct Comment {
    pub id: i64,
    pub review: i64,
    pub in_reply_to: Option<i64>,
    pub author: String,
    pub path: String,
    pub line: Option<i64>,
    pub body: String,
    pub commit: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A comment below a pull request, as issues have them.
#[derive(Debug, Clone)]
pub struct Remark {
    pub id: i64,
    pub author: String,
    pub body: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Where the App was let in.
#[derive(Debug, Clone)]
pub struct Installation {
    pub id: i64,
    pub account: String,
    /// `None`: all repositories of the account.
    pub selected: Option<BTreeSet<i64>>,
    pub suspended_at: Option<Timestamp>,
    pub permissions: BTreeMap<String, String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Installation {
    pub fn covers(&self, repository: &Repository) -> bool {
        let selected = self.selected.as_ref();
        self.account == repository.owner && selected.is_none_or(|it| it.contains(&repository.id))
    }
}

impl State {
    /// By its name, or one that it had; the flag says that the name is a former one.
    pub fn repository(&self, full_name: &str) -> Option<(&Repository, bool)> {
        let same = |name: &str| name.eq_ignore_ascii_case(full_name);
        let now = self.repositories.values().find(|it| same(&it.full_name()));
        now.map(|it| (it, false)).or_else(|| {
            let former = |it: &&Repository| it.former.iter().any(|name| same(name));
            self.repositories.values().find(former).map(|it| (it, true))
        })
    }

    /// Asking for a pull request starts the computation of its mergeability, and sees the end of one.
    pub fn compute_mergeability(&mut self, repo: i64, number: i64) {
        let pulls = self.repositories.get_mut(&repo).map(|repo| &mut repo.pulls);
        if let Some(pull) = pulls.and_then(|pulls| pulls.get_mut(&number)) {
            pull.computing = match pull.computing {
                Some(0) | None => None,
                Some(left) => Some(left - 1),
            };
        }
    }

    pub fn installation_of(&self, repository: &Repository) -> Option<&Installation> {
        self.installations.values().find(|it| it.covers(repository))
    }
}
