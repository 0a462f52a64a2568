//! `ci-failed`: one nudge per head and set of failing checks, after they had time to gather; with
//! a brake, and with the failures that an agent cannot mend going to the human.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    Check, CheckKey, CheckStatus, CiState, CommitFacts, NudgeKind, PullCommit, PullRequest,
    RunStatus, TimerKind, ToldHead,
};
use crate::lifecycle::body;
use crate::lifecycle::rollup::{derive_checks, newest_workflow_runs};
use crate::lifecycle::snapshot::HistoryEntry;

use super::Scene;

/// The brake: so many failed commits in a row and the agent is not told again.
pub(in crate::lifecycle) const BRAKE_COMMITS: usize = 3;
/// Heads whose told checks are remembered; they are forgotten when CI passes anyway.
const MOST_HEADS: usize = 16;

pub(super) fn react(scene: &mut Scene<'_>, pull: &mut PullRequest) {
    if !pull.core.state.is_open() {
        scene.supersede(|nudge| nudge.kind == NudgeKind::CiFailed);
        return;
    }
    let head = pull.core.head_sha.clone();
    let here = format!("{}:", head.as_str());
    scene.supersede(|n| n.kind == NudgeKind::CiFailed && !n.signature.starts_with(&here));
    match scene.ci {
        CiState::Passing => {
            scene.supersede(|nudge| nudge.kind == NudgeKind::CiFailed);
            scene.cancel(TimerKind::CiSettle);
            pull.memory.ci_told.clear();
            pull.memory.ci_braked = false;
            return;
        }
        // A re-run is under way: it may fail alike, and then the nudge that waits still holds.
        CiState::Pending | CiState::Unknown => return,
        CiState::Failing => {}
    }
    let failing: Vec<&Check> =
        scene.checks.iter().filter(|check| check.status == CheckStatus::Failed).collect();
    let told = pull.memory.ci_told.iter().find(|told| told.head == head);
    let is_new = |check: &&Check| told.is_none_or(|told| aliases(check).is_disjoint(&told.checks));
    if pull.memory.ci_braked || !failing.iter().any(is_new) {
        return;
    }
    if !scene.gathered && !scene.settled(TimerKind::CiSettle) {
        return;
    }
    scene.cancel(TimerKind::CiSettle);

    let base = derive_checks(&scene.before.base);
    let judged: Vec<(&Check, Option<&'static str>)> =
        failing.iter().map(|check| (*check, cannot_mend(check, &base))).collect();
    let new_hopeless: Vec<(&Check, &str)> = judged
        .iter()
        .filter(|(check, _)| is_new(check))
        .filter_map(|(check, reason)| reason.map(|reason| (*check, reason)))
        .collect();
    let hopeless: Vec<(&Check, &str)> =
        judged.iter().filter_map(|(check, reason)| reason.map(|r| (*check, r))).collect();
    let mendable: Vec<&Check> =
        judged.iter().filter(|(_, reason)| reason.is_none()).map(|(check, _)| *check).collect();
    let new_mendable = mendable.iter().any(is_new);

    if !new_hopeless.is_empty() {
        let text = body::cannot_mend(scene.project, pull, &new_hopeless);
        let checks = new_hopeless.iter().map(|(check, _)| *check);
        scene.say(NudgeKind::Escalated, signature(&here, checks), text);
    }
    if new_mendable && brake_holds(&scene.before.history, pull, scene.checks, &mendable) {
        pull.memory.ci_braked = true;
        scene.supersede(|nudge| nudge.kind == NudgeKind::CiFailed);
        let text = body::brake(scene.project, pull, &mendable);
        scene.say(NudgeKind::Escalated, format!("brake:{}", head.as_str()), text);
    } else if new_mendable {
        // The newer nudge says all that the older one said.
        scene.supersede(|nudge| nudge.kind == NudgeKind::CiFailed);
        let text = body::ci_failed(scene.project, pull, &mendable, &hopeless);
        let signature = signature(&here, mendable.iter().copied());
        scene.say(NudgeKind::CiFailed, signature, text);
    }
    remember(pull, &failing);
}

fn remember(pull: &mut PullRequest, failing: &[&Check]) {
    let head = pull.core.head_sha.clone();
    let names = failing.iter().flat_map(|check| aliases(check));
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
fn aliases(check: &Check) -> BTreeSet<String> {
    let name = |workflow: &str| format!("{}/{workflow}/{}", check.key.source, check.key.name);
    let suite = check.suite_id.map(|suite| name(&format!("suite:{suite}")));
    suite.into_iter().chain([name(&check.key.workflow)]).collect()
}

fn signature<'a>(here: &str, checks: impl Iterator<Item = &'a Check>) -> String {
    let names: BTreeSet<String> = checks
        .map(|check| format!("{}/{}/{}", check.key.source, check.key.workflow, check.key.name))
        .collect();
    format!("{here}{}", names.into_iter().collect::<Vec<_>>().join(","))
}

/// Why no agent can mend this failure, if so.
fn cannot_mend(check: &Check, base: &[Check]) -> Option<&'static str> {
    const REFUSALS: &[&str] = &[
        "job was not started because",
        "recent account payments have failed",
        "resource not accessible by integration",
    ];
    let said = check.log_tail.to_lowercase();
    let red_at_base = |other: &Check| {
        other.status == CheckStatus::Failed && same_across_events(&check.key, other, check)
    };
    if check.conclusion.as_deref() == Some("action_required") {
        Some("it waits for somebody's approval or action")
    } else if check.stands_for_workflow || check.conclusion.as_deref() == Some("startup_failure") {
        Some("the run failed before any job started")
    } else if REFUSALS.iter().any(|words| said.contains(words)) {
        Some("the run was refused for billing or permissions")
    } else if base.iter().any(red_at_base) {
        Some("it fails at the base commit too")
    } else {
        None
    }
}

/// The base is built by `push`, the head by `pull_request`: the event does not tell checks apart.
fn same_across_events(key: &CheckKey, other: &Check, check: &Check) -> bool {
    let workflow = |check: &Check| check.workflow_name.clone();
    key.source == other.key.source
        && key.name == other.key.name
        && (workflow(check).is_none()
            || workflow(other).is_none()
            || workflow(check) == workflow(other))
}

/// Whether the last commits on which a failing check finished all failed.
fn brake_holds(
    history: &[HistoryEntry],
    pull: &PullRequest,
    at_head: &[Check],
    failing: &[&Check],
) -> bool {
    let finished = |key: &CheckKey, status: CheckStatus| {
        let ours = failing.iter().any(|check| check.key.same_check(key));
        let ended = matches!(status, CheckStatus::Failed | CheckStatus::Passed);
        (ours && ended).then_some(status == CheckStatus::Failed)
    };
    let head = &pull.core.head_sha;
    let mut failed_at = BTreeMap::<&PullCommit, bool>::new();
    for entry in history.iter().filter(|entry| entry.commit.sha != *head) {
        if let Some(failed) = finished(&entry.key, entry.status) {
            *failed_at.entry(&entry.commit).or_default() |= failed;
        }
    }
    // The head is the newest commit, whatever stamps a force-push back to it has left.
    let now = at_head.iter().filter_map(|check| finished(&check.key, check.status)).any(|f| f);
    let mut newest: Vec<(&PullCommit, bool)> = failed_at.into_iter().collect();
    newest.sort_by_key(|(commit, _)| (commit.at, !commit.superseded, &commit.sha));
    let earlier = newest.iter().rev().take(BRAKE_COMMITS - 1);
    now && newest.len() >= BRAKE_COMMITS - 1
        && earlier.fold(true, |all, (_, failed)| all && *failed)
}

/// Whether no further failure is to be waited for: the workflow runs at the head have completed, or
/// the suites of all that failed, and they account for what failed.
pub(in crate::lifecycle) fn gathered(facts: &CommitFacts, checks: &[Check]) -> bool {
    let runs = newest_workflow_runs(facts);
    let suite_done =
        |check: &Check| check.suite_id.is_some_and(|suite| facts.completed_suites.contains(&suite));
    let under_way = |check: &Check| {
        let reported = check.workflow_name.is_some() || suite_done(check);
        reported && matches!(check.status, CheckStatus::Queued | CheckStatus::InProgress)
    };
    // Its jobs' own failures may still be on their way.
    let unexplained = |check: &Check| {
        check.stands_for_workflow && check.conclusion.as_deref() != Some("startup_failure")
    };
    let mut failed = checks.iter().filter(|check| check.status == CheckStatus::Failed);
    runs.iter().all(|run| run.state.status == RunStatus::Completed)
        && (!runs.is_empty() || failed.all(suite_done))
        && !checks.iter().any(|check| under_way(check) || unexplained(check))
}
