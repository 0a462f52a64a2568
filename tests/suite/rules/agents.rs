//! What is said about an agent itself, and how its life goes: quarantine, death, idleness, quiet.

use nudged::domain::ActivityState::{Active, Blocked, Exited, Idle, WaitingInput};
use nudged::domain::ProbeAnswer::{Alive, Dead, Failed, Unknown};
use nudged::domain::{
    ActivitySeen, ActivitySource, NudgeKind, Probe, SessionFact, SessionId, TaskName,
};
use nudged::lifecycle::{Key, Record};

use crate::core::Core;
use crate::core::live::{FIRST, hook, probe, running};
use crate::core::tell::{check, pull};

/// A session that works on `branch-1`.
fn at_work() -> Core {
    let mut core = Core::new();
    core.spawned("branch-1");
    core
}

/// The same with a runtime of ours.
fn in_a_runtime() -> Core {
    let mut core = at_work();
    core.change_session(FIRST, |session| {
        session.launch_id = Some("l-1".into());
        session.runtime =
            Some(nudged::domain::Runtime { name: "tmux".into(), handle: "it".into() });
    });
    core
}

fn state(core: &Core) -> &'static str {
    core.the_session(FIRST).state.as_str()
}

#[test]
fn a_quarantine_counts_what_stays_the_same_and_ends_stuck_or_alive() {
    let mut core = at_work();
    core.probed(Failed, Unknown);
    core.pass(5);
    core.probed(Failed, Unknown);
    let detecting = core.the_session(FIRST).detecting.clone().expect("a quarantine");
    assert_eq!((state(&core), detecting.attempts), ("detecting", 2));
    // Other evidence counts anew, within the same episode.
    core.pass(5);
    core.probed(Unknown, Unknown);
    let other = core.the_session(FIRST).detecting.clone().expect("a quarantine");
    assert_eq!((other.attempts, other.started_at), (1, detecting.started_at));
    core.probed(Alive, Unknown);
    assert_eq!((state(&core), &core.the_session(FIRST).detecting), ("working", &None));
    assert_eq!(core.told(), [""; 0], "nobody has to know");
    for _ in 0..3 {
        core.pass(5);
        core.probed(Failed, Unknown);
    }
    assert_eq!(state(&core), "stuck");
    assert_eq!(core.told(), ["agent-stuck pending"]);
    // In doubt once more, and stuck once more: it is the same episode.
    core.probed(Failed, Unknown);
    assert_eq!(state(&core), "detecting");
    core.probed(Failed, Unknown);
    core.probed(Failed, Unknown);
    assert_eq!((state(&core), core.told().len()), ("stuck", 1));
    core.does(Active);
    assert_eq!(core.told(), ["agent-stuck superseded"]);
    core.does(Blocked);
    assert_eq!(core.told(), ["agent-stuck superseded", "agent-stuck pending"]);
}

#[test]
fn five_minutes_of_doubt_are_enough_whatever_is_found() {
    let mut core = at_work();
    core.probed(Failed, Unknown);
    core.pass(299);
    core.probed(Unknown, Failed);
    assert_eq!(state(&core), "detecting");
    core.pass(1);
    core.probed(Failed, Unknown);
    assert_eq!(state(&core), "stuck");
}

#[test]
fn death_wants_both_answers_and_silence_or_proof() {
    let proven = |runtime, process| SessionFact::Probed {
        launch_id: None,
        probe: Probe { is_proof: true, ..probe(runtime, process) },
    };
    let mut core = at_work();
    core.pass(60);
    core.probed(Dead, Dead);
    assert_eq!(state(&core), "detecting", "it was active a minute ago");
    core.pass(1);
    core.probed(Dead, Dead);
    assert_eq!(core.session(FIRST), "terminated killed dead runtime_lost");
    assert_eq!(core.told(), ["agent-exited pending"]);
    assert_eq!(core.probed(Alive, Alive), [], "only a restore brings it back");
    let mut core = at_work();
    core.live(proven(Dead, Dead));
    assert_eq!(core.session(FIRST), "terminated killed dead runtime_lost");
    let mut core = at_work();
    core.live(proven(Alive, Dead));
    assert_eq!(core.session(FIRST), "terminated killed dead agent_process_exited");
    // What cannot be known is no proof of anything.
    let mut core = at_work();
    core.live(proven(Failed, Unknown));
    assert_eq!(state(&core), "detecting");
    // `exited` alone is no death, and an agent that waits is not dead.
    let mut core = at_work();
    core.does(Exited);
    assert_eq!(state(&core), "working");
    core.does(WaitingInput);
    core.pass(100_000);
    core.probed(Dead, Dead);
    assert_eq!(state(&core), "detecting");
}

#[test]
fn a_probe_of_an_earlier_start_says_nothing() {
    let mut core = in_a_runtime();
    core.pass(100);
    let late = SessionFact::Probed { launch_id: Some("l-0".into()), probe: probe(Dead, Dead) };
    assert_eq!(core.try_live(FIRST, late), Err(nudged::lifecycle::Refusal::EarlierLaunch));
    assert_eq!(state(&core), "working");
}

#[test]
fn what_waits_goes_out_when_the_agent_is_free_and_is_taken_back_when_it_is_gone() {
    let mut core = at_work();
    core.see(pull(1));
    core.does(WaitingInput);
    core.see(check("build").failed().at(5));
    assert_eq!(core.told_of("ci-failed"), ["ci-failed held"]);
    assert_eq!(core.held(), ["", "needs_input"]);
    core.does(Active);
    assert_eq!(core.told_of("ci-failed"), ["ci-failed pending"]);
    core.probed(Failed, Failed);
    assert_eq!(core.held(), ["", "detecting"]);
    core.probed(Alive, Alive);
    core.does(Blocked);
    assert_eq!(core.held(), ["", "stuck", ""]);
    core.does(Idle);
    assert_eq!(core.told_of("ci-failed"), ["ci-failed pending"]);
    core.pass(61);
    core.probed(Dead, Dead);
    assert_eq!(core.told_of("ci-failed"), ["ci-failed superseded"]);
    assert_eq!(core.told_of("agent-exited"), ["agent-exited pending"]);
}

#[test]
fn an_idle_agent_without_a_pull_request_is_told_to_go_on() {
    let mut core = at_work().settling(30);
    core.does(Idle);
    core.advance(29);
    assert_eq!(core.told(), [""; 0], "it may open one yet");
    core.does(Idle);
    core.advance(1);
    assert_eq!(core.told(), ["agent-idle pending"]);
    core.advance(15 * 60);
    assert_eq!(core.told(), ["agent-idle pending", "escalated pending"]);
    core.advance(15 * 60);
    assert_eq!(core.told().len(), 2);
    core.does(Active);
    assert_eq!(core.told(), ["agent-idle superseded", "escalated superseded"]);
    assert_eq!(core.timers(), []);
}

#[test]
fn a_pull_request_is_what_was_wanted() {
    let mut core = at_work();
    core.does(Idle);
    assert_eq!(core.told(), ["agent-idle pending"]);
    core.see(pull(1).draft());
    assert_eq!(core.told(), ["agent-idle superseded"]);
    core.advance(15 * 60);
    // It is idle still, and was so all the time: closing it begins nothing.
    core.see(pull(1).closed().at(10));
    assert_eq!(core.told_of("agent-idle").len() + core.told_of("escalated").len(), 1);
    core.does(Active);
    core.does(Idle);
    assert_eq!(core.told_of("agent-idle"), ["agent-idle superseded", "agent-idle pending"]);
}

#[test]
fn an_agent_that_stops_again_at_once_is_the_humans() {
    let mut core = at_work();
    core.does(Idle);
    let nudge = core.nudges()[0].id.0;
    core.fires(hook("UserPromptSubmit").marked(nudge));
    assert_eq!(core.told(), ["agent-idle delivered"]);
    core.fires(hook("Stop"));
    assert_eq!(core.told(), ["agent-idle delivered", "escalated pending"]);
    // A person gives it something to do: then it may be told again.
    core.fires(hook("UserPromptSubmit"));
    core.fires(hook("Stop"));
    assert_eq!(core.told()[1..], ["escalated superseded", "agent-idle pending"]);
}

#[test]
fn one_that_has_only_just_been_started_is_not_idle() {
    let mut core = at_work();
    core.fires(hook("SessionStart").about("startup"));
    core.advance(100_000);
    assert_eq!(core.told(), [""; 0]);
    core.fires(hook("UserPromptSubmit"));
    core.fires(hook("Stop"));
    assert_eq!(core.told(), ["agent-idle pending"]);
}

#[test]
fn an_active_agent_of_which_nothing_is_heard_is_looked_at() {
    let mut core = in_a_runtime();
    let waits = |core: &Core| {
        let task = Key::Task(TaskName::look_again(&SessionId(FIRST.into())));
        matches!(core.known.record(&task), Some(Record::Task(Some(_))))
    };
    core.pass(1);
    core.does(Active);
    core.advance(300);
    core.does(Active);
    core.advance(599);
    assert!(!waits(&core), "there was news");
    core.advance(1);
    assert!(waits(&core));
    // Nothing is to be told: it is looked at again later.
    core.live(SessionFact::LookedAt(None));
    assert!(!waits(&core));
    core.advance(600);
    assert!(waits(&core));
    core.live(SessionFact::LookedAt(Some(ActivitySeen::new(Idle, ActivitySource::Native))));
    assert!(!waits(&core));
    assert_eq!((state(&core), core.told()), ("idle", vec!["agent-idle pending".to_owned()]));
    // Agents elsewhere cannot be looked at.
    let mut core = at_work();
    core.pass(1);
    core.does(Active);
    assert_eq!(core.timers(), []);
}

#[test]
fn the_end_of_its_pull_requests_takes_back_what_was_said_of_the_agent() {
    let mut core = at_work();
    core.see(pull(1));
    core.does(WaitingInput);
    assert_eq!(core.told(), ["agent-needs-input pending"]);
    core.see(pull(1).merged().at(10));
    assert_eq!(core.told_of("agent-needs-input"), ["agent-needs-input superseded"]);
    assert_eq!(core.told_of("pr-merged"), ["pr-merged pending"]);
    assert_eq!(core.session(FIRST), "terminated cleanup dead pr_merged");
    assert!(core.nudges().iter().all(|nudge| nudge.kind != NudgeKind::AgentExited));
}

#[test]
fn an_archived_projects_sessions_live_on_in_silence() {
    let mut core = at_work();
    core.archive();
    core.does(WaitingInput);
    assert_eq!((state(&core), core.told().len()), ("needs_input", 0));
}

#[test]
fn what_is_told_twice_is_told_once() {
    let facts = [
        SessionFact::Active(ActivitySeen::new(WaitingInput, ActivitySource::Hook)),
        SessionFact::Active(ActivitySeen::new(Blocked, ActivitySource::Hook)),
        SessionFact::Active(ActivitySeen::new(Idle, ActivitySource::Hook)),
        SessionFact::Probed { launch_id: None, probe: probe(Alive, Alive) },
        SessionFact::LookedAt(None),
        SessionFact::Killed,
        SessionFact::CleanedUp,
        running("l-0", Active),
    ];
    for fact in facts {
        let mut core = in_a_runtime();
        let _ = core.try_live(FIRST, fact.clone());
        let again = core.try_live(FIRST, fact.clone()).unwrap_or_default();
        assert_eq!(again, [], "{fact:?}");
    }
}
