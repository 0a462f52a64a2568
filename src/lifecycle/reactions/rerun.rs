//! Failures that may be nobody's (of the infrastructure, of a flaky check) are run again before they are told,
//! where the project says so: once for each commit and check, and only a second failure is told.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::aliases;
use super::context::Context;
use super::judge::Failed;
use crate::domain::{
    CommitSha, FailureClass, PullRequest, Rerun, RerunChecks, RerunMark, TaskPayload, TimerKind,
};
use crate::lifecycle::policy::RERUN_WAIT;

/// What is remembered of one pull request.
const MOST_MARKS: usize = 32;

/// Whether a failure is being run again, so that it is not told yet.
pub(super) fn is_awaited(pull: &PullRequest, head: &CommitSha, failed: &Failed<'_>) -> bool {
    let run = failed.check().run_id;
    pull.memory
        .reruns
        .iter()
        .any(|mark| !mark.is_over && mark.head == *head && mark.runs.contains(&run))
}

/// Whether a failure was to be run again and nothing came of it: it has settled long since.
pub(super) fn was_awaited(pull: &PullRequest, head: &CommitSha, failed: &Failed<'_>) -> bool {
    let run = failed.check().run_id;
    pull.memory.reruns.iter().any(|mark| mark.head == *head && mark.runs.contains(&run))
}

/// Stops waiting where nothing came of it in time, and where nothing is waited for.
pub(super) fn look(context: &mut Context<'_>, pull: &mut PullRequest, head: &CommitSha) {
    let is_late = |due_at| due_at <= context.now;
    if context.due(TimerKind::RerunWait).is_some_and(is_late) {
        for mark in pull.memory.reruns.iter_mut().filter(|mark| mark.head == *head) {
            mark.is_over = true;
        }
        context.cancel(TimerKind::RerunWait);
    }
}

/// Has those of `failing` that may be nobody's run again; answers the runs that are.
pub(super) fn begin(
    context: &mut Context<'_>,
    pull: &mut PullRequest,
    head: &CommitSha,
    failing: &[&Failed<'_>],
) -> BTreeSet<i64> {
    if context.project.rerun != Rerun::Once || !context.may_ask() {
        return BTreeSet::new();
    }
    let was_again = |it: &Failed<'_>| {
        let names = aliases(it.it);
        let mut here = pull.memory.reruns.iter().filter(|mark| mark.head == *head);
        here.any(|mark| !mark.checks.is_disjoint(&names))
    };
    // By the Actions run that they belong to: GitHub runs one of them again at a time.
    let mut wanted = BTreeMap::<i64, Vec<&Failed<'_>>>::new();
    for it in failing.iter().filter(|it| may_be_nobodys(it) && !was_again(it)) {
        let of = it.it.workflow_run_id.unwrap_or(it.check().run_id);
        wanted.entry(of).or_default().push(it);
    }
    let mut begun = BTreeSet::new();
    for checks in wanted.into_values() {
        let runs: BTreeSet<i64> = checks.iter().map(|it| it.check().run_id).collect();
        context.enqueue(TaskPayload::RerunChecks(RerunChecks {
            repo_id: pull.repo_id,
            repo: context.project.repo.clone(),
            number: pull.number,
            sha: head.clone(),
            jobs: runs.iter().copied().collect(),
            workflow_run_id: checks.iter().find_map(|it| it.it.workflow_run_id),
        }));
        let names = checks.iter().flat_map(|it| aliases(it.it)).collect();
        begun.extend(&runs);
        let mark = RerunMark { head: head.clone(), runs, checks: names, is_over: false };
        pull.memory.reruns.push(mark);
        if pull.memory.reruns.len() > MOST_MARKS {
            pull.memory.reruns.remove(0);
        }
    }
    if !begun.is_empty() {
        context.arm(TimerKind::RerunWait, RERUN_WAIT);
    }
    begun
}

/// A job of Actions that failed for a reason that may be gone the next time.
fn may_be_nobodys(failed: &Failed<'_>) -> bool {
    let passing = matches!(failed.class, FailureClass::Infrastructure | FailureClass::Flaky);
    let it = failed.it;
    passing && &*it.check.key.source == "github-actions" && !it.never_ran && !it.stands_for_workflow
}
