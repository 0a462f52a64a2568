//! `ci-failed`: once per head and set of failures, settled, with a brake; what no agent can mend goes to
//! the human.

use nudged::domain::ProjectConfig;

use crate::core::Core;
use crate::core::tell::{check, pull, sha, status, suite_completed, workflow_run};

/// Pull request 1 is open at commit 1, and things settle for 30 s.
fn settling() -> Core {
    let mut core = Core::new().settling(30);
    core.see(pull(1));
    core
}

#[test]
fn failures_gather_for_the_settle_time_and_make_one_nudge() {
    let mut core = settling();
    core.see(check("build").failed().at(10).said("error: the answer is 42\n"));
    core.advance(29);
    core.see(check("lint").failed().at(20));
    assert_eq!(core.told(), [""; 0], "told before the settle time is over");
    core.advance(1);
    assert_eq!(core.told(), ["ci-failed pending"]);
    for part in [
        "acme/rocket#1",
        sha(1).as_str(),
        "1. build (failure)",
        "2. lint (failure)",
        "https://ci.example/1",
        "untrusted",
        "the answer is 42",
    ] {
        assert!(core.said().contains(part), "{part} is not in {}", core.said());
    }
    // The same failures again, under new run ids, are the same thing.
    core.see(check("build").run(2).failed().at(40));
    assert_eq!(core.timers(), [], "there is nothing to gather");
    core.advance(100);
    assert_eq!(core.told(), ["ci-failed pending"]);
    // A failing check that is new there is told, and replaces what nobody has heard yet.
    core.see(check("docs").failed().at(50));
    assert_eq!(core.told(), ["ci-failed pending"], "it settles too");
    core.advance(30);
    assert_eq!(core.told(), ["ci-failed superseded", "ci-failed pending"]);
    assert_eq!(core.ci(1), "failing");
}

#[test]
fn a_completed_workflow_run_cuts_the_settle_time_short() {
    let mut core = settling();
    core.see(workflow_run(70).queued());
    core.see(check("build").failed().at(10));
    assert_eq!(core.told(), [""; 0]);
    core.see(workflow_run(70).failed().at(12));
    assert_eq!((core.told(), core.timers()), (vec!["ci-failed pending".to_owned()], Vec::new()));
    core.advance(60);
    assert_eq!(core.told(), ["ci-failed pending"], "the timer told it again");
}

#[test]
fn a_completed_suite_cuts_the_settle_time_short() {
    let mut core = settling();
    core.see(check("build").failed().at(10));
    assert_eq!(core.told(), [""; 0]);
    core.see(suite_completed(900));
    assert_eq!(core.told(), ["ci-failed pending"]);
    assert_eq!(core.ci(1), "failing");
}

#[test]
fn what_may_still_fail_is_waited_for() {
    // Another workflow's run, a job of the suite, the jobs of a run that failed.
    for waiting in [
        vec![workflow_run(70).failed().into(), workflow_run(71).of_workflow(4, "Docs").into()],
        vec![workflow_run(70).failed().into(), check("lint").queued().into()],
        vec![
            workflow_run(70).failed().into(),
            workflow_run(71).of_workflow(4, "Docs").suite(901).failed().into(),
        ],
        vec![suite_completed(901)],
    ] {
        let mut core = settling();
        for fact in waiting.clone() {
            core.see(fact);
        }
        core.see(check("build").failed().at(10));
        assert_eq!(core.told(), [""; 0], "after {waiting:?}");
        core.advance(30);
        assert_eq!(core.told_of("ci-failed"), ["ci-failed pending"], "after {waiting:?}");
    }
}

#[test]
fn a_new_head_has_a_settle_time_of_its_own() {
    let mut core = settling();
    core.see(check("build").failed().at(10));
    core.advance(20);
    core.see(pull(1).moved(1, 2).at(20));
    core.see(check("build").at_commit(2).failed().at(30));
    core.advance(29);
    assert_eq!(core.told(), [""; 0]);
    core.advance(1);
    assert_eq!(core.told(), ["ci-failed pending"]);
}

#[test]
fn a_workflow_named_late_does_not_make_the_failure_new() {
    let mut core = Core::opened();
    core.see(check("build").failed().at(10));
    core.see(workflow_run(70).failed().at(12));
    assert_eq!(core.told(), ["ci-failed pending"]);
    assert_eq!(core.checks(1), ["build failed"]);
}

#[test]
fn it_is_superseded_when_ci_recovers_and_may_be_told_again_after() {
    let mut core = Core::opened();
    core.see(check("build").failed().at(10));
    core.see(check("build").run(2));
    assert_eq!(core.told(), ["ci-failed pending"], "a re-run is no recovery");
    core.see(check("build").run(2).passed().at(30));
    assert_eq!(core.told(), ["ci-failed superseded"]);
    core.see(check("build").run(3).failed().at(40));
    assert_eq!(core.told(), ["ci-failed superseded", "ci-failed pending"]);
}

#[test]
fn what_was_heard_is_not_taken_back() {
    let mut core = Core::opened();
    core.see(check("build").failed().at(10));
    core.acknowledge(0);
    core.see(check("build").run(2).passed().at(30));
    assert_eq!(core.told(), ["ci-failed acknowledged"]);
}

/// Commit `number` of pull request 1, and its check that failed there.
fn fail_at(core: &mut Core, number: u64) {
    let seconds = 100 * number as i64;
    let moved = pull(1).at(seconds);
    core.see(if number > 1 { moved.moved(number - 1, number) } else { moved.head(number) });
    core.see(check("build").at_commit(number).failed().at(seconds + 10));
}

#[test]
fn after_three_failed_commits_the_human_hears_once_instead() {
    let mut core = Core::new();
    for number in 1..=5 {
        fail_at(&mut core, number);
    }
    let superseded = "ci-failed superseded";
    assert_eq!(core.told(), [superseded, superseded, "escalated pending"]);
    core.see(check("build").at_commit(5).run(2).passed().at(700));
    core.see(check("build").at_commit(5).run(3).failed().at(800));
    // Recovered in between, so the brake is off; but three commits in a row have still failed.
    assert_eq!(core.told()[3..], ["escalated pending"]);
}

#[test]
fn a_merge_or_a_close_ends_what_the_human_was_told_of_the_brake() {
    for end in [pull(1).closed(), pull(1).merged()] {
        let mut core = Core::new();
        for number in 1..=3 {
            fail_at(&mut core, number);
        }
        assert_eq!(core.told_of("escalated"), ["escalated pending"]);
        core.see(end.head(3).at(900));
        assert_eq!(core.told_of("escalated"), ["escalated superseded"]);
    }
}

#[test]
fn a_green_job_of_a_run_that_goes_on_releases_no_brake() {
    let mut core = Core::opened();
    let checks_only = globs(&["build", "lint"]);
    core.configure(ProjectConfig { checks_only, ..ProjectConfig::default() });
    for number in 1..=5 {
        let seconds = 100 * number as i64;
        if number > 1 {
            core.see(pull(1).at(seconds).moved(number - 1, number));
        }
        core.see(workflow_run(70 + number as i64).at_commit(number));
        core.see(check("lint").at_commit(number).passed().at(seconds + 5));
        assert_eq!(core.ci(1), "pending");
        core.see(check("build").at_commit(number).failed().at(seconds + 10));
    }
    assert_eq!(core.told_of("escalated"), ["escalated pending"]);
    assert_eq!(core.told_of("ci-failed"), ["ci-failed superseded"; 2]);
}

#[test]
fn what_is_green_first_on_each_head_releases_no_brake_before_the_head_has_settled() {
    let green = |number| status("cla").at_commit(number).passed().at(100 * number as i64 + 1);
    let moved = |number: u64| pull(1).at(100 * number as i64).moved(number - 1, number);
    let mut core = settling();
    for number in 1..=5 {
        // Its status may come before the head that it is of.
        if number == 4 {
            core.see(green(number));
        }
        if number > 1 {
            core.see(moved(number));
        }
        core.see(green(number));
        assert_eq!(core.ci(1), "passing");
        core.advance(5);
        core.see(check("build").at_commit(number).failed().at(100 * number as i64 + 6));
        core.advance(30);
    }
    assert_eq!(core.told_of("escalated"), ["escalated pending"]);
    core.advance(600);
    assert_eq!(core.told_of("escalated"), ["escalated pending"], "nothing has recovered");

    // Recovered is what is green once the head has settled, be it since then or from then on.
    core.see(moved(6));
    core.see(green(6));
    core.advance(20);
    core.see(check("build").at_commit(6));
    core.advance(10);
    assert_eq!(core.told_of("escalated"), ["escalated pending"], "it is not green yet");
    core.see(check("build").at_commit(6).passed().at(640));
    assert_eq!(core.told_of("escalated"), ["escalated superseded"]);
    for number in 7..=9 {
        core.see(moved(number));
        core.see(check("build").at_commit(number).failed().at(100 * number as i64 + 6));
        core.advance(30);
    }
    let again = ["escalated superseded", "escalated pending"];
    assert_eq!(core.told_of("escalated"), again);
    core.see(moved(10));
    core.see(green(10));
    core.see(check("build").at_commit(10).passed().at(1_010));
    core.advance(29);
    assert_eq!(core.told_of("escalated"), again);
    core.advance(1);
    assert_eq!(core.told_of("escalated"), ["escalated superseded"; 2]);
    assert_eq!(core.timers(), []);
}

#[test]
fn a_commit_that_passed_in_between_keeps_the_brake_off() {
    let mut core = Core::new();
    fail_at(&mut core, 1);
    core.see(check("build").run(2).passed().at(120));
    fail_at(&mut core, 2);
    fail_at(&mut core, 3);
    assert_eq!(core.told_of("escalated"), [""; 0]);
    assert_eq!(core.told().last().expect("a nudge"), "ci-failed pending");
}

#[test]
fn what_an_agent_cannot_mend_goes_to_the_human_with_the_reason() {
    let mut core = Core::new();
    core.see(check("legacy").at_commit(1_000_000).failed().at(1));
    core.see(pull(1));
    core.see(check("legacy").failed().at(10));
    core.see(check("deploy").concluded("action_required").at(10));
    let refusal = "The job was not started because recent account payments have failed.";
    core.see(check("paid").failed().at(10).said(refusal));
    core.see(workflow_run(70).suite(901).concluded("startup_failure").at(12));
    assert_eq!(core.told(), ["escalated pending"; 4]);
    let words = ["base commit", "approval", "billing", "before any job started"];
    for (nudge, words) in core.nudges().into_iter().zip(words) {
        assert!(nudge.body.contains(words), "{words} is not in {}", nudge.body);
    }
    // One that it can mend is told to the agent, with the others named as not its own.
    core.see(check("build").failed().at(20));
    assert_eq!(core.told()[4..], ["ci-failed pending"]);
    for part in ["not yours to mend", "1 check failed"] {
        assert!(core.said().contains(part), "{part} is not in {}", core.said());
    }
}

#[test]
fn a_workflow_run_that_failed_without_a_job_is_the_humans() {
    let mut core = Core::opened();
    core.see(workflow_run(70).failed());
    assert_eq!(core.told(), ["escalated pending"]);
    assert!(core.said().contains("before any job started"), "{}", core.said());
}

/// The base is built by `push`, the head by `pull_request`: only the workflow's name counts.
#[test]
fn the_same_job_of_another_workflow_at_the_base_is_another_check() {
    for (id, name, told) in [(3, "CI", "escalated pending"), (4, "Docs", "ci-failed pending")] {
        let mut core = Core::new();
        let base = workflow_run(60).of_workflow(id, name).on("push").suite(801);
        core.see(base.at_commit(1_000_000).failed());
        core.see(check("build").at_commit(1_000_000).suite(801).failed());
        core.see(pull(1));
        core.see(workflow_run(70));
        core.see(check("build").run(2).failed().at(10));
        assert_eq!(core.told(), [told], "{name}");
    }
}

/// What a nightly run finds at the base says nothing of the change; nor does a run that may be one.
#[test]
fn a_job_of_actions_is_the_base_s_only_where_a_push_failed_there_too() {
    let job = |run: i64| check("build").made_by("github-actions").job_of(run).failed();
    for (base, head, told) in [
        (Some("push"), true, "escalated pending"),
        (Some("schedule"), true, "ci-failed pending"),
        (None, true, "ci-failed pending"),
        (Some("push"), false, "ci-failed pending"),
        (None, false, "ci-failed pending"),
    ] {
        let mut core = Core::new();
        if let Some(event) = base {
            let run = workflow_run(60).on(event).suite(801).at_commit(1_000_000);
            core.see(run.failed());
        }
        core.see(job(60).at_commit(1_000_000));
        core.see(pull(1));
        if head {
            core.see(workflow_run(70));
        }
        core.see(job(70).run(2).failed().at(10));
        assert_eq!(core.told(), [told], "{base:?} {head}");
    }
}

#[test]
fn what_passed_at_the_base_or_is_another_check_there_is_the_agents_to_mend() {
    let base = || check("build").at_commit(1_000_000);
    for at_base in [base().passed(), check("lint").at_commit(1_000_000).failed()] {
        let mut core = Core::new();
        core.see(at_base);
        core.see(pull(1));
        core.see(check("build").failed().at(10));
        assert_eq!(core.told(), ["ci-failed pending"]);
    }
}

fn globs(globs: &[&str]) -> Option<Vec<String>> {
    Some(globs.iter().map(|&glob| glob.to_owned()).collect())
}

#[test]
fn only_the_chosen_checks_count_for_nudges() {
    let mut core = Core::opened();
    core.configure(ProjectConfig {
        checks_only: globs(&["b*", "lint"]),
        checks_except: globs(&["*-flaky"]),
        ..ProjectConfig::default()
    });
    core.see(check("docs").failed().at(10));
    core.see(check("build-flaky").failed().at(10));
    assert_eq!(core.told_of("ci-failed"), [""; 0]);
    assert_eq!(core.ci(1), "failing");
    core.see(check("lint").failed().at(20));
    assert_eq!(core.told_of("ci-failed"), ["ci-failed pending"]);
    assert!(core.said().contains("1. lint (") && !core.said().contains("docs"), "{}", core.said());
}

#[test]
fn what_was_left_out_is_not_red() {
    let mut core = Core::opened();
    let checks_except = globs(&["docs"]);
    core.configure(ProjectConfig { checks_except, ..ProjectConfig::default() });
    core.see(check("docs").failed().at(10));
    core.see(check("build").passed().at(10));
    core.see(pull(1).clean().at(20));
    assert_eq!(core.told(), ["approved-and-green pending"]);
}

#[test]
fn new_globs_are_applied_at_once() {
    let choose = |core: &mut Core, checks_only, checks_except| {
        let (checks_only, checks_except) = (globs(checks_only), globs(checks_except));
        core.configure(ProjectConfig { checks_only, checks_except, ..ProjectConfig::default() });
    };
    let mut core = Core::opened();
    choose(&mut core, &["lint"], &[]);
    core.see(check("build").failed().at(10));
    assert_eq!(core.told(), [""; 0]);
    choose(&mut core, &["lint", "build"], &[]);
    assert_eq!(core.told(), ["ci-failed pending"], "it counts now");

    let mut core = Core::opened();
    core.see(check("docs").failed().at(10));
    core.see(check("build").passed().at(10));
    core.see(pull(1).clean().at(20));
    assert_eq!(core.told(), ["ci-failed pending"]);
    choose(&mut core, &[], &["docs"]);
    let told = ["ci-failed superseded", "approved-and-green pending"];
    assert_eq!(core.told(), told, "what is left is green");
}

#[test]
fn a_glob_may_name_the_workflow_too() {
    for (only, told) in [("CI / build", 1), ("CI / *", 1), ("Docs / *", 0), ("build", 1)] {
        let mut core = Core::opened();
        let checks_only = globs(&[only]);
        core.configure(ProjectConfig { checks_only, ..ProjectConfig::default() });
        core.see(workflow_run(70));
        core.see(check("build").failed().at(10));
        assert_eq!(core.told_of("ci-failed").len(), told, "{only}");
    }
}
