//! The fields of GitHub's payloads that are in use, and nothing else.
//!
//! Borrowed where possible, tolerant of everything that is not named here: GitHub adds fields,
//! actions and values without notice, and Enterprise Server sends the shapes of years ago.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::when::When;

type Text<'a> = Cow<'a, str>;

#[derive(Debug, Deserialize)]
pub(super) struct Repository<'a> {
    pub(super) id: i64,
    #[serde(borrow)]
    pub(super) full_name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) html_url: Option<Text<'a>>,
    #[serde(default)]
    pub(super) updated_at: When,
    /// Unix seconds in `push`, a text elsewhere.
    #[serde(default)]
    pub(super) pushed_at: When,
}

#[derive(Debug, Deserialize)]
pub(super) struct User<'a> {
    pub(super) id: i64,
    #[serde(borrow)]
    pub(super) login: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PullRequestEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    #[serde(borrow)]
    pub(super) pull_request: PullRequest<'a>,
    /// The replaced head; only `synchronize` has it.
    #[serde(borrow, default)]
    pub(super) before: Option<Text<'a>>,
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
    pub(super) merged_at: When,
    pub(super) created_at: When,
    pub(super) updated_at: When,
    #[serde(borrow)]
    pub(super) head: Branch<'a>,
    #[serde(borrow)]
    pub(super) base: Branch<'a>,
    /// `null`: not computed yet. Absent: the payload does not speak of it.
    #[serde(default)]
    pub(super) mergeable: Option<bool>,
    #[serde(borrow, default)]
    pub(super) mergeable_state: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Branch<'a> {
    #[serde(borrow, rename = "ref")]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) sha: Text<'a>,
    /// `null` when the fork was deleted.
    #[serde(default)]
    pub(super) repo: Option<RepositoryId>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RepositoryId {
    pub(super) id: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReviewEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    #[serde(borrow)]
    pub(super) pull_request: PullRequest<'a>,
    #[serde(borrow)]
    pub(super) review: Review<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Review<'a> {
    pub(super) id: i64,
    #[serde(borrow, default)]
    pub(super) user: Option<User<'a>>,
    #[serde(borrow)]
    pub(super) state: Text<'a>,
    #[serde(default)]
    pub(super) submitted_at: When,
    #[serde(borrow, default)]
    pub(super) html_url: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckRunEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    #[serde(borrow)]
    pub(super) check_run: CheckRun<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckRun<'a> {
    pub(super) id: i64,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) head_sha: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow, default)]
    pub(super) conclusion: Option<Text<'a>>,
    #[serde(default)]
    pub(super) started_at: When,
    #[serde(default)]
    pub(super) completed_at: When,
    #[serde(borrow, default)]
    pub(super) html_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) details_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) output: Option<Output<'a>>,
    #[serde(default)]
    pub(super) check_suite: Option<CheckSuite>,
    #[serde(borrow, default)]
    pub(super) app: Option<App<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckSuite {
    pub(super) id: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct App<'a> {
    pub(super) id: i64,
    /// Older Enterprise Servers send a name only.
    #[serde(borrow, default)]
    pub(super) slug: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Output<'a> {
    #[serde(borrow, default)]
    pub(super) title: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) summary: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) text: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WorkflowJobEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    #[serde(borrow)]
    pub(super) workflow_job: WorkflowJob<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WorkflowJob<'a> {
    /// The id of the check run it names.
    pub(super) id: i64,
    pub(super) run_id: i64,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) head_sha: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow, default)]
    pub(super) conclusion: Option<Text<'a>>,
    #[serde(default)]
    pub(super) started_at: When,
    #[serde(default)]
    pub(super) completed_at: When,
    #[serde(borrow, default)]
    pub(super) html_url: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) steps: Option<Vec<Step<'a>>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Step<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) conclusion: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WorkflowRunEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    #[serde(borrow)]
    pub(super) workflow_run: WorkflowRun<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WorkflowRun<'a> {
    pub(super) id: i64,
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) head_sha: Text<'a>,
    #[serde(borrow)]
    pub(super) event: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow, default)]
    pub(super) conclusion: Option<Text<'a>>,
    #[serde(default)]
    pub(super) workflow_id: Option<i64>,
    #[serde(default)]
    pub(super) check_suite_id: Option<i64>,
    #[serde(default)]
    pub(super) run_attempt: Option<i64>,
    #[serde(default)]
    pub(super) run_started_at: When,
    #[serde(default)]
    pub(super) created_at: When,
    #[serde(default)]
    pub(super) updated_at: When,
    #[serde(borrow, default)]
    pub(super) html_url: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StatusEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    pub(super) id: i64,
    #[serde(borrow)]
    pub(super) sha: Text<'a>,
    #[serde(borrow)]
    pub(super) context: Text<'a>,
    #[serde(borrow)]
    pub(super) state: Text<'a>,
    #[serde(borrow, default)]
    pub(super) description: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) target_url: Option<Text<'a>>,
    pub(super) created_at: When,
    pub(super) updated_at: When,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReviewCommentEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    #[serde(borrow)]
    pub(super) pull_request: PullRequest<'a>,
    #[serde(borrow)]
    pub(super) comment: Comment<'a>,
}

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
    pub(super) html_url: Option<Text<'a>>,
    pub(super) created_at: When,
    pub(super) updated_at: When,
}

#[derive(Debug, Deserialize)]
pub(super) struct ThreadEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    #[serde(borrow)]
    pub(super) pull_request: PullRequest<'a>,
    #[serde(borrow)]
    pub(super) thread: Thread<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Thread<'a> {
    #[serde(borrow)]
    pub(super) comments: Vec<Comment<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct IssueCommentEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    pub(super) issue: Issue,
    #[serde(borrow)]
    pub(super) comment: Comment<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Issue {
    pub(super) number: i64,
    /// There only if the issue is a pull request.
    #[serde(default)]
    pub(super) pull_request: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CheckSuiteEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
    #[serde(borrow)]
    pub(super) check_suite: CompletedSuite<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CompletedSuite<'a> {
    pub(super) id: i64,
    #[serde(borrow)]
    pub(super) head_sha: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PushEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow, rename = "ref")]
    pub(super) reference: Text<'a>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RepositoryEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) repository: Repository<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct InstallationEvent<'a> {
    #[serde(borrow, default)]
    pub(super) action: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) installation: Installation<'a>,
    #[serde(default)]
    pub(super) repositories_added: Vec<RepositoryId>,
    #[serde(default)]
    pub(super) repositories_removed: Vec<RepositoryId>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Installation<'a> {
    #[serde(borrow)]
    pub(super) account: User<'a>,
    #[serde(default)]
    pub(super) updated_at: When,
}
