//! Which session a pull request belongs to, and what its pull requests do to a session.

use nudged::domain::{Adopt, Observation, Session, SessionState, TerminationReason};
use nudged::lifecycle::Refusal;

use crate::core::Core;
use crate::core::tell::{REPO, check, pull};

#[test]
fn a_branch_belongs_to_its_session_and_a_fork_never_does() {
    let mut core = Core::new();
    core.spawned("branch-1");
    core.see(pull(1));
    core.see(pull(2).head(2).branch("branch-1").of_fork());
    core.see(pull(3).head(3).branch("branch-2"));
    for (number, session) in [(1, "roc-1"), (2, "roc-2"), (3, "roc-3")] {
        assert_eq!(core.owner(number), session, "#{number}");
    }
}

#[test]
fn an_adopted_session_owns_its_branch_but_not_one_of_a_fork() {
    let mut core = Core::new();
    core.see(pull(1).branch("fix").of_fork());
    core.see(pull(2).head(2).branch("fix"));
    core.see(pull(3).head(3).branch("fix").base("next"));
    for (number, session) in [(1, "roc-1"), (2, "roc-2"), (3, "roc-2")] {
        assert_eq!(core.owner(number), session, "#{number}");
    }
}

#[test]
fn the_newest_living_session_on_a_branch_owns_it() {
    let mut core = Core::new();
    core.spawned("branch-1");
    core.spawned("branch-1");
    core.spawned("branch-2");
    core.see(pull(1));
    assert_eq!(core.owner(1), "roc-2");
}

#[test]
fn a_session_works_on_while_a_pull_request_of_it_is_open() {
    let mut core = Core::new();
    core.spawned("branch-1");
    let twin = || pull(3).head(3).branch("branch-1").base("next");
    core.see(pull(1));
    core.see(twin());
    assert_eq!(core.owner(3), "roc-1");
    // Merged beside an open one, it works on.
    core.see(twin().merged().at(30));
    assert_eq!(core.session("roc-1"), "working pr_open alive");
    core.see(pull(1).merged().at(40));
    assert_eq!(core.session("roc-1"), "terminated cleanup dead pr_merged");
    // An ended session takes no new pull request.
    core.see(pull(5).head(5).branch("branch-1").at(50));
    assert_eq!(core.owner(5), "roc-2");
}

#[test]
fn the_last_one_to_end_ends_a_session_that_had_a_merge() {
    let mut core = Core::new();
    core.spawned("branch-1");
    let twin = || pull(3).head(3).branch("branch-1").base("next");
    core.see(pull(1));
    core.see(twin());
    core.see(pull(1).merged().at(30));
    assert_eq!(core.session("roc-1"), "working pr_open alive");
    core.see(twin().closed().at(40));
    assert_eq!(core.session("roc-1"), "terminated cleanup dead pr_merged");
}

#[test]
fn a_session_that_was_killed_stays_so_whatever_becomes_of_its_pull_request() {
    for ended in [pull(1).merged().at(10), pull(1).closed().at(10), pull(1).draft().at(10)] {
        let mut core = Core::opened();
        core.change_session("roc-1", kill);
        core.see(ended);
        assert_eq!(core.session("roc-1"), "terminated killed dead manually_killed");
    }
}

fn kill(session: &mut Session) {
    session.state = SessionState::Terminated;
    session.termination_reason = Some(TerminationReason::ManuallyKilled);
    session.is_alive = false;
}

#[test]
fn closed_without_a_merge_a_spawned_session_works_on_and_an_adopted_one_is_done() {
    let mut core = Core::new();
    core.spawned("branch-1");
    core.see(pull(1));
    core.see(pull(2).head(2));
    core.see(pull(1).closed().at(10));
    core.see(pull(2).head(2).closed().at(10));
    assert_eq!(core.session("roc-1"), "working working alive");
    assert_eq!(core.session("roc-2"), "done done dead");
}

#[test]
fn an_ended_agent_is_not_spoken_to() {
    let mut core = Core::opened();
    core.see(check("build").failed());
    core.change_session("roc-1", kill);
    core.see(check("docs").passed());
    assert_eq!(core.told(), ["ci-failed superseded"]);
    core.see(check("lint").failed());
    assert_eq!(core.told(), ["ci-failed superseded"]);
}

#[test]
fn the_end_of_its_pull_requests_takes_back_what_was_not_heard() {
    let mut core = Core::new();
    core.spawned("branch-1");
    core.see(pull(1));
    core.see(pull(3).head(3).branch("branch-1").base("next"));
    core.see(check("build").at_commit(3).failed());
    assert_eq!(core.told(), ["ci-failed pending"]);
    core.see(pull(1).merged().at(10));
    core.see(pull(3).head(3).branch("branch-1").base("next").merged().at(20));
    assert_eq!(core.session("roc-1"), "terminated cleanup dead pr_merged");
    assert_eq!(core.told_of("ci-failed"), ["ci-failed superseded"]);
}

#[test]
fn what_is_not_to_be_watched_is_refused() {
    let mut core = Core::new();
    core.policy.adopt = Adopt::None;
    assert_eq!(core.try_see(pull(1)), Err(Refusal::NotAdopted));
    assert_eq!(core.known.project_of_repo(REPO), None);
    // A branch of a session is watched all the same.
    core.spawned("branch-1");
    core.see(pull(1));
    assert_eq!(core.owner(1), "roc-1");
    let mut core = Core::new();
    core.policy.auto_register = false;
    let refused = core.observe(&Observation::Scm(pull(1).into())).expect_err("refused");
    assert_eq!(refused, Refusal::NotWatched);
    assert!(refused.to_string().contains("auto_register"), "{refused}");
    assert_eq!(core.known.project_of_repo(REPO), None);
}
