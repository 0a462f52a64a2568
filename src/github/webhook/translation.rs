//! From GitHub's payloads to observations: `docs/github-rules.md` 13 to 20, applied at the wall.

mod checks;

use std::sync::Arc;

use super::envelope::Envelope;
use super::payload::{
    HeadBranch, InstallationEvent, IssueCommentEvent, MergeGroupEvent, PullRequest,
    PullRequestEvent, PushEvent, Repository, RepositoryChanges, RepositoryEvent, Review,
    ReviewCommentEvent, ReviewEvent, ThreadEvent, User,
};
use super::scalar::Time;
use crate::domain::{
    self, Comment, CommentKind, CommitSha, Mergeability, PrState, PullCore, PullSeen, QueueEvent,
    QueueFact, RepoId, RepoName, RepoSeen, ReviewState, ScmObservation, Standing, Text, Thread,
    Timestamp,
};
use crate::excerpt::{excerpt_text, truncate};

pub(super) use checks::{
    check_run, check_suite, job_at, run_at, status, workflow_at, workflow_job, workflow_run,
};

/// Bytes kept of a name, a title or an address.
pub(super) const MOST_TEXT: usize = 1_000;
/// Bytes kept of what a failed check wrote.
const MOST_OUTPUT: usize = 8 * 1024;

/// Why an event is ignored in which GitHub names no repository.
const NO_REPOSITORY: &str = "it names no repository";

/// A required field is missing, or has a value that is not understood.
pub(super) struct UnclearField(pub(super) &'static str);

/// What an event says.
pub(super) enum Translation {
    Fact(Box<ScmObservation>),
    /// Nothing that concerns us, for the reason given.
    OfNoInterest(&'static str),
}

type Translated = Result<Translation, UnclearField>;

fn fact(observation: ScmObservation) -> Translated {
    Ok(Translation::Fact(Box::new(observation)))
}

fn of_no_interest(reason: &'static str) -> Translated {
    Ok(Translation::OfNoInterest(reason))
}

/// `pull_request`, whatever its action: each carries the whole pull request.
pub(super) fn pull_request(event: &PullRequestEvent<'_>) -> Translated {
    let before = event.before.as_ref().filter(|_| event.action() == Some("synchronize"));
    let before = before.map(|sha| commit(sha, "before")).transpose()?;
    let mut pull = pull_seen(&event.pull_request, before)?;
    let core = Arc::make_mut(&mut pull.core);
    // What the action says beats a body that still shows the state before.
    match (event.action(), core.state) {
        (Some("closed"), PrState::Open | PrState::Draft) => core.state = PrState::Closed,
        (Some("reopened"), PrState::Closed) if event.pull_request.draft == Some(true) => {
            core.state = PrState::Draft;
        }
        (Some("reopened"), PrState::Closed) => core.state = PrState::Open,
        (Some("opened"), _) => core.first = true,
        _ => {}
    }
    let repo = repo(&event.repository)?;
    let happened = match event.action() {
        Some("enqueued") => QueueEvent::Joined,
        Some("dequeued") => {
            let (head, reason) =
                (pull.core.head_sha.clone(), optional_text(event.reason.as_deref()));
            QueueEvent::Left { head, reason }
        }
        _ => return fact(ScmObservation::Pull { repo, pull }),
    };
    let queue = QueueFact { at: pull.updated_at, event: happened };
    fact(ScmObservation::Queued { repo, pull, fact: queue })
}

/// `merge_group`, whatever its action: which commit tries which pull request.
pub(super) fn merge_group(event: &MergeGroupEvent<'_>) -> Translated {
    let Some(repository) = &event.repository else { return of_no_interest(NO_REPOSITORY) };
    let group = &event.merge_group;
    let Some(number) = grouped_pull(&group.head_ref) else {
        return of_no_interest("the merge group names no pull request");
    };
    let sha = commit(&group.head_sha, "merge_group.head_sha")?;
    let Some(at) = group.head_commit.as_ref().and_then(|commit| commit.timestamp.0) else {
        return of_no_interest("the merge group's commit has no time");
    };
    let queue = QueueFact { at, event: QueueEvent::Group { sha } };
    fact(ScmObservation::MergeGroup { repo: repo(repository)?, number, fact: queue })
}

/// The pull request in a merge group's branch, such as `refs/heads/gh-readonly-queue/main/pr-104-8bb4f07`.
fn grouped_pull(head_ref: &str) -> Option<i64> {
    let (_, name) = head_ref.split_once("gh-readonly-queue/")?;
    let (_, named) = name.rsplit_once("/pr-")?;
    named.split('-').next()?.parse().ok().filter(|number| *number > 0)
}

/// `pull_request_review`.
pub(super) fn review(event: &ReviewEvent<'_>) -> Translated {
    let pull = pull_seen(&event.pull_request, None)?;
    let review = review_of(&event.review, pull.updated_at)?;
    fact(ScmObservation::Review { repo: repo(&event.repository)?, pull, review })
}

/// A review, as it is seen of a pull request that was changed last at `seen_at`.
pub(super) fn review_of(
    seen: &Review<'_>,
    seen_at: Timestamp,
) -> Result<domain::Review, UnclearField> {
    let state = match seen.state.to_ascii_lowercase().as_str() {
        "approved" => ReviewState::Approved,
        "changes_requested" => ReviewState::ChangesRequested,
        "dismissed" => ReviewState::Dismissed,
        "commented" => ReviewState::Commented,
        "pending" => ReviewState::Pending,
        _ => return Err(UnclearField("review.state")),
    };
    Ok(domain::Review {
        id: seen.id,
        author_id: seen.user.as_ref().map(|user| user.id),
        author: seen.user.as_ref().map_or_else(ghost, |user| text(&user.login)),
        state,
        submitted_at: seen.submitted_at.0.unwrap_or(seen_at),
        seen_at,
        url: optional_text(seen.html_url.as_deref()),
        body: excerpt_text(seen.body.as_deref().unwrap_or_default(), MOST_OUTPUT).into(),
        standing: standing(seen.user.as_ref(), seen.author_association.as_deref()),
    })
}

/// `pull_request_review_comment`.
pub(super) fn review_comment(event: &ReviewCommentEvent<'_>) -> Translated {
    let pull = pull_seen(&event.pull_request, None)?;
    let comment = comment(&event.comment, CommentKind::Review, event.action() == Some("deleted"))?;
    let (repo, number) = (repo(&event.repository)?, pull.number);
    fact(ScmObservation::Comment { repo, number, pull: Some(pull), comment })
}

/// `pull_request_review_thread`: the only word on whether a thread is resolved.
pub(super) fn review_thread(event: &ThreadEvent<'_>) -> Translated {
    let pull = pull_seen(&event.pull_request, None)?;
    let comments = event.thread.comments.iter();
    let comments: Vec<Arc<Comment>> =
        comments.map(|seen| comment(seen, CommentKind::Review, false)).collect::<Result<_, _>>()?;
    let repo = repo(&event.repository)?;
    // A thread is named by its comments alone: without any, the pull request is all that is shown.
    let Some(root_id) = comments.first().map(|comment| comment.root_id) else {
        return fact(ScmObservation::Pull { repo, pull });
    };
    let thread =
        Thread { root_id, resolved: event.action() == Some("resolved"), at: pull.updated_at };
    fact(ScmObservation::Thread { repo, pull, thread, comments })
}

/// `issue_comment`, where the issue is a pull request.
pub(super) fn issue_comment(event: &IssueCommentEvent<'_>) -> Translated {
    if event.issue.pull_request.is_none() {
        return of_no_interest("the issue is no pull request");
    }
    let deleted = event.action() == Some("deleted");
    let comment = comment(&event.comment, CommentKind::Issue, deleted)?;
    let (repo, number) = (repo(&event.repository)?, event.issue.number);
    fact(ScmObservation::Comment { repo, number, pull: None, comment })
}

/// `push` to a branch.
pub(super) fn push(event: &PushEvent<'_>) -> Translated {
    let Some(branch) = event.reference.strip_prefix("refs/heads/") else {
        return of_no_interest("the push is not to a branch");
    };
    // Without its time a push is neither before nor after what is known.
    let Some(pushed_at) = event.repository.pushed_at.0 else {
        return of_no_interest("the push does not say when it was");
    };
    let repo = repo(&event.repository)?;
    fact(ScmObservation::Push { repo, branch: text(branch), pushed_at })
}

/// `repository`, whatever its action: its name is what counts.
pub(super) fn repository(event: &RepositoryEvent<'_>) -> Translated {
    let Some(seen) = &event.repository else { return of_no_interest(NO_REPOSITORY) };
    let mut repo = repo(seen)?;
    repo.former = event.changes.as_ref().and_then(|changes| former_name(&repo.name, changes));
    fact(ScmObservation::Repository { repo })
}

/// `installation`: access to all of an account comes or goes.
pub(super) fn installation(event: &InstallationEvent<'_>) -> Translated {
    let (granted, suspended) = match event.action() {
        Some("created" | "unsuspend") => (true, false),
        Some("deleted") => (false, false),
        Some("suspend") => (false, true),
        _ => return of_no_interest("it changes no access"),
    };
    // An enterprise has no login: then the repositories that are named are all that is known.
    let login = event.installation.account.as_ref().and_then(|account| account.login.as_deref());
    let account = login.map(text);
    let named = event.repositories.iter().flatten().filter(|_| account.is_none());
    let repos = named.map(|repo| RepoId(repo.id)).collect();
    let at = required(event.installation.updated_at, "installation.updated_at")?;
    fact(ScmObservation::Access { repos, account, granted, suspended, at })
}

/// `installation_repositories`: access to single repositories comes or goes.
pub(super) fn installation_repositories(event: &InstallationEvent<'_>) -> Translated {
    let granted = event.action() == Some("added");
    let repos = if granted {
        event.repositories_added.iter().map(|repo| RepoId(repo.id)).collect()
    } else {
        event.repositories_removed.iter().filter_map(|repo| repo.id.map(RepoId)).collect()
    };
    let at = required(event.installation.updated_at, "installation.updated_at")?;
    fact(ScmObservation::Access { repos, account: None, granted, suspended: false, at })
}

pub(super) fn comment(
    seen: &super::payload::Comment<'_>,
    kind: CommentKind,
    deleted: bool,
) -> Result<Arc<Comment>, UnclearField> {
    Ok(Arc::new(Comment {
        deleted,
        updated_at: required(seen.updated_at, "comment.updated_at")?,
        kind,
        id: seen.id,
        root_id: seen.in_reply_to_id.unwrap_or(seen.id),
        review_id: seen.pull_request_review_id,
        author: seen.user.as_ref().map_or_else(ghost, |user| text(&user.login)),
        file: seen.path.as_deref().map(text),
        line: seen.line.or(seen.original_line),
        body: excerpt_text(seen.body.as_deref().unwrap_or_default(), MOST_OUTPUT).into(),
        url: optional_text(seen.html_url.as_deref()),
        created_at: required(seen.created_at, "comment.created_at")?,
        standing: standing(seen.user.as_ref(), seen.author_association.as_deref()),
    }))
}

fn standing(user: Option<&User<'_>>, association: Option<&str>) -> Standing {
    Standing {
        association: association.filter(|text| !text.is_empty()).map(text),
        is_bot: user.and_then(|user| user.kind.as_deref()) == Some("Bot"),
    }
}

pub(super) fn repo(seen: &Repository<'_>) -> Result<RepoSeen, UnclearField> {
    let name = RepoName::parse(&seen.full_name).ok_or(UnclearField("repository.full_name"))?;
    let url = match &seen.html_url {
        Some(url) => text(url.trim_end_matches('/')),
        None => format!("https://github.com/{}", name.as_str()).into(),
    };
    let visible = seen.visibility.as_deref().map(|visibility| visibility != "public");
    Ok(RepoSeen {
        id: RepoId(seen.id),
        name,
        url,
        updated_at: seen.updated_at.0,
        former: None,
        is_private: visible.or(seen.private),
    })
}

/// The name before a `renamed` or `transferred`.
fn former_name(name: &RepoName, changes: &RepositoryChanges<'_>) -> Option<RepoName> {
    let renamed = changes.repository.as_ref().and_then(|it| it.name.as_ref()?.from.as_deref());
    let owner = changes.owner.as_ref().and_then(|owner| owner.from.as_ref());
    let owner =
        owner.and_then(|it| it.user.as_ref().or(it.organization.as_ref())?.login.as_deref());
    (renamed.is_some() || owner.is_some()).then_some(())?;
    let (owner, own) = (owner.unwrap_or(name.owner()), renamed.unwrap_or(name.name()));
    RepoName::parse(&format!("{owner}/{own}"))
}

pub(super) fn pull_seen(
    seen: &PullRequest<'_>,
    before: Option<CommitSha>,
) -> Result<PullSeen, UnclearField> {
    if seen.number < 1 {
        return Err(UnclearField("pull_request.number"));
    }
    let merged = seen.merged == Some(true) || seen.merged_at.0.is_some();
    let state = match (&*seen.state, merged, seen.draft) {
        (_, true, _) => PrState::Merged,
        ("closed", ..) => PrState::Closed,
        ("open", _, Some(true)) => PrState::Draft,
        ("open", ..) => PrState::Open,
        _ => return Err(UnclearField("pull_request.state")),
    };
    let HeadBranch { name: head_ref, sha: head_sha, repo: head_repo } = &seen.head;
    let core = Arc::new(PullCore {
        state,
        title: text(&seen.title),
        author: seen.user.as_ref().map_or_else(ghost, |user| text(&user.login)),
        head_ref: text(head_ref),
        head_sha: commit(head_sha, "pull_request.head.sha")?,
        head_repo: head_repo.as_ref().map(|repo| RepoId(repo.id)),
        base_ref: text(&seen.base.name),
        base_sha: commit(&seen.base.sha, "pull_request.base.sha")?,
        created_at: required(seen.created_at, "pull_request.created_at")?,
        first: false,
    });
    let mergeability = seen.mergeable.map(|can| mergeability(can, seen.mergeable_state.as_deref()));
    let updated_at = required(seen.updated_at, "pull_request.updated_at")?;
    Ok(PullSeen { number: seen.number, core, updated_at, before, mergeability, read: None })
}

/// `mergeable: false` and `dirty` are conflicting; the other states say what else is in the way.
fn mergeability(mergeable: bool, state: Option<&str>) -> Mergeability {
    match (mergeable, state) {
        (false, _) | (_, Some("dirty")) => Mergeability::Conflicting,
        (_, Some("clean" | "has_hooks")) => Mergeability::Mergeable,
        (_, Some("unstable")) => Mergeability::Unstable,
        (_, Some("blocked" | "draft" | "behind")) => Mergeability::Blocked,
        _ => Mergeability::Unknown,
    }
}

fn commit(sha: &str, field: &'static str) -> Result<CommitSha, UnclearField> {
    CommitSha::parse(sha).ok_or(UnclearField(field))
}

pub(super) fn required(at: Time, field: &'static str) -> Result<Timestamp, UnclearField> {
    at.0.ok_or(UnclearField(field))
}

/// The name GitHub shows for a deleted account.
fn ghost() -> Text {
    "ghost".into()
}

/// A text of bounded size. NUL would end it inside SQLite.
pub(super) fn text(raw: &str) -> Text {
    let cut = truncate(raw, MOST_TEXT);
    if cut.contains('\0') { cut.replace('\0', "").into() } else { cut.into() }
}

pub(super) fn optional_text(raw: Option<&str>) -> Text {
    raw.map_or_else(|| "".into(), text)
}
