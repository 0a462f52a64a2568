//! `ci-failed`: one nudge per head and set of failing checks, after they had time to gather; with
//! a brake, and with the failures that an agent cannot mend going to the human.

use std::collections::BTreeSet;

use crate::domain::{
    Check, CheckStatus, CiState, CommitFacts, CommitSha, FailureClass, Nudge, NudgeId, NudgeKind,
    PullRequest, RunStatus, TimerKind, ToldHead,
};
use crate::lifecycle::WorkingSet;
use crate::lifecycle::history::history_of;
use crate::lifecycle::scm::{DerivedCheck, DerivedChecks, derive_checks, newest_workflow_runs};

use super::context::Context;
use super::wording;

/// The brake: so many failed commits in a row and the agent is not told again.
const BRAKE_COMMITS: usize = 3;
/// Heads whose told checks are remembered; they are forgotten when CI passes anyway.
const MOST_HEADS: usize = 16;

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    let head = pull.core.head_sha.clone();
    let here = format!("{}:", head.as_str());
    let open = pull.core.state.is_open();
    let about_ci = |nudge: &Nudge| {
        nudge.kind == NudgeKind::CiFailed
            || (nudge.kind == NudgeKind::Escalated && is_about_ci(&nudge.signature))
    };
    if !open || context.ci == CiState::Passing {
        context.supersede(pull, about_ci);
        context.cancel(TimerKind::CiSettle);
    }
    if !open {
        return;
    }
    if context.ci == CiState::Passing {
        pull.memory.ci_told.clear();
        pull.memory.ci_told_human.clear();
        pull.memory.ci_braked = false;
        return;
    }
    context.supersede(pull, |nudge| {
        about_ci(nudge)
            && !nudge.signature.starts_with(&here)
            && !nudge.signature.starts_with(BRAKE)
    });
    pull.memory.ci_unheard.retain(|id, _| context.open.contains(id));

    let all = context.checks.clone();
    let failing: Vec<&DerivedCheck> =
        all.iter().filter(|it| it.check.status == CheckStatus::Failed).copied().collect();
    // What the base says matters only where something fails, and is known only then.
    let base = match failing.is_empty() {
        true => DerivedChecks::new(),
        false => derive_checks(context.known.facts(pull.repo_id, &pull.core.base_sha)),
    };
    let judged: Vec<(&DerivedCheck, Option<Reason>)> =
        failing.iter().map(|it| (*it, cannot_mend(it, &base))).collect();
    let mendable: Vec<&DerivedCheck> =
        judged.iter().filter(|(_, reason)| reason.is_none()).map(|(it, _)| *it).collect();
    let hopeless: Vec<(&DerivedCheck, Reason)> =
        judged.iter().filter_map(|(it, reason)| Some((*it, (*reason)?))).collect();

    take_back_what_is_over(context, pull, &here, &all, &mendable, &hopeless);
    learn_aliases(pull, &head, &failing);
    let told = told_at(context, pull, &head);
    let told_human = names_at(&pull.memory.ci_told_human, &head);
    let is_new = |it: &&DerivedCheck| aliases(it).is_disjoint(&told);
    let untold = hopeless.iter().filter(|(it, _)| aliases(it).is_disjoint(&told_human));
    let class = untold.clone().map(|(_, (class, _))| *class).next();
    let new_hopeless: Vec<(&Check, &str)> =
        untold.map(|(it, (_, evidence))| (&*it.check, *evidence)).collect();
    let new_mendable: Vec<&DerivedCheck> = mendable.iter().copied().filter(is_new).collect();
    let checks: Vec<&Check> = mendable.iter().map(|it| &*it.check).collect();
    let others: Vec<(&Check, &str)> =
        hopeless.iter().map(|(it, (_, evidence))| (&*it.check, *evidence)).collect();
    if new_mendable.is_empty() || pull.memory.ci_braked {
        // What waits says what is so now.
        for nudge in context.waiting(NudgeKind::CiFailed, &here) {
            if !checks.is_empty() {
                let text = wording::ci_failed(context.project, pull, &checks, &others);
                context.reword(&nudge, text);
            }
        }
    }
    let anything = !new_hopeless.is_empty() || !new_mendable.is_empty();
    if pull.memory.ci_braked || !anything {
        return;
    }
    if !context.gathered && !context.settled(TimerKind::CiSettle) {
        return;
    }
    context.cancel(TimerKind::CiSettle);

    if !new_hopeless.is_empty() {
        let text = wording::cannot_mend(context.project, pull, &new_hopeless);
        let signature = signature(&here, new_hopeless.iter().map(|(check, _)| *check));
        context.say_of(class, pull, NudgeKind::Escalated, &signature, text);
        let names = hopeless.iter().flat_map(|(it, _)| aliases(it)).collect();
        remember(&mut pull.memory.ci_told_human, &head, names);
    }
    if new_mendable.is_empty() {
        return;
    }
    if brake_holds(context.known, pull, &all, &checks) {
        pull.memory.ci_braked = true;
        context.supersede(pull, |nudge| nudge.kind == NudgeKind::CiFailed);
        let text = wording::brake(context.project, pull, BRAKE_COMMITS, &checks);
        let class = Some(FailureClass::Code);
        let signature = format!("{BRAKE}{}", head.as_str());
        context.say_of(class, pull, NudgeKind::Escalated, &signature, text);
    } else {
        // The newer nudge says all that the older one said.
        context.supersede(pull, |nudge| nudge.kind == NudgeKind::CiFailed);
        let text = wording::ci_failed(context.project, pull, &checks, &others);
        let signature = signature(&here, checks.iter().copied());
        let names: BTreeSet<String> = mendable.iter().flat_map(|it| aliases(it)).collect();
        let heard = names_at(&pull.memory.ci_told, &head);
        let unheard = names.difference(&heard).cloned().collect();
        let class = Some(FailureClass::Unknown);
        if let Some(nudge) = context.say_of(class, pull, NudgeKind::CiFailed, &signature, text) {
            let unheard = ToldHead { head: head.clone(), checks: unheard };
            pull.memory.ci_unheard.insert(nudge, unheard);
            remember(&mut pull.memory.ci_told, &head, names);
        }
    }
}

/// How the brake's signature begins.
const BRAKE: &str = "brake:";

/// Whether a signature is one of ours: `{head}:{checks}` or `brake:{head}`.
fn is_about_ci(signature: &str) -> bool {
    let head = signature.split_once(':').map_or("", |(head, _)| head);
    signature.starts_with(BRAKE) || CommitSha::parse(head).is_some()
}

/// What waits and is no longer so: none of its checks has failed, and none of them is being run again.
fn take_back_what_is_over(
    context: &mut Context<'_>,
    pull: &mut PullRequest,
    here: &str,
    all: &[&DerivedCheck],
    mendable: &[&DerivedCheck],
    hopeless: &[(&DerivedCheck, Reason)],
) {
    let under_way = |it: &DerivedCheck| {
        matches!(it.check.status, CheckStatus::Queued | CheckStatus::InProgress)
    };
    let over = |nudge: &Nudge| {
        let memory = &pull.memory;
        let to_agent = nudge.kind == NudgeKind::CiFailed;
        let own = if to_agent {
            memory.ci_unheard.get(&nudge.id).map(|told| told.checks.clone())
        } else {
            Some(names_at(&memory.ci_told_human, &pull.core.head_sha))
        };
        // A nudge of an older build: what it tells is not known.
        let Some(own) = own else {
            return mendable.is_empty() && !all.iter().any(|it| under_way(it));
        };
        let ours = |it: &DerivedCheck| !aliases(it).is_disjoint(&own);
        let fails = if to_agent {
            mendable.iter().any(|it| ours(it))
        } else {
            hopeless.iter().any(|(it, _)| ours(it))
        };
        !fails && !all.iter().any(|it| ours(it) && under_way(it))
    };
    let waiting =
        [NudgeKind::CiFailed, NudgeKind::Escalated].map(|kind| context.waiting(kind, here));
    let gone: BTreeSet<NudgeId> =
        waiting.iter().flatten().filter(|nudge| over(nudge)).map(|nudge| nudge.id).collect();
    let human = waiting[1].iter().any(|nudge| gone.contains(&nudge.id));
    context.supersede(pull, |nudge| gone.contains(&nudge.id));
    if human {
        let head = pull.core.head_sha.clone();
        pull.memory.ci_told_human.retain(|told| told.head != head);
    }
}

/// A workflow's name may be learned later, or a suite change: all names that a told check goes by are
/// remembered.
fn learn_aliases(pull: &mut PullRequest, head: &CommitSha, failing: &[&DerivedCheck]) {
    let memory = &mut pull.memory;
    let unheard = memory.ci_unheard.values_mut();
    let told = memory.ci_told.iter_mut().chain(&mut memory.ci_told_human).chain(unheard);
    for told in told.filter(|told| told.head == *head) {
        for it in failing {
            let names = aliases(it);
            if !names.is_disjoint(&told.checks) {
                told.checks.extend(names);
            }
        }
    }
}

/// What the agent was told at this head, here or of another pull request of its own that shows the commit.
fn told_at(context: &Context<'_>, pull: &PullRequest, head: &CommitSha) -> BTreeSet<String> {
    let mut told = names_at(&pull.memory.ci_told, head);
    if let Some(session) = &pull.session_id {
        let siblings = context.known.pulls_of_session(session).iter().filter(|id| **id != pull.id);
        for sibling in siblings.filter_map(|id| context.known.pull(*id)) {
            told.extend(names_at(&sibling.row.memory.ci_told, head));
        }
    }
    told
}

fn names_at(told: &[ToldHead], head: &CommitSha) -> BTreeSet<String> {
    let here = told.iter().filter(|told| told.head == *head);
    here.flat_map(|told| told.checks.iter().cloned()).collect()
}

fn remember(told: &mut Vec<ToldHead>, head: &CommitSha, names: BTreeSet<String>) {
    match told.iter_mut().find(|told| told.head == *head) {
        Some(told) => told.checks.extend(names),
        None => told.push(ToldHead { head: head.clone(), checks: names }),
    }
    if told.len() > MOST_HEADS {
        told.remove(0);
    }
}

/// All names that a check goes by at one commit: a workflow run that arrives after its check runs
/// renames them, and the same failure must not be told under the new name.
fn aliases(it: &DerivedCheck) -> BTreeSet<String> {
    let key = &it.check.key;
    let shown =
        if &*key.source == "status" { key.name.to_ascii_lowercase() } else { key.name.to_string() };
    let name = |workflow: &str| format!("{}/{workflow}/{shown}", key.source);
    let suite = it.suite_id.map(|suite| name(&format!("suite:{suite}")));
    suite.into_iter().chain([name(&key.workflow)]).collect()
}

fn signature<'a>(here: &str, checks: impl Iterator<Item = &'a Check>) -> String {
    let names: BTreeSet<String> = checks
        .map(|check| format!("{}/{}/{}", check.key.source, check.key.workflow, check.key.name))
        .collect();
    format!("{here}{}", names.into_iter().collect::<Vec<_>>().join(","))
}

/// Whose a failure is, and what shows it.
type Reason = (FailureClass, &'static str);

/// Why no agent can mend this failure, if so.
fn cannot_mend(it: &DerivedCheck, base: &DerivedChecks) -> Option<Reason> {
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
        Some((FailureClass::Permission, "it waits for somebody's approval or action"))
    } else if it.never_ran {
        Some((
            FailureClass::Permission,
            "no runner took the job: none of its steps ran (billing, or a runner that is not there)",
        ))
    } else if it.stands_for_workflow || check.conclusion.as_deref() == Some("startup_failure") {
        Some((FailureClass::Unknown, "the run failed before any job started"))
    } else if REFUSALS.iter().any(|words| said.contains(words)) {
        Some((FailureClass::Permission, "the run was refused for billing or permissions"))
    } else if base.values().any(red_at_base) {
        Some((FailureClass::Base, "it fails at the base commit too"))
    } else {
        None
    }
}

/// Like with like: the same workflow and name, of a run that a push or a pull request began. The base is built by
/// `push`, the head by `pull_request`: which of them does not tell checks apart, a nightly run does.
fn same_across_events(other: &Check, check: &Check) -> bool {
    let parts = |check: &Check| -> Option<(String, String)> {
        let (workflow, event) = check.key.lasting_workflow()?.rsplit_once(':')?;
        Some((workflow.to_owned(), event.to_owned()))
    };
    let by_change = |event: &str| matches!(event, "push" | "pull_request" | "pull_request_target");
    other.key.source == check.key.source
        && other.key.same_name(&check.key)
        && match (parts(other), parts(check)) {
            (Some((theirs, event)), Some((ours, _))) => theirs == ours && by_change(&event),
            (Some((_, event)), None) => by_change(&event),
            (None, _) => true,
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
