//! `ci-failed`: one nudge per head and set of failing checks, after they had time to gather; with
//! a brake, and with the failures that an agent cannot mend going to the human.

use std::collections::BTreeSet;

use crate::domain::{
    Check, CheckStatus, CiState, CommitFacts, CommitSha, FailureClass, Nudge, NudgeId, NudgeKind,
    PullRequest, RunStatus, TimerKind, ToldHead,
};
use crate::lifecycle::WorkingSet;
use crate::lifecycle::history::history_of;
use crate::lifecycle::policy::LOG_WAIT;
use crate::lifecycle::scm::{DerivedCheck, DerivedChecks, derive_checks, newest_workflow_runs};

use super::checks::{aliases, lasting_name, names_at, remember, signature};
use super::context::Context;
use super::judge::{Failed, has_failed, judge};
use super::{logs, rerun, wording};

/// The brake: so many failed commits in a row and the agent is not told again.
const BRAKE_COMMITS: usize = 3;
/// Checks of one pull request that are remembered as flaky.
const MOST_FLAKY: usize = 64;

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    let head = pull.core.head_sha.clone();
    let here = format!("{}:", head.as_str());
    let open = pull.core.state.is_open();
    let about_ci = |nudge: &Nudge| {
        nudge.kind == NudgeKind::CiFailed
            || (nudge.kind == NudgeKind::Escalated && is_about_ci(&nudge.signature))
    };
    let passing = context.ci == CiState::Passing;
    // The first check of a new head may be green long before the others begin: that releases no brake.
    let brake_stays = context.head_settles_in(pull).filter(|_| passing && pull.memory.ci_braked);
    if !open || passing {
        let stays =
            |nudge: &Nudge| open && brake_stays.is_some() && nudge.signature.starts_with(BRAKE);
        context.supersede(pull, |nudge| about_ci(nudge) && !stays(nudge));
        for kind in [TimerKind::LogWait, TimerKind::RerunWait] {
            context.cancel(kind);
        }
    }
    if !open || (passing && brake_stays.is_none()) {
        context.cancel(TimerKind::CiSettle);
    }
    if !open {
        return;
    }
    let all = context.checks.clone();
    for name in all.iter().filter(|it| it.is_flaky).filter_map(|it| lasting_name(it)) {
        if pull.memory.flaky.len() < MOST_FLAKY {
            pull.memory.flaky.insert(name);
        }
    }
    if passing {
        pull.memory.ci_told.clear();
        pull.memory.ci_told_human.clear();
        match brake_stays {
            Some(left) if context.due(TimerKind::CiSettle).is_none() => {
                context.arm(TimerKind::CiSettle, left);
            }
            Some(_) => {}
            None => pull.memory.ci_braked = false,
        }
        return;
    }
    context.supersede(pull, |nudge| {
        about_ci(nudge)
            && !nudge.signature.starts_with(&here)
            && !nudge.signature.starts_with(BRAKE)
    });
    pull.memory.ci_unheard.retain(|id, _| context.open.contains(id));
    rerun::look(context, pull, &head);
    // Those that were stopped come last: there is room for so many logs.
    let stopped = |it: &&DerivedCheck| it.check.status == CheckStatus::Cancelled;
    let (stopped, others): (Vec<_>, Vec<_>) = all.iter().copied().partition(stopped);
    logs::ask(context, pull, &head, others.into_iter().chain(stopped));

    let failing: Vec<&DerivedCheck> = all.iter().copied().filter(|it| has_failed(it)).collect();
    // What the base says matters only where something fails, and is known only then.
    let base = match failing.is_empty() {
        true => DerivedChecks::new(),
        false => derive_checks(context.known.facts(pull.repo_id, &pull.core.base_sha)),
    };
    let judged = failing.iter().map(|it| judge(it, &base, &pull.memory.flaky));
    let told: Vec<Failed<'_>> =
        judged.filter(|failed| !rerun::is_awaited(pull, &head, failed)).collect();
    let mut failures = Failures::of(told);

    take_back_what_is_over(context, pull, &here, &all, &failures);
    learn_aliases(pull, &head, &failing);
    let mut news = failures.news(context, pull, &head);
    if news.to_agent.is_empty() || pull.memory.ci_braked {
        reword(context, pull, &here, &failures);
    }
    if pull.memory.ci_braked {
        context.cancel(TimerKind::CiSettle);
    }
    if pull.memory.ci_braked || news.is_empty() {
        context.cancel(TimerKind::LogWait);
        return;
    }
    // What is waiting for logs has settled, and so has what was to be run again.
    let waits = context.due(TimerKind::LogWait).is_some()
        || news.all().any(|failed| rerun::was_awaited(pull, &head, failed));
    if !waits && !context.gathered && !context.settled(TimerKind::CiSettle) {
        return;
    }
    context.cancel(TimerKind::CiSettle);
    let under_way = logs::under_way(context, pull, &head, news.all().map(|failed| failed.it));
    if context.awaits(TimerKind::LogWait, LOG_WAIT, under_way) {
        return;
    }
    let untold: Vec<&Failed<'_>> = news.all().collect();
    let again = rerun::begin(context, pull, &head, &untold);
    if !again.is_empty() {
        failures.leave_out(&again);
        news = failures.news(context, pull, &head);
    }
    tell_human(context, pull, &head, &failures, &news);
    if !news.to_agent.is_empty() {
        tell_agent(context, pull, &head, &all, &failures);
    }
}

/// What failed at a head, by whom it is for.
struct Failures<'c> {
    to_agent: Vec<Failed<'c>>,
    to_human: Vec<Failed<'c>>,
}

impl<'c> Failures<'c> {
    fn of(failing: Vec<Failed<'c>>) -> Self {
        let (to_agent, to_human) = failing.into_iter().partition(Failed::is_for_agent);
        Self { to_agent, to_human }
    }

    fn all(&self) -> impl Iterator<Item = &Failed<'c>> {
        self.to_agent.iter().chain(&self.to_human)
    }

    fn is_empty(&self) -> bool {
        self.to_agent.is_empty() && self.to_human.is_empty()
    }

    fn leave_out(&mut self, runs: &BTreeSet<i64>) {
        let stays = |failed: &Failed<'_>| !runs.contains(&failed.check().run_id);
        self.to_agent.retain(stays);
        self.to_human.retain(stays);
    }

    /// Those of which nobody that they are for was told.
    fn news(&self, context: &Context<'_>, pull: &PullRequest, head: &CommitSha) -> Self {
        let told = told_at(context, pull, head);
        let told_human = names_at(&pull.memory.ci_told_human, head);
        let untold = |of: &[Failed<'c>], told: &BTreeSet<String>| {
            of.iter().filter(|failed| aliases(failed.it).is_disjoint(told)).cloned().collect()
        };
        Self {
            to_agent: untold(&self.to_agent, &told),
            to_human: untold(&self.to_human, &told_human),
        }
    }
}

/// Whose the failures of one nudge are: the change's where any is, not known where any is not, and what shows it.
fn blame<'f>(failing: &'f [Failed<'_>]) -> Option<(FailureClass, &'f str)> {
    let of = |class| failing.iter().find(|failed| failed.class == class);
    let first = of(FailureClass::Code).or_else(|| of(FailureClass::Unknown));
    first.or(failing.first()).map(|failed| (failed.class, &*failed.evidence))
}

/// What waits says what is so now.
fn reword(context: &mut Context<'_>, pull: &PullRequest, here: &str, failures: &Failures<'_>) {
    let Failures { to_agent, to_human } = failures;
    if to_agent.is_empty() {
        return;
    }
    for nudge in context.waiting(NudgeKind::CiFailed, here) {
        let text = wording::ci_failed(context.project, pull, to_agent, to_human);
        context.reword_of(blame(to_agent), &nudge, text);
    }
}

fn tell_human(
    context: &mut Context<'_>,
    pull: &mut PullRequest,
    head: &CommitSha,
    failures: &Failures<'_>,
    news: &Failures<'_>,
) {
    if news.to_human.is_empty() {
        return;
    }
    let text = wording::cannot_mend(context.project, pull, &news.to_human);
    let signature =
        signature(&format!("{}:", head.as_str()), news.to_human.iter().map(Failed::check));
    let first = news.to_human.first().map(|failed| (failed.class, &*failed.evidence));
    context.say_of(first, pull, NudgeKind::Escalated, &signature, text);
    let names = failures.to_human.iter().flat_map(|failed| aliases(failed.it)).collect();
    remember(&mut pull.memory.ci_told_human, head, names);
}

fn tell_agent(
    context: &mut Context<'_>,
    pull: &mut PullRequest,
    head: &CommitSha,
    all: &[&DerivedCheck],
    failures: &Failures<'_>,
) {
    let Failures { to_agent, to_human } = failures;
    let checks: Vec<&Check> = to_agent.iter().map(Failed::check).collect();
    if brake_holds(context.known, pull, all, &checks) {
        pull.memory.ci_braked = true;
        context.supersede(pull, |nudge| nudge.kind == NudgeKind::CiFailed);
        let text = wording::brake(context.project, pull, BRAKE_COMMITS, &checks);
        let signature = format!("{BRAKE}{}", head.as_str());
        let blame = Some((FailureClass::Code, ""));
        context.say_of(blame, pull, NudgeKind::Escalated, &signature, text);
        return;
    }
    // The newer nudge says all that the older one said.
    context.supersede(pull, |nudge| nudge.kind == NudgeKind::CiFailed);
    let text = wording::ci_failed(context.project, pull, to_agent, to_human);
    let signature = signature(&format!("{}:", head.as_str()), checks.iter().copied());
    let names: BTreeSet<String> = to_agent.iter().flat_map(|failed| aliases(failed.it)).collect();
    let heard = names_at(&pull.memory.ci_told, head);
    let unheard = names.difference(&heard).cloned().collect();
    let said = context.say_of(blame(to_agent), pull, NudgeKind::CiFailed, &signature, text);
    if let Some(nudge) = said {
        let unheard = ToldHead { head: head.clone(), checks: unheard };
        pull.memory.ci_unheard.insert(nudge, unheard);
        remember(&mut pull.memory.ci_told, head, names);
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
    failures: &Failures<'_>,
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
            return failures.to_agent.is_empty() && !all.iter().any(|it| under_way(it));
        };
        let ours = |it: &DerivedCheck| !aliases(it).is_disjoint(&own);
        let of = if to_agent { &failures.to_agent } else { &failures.to_human };
        let fails = of.iter().any(|failed| ours(failed.it));
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
