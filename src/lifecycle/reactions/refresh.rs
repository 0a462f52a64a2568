//! GitHub is asked what a pull request is where payloads leave it open: once for each doubt, at most once a minute,
//! and never of one that is closed.

use jiff::SignedDuration;

use super::context::Context;
use crate::domain::{
    PullRequest, RefreshMark, RefreshPull, Task, TaskName, TaskPayload, TimerKind, Timestamp,
};
use crate::lifecycle::policy::REFRESH_WAIT;

/// Doubts that come close together are asked about together.
const DEBOUNCE: SignedDuration = SignedDuration::from_secs(5);
/// Between two questions about one pull request.
const INTERVAL: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    let mark = pull.memory.refresh.take();
    if !pull.core.state.is_open() {
        if mark.is_some_and(|mark| mark.is_open) {
            context.known.drop_task(&TaskName::refresh(pull.repo_id, pull.number));
        }
        return;
    }
    let is_news = match &mark {
        Some(mark) => !mark.is_open && !context.doubts.is_subset(&mark.about),
        None => !context.doubts.is_empty(),
    };
    if !is_news || !context.may_ask() {
        pull.memory.refresh = mark;
        return;
    }
    let later = |at: Timestamp, span| at.checked_add(span).unwrap_or(at);
    let soon = later(context.now, DEBOUNCE);
    // A mark cannot be of later than now: the clock has been set back since.
    let last = mark.map(|mark| mark.at).filter(|at| *at <= soon);
    let due_at = last.map_or(soon, |last| soon.max(later(last, INTERVAL)));
    context.known.put_task(Task {
        payload: TaskPayload::RefreshPull(RefreshPull {
            repo_id: pull.repo_id,
            repo: context.project.repo.clone(),
            number: pull.number,
        }),
        lane: None,
        attempts: 0,
        created_at: context.now,
        due_at,
        last_error: None,
    });
    let about = context.doubts.clone();
    pull.memory.refresh = Some(RefreshMark { about, at: due_at, is_open: true });
}

/// Whether what is said of the pull request should wait for GitHub's answer.
pub(super) fn is_awaited(context: &mut Context<'_>, pull: &PullRequest) -> bool {
    let is_open = pull.memory.refresh.as_ref().is_some_and(|mark| mark.is_open);
    context.awaits(TimerKind::RefreshWait, REFRESH_WAIT, is_open)
}
