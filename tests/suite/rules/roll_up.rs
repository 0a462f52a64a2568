//! From facts at commits to checks, and from the checks at the head to one word.

use nudged::domain::ScmObservation;

use super::{facts, in_any_order};
use crate::core::Core;
use crate::core::tell::{check, pull, repo, sha, status, workflow_run};

fn ci_and_checks(core: &Core) -> (&'static str, Vec<String>) {
    (core.ci(1), core.checks(1))
}

fn shown(ci: &'static str, check: &str) -> (&'static str, Vec<String>) {
    (ci, vec![check.to_owned()])
}

#[test]
fn conclusions_say_what_a_check_and_ci_are() {
    for (conclusion, status, ci) in [
        ("success", "passed", "passing"),
        ("neutral", "passed", "passing"),
        ("failure", "failed", "failing"),
        ("timed_out", "failed", "failing"),
        ("action_required", "failed", "failing"),
        ("startup_failure", "failed", "failing"),
        ("cancelled", "cancelled", "unknown"),
        // All skipped is a success for GitHub.
        ("skipped", "skipped", "passing"),
        ("stale", "skipped", "passing"),
        ("a_new_word", "unknown", "unknown"),
    ] {
        let mut core = Core::opened();
        core.see(check("build").concluded(conclusion));
        assert_eq!(ci_and_checks(&core), shown(ci, &format!("build {status}")), "{conclusion}");
    }
}

#[test]
fn states_say_what_a_status_and_ci_are() {
    for (state, status_word, ci) in [
        ("success", "passed", "passing"),
        ("failure", "failed", "failing"),
        ("error", "failed", "failing"),
        ("pending", "in_progress", "pending"),
        ("a_new_word", "unknown", "unknown"),
    ] {
        let mut core = Core::opened();
        core.see(status("ci").state(state));
        assert_eq!(ci_and_checks(&core), shown(ci, &format!("ci {status_word}")), "{state}");
    }
}

#[test]
fn the_worst_of_all_checks_at_the_head_is_what_ci_is() {
    let failed = || check("a").failed().into();
    let waits = || check("b").queued().into();
    let runs = || check("c").into();
    let cancelled = || check("d").concluded("cancelled").into();
    let unclear = || check("e").concluded("a_new_word").into();
    let skipped = || check("f").concluded("skipped").into();
    let passed = || check("g").passed().into();
    let workflow_waits = || workflow_run(70).suite(901).queued().into();
    let cases: [(Vec<ScmObservation>, &str); 9] = [
        (vec![failed(), runs(), passed()], "failing"),
        (vec![waits(), cancelled(), passed()], "pending"),
        (vec![runs(), unclear(), passed()], "pending"),
        (vec![workflow_waits(), cancelled(), passed()], "pending"),
        (vec![workflow_waits(), failed()], "failing"),
        (vec![cancelled(), passed()], "unknown"),
        (vec![unclear(), passed()], "unknown"),
        (vec![skipped(), passed()], "passing"),
        (vec![skipped()], "passing"),
    ];
    for (facts, ci) in cases {
        let opened = ScmObservation::from(pull(1));
        in_any_order(&[vec![opened], facts].concat(), |core| core.ci(1), ci);
    }
}

#[test]
fn a_run_only_rises_and_the_newest_run_of_a_check_counts() {
    let build = || check("build");
    for (one, other, row) in [
        (build().queued(), build(), "in_progress"),
        (build().passed().at(9), build(), "passed"),
        (build().failed().at(9), build().queued(), "failed"),
        (build().failed().at(9), build().passed().at(12), "passed"),
        (build().passed().at(9), build().failed().at(12), "failed"),
        // Completed in one second, the failure holds.
        (build().failed().at(9), build().passed().at(9), "failed"),
        // A re-run has a new id: it counts, even while it only waits and the old one ends later.
        (build().run(2).queued(), build().failed().at(99), "queued"),
        (build().run(2).passed().at(9), build().failed().at(99), "passed"),
    ] {
        let facts = facts![pull(1), one, other];
        in_any_order(&facts, |core| core.checks(1), [format!("build {row}")]);
    }
}

#[test]
fn a_workflow_run_is_its_newest_attempt_and_a_newer_run_takes_its_place() {
    let first = || workflow_run(70);
    for (one, other, ci) in [
        // Within an attempt it only rises.
        (first().queued(), first().failed(), "failing"),
        // Run again under the same id, it waits once more, whatever became of it before.
        (first().failed().at(99), first().attempt(2).queued(), "pending"),
        (first().passed(), first().attempt(2).failed(), "failing"),
        // A newer run of the same workflow and event takes an older one's place.
        (first().failed(), workflow_run(71).queued(), "pending"),
        // Another workflow's or another event's does not.
        (first().failed(), workflow_run(71).of_workflow(4, "Docs").queued(), "failing"),
        (first().failed(), workflow_run(71).on("push").queued(), "failing"),
    ] {
        in_any_order(&facts![pull(1), one, other], |core| core.ci(1), ci);
    }
}

#[test]
fn a_workflow_run_that_failed_without_a_failed_check_is_one() {
    let run = || workflow_run(70).suite(900).failed();
    let facts = facts![pull(1), run(), check("build").suite(900).passed()];
    let both = ["build passed", "CI (workflow run) failed"];
    in_any_order(&facts, |core| sorted(core.checks(1)), sorted(both.map(str::to_owned).to_vec()));
    // One that it has explains the failure, whether it names the suite or the run.
    for job in [check("build").suite(900), check("build").job_of(70)] {
        let facts = facts![pull(1), run(), job.failed()];
        in_any_order(&facts, |core| core.checks(1), ["build failed"]);
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn one_workflows_green_job_does_not_hide_anothers_red_one() {
    let facts = facts![
        pull(1),
        workflow_run(70).suite(901).passed(),
        workflow_run(71).suite(902).of_workflow(4, "Docs").failed(),
        check("build").run(1).suite(902).failed(),
        check("build").run(2).suite(901).passed(),
    ];
    let shown = |core: &Core| (core.ci(1), sorted(core.checks(1)));
    let both = ["build failed", "build passed"].map(str::to_owned).to_vec();
    in_any_order(&facts, shown, ("failing", both));
}

#[test]
fn a_status_is_the_newest_of_its_context_then_the_one_of_the_largest_id() {
    let ci = |id| status("ci").id(id);
    for (one, other, row) in [
        (ci(2).failed().at(10), ci(1).passed().at(20), "passed"),
        (ci(2).failed().at(10), ci(1).passed().at(10), "failed"),
        (ci(1).at(10), ci(2).passed().at(10), "passed"),
    ] {
        in_any_order(&facts![pull(1), one, other], |core| core.checks(1), [format!("ci {row}")]);
    }
}

#[test]
fn late_failures_of_an_old_head_are_history() {
    let mut core = Core::new();
    core.see(pull(1).moved(1, 2).at(50));
    core.see(check("build").failed().at(60));
    assert_eq!(core.told(), [""; 0]);
    assert_eq!(ci_and_checks(&core), ("unknown", Vec::new()));
    assert_eq!(core.all_checks(1), ["build failed"]);
}

/// Whichever of the pull request's payloads come before the checks at its four heads.
#[test]
fn stale_heads_and_what_they_replaced_are_history() {
    let pulls = [pull(1).moved(3, 4).at(50), pull(1).moved(1, 2).at(10)].map(ScmObservation::from);
    let checks = [1, 2, 3, 4].map(|head| check("build").at_commit(head).run(head as i64).failed());
    let facts = [pulls.to_vec(), checks.map(ScmObservation::from).to_vec()].concat();
    for order in [[0, 1, 2, 3, 4, 5], [1, 0, 2, 3, 4, 5], [2, 3, 4, 5, 0, 1], [2, 0, 3, 4, 1, 5]] {
        let mut core = Core::new();
        for index in order {
            core.see(facts[index].clone());
        }
        assert_eq!(core.all_checks(1), ["build failed"; 4], "{order:?}");
        assert_eq!(core.row(1).core.head_sha, sha(4), "{order:?}");
    }
}

#[test]
fn the_same_commit_in_another_repository_is_another_matter() {
    let fork = || repo(77, "grace/rocket");
    let mut core = Core::opened();
    core.see(check("lint").of_repo(fork()).failed());
    core.see(status("ci").of_repo(fork()).failed());
    core.see(workflow_run(70).of_repo(fork()).failed());
    assert_eq!(ci_and_checks(&core), ("unknown", Vec::new()));
}

#[test]
fn a_check_counts_for_every_pull_request_at_its_commit() {
    let mut core = Core::opened();
    core.see(pull(2));
    core.see(pull(3).head(3));
    core.see(check("build").failed());
    core.see(check("build").run(2).failed());
    for (number, ci, checks) in [(1, "failing", 1), (2, "failing", 1), (3, "unknown", 0)] {
        assert_eq!((core.ci(number), core.checks(number).len()), (ci, checks), "#{number}");
    }
}

#[test]
fn what_comes_before_its_pull_request_or_its_head_counts_when_that_comes() {
    let mut core = Core::new();
    core.see(check("build").passed().at(10));
    core.see(status("ci").passed().at(10));
    core.see(workflow_run(70).suite(901).passed().at(10));
    core.see(check("build").run(2).at_commit(2).failed().at(40));
    core.see(pull(1));
    assert_eq!((core.ci(1), core.checks(1).len()), ("passing", 2));
    assert_eq!(core.told(), [""; 0]);
    // The head that failed before it was the head: now it is told.
    core.see(pull(1).moved(1, 2).at(50));
    assert_eq!(ci_and_checks(&core), shown("failing", "build failed"));
    assert_eq!(core.told(), ["ci-failed pending"]);
    // At a head that nothing is known of, ci starts over.
    core.see(pull(1).moved(2, 3).at(60));
    assert_eq!(ci_and_checks(&core), ("unknown", Vec::new()));
    assert_eq!(core.told(), ["ci-failed superseded"]);
    // What the old heads still say is history.
    core.see(check("lint").at_commit(2).failed().at(70));
    core.see(status("docs").failed().at(70));
    assert_eq!(ci_and_checks(&core), ("unknown", Vec::new()));
    assert_eq!(core.told(), ["ci-failed superseded"]);
    assert_eq!(core.all_checks(1).len(), 5);
}

/// Neither its commit nor its removal from the queue says anything about the head.
#[test]
fn checks_of_a_merge_queue_are_no_checks_of_the_head() {
    let mut core = Core::opened();
    core.see(check("build").at_commit(8).failed());
    core.see(pull(1).at(20));
    assert_eq!(core.told(), [""; 0]);
    assert_eq!((core.ci(1), core.all_checks(1)), ("unknown", Vec::new()));
}
