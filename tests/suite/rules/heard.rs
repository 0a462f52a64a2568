//! What was not heard was not told: it is due again. What waits follows what it is about, and what is over is
//! taken back.

use nudged::domain::ProjectConfig;

use crate::core::Core;
use crate::core::tell::{check, comment, pull, resolved, review, workflow_run};

#[test]
fn unheard_failures_are_due_again_and_heard_ones_are_not() {
    for heard in [false, true] {
        let mut core = Core::opened();
        core.see(check("build").failed().at(5));
        if heard {
            core.acknowledge(0);
        }
        core.see(pull(1).closed().at(10));
        core.see(pull(1).at(20));
        let told = core.told_of("ci-failed").len();
        assert_eq!(told, if heard { 1 } else { 2 }, "closed and reopened: {:?}", core.told());
        core.see(pull(1).moved(1, 2).at(30));
        core.see(pull(1).moved(2, 1).at(40));
        let told = core.told_of("ci-failed").len();
        assert_eq!(told, if heard { 1 } else { 3 }, "away and back: {:?}", core.told());
    }
}

#[test]
fn what_the_human_alone_was_told_is_still_to_be_told_to_the_agent() {
    let mut core = Core::opened();
    core.see(check("build").failed().never_ran().at(5));
    assert_eq!(core.told(), ["escalated pending"]);
    assert!(core.said().contains("no runner took the job"), "{}", core.said());
    core.see(check("build").run(2).failed().at(20));
    assert_eq!(core.told_of("ci-failed"), ["ci-failed pending"]);
}

#[test]
fn a_waiting_nudge_goes_when_its_check_no_longer_fails() {
    for end in ["success", "skipped", "cancelled"] {
        let mut core = Core::opened();
        core.see(check("other").concluded("cancelled").at(1));
        core.see(check("build").failed().at(5));
        core.see(check("build").run(2).concluded(end).at(20));
        assert_eq!(core.told_of("ci-failed"), ["ci-failed superseded"], "{end}");
    }
    let mut core = Core::opened();
    core.see(check("build").failed().at(5));
    core.configure(ProjectConfig {
        checks_except: Some(vec!["build".to_owned()]),
        ..ProjectConfig::default()
    });
    assert_eq!(core.told_of("ci-failed"), ["ci-failed superseded"], "it left the globs");
}

#[test]
fn words_follow_what_they_are_about_while_a_nudge_waits() {
    let mut core = Core::opened();
    core.see(check("build").failed().at(5));
    core.see(check("lint").failed().at(6));
    assert!(core.said().contains("build (failure)") && core.said().contains("lint (failure)"));
    core.see(check("build").run(2).passed().at(20));
    assert!(
        !core.said().contains("build (failure)") && core.said().contains("lint (failure)"),
        "{}",
        core.said()
    );
    let mut core = Core::opened();
    core.see(review(81).requests_changes().at(5));
    core.see(comment(71).of_review(81));
    core.see(comment(72).of_review(81));
    assert!(core.said().contains("Please look at 71"), "{}", core.said());
    core.see(resolved(71, 50));
    assert!(!core.said().contains("Please look at 71"), "{}", core.said());
    assert!(core.said().contains("Please look at 72"), "{}", core.said());
}

#[test]
fn a_comment_that_is_deleted_leaves_the_nudge_that_waits() {
    let mut core = Core::opened();
    core.see(review(81).requests_changes().at(5));
    core.see(comment(71).of_review(81));
    core.see(comment(72).of_review(81));
    let told = core.told();
    assert!(core.said().contains("Please look at 71"), "{}", core.said());
    core.see(comment(71).of_review(81).deleted().at(50));
    assert!(!core.said().contains("Please look at 71"), "{}", core.said());
    assert!(core.said().contains("Please look at 72"), "{}", core.said());
    assert_eq!(core.told(), told, "it is the same nudge");
}

#[test]
fn unheard_comments_are_due_again_and_heard_ones_are_not() {
    for heard in [false, true] {
        let mut core = Core::opened();
        core.see(comment(71));
        assert_eq!(core.told(), ["review-comments pending"]);
        if heard {
            core.acknowledge(0);
        }
        core.see(pull(1).closed().at(10));
        core.see(pull(1).at(20));
        let told = core.told_of("review-comments");
        let again = ["review-comments superseded", "review-comments pending"];
        assert_eq!(told, if heard { vec!["review-comments acknowledged"] } else { again.into() });
    }
}

#[test]
fn what_the_human_was_told_goes_when_it_is_over() {
    let mut core = Core::opened();
    core.see(check("deploy").concluded("action_required").at(5));
    assert_eq!(core.told(), ["escalated pending"]);
    core.see(check("deploy").run(2).passed().at(20));
    assert_eq!(core.told(), ["escalated superseded"]);
}

#[test]
fn one_commit_in_two_pull_requests_of_a_session_is_told_once() {
    let mut core = Core::new();
    core.see(pull(9));
    core.spawned("branch-1");
    core.see(pull(1).head(3).branch("branch-1"));
    core.see(pull(2).head(3).branch("branch-1").base("next"));
    assert_eq!(core.owner(1), core.owner(2));
    core.see(check("build").at_commit(3).failed().at(5));
    assert_eq!(core.told_of("ci-failed"), ["ci-failed pending"]);
}

#[test]
fn what_was_cancelled_for_good_is_told_to_the_human_in_time() {
    let mut core = Core::opened();
    core.see(workflow_run(70).cancelled().at(5));
    core.advance(599);
    assert_eq!(core.told(), [""; 0]);
    core.advance(1);
    assert_eq!(core.told(), ["escalated pending"]);
    core.see(workflow_run(71).suite(901).passed().at(900));
    assert_eq!(core.told(), ["escalated superseded"]);
}

#[test]
fn a_new_head_is_not_green_before_its_checks_had_time_to_begin() {
    let mut core = Core::new().settling(30);
    core.see(pull(1).clean());
    core.see(check("cla").passed().at(1));
    assert_eq!(core.told_of("approved-and-green"), [""; 0]);
    core.advance(30);
    assert_eq!(core.told_of("approved-and-green"), ["approved-and-green pending"]);
}

#[test]
fn chosen_checks_are_not_green_while_a_run_goes_on() {
    let mut core = Core::opened();
    core.configure(ProjectConfig {
        checks_only: Some(vec!["build".to_owned()]),
        ..ProjectConfig::default()
    });
    core.see(workflow_run(70));
    core.see(check("build").passed().at(5));
    core.see(pull(1).clean().at(6));
    assert_eq!(core.told_of("approved-and-green"), [""; 0]);
    core.see(workflow_run(70).passed().at(9));
    assert_eq!(core.told_of("approved-and-green"), ["approved-and-green pending"]);
    assert!(core.said().contains("CI passing"), "{}", core.said());
}

#[test]
fn an_archived_projects_timer_says_nothing() {
    let mut core = Core::new().settling(30);
    core.see(pull(1));
    core.see(check("build").failed().at(5));
    core.archive();
    core.advance(60);
    assert_eq!(core.told(), [""; 0]);
}
