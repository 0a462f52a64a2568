//! The fields of GitHub's payloads that are in use, and nothing else.
//!
//! Borrowed where possible, tolerant of everything that is not named here: GitHub adds fields,
//! actions and values without notice, and Enterprise Server sends the shapes of years ago.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::envelope::Envelope;
use super::scalar::{Text, Time};

/// An event of a repository: what all of them have, and the fields of its own. With `maybe`, GitHub may
/// leave the repository out.
macro_rules! event {
    ($name:ident { $($fields:tt)* }) => {
        event!($name, Repository<'a>, { $($fields)* });
    };
    (maybe $name:ident { $($fields:tt)* }) => {
        event!($name, Option<Repository<'a>>, { $($fields)* });
    };
    ($name:ident, $repository:ty, { $($(#[$meta:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(Debug, Deserialize)]
        pub(in crate::github::webhook) struct $name<'a> {
            #[serde(borrow, default)]
            pub(in crate::github::webhook) action: Option<Text<'a>>,
            #[serde(borrow)]
            pub(in crate::github::webhook) repository: $repository,
            $($(#[$meta])* pub(in crate::github::webhook) $field: $type,)*
        }

        impl Envelope for $name<'_> {
            fn action(&self) -> Option<&str> {
                self.action.as_deref()
            }

            fn repo(&self) -> Option<&str> {
                self.repository.full_name()
            }
        }
    };
}

mod checks;

pub(super) use checks::{
    App, CheckRun, CheckRunEvent, CheckSuiteEvent, Output, StatusEvent, Step, WorkflowJob,
    WorkflowJobEvent, WorkflowRun, WorkflowRunEvent,
};

/// What may name a repository.
trait Named {
    /// `owner/name`.
    fn full_name(&self) -> Option<&str>;
}

impl Named for Repository<'_> {
    fn full_name(&self) -> Option<&str> {
        Some(&self.full_name)
    }
}

impl Named for Option<Repository<'_>> {
    fn full_name(&self) -> Option<&str> {
        self.as_ref().map(|repository| &*repository.full_name)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Repository<'a> {
    pub(super) id: i64,
    #[serde(borrow)]
    pub(super) full_name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) html_url: Option<Text<'a>>,
    #[serde(default)]
    pub(super) updated_at: Time,
    /// Unix seconds in `push`, a text elsewhere.
    #[serde(default)]
    pub(super) pushed_at: Time,
    #[serde(default)]
    pub(super) private: Option<bool>,
    /// `public`, `private` or `internal`.
    #[serde(borrow, default)]
    pub(super) visibility: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct User<'a> {
    pub(super) id: i64,
    #[serde(borrow)]
    pub(super) login: Text<'a>,
    /// `User`, `Bot` and others.
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
}

event!(PullRequestEvent {
    #[serde(borrow)]
    pull_request: PullRequest<'a>,
    /// The replaced head; only `synchronize` has it.
    #[serde(borrow, default)]
    before: Option<Text<'a>>,
    /// Why it left the merge queue; only `dequeued` has it.
    #[serde(borrow, default)]
    reason: Option<Text<'a>>,
});

event!(maybe MergeGroupEvent {
    #[serde(borrow)]
    merge_group: MergeGroup<'a>,
});

#[derive(Debug, Deserialize)]
pub(super) struct MergeGroup<'a> {
    #[serde(borrow)]
    pub(super) head_sha: Text<'a>,
    /// `refs/heads/gh-readonly-queue/main/pr-104-…`.
    #[serde(borrow)]
    pub(super) head_ref: Text<'a>,
    #[serde(default)]
    pub(super) head_commit: Option<GroupCommit>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GroupCommit {
    #[serde(default)]
    pub(super) timestamp: Time,
}

#[derive(Debug, Deserialize)]
pub(super) struct PullRequest<'a> {
    pub(super) number: i64,
    #[serde(borrow)]
    pub(super) state: Text<'a>,
    #[serde(borrow)]
    pub(super) title: Text<'a>,
    #[serde(borrow, default)]
    pub(super) user: Option<User<'a>>,
    #[serde(default)]
    pub(super) draft: Option<bool>,
    #[serde(default)]
    pub(super) merged: Option<bool>,
    #[serde(default)]
    pub(super) merged_at: Time,
    pub(super) created_at: Time,
    pub(super) updated_at: Time,
    #[serde(borrow)]
    pub(super) head: HeadBranch<'a>,
    #[serde(borrow)]
    pub(super) base: BaseBranch<'a>,
    /// `null`: not computed yet. Absent: the payload does not speak of it.
    #[serde(default)]
    pub(super) mergeable: Option<bool>,
    #[serde(borrow, default)]
    pub(super) mergeable_state: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct HeadBranch<'a> {
    #[serde(borrow, rename = "ref")]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) sha: Text<'a>,
    /// `null` when the fork was deleted.
    #[serde(default)]
    pub(super) repo: Option<RepositoryId>,
}

/// Its `repo` is the event's own.
#[derive(Debug, Deserialize)]
pub(super) struct BaseBranch<'a> {
    #[serde(borrow, rename = "ref")]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) sha: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RepositoryId {
    pub(super) id: i64,
}

event!(ReviewEvent {
    #[serde(borrow)]
    pull_request: PullRequest<'a>,
    #[serde(borrow)]
    review: Review<'a>,
});

#[derive(Debug, Deserialize)]
pub(super) struct Review<'a> {
    pub(super) id: i64,
    #[serde(borrow, default)]
    pub(super) user: Option<User<'a>>,
    #[serde(borrow)]
    pub(super) state: Text<'a>,
    #[serde(default)]
    pub(super) submitted_at: Time,
    #[serde(borrow, default)]
    pub(super) body: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) author_association: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) html_url: Option<Text<'a>>,
}

event!(ReviewCommentEvent {
    #[serde(borrow)]
    pull_request: PullRequest<'a>,
    #[serde(borrow)]
    comment: Comment<'a>,
});

#[derive(Debug, Deserialize)]
pub(super) struct Comment<'a> {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) pull_request_review_id: Option<i64>,
    #[serde(default)]
    pub(super) in_reply_to_id: Option<i64>,
    #[serde(borrow, default)]
    pub(super) user: Option<User<'a>>,
    #[serde(borrow, default)]
    pub(super) path: Option<Text<'a>>,
    #[serde(default)]
    pub(super) line: Option<i64>,
    #[serde(default)]
    pub(super) original_line: Option<i64>,
    #[serde(borrow, default)]
    pub(super) body: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) author_association: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) html_url: Option<Text<'a>>,
    pub(super) created_at: Time,
    pub(super) updated_at: Time,
}

event!(ThreadEvent {
    #[serde(borrow)]
    pull_request: PullRequest<'a>,
    #[serde(borrow)]
    thread: Thread<'a>,
});

#[derive(Debug, Deserialize)]
pub(super) struct Thread<'a> {
    #[serde(borrow)]
    pub(super) comments: Vec<Comment<'a>>,
}

event!(IssueCommentEvent {
    issue: Issue,
    #[serde(borrow)]
    comment: Comment<'a>,
});

#[derive(Debug, Deserialize)]
pub(super) struct Issue {
    pub(super) number: i64,
    /// There only if the issue is a pull request.
    #[serde(default)]
    pub(super) pull_request: Option<IgnoredAny>,
}

event!(PushEvent {
    #[serde(borrow, rename = "ref")]
    reference: Text<'a>,
});

event!(maybe RepositoryEvent {
    /// What the payload says it was before.
    #[serde(borrow, default)]
    changes: Option<RepositoryChanges<'a>>,
});

#[derive(Debug, Deserialize)]
pub(super) struct RepositoryChanges<'a> {
    /// Of `renamed`.
    #[serde(borrow, default)]
    pub(super) repository: Option<RenamedRepository<'a>>,
    /// Of `transferred`.
    #[serde(borrow, default)]
    pub(super) owner: Option<FormerOwner<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RenamedRepository<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<From<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct From<'a> {
    #[serde(borrow, default)]
    pub(super) from: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FormerOwner<'a> {
    #[serde(borrow, default)]
    pub(super) from: Option<Owner<'a>>,
}

/// One of both is there.
#[derive(Debug, Deserialize)]
pub(super) struct Owner<'a> {
    #[serde(borrow, default)]
    pub(super) user: Option<Account<'a>>,
    #[serde(borrow, default)]
    pub(super) organization: Option<Account<'a>>,
}

/// A user, an organisation, or an enterprise, which has no login.
#[derive(Debug, Deserialize)]
pub(super) struct Account<'a> {
    #[serde(borrow, default)]
    pub(super) login: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct InstallationEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) installation: Installation<'a>,
    /// Of `created` and its like: those that the account let in.
    #[serde(default)]
    pub(super) repositories: Option<Vec<RepositoryId>>,
    #[serde(default)]
    pub(super) repositories_added: Vec<RepositoryId>,
    #[serde(default)]
    pub(super) repositories_removed: Vec<RemovedRepository>,
}

/// As the schema has it, it may come without an id.
#[derive(Debug, Deserialize)]
pub(super) struct RemovedRepository {
    #[serde(default)]
    pub(super) id: Option<i64>,
}

impl Envelope for InstallationEvent<'_> {
    fn action(&self) -> Option<&str> {
        self.action.as_deref()
    }

    fn repo(&self) -> Option<&str> {
        None
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Installation<'a> {
    #[serde(borrow, default)]
    pub(super) account: Option<Account<'a>>,
    #[serde(default)]
    pub(super) updated_at: Time,
}
