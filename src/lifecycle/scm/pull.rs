//! A pull request as a payload shows it, and what is said about it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::{
    CiState, Comment, Mergeability, Project, PullId, PullMemory, PullRequest, PullSeen, QueueFact,
    RepoSeen, Review, ReviewDecision, SessionId, Thread,
};
use crate::lifecycle::reducer::Reducer;
use crate::lifecycle::refusal::Refusal;

use super::follow::{About, follow, new_rows};
use super::naming::Watched;
use super::{ownership, registers};

/// What a payload about a pull request says beside showing it.
#[derive(Clone, Copy, Default)]
pub(super) struct PullPayload<'a> {
    pub(super) review: Option<&'a Review>,
    pub(super) comments: &'a [Arc<Comment>],
    pub(super) thread: Option<&'a Thread>,
    pub(super) queue: Option<&'a QueueFact>,
}

/// A pull request as a payload shows it, with what else the payload says.
pub(super) fn seen(
    to: &mut Reducer<'_>,
    repo: &RepoSeen,
    seen: &PullSeen,
    payload: PullPayload<'_>,
) -> Result<(), Refusal> {
    let mut watched = Watched::find(to, repo)?;
    let known = to.known.pull_of_number(repo.id, seen.number);
    let id = match known {
        Some(id) => {
            watched.write(to);
            id
        }
        None => {
            let owner = ownership::owner_of(to, &mut watched, seen)?;
            let project = watched.clone().write(to);
            let session = owner.id().clone();
            if let ownership::Owner::Adopted(session) = owner {
                to.known.put_session(*session);
            }
            first_sight(to, &project, repo, seen, session)
        }
    };
    let project = Arc::new(watched.project);
    let Some(before) = to.known.pull(id).cloned() else { return Ok(()) };
    for commit in registers::new_commits(&before.registers, seen) {
        let sha = commit.sha.clone();
        let joins = !before.registers.commits.contains_key(&sha);
        to.known.put_pull_commit(id, repo.id, commit);
        if joins {
            new_rows(to, &before.row, &sha);
        }
    }
    if let Some(answer) = registers::new_answer(&before.registers, seen) {
        to.known.put_answer(id, answer);
    }
    if let Some(review) = payload.review.filter(|r| registers::review_is_news(&before.registers, r))
    {
        to.known.put_review(id, review.clone());
    }
    hear(to, repo, seen.number, payload);

    let Some(after) = to.known.pull(id).cloned() else { return Ok(()) };
    let mut row = (*after.row).clone();
    registers::merge_core(&mut row, seen);
    registers::merge_review_answer(&mut row, seen);
    row.core = registers::derive_core(&row, &after.registers);
    if known.is_none() && !row.core.state.is_open() {
        row.memory.closing_told = Some(row.core.state);
    }
    follow(to, &project, &after.row, Some(row), About::Pull { rang: None });
    Ok(())
}

/// What is said about a pull request that the payload does not show: it may come first.
pub(super) fn spoken_of(
    to: &mut Reducer<'_>,
    repo: &RepoSeen,
    number: i64,
    payload: PullPayload<'_>,
) -> Result<(), Refusal> {
    let project = Watched::find(to, repo)?.write(to);
    hear(to, repo, number, payload);
    if let Some(id) = to.known.pull_of_number(repo.id, number)
        && let Some(before) = to.known.pull(id).cloned()
    {
        follow(to, &project, &before.row, None, About::Pull { rang: None });
    }
    Ok(())
}

/// Takes in comments, a thread's state, and what happens in the merge queue.
fn hear(to: &mut Reducer<'_>, repo: &RepoSeen, number: i64, payload: PullPayload<'_>) {
    for comment in payload.comments {
        if registers::comment_is_news(to.known.conversation(repo.id, number), comment) {
            to.known.put_comment(repo.id, number, comment);
        }
    }
    if let Some(thread) = payload.thread
        && registers::thread_is_news(to.known.conversation(repo.id, number), thread)
    {
        to.known.put_thread(repo.id, number, thread.clone());
    }
    if let Some(fact) = payload.queue
        && !to.known.conversation(repo.id, number).queue.contains(fact)
    {
        to.known.add_queue_fact(repo.id, number, fact);
    }
}

/// The row of a pull request that nothing was known of.
fn first_sight(
    to: &mut Reducer<'_>,
    project: &Project,
    repo: &RepoSeen,
    seen: &PullSeen,
    session: SessionId,
) -> PullId {
    let id = PullId(to.known.next(|counters| &mut counters.pull));
    to.known.insert_pull(PullRequest {
        id,
        project_id: project.id.clone(),
        repo_id: repo.id,
        number: seen.number,
        url: format!("{}/pull/{}", project.repo_origin_url, seen.number).into(),
        session_id: Some(session),
        core: Arc::clone(&seen.core),
        core_at: seen.updated_at,
        core_read_at: None,
        review_answer: None,
        candidates: BTreeSet::from([Arc::clone(&seen.core)]),
        ci: CiState::Unknown,
        review: ReviewDecision::None,
        mergeability: Mergeability::Unknown,
        unresolved_comments: 0,
        updated_at: seen.updated_at,
        memory: PullMemory::default(),
    });
    id
}
