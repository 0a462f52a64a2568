//! `ci-failed`: one nudge per head and set of failing checks, after they had time to gather; with
//! a brake, and with the failures that an agent cannot mend going to the human.

use std::collections::BTreeSet;

use crate::domain::{
    Check, CheckStatus, CiState, CommitFacts, NudgeKind, PullRequest, RunStatus, TimerKind,
    ToldHead,
};
use crate::lifecycle::WorkingSet;
use crate::lifecycle::history::history_of;
use crate::lifecycle::scm::{DerivedCheck, DerivedChecks, derive_checks, newest_workflow_runs};

use super::{Context, wording};

/// The brake: so many failed commits in a row and the agent is not told again.
const BRAKE_COMMITS: usize = 3;
/// Heads whose told checks are remembered; they are forgotten when CI passes anyway.
const MOST_HEADS: usize = 16;

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    if !pull.core.state.is_open() {
        context.supersede(|nudge| nudge.kind == NudgeKind::CiFailed);
        return;
    }
    let head = pull.core.head_sha.clone();
    let here = format!("{}:", head.as_str());
    context.supersede(|n| n.kind == NudgeKind::CiFailed && !n.signature.starts_with(&here));
    match context.ci {
        CiState::Passing => {
            context.supersede(|nudge| nudge.kind == NudgeKind::CiFailed);
            context.cancel(TimerKind::CiSettle);
            pull.memory.ci_told.clear();
            pull.memory.ci_braked = false;
            return;
        }
        // A re-run is under way: it may fail alike, and then the nudge that waits still holds.
        CiState::Pending | CiState::Unknown => return,
        CiState::Failing => {}
    }
    let all = context.checks.clone();
    let failing: Vec<&DerivedCheck> =
        all.iter().filter(|it| it.check.status == CheckStatus::Failed).copied().collect();
    let told = pull.memory.ci_told.iter().find(|told| told.head == head).cloned();
    let is_new =
        |it: &&DerivedCheck| told.as_ref().is_none_or(|told| aliases(it).is_disjoint(&told.checks));
    if pull.memory.ci_braked || !failing.iter().any(is_new) {
        return;
    }
    if !context.gathered && !context.settled(TimerKind::CiSettle) {
        return;
    }
    context.cancel(TimerKind::CiSettle);

    let base = derive_checks(context.known.facts(pull.repo_id, &pull.core.base_sha));
    let judged: Vec<(&DerivedCheck, Option<&'static str>)> =
        failing.iter().map(|it| (*it, cannot_mend(it, &base))).collect();
    let hopeless = |only_new: bool| -> Vec<(&Check, &str)> {
        let chosen = judged.iter().filter(|(it, _)| !only_new || is_new(it));
        chosen.filter_map(|(it, reason)| Some((&*it.check, (*reason)?))).collect()
    };
    let mendable: Vec<&DerivedCheck> =
        judged.iter().filter(|(_, reason)| reason.is_none()).map(|(it, _)| *it).collect();
    let new_mendable = mendable.iter().any(is_new);
    let mendable: Vec<&Check> = mendable.iter().map(|it| &*it.check).collect();

    let new_hopeless = hopeless(true);
    if !new_hopeless.is_empty() {
        let text = wording::cannot_mend(context.project, pull, &new_hopeless);
        let signature = signature(&here, new_hopeless.iter().map(|(check, _)| *check));
        context.say(pull, NudgeKind::Escalated, &signature, text);
    }
    if new_mendable && brake_holds(context.known, pull, &all, &mendable) {
        pull.memory.ci_braked = true;
        context.supersede(|nudge| nudge.kind == NudgeKind::CiFailed);
        let text = wording::brake(context.project, pull, BRAKE_COMMITS, &mendable);
        context.say(pull, NudgeKind::Escalated, &format!("brake:{}", head.as_str()), text);
    } else if new_mendable {
        // The newer nudge says all that the older one said.
        context.supersede(|nudge| nudge.kind == NudgeKind::CiFailed);
        let text = wording::ci_failed(context.project, pull, &mendable, &hopeless(false));
        let signature = signature(&here, mendable.iter().copied());
        context.say(pull, NudgeKind::CiFailed, &signature, text);
    }
    remember(pull, &failing);
}

fn remember(pull: &mut PullRequest, failing: &[&DerivedCheck]) {
    let head = pull.core.head_sha.clone();
    let names = failing.iter().flat_map(|it| aliases(it));
    let told = &mut pull.memory.ci_told;
    match told.iter_mut().find(|told| told.head == head) {
        Some(told) => told.checks.extend(names),
        None => told.push(ToldHead { head, checks: names.collect() }),
    }
    if told.len() > MOST_HEADS {
        told.remove(0);
    }
}

/// All names that a check goes by at one commit: a workflow run that arrives after its check runs
/// renames them, and the same failure must not be told under the new name.
fn aliases(it: &DerivedCheck) -> BTreeSet<String> {
    let key = &it.check.key;
    let name = |workflow: &str| format!("{}/{workflow}/{}", key.source, key.name);
    let suite = it.suite_id.map(|suite| name(&format!("suite:{suite}")));
    suite.into_iter().chain([name(&key.workflow)]).collect()
}

fn signature<'a>(here: &str, checks: impl Iterator<Item = &'a Check>) -> String {
    let names: BTreeSet<String> = checks
        .map(|check| format!("{}/{}/{}", check.key.source, check.key.workflow, check.key.name))
        .collect();
    format!("{here}{}", names.into_iter().collect::<Vec<_>>().join(","))
}

/// Why no agent can mend this failure, if so.
fn cannot_mend(it: &DerivedCheck, base: &DerivedChecks) -> Option<&'static str> {
    let check = &it.check;
    const REFUSALS: &[&str] = &[
        "job was not started because",
        "recent account payments have failed",
        "resource not accessible by integration",
    ];
    let said = check.log_tail.to_lowercase();
    let red_at_base = |other: &DerivedCheck| {
        other.check.status == CheckStatus::Failed && same_across_events(&other.check, check)
    };
    if check.conclusion.as_deref() == Some("action_required") {
        Some("it waits for somebody's approval or action")
    } else if it.stands_for_workflow || check.conclusion.as_deref() == Some("startup_failure") {
        Some("the run failed before any job started")
    } else if REFUSALS.iter().any(|words| said.contains(words)) {
        Some("the run was refused for billing or permissions")
    } else if base.values().any(red_at_base) {
        Some("it fails at the base commit too")
    } else {
        None
    }
}

/// The base is built by `push`, the head by `pull_request`: the event does not tell checks apart.
fn same_across_events(other: &Check, check: &Check) -> bool {
    other.key.source == check.key.source
        && other.key.name == check.key.name
        && match (&other.workflow_name, &check.workflow_name) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => true,
        }
}

/// Whether the last commits on which a failing check finished all failed.
fn brake_holds(
    known: &WorkingSet,
    pull: &PullRequest,
    at_head: &[&DerivedCheck],
    failing: &[&Check],
) -> bool {
    let finished = |check: &Check| {
        let ours = failing.iter().any(|failing| failing.key.same_check(&check.key));
        let ended = matches!(check.status, CheckStatus::Failed | CheckStatus::Passed);
        (ours && ended).then_some(check.status == CheckStatus::Failed)
    };
    let failed = |rows: &mut dyn Iterator<Item = &Check>| {
        rows.filter_map(finished).reduce(|any, failed| any | failed)
    };
    // The head is the newest commit, whatever stamps a force-push back to it has left.
    let now = failed(&mut at_head.iter().map(|it| &*it.check)) == Some(true);
    let Some(record) = known.pull(pull.id).filter(|_| now) else { return false };
    let earlier = history_of(record).into_iter().rev().filter(|c| c.sha != pull.core.head_sha);
    let ended = earlier.filter_map(|commit| {
        failed(&mut known.check_rows(pull.id, &commit.sha).values().map(|row| &**row))
    });
    let newest: Vec<bool> = ended.take(BRAKE_COMMITS - 1).collect();
    newest.len() == BRAKE_COMMITS - 1 && newest.iter().all(|failed| *failed)
}

/// Whether no further failure is to be waited for: the workflow runs at the head have completed, or
/// the suites of all that failed, and they account for what failed.
pub(in crate::lifecycle) fn gathered(facts: &CommitFacts, checks: &[&DerivedCheck]) -> bool {
    let runs = newest_workflow_runs(facts);
    let suite_done = |it: &DerivedCheck| {
        it.suite_id.is_some_and(|suite| facts.completed_suites.contains(&suite))
    };
    let under_way = |it: &DerivedCheck| {
        let reported = it.check.workflow_name.is_some() || suite_done(it);
        reported && matches!(it.check.status, CheckStatus::Queued | CheckStatus::InProgress)
    };
    // Its jobs' own failures may still be on their way.
    let unexplained = |it: &DerivedCheck| {
        it.stands_for_workflow && it.check.conclusion.as_deref() != Some("startup_failure")
    };
    let mut failed = checks.iter().filter(|it| it.check.status == CheckStatus::Failed);
    runs.iter().all(|run| run.state.status == RunStatus::Completed)
        && (!runs.is_empty() || failed.all(|it| suite_done(it)))
        && !checks.iter().any(|it| under_way(it) || unexplained(it))
}
