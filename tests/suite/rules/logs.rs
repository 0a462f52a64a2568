//! Logs of failed checks: fetched once, waited for within a bound, kept, and shown.

use nudged::domain::{
    FailureClass, LogAbsence, Observation, ScmObservation, TaskKind, TaskPayload,
};

use super::permutations;
use crate::core::Core;
use crate::core::tell::{check, enqueued, group, left_queue, pull, push, sha, workflow_run};

/// Pull request 1 is open at commit 1, things settle for 30 s, and GitHub can be asked.
fn asking() -> Core {
    let mut core = Core::new().settling(30).asking_github();
    core.see(pull(1));
    core
}

fn build() -> crate::core::tell::Check {
    check("build").of_actions().failed().at(10)
}

#[test]
fn a_failed_job_at_an_open_head_has_its_log_fetched_once() {
    let mut core = asking();
    core.see(build());
    assert_eq!(core.wanted_logs(), ["build"]);
    let TaskPayload::FetchLog(wanted) = core.tasks_of(TaskKind::FetchLog)[0].payload.clone() else {
        panic!("a log is wanted")
    };
    assert_eq!(
        (wanted.repo.as_str(), wanted.number, wanted.run_id),
        ("acme/rocket", 1, build().id())
    );
    assert_eq!(
        (&wanted.sha, &*wanted.base_ref, &*wanted.source),
        (&sha(1), "main", "github-actions")
    );
    assert_eq!(wanted.workflow_run_id, Some(70));
    core.report(build().log().says("error: 42"));
    assert_eq!(core.wanted_logs(), [""; 0]);
    core.see(check("lint").made_by("github-actions").job_of(70).passed().at(11));
    core.report(build().log().says("error: 42"));
    assert_eq!(core.wanted_logs(), [""; 0], "what is known is not asked again");
}

#[test]
fn nothing_is_asked_where_nothing_can_come_of_it() {
    for quiet in [
        check("harbor").failed().at(10),
        build().never_ran(),
        check("deploy").of_actions().concluded("action_required").at(10),
        check("early").of_actions().concluded("startup_failure").at(10),
        check("fine").of_actions().passed().at(10),
        build().at_commit(9),
    ] {
        let mut core = asking();
        core.see(quiet.clone());
        assert_eq!(core.wanted_logs(), [""; 0], "{:?}", quiet.id());
    }
    // Without App credentials, of a closed pull request, where the App was taken away.
    let mut core = Core::new().settling(30);
    core.see(pull(1));
    core.see(build());
    assert_eq!(core.wanted_logs(), [""; 0]);
    let mut core = asking();
    core.see(pull(1).closed().at(5));
    core.see(build());
    assert_eq!(core.wanted_logs(), [""; 0]);
    let mut core = asking();
    let (repos, at) = (vec![crate::core::tell::REPO], crate::core::tell::at(6));
    core.see(ScmObservation::Access { repos, account: None, granted: false, suspended: false, at });
    core.see(build());
    assert_eq!(core.wanted_logs(), [""; 0]);
}

#[test]
fn the_nudge_waits_for_a_log_that_is_on_its_way() {
    let mut core = asking();
    core.see(build());
    core.advance(30);
    assert_eq!(core.told(), [""; 0], "its log is on its way");
    core.advance(10);
    core.report(build().log().says("error: the answer is 42\n  --> src/lib.rs:7").behind(3));
    assert_eq!(core.told(), ["ci-failed pending"]);
    assert_eq!(core.timers(), []);
    let run = build().id();
    for part in [
        "the answer is 42",
        "code: error: the answer is 42",
        "3 commits behind its base",
        &format!("nudged log acme/rocket#1 {run}"),
    ] {
        assert!(core.said().contains(part), "{part} is not in {}", core.said());
    }
    assert_eq!(core.nudges()[0].class, Some(FailureClass::Code));
    assert_eq!(core.nudges()[0].evidence.as_deref(), Some("error: the answer is 42"));
    let row = core.row(1).id;
    let tails: Vec<_> =
        core.known.check_rows(row, &sha(1)).values().map(|it| &it.log_tail).collect();
    assert_eq!(tails.len(), 1);
    assert!(tails[0].contains("src/lib.rs:7"));
}

#[test]
fn it_waits_a_minute_at_most_and_follows_while_it_can() {
    let mut core = asking();
    core.see(build());
    core.advance(30);
    core.advance(59);
    assert_eq!(core.told(), [""; 0]);
    core.advance(1);
    assert_eq!(core.told(), ["ci-failed pending"]);
    assert!(core.said().contains("not there in time"), "{}", core.said());
    core.report(build().log().says("error: 42"));
    assert_eq!(core.told(), ["ci-failed pending"], "its words follow");
    assert!(
        core.said().contains("error: 42") && !core.said().contains("in time"),
        "{}",
        core.said()
    );
    core.acknowledge(0);
    assert_eq!(core.timers(), []);
}

#[test]
fn a_log_that_was_there_before_is_not_waited_for() {
    let mut core = asking();
    core.see(build());
    core.report(build().log().says("error: 42"));
    core.advance(30);
    assert_eq!(core.told(), ["ci-failed pending"]);
    // Nor where the run has completed, which cuts the settle time short.
    let mut core = asking();
    core.see(build());
    core.see(workflow_run(70).failed().at(12));
    assert_eq!(core.told(), [""; 0]);
    core.report(build().log().says("error: 42"));
    assert_eq!(core.told(), ["ci-failed pending"]);
}

#[test]
fn why_there_is_no_log_is_said() {
    for (reason, words) in [
        (LogAbsence::Expired, "has expired"),
        (LogAbsence::Cancelled, "was cancelled before"),
        (LogAbsence::Forbidden, "actions: read"),
        (LogAbsence::Missing, "no log at GitHub"),
        (LogAbsence::Unreachable, "could not be fetched"),
    ] {
        let mut core = asking();
        core.see(build());
        core.report(build().log().absent(reason));
        core.advance(30);
        assert_eq!(core.told(), ["ci-failed pending"], "{reason}");
        assert!(core.said().contains(words), "{words} is not in {}", core.said());
    }
}

#[test]
fn an_unfinished_job_is_asked_again_and_given_up() {
    let mut core = asking();
    core.see(build());
    let due = |core: &Core| core.tasks_of(TaskKind::FetchLog)[0].due_at.duration_since(core.now);
    core.report(build().log().not_yet());
    assert_eq!(due(&core).as_secs(), 5);
    core.pass(5);
    core.report(build().log().not_yet());
    assert_eq!(due(&core).as_secs(), 10);
    core.pass(3_600);
    core.report(build().log().not_yet());
    assert_eq!(core.wanted_logs(), [""; 0]);
    // GitHub that does not answer for an hour is asked on, until nobody can hear of it any more.
    let mut core = asking();
    core.see(build());
    for _ in 0..8 {
        core.report(build().log().failed());
        let wait = due(&core);
        core.pass(wait.as_secs());
    }
    assert_eq!(core.wanted_logs(), ["build"]);
    core.see(pull(1).moved(1, 2).at(20));
    core.report(build().log().failed());
    assert_eq!(core.wanted_logs(), [""; 0], "the head has moved");
}

#[test]
fn a_late_log_of_an_old_head_is_kept_and_not_told() {
    let mut core = asking();
    core.see(build());
    core.see(pull(1).moved(1, 2).at(20));
    core.report(build().log().says("error: 42"));
    core.advance(300);
    assert_eq!(core.told(), [""; 0]);
    let tails = core.known.check_rows(core.row(1).id, &sha(1)).values();
    assert_eq!(tails.map(|it| &*it.log_tail).collect::<Vec<_>>(), ["error: 42"]);
}

#[test]
fn whatever_comes_first_the_rows_end_alike() {
    let facts: Vec<Observation> = vec![
        Observation::Scm(pull(1).into()),
        Observation::Scm(build().into()),
        Observation::Scm(workflow_run(70).failed().at(12).into()),
        build().log().absent(LogAbsence::Unreachable).into(),
        build().log().says("error: 42").behind(2).into(),
        build().log().says("error: 41").into(),
    ];
    for github in [false, true] {
        let mut rows = None;
        for order in permutations(facts.len()) {
            let mut core = Core::new();
            core.policy.github = github;
            for index in order.iter().chain(&order[..1]) {
                core.observe(&facts[*index]).expect("it is taken in");
            }
            let found = core.rows();
            let expected = rows.get_or_insert_with(|| found.clone());
            assert_eq!(&found, expected, "in the order {order:?}");
        }
        let rows = format!("{rows:?}");
        assert!(rows.contains("error: 42") && !rows.contains("error: 41"), "{rows}");
    }
}

#[test]
fn a_job_that_was_stopped_by_its_limit_is_a_failure() {
    let stopped = || check("slow").of_actions().concluded("cancelled").at(10);
    let mut core = asking();
    core.see(stopped());
    assert_eq!(core.wanted_logs(), ["slow"]);
    let words = "The job has exceeded the maximum execution time of 10m0s";
    core.report(stopped().log().says(words));
    core.advance(30);
    assert_eq!(core.told(), ["ci-failed pending"]);
    assert!(core.said().contains(words), "{}", core.said());
    core.advance(600);
    assert_eq!(core.told(), ["ci-failed pending"], "it is not told as cancelled too");
    // One that somebody stopped is the human's, after the wait.
    let mut core = asking();
    core.see(stopped());
    core.report(stopped().log().shows(FailureClass::Cancelled, "The operation was canceled."));
    core.advance(599);
    assert_eq!(core.told(), [""; 0]);
    core.advance(1);
    assert_eq!(core.told(), ["escalated pending"]);
}

#[test]
fn a_merge_group_s_logs_are_fetched_and_told() {
    let mut core = asking();
    let integration = || check("integration").of_actions().at_commit(77).failed().at(20);
    core.see(enqueued(pull(1).at(5)));
    core.see(group(1, 77, 6));
    core.see(integration());
    assert_eq!(core.wanted_logs(), [""; 0], "nobody was put out yet");
    core.see(left_queue(pull(1).at(21), "CI_FAILURE"));
    assert_eq!(core.wanted_logs(), ["integration"]);
    core.advance(30);
    assert_eq!(core.told(), [""; 0]);
    core.report(integration().log().says("error: the two do not fit"));
    assert_eq!(core.told(), ["merge-queue-failed pending"]);
    assert!(core.said().contains("the two do not fit"), "{}", core.said());
    assert_eq!(core.timers(), []);
    // One that does not come is not waited for for ever.
    let mut core = asking();
    core.see(group(1, 77, 6));
    core.see(integration());
    core.see(left_queue(pull(1).at(21), "CI_FAILURE"));
    core.advance(30);
    core.advance(60);
    assert_eq!(core.told(), ["merge-queue-failed pending"]);
    core.report(integration().log().says("error: late"));
    assert!(core.said().contains("error: late"), "{}", core.said());
}

#[test]
fn a_body_holds_four_kib_of_a_log_and_sixteen_of_all() {
    let mut core = asking();
    for number in 0..9 {
        let name = format!("job {number}");
        let job = check(&name).of_actions().failed().at(10);
        core.see(job.clone());
        core.report(job.log().says(&"a line of the log\n".repeat(500)));
    }
    core.advance(30);
    assert_eq!(core.told(), ["ci-failed pending"]);
    assert!(core.said().len() <= 16 * 1024, "{} bytes", core.said().len());
    assert!((0..9).all(|number| core.said().contains(&format!("Log of check {}", number + 1))));
    let rows = core.known.check_rows(core.row(1).id, &sha(1)).values();
    assert!(rows.clone().all(|row| row.log_tail.len() <= 4 * 1024));
    core.see(push("main", 90));
}
