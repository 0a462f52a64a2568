//! Whom nothing is said to for now: pauses, agents that wait, and what people take note of.

use nudged::domain::{
    ActivityState, CommandObservation, NudgeId, Observation, Paused, ProjectConfig, ProjectId,
    RepoName, SessionId, SessionState,
};
use nudged::lifecycle::Refusal;

use crate::core::Core;
use crate::core::tell::{check, pull};

fn roc() -> ProjectId {
    ProjectId("roc".into())
}

fn pause(whom: Paused, paused: bool) -> CommandObservation {
    CommandObservation::PauseNudges { whom, paused }
}

fn project_paused(paused: bool) -> CommandObservation {
    pause(Paused::Project(roc()), paused)
}

fn session_paused(number: i64, paused: bool) -> CommandObservation {
    pause(Paused::Session(SessionId::new(&roc(), number)), paused)
}

/// Two open pull requests with a session each, and a check at each of their heads that fails.
fn two_failing() -> Core {
    let mut core = Core::opened();
    core.see(pull(2).head(2));
    fail_both(&mut core);
    core
}

fn fail_both(core: &mut Core) {
    core.see(check("build").failed());
    core.see(check("build").at_commit(2).failed());
}

#[test]
fn a_pause_holds_nudges_back_and_its_end_lets_them_go() {
    let (held, pending) = ("ci-failed held", "ci-failed pending");
    for (paused, resumed, while_paused) in [
        (project_paused(true), project_paused(false), [held, held]),
        (session_paused(1, true), session_paused(1, false), [held, pending]),
        (session_paused(2, true), session_paused(2, false), [pending, held]),
    ] {
        // Said before the pause, and said while it lasts.
        let mut before = two_failing();
        before.ask(paused.clone());
        let mut during = Core::opened();
        during.see(pull(2).head(2));
        during.ask(paused);
        fail_both(&mut during);
        for mut core in [before, during] {
            assert_eq!(core.told(), while_paused, "{resumed:?}");
            core.ask(resumed.clone());
            assert_eq!(core.told(), [pending; 2], "{resumed:?}");
        }
    }
}

#[test]
fn a_session_stays_paused_when_its_project_is_not() {
    let mut core = two_failing();
    core.ask(session_paused(1, true));
    core.ask(project_paused(true));
    core.ask(project_paused(false));
    assert_eq!(core.told(), ["ci-failed held", "ci-failed pending"]);
    core.configure(ProjectConfig { nudges_paused: Some(true), ..ProjectConfig::default() });
    assert_eq!(core.told(), ["ci-failed held"; 2]);
}

#[test]
fn the_human_hears_through_a_pause() {
    let mut core = Core::opened();
    core.ask(project_paused(true));
    core.see(pull(1).closed().at(10));
    assert_eq!(core.told(), ["pr-closed pending"]);
}

#[test]
fn an_agent_that_waits_or_is_not_known_to_be_there_is_not_spoken_to() {
    use ActivityState::{Active, Blocked, Exited, Idle, WaitingInput};
    for (state, activity, expected) in [
        (SessionState::Working, Active, "held no"),
        (SessionState::Idle, Idle, "held no"),
        (SessionState::Working, Exited, "held no"),
        (SessionState::Working, WaitingInput, "held yes"),
        (SessionState::Working, Blocked, "held yes"),
        (SessionState::NotStarted, Active, "held yes"),
        (SessionState::NeedsInput, Active, "held yes"),
        (SessionState::Stuck, Active, "held yes"),
        (SessionState::Detecting, Active, "held yes"),
    ] {
        let mut core = Core::opened();
        core.change_session("roc-1", |session| {
            (session.state, session.activity.state) = (state, activity);
        });
        core.see(check("build").failed());
        let held = if core.told() == ["ci-failed held"] { "held yes" } else { "held no" };
        assert_eq!(held, expected, "{state} {activity}: {:?}", core.told());
        let told = core.told();
        core.see(check("docs").passed());
        assert_eq!(core.told(), told, "{state} {activity}");
        // It is let go once the agent is free, by whatever is seen next.
        core.change_session("roc-1", |session| {
            (session.state, session.activity.state) = (SessionState::Working, Active);
        });
        core.see(check("docs").run(2).passed());
        assert_eq!(core.told(), ["ci-failed pending"], "{state} {activity}");
    }
}

#[test]
fn what_was_taken_note_of_stays_so_and_what_is_no_longer_true_is_not_taken_note_of() {
    let mut core = two_failing();
    core.acknowledge(0);
    core.see(check("build").run(2).passed().at(10));
    core.see(check("build").at_commit(2).run(2).passed().at(10));
    core.acknowledge(1);
    assert_eq!(core.told(), ["ci-failed acknowledged", "ci-failed superseded"]);
    assert_eq!(core.nudges()[0].acknowledged_at, Some(core.now));
    // What was held back can be taken note of as well.
    core.see(check("build").run(3).failed().at(20));
    core.ask(project_paused(true));
    core.acknowledge(2);
    assert_eq!(core.told()[2..], ["ci-failed acknowledged"]);
}

#[test]
fn what_is_not_there_is_refused() {
    let mut core = Core::opened();
    let nobody = || ProjectId("nobody".into());
    let config = |repo: Option<&str>| ProjectConfig {
        repo: repo.map(|repo| RepoName::parse(repo).expect("a name")),
        ..ProjectConfig::default()
    };
    let configure = |id, repo| CommandObservation::ConfigureProject { id, config: config(repo) };
    for (asked, refusal) in [
        (CommandObservation::AcknowledgeNudge { nudge: NudgeId(99) }, Refusal::NoNudge),
        (pause(Paused::Project(nobody()), true), Refusal::NoProject),
        (session_paused(9, true), Refusal::NoSession),
        (CommandObservation::ArchiveProject { id: nobody() }, Refusal::NoProject),
        (configure(nobody(), None), Refusal::RepoMissing),
        (configure(nobody(), Some("Acme/Rocket")), Refusal::RepoWatched),
        (configure(roc(), Some("acme/lander")), Refusal::RepoBound),
    ] {
        let refused = core.observe(&Observation::Command(asked.clone()));
        assert_eq!(refused, Err(refusal), "{asked:?}");
    }
}

#[test]
fn an_archived_project_takes_nothing_until_it_is_registered_again() {
    let mut core = Core::opened();
    core.ask(CommandObservation::ArchiveProject { id: roc() });
    assert_eq!(core.try_see(check("build").failed()), Err(Refusal::Archived));
    assert_eq!(core.told(), [""; 0]);
    core.configure(ProjectConfig::default());
    core.see(check("build").failed());
    assert_eq!(core.told(), ["ci-failed pending"]);
}
