//! A nudge on its way to the agent: its task, what is known of it, and the project's budget.

use nudged::domain::ActivityState::{Active, WaitingInput};
use nudged::domain::{
    BudgetRule, NudgeId, ProjectConfig, Receipt, Runtime, SessionCommand, SessionId, SessionKind,
    TaskName,
};
use nudged::lifecycle::{Key, Record, Refusal};

use crate::core::Core;
use crate::core::live::{FIRST, hook};
use crate::core::tell::{check, pull};

/// A failure is to be told to an agent of ours.
fn to_be_told() -> Core {
    let mut core = Core::new();
    core.spawned("branch-1");
    core.change_session(FIRST, |session| {
        session.kind = SessionKind::Worker;
        session.runtime = Some(Runtime { name: "tmux".into(), handle: "it".into() });
    });
    core.see(pull(1));
    core.see(check("build").failed().at(5));
    core
}

/// When the task that brings a nudge to the agent is due, in seconds from now.
fn due(core: &Core, nudge: i64) -> Option<i64> {
    match core.known.record(&Key::Task(TaskName::deliver(NudgeId(nudge)))) {
        Some(Record::Task(Some(task))) => Some(task.due_at.duration_since(core.now).as_secs()),
        _ => None,
    }
}

fn because(reason: &str) -> nudged::domain::Text {
    reason.into()
}

#[test]
fn a_nudge_is_handed_before_it_leaves_and_delivered_by_proof() {
    let mut core = to_be_told();
    assert_eq!((core.told(), due(&core, 1)), (vec!["ci-failed pending".to_owned()], Some(0)));
    core.receipt(1, Receipt::Handed).expect("it is handed");
    assert_eq!((core.told(), due(&core, 1)), (vec!["ci-failed handed".to_owned()], Some(0)));
    assert_eq!(core.nudges()[0].handed_at, Some(core.now));
    assert_eq!(core.receipt(1, Receipt::Handed), Err(Refusal::NudgeNotWaiting), "never twice");
    // What was handed can be taken back by nothing.
    core.does(WaitingInput);
    core.see(check("build").run(2).passed().at(20));
    assert_eq!(core.told()[0], "ci-failed handed");
    core.receipt(1, Receipt::Delivered).expect("it is delivered");
    assert_eq!((core.told()[0].as_str(), due(&core, 1)), ("ci-failed delivered", None));
    core.receipt(1, Receipt::Unconfirmed { reason: because("late") }).expect("nothing");
    assert_eq!(core.told()[0], "ci-failed delivered");
}

#[test]
fn the_mark_in_a_prompt_proves_it_to_its_own_session_alone() {
    let mut core = to_be_told();
    core.receipt(1, Receipt::Handed).expect("it is handed");
    core.see(pull(2).head(2));
    let other = hook("UserPromptSubmit").marked(1).seen().expect("it says something");
    core.try_live("roc-2", nudged::domain::SessionFact::Active(other)).expect("it is taken in");
    assert_eq!(core.told()[0], "ci-failed handed");
    core.fires(hook("UserPromptSubmit").marked(1));
    assert_eq!((core.told()[0].as_str(), due(&core, 1)), ("ci-failed delivered", None));
    core.fires(hook("UserPromptSubmit").marked(4_711));
}

#[test]
fn what_cannot_be_known_is_told_to_the_human_and_never_sent_again() {
    let mut core = to_be_told();
    core.receipt(1, Receipt::Handed).expect("it is handed");
    core.receipt(1, Receipt::Unconfirmed { reason: because("the server\nwas killed") })
        .expect("so");
    assert_eq!(core.told(), ["ci-failed unconfirmed", "escalated pending"]);
    assert!(core.said().contains("the server was killed"), "{}", core.said());
    assert_eq!(due(&core, 1), None);
    core.does(WaitingInput);
    core.does(Active);
    assert_eq!(due(&core, 1), None);
    assert_eq!(core.told_of("ci-failed"), ["ci-failed unconfirmed"], "it counts as told");
    core.see(check("docs").failed().at(30));
    // Its proof comes after all.
    core.fires(hook("UserPromptSubmit").marked(1));
    assert_eq!(core.told()[..2], ["ci-failed delivered", "escalated superseded"]);
}

#[test]
fn not_now_is_tried_again_and_never_is_told_to_the_human() {
    let mut core = to_be_told();
    core.receipt(1, Receipt::Handed).expect("it is handed");
    let busy = Receipt::NotNow { reason: because("a person types"), retry_after: 20 };
    core.receipt(1, busy.clone()).expect("it waits");
    assert_eq!((core.told()[0].as_str(), due(&core, 1)), ("ci-failed pending", Some(20)));
    // It can be taken back again.
    let mut over = to_be_told();
    over.receipt(1, busy).expect("it waits");
    over.see(check("build").run(2).passed().at(20));
    assert_eq!((over.told()[0].as_str(), due(&over, 1)), ("ci-failed superseded", None));
    core.receipt(1, Receipt::Failed { reason: because("no channel") }).expect("it failed");
    assert_eq!(core.told(), ["ci-failed failed", "escalated pending"]);
    assert_eq!(due(&core, 1), None);
}

#[test]
fn only_an_agent_of_ours_that_is_free_has_it_brought() {
    let mut core = to_be_told();
    core.does(WaitingInput);
    assert_eq!(due(&core, 1), None);
    assert_eq!(core.receipt(1, Receipt::Handed), Err(Refusal::NudgeNotWaiting));
    core.does(Active);
    assert_eq!(due(&core, 1), Some(0));
    core.acknowledge(0);
    assert_eq!(due(&core, 1), None);
    let mut elsewhere = Core::opened();
    elsewhere.see(check("build").failed().at(5));
    assert_eq!((elsewhere.told().len(), due(&elsewhere, 1)), (1, None), "it polls");
}

#[test]
fn nothing_is_brought_to_an_agent_that_is_being_ended() {
    let mut core = to_be_told();
    core.command(SessionCommand::Kill { session: SessionId(FIRST.into()) }).expect("it is done");
    assert_eq!((core.held(), due(&core, 1)), (vec!["stopping"], None));
    core.live(nudged::domain::SessionFact::Killed);
    assert_eq!(core.told(), ["ci-failed superseded"]);
    assert_eq!(core.session(FIRST), "terminated killed dead manually_killed");
}

/// Pull requests of `acme/rocket` that fail, as many.
fn failing(core: &mut Core, numbers: std::ops::RangeInclusive<i64>) {
    for number in numbers {
        core.see(pull(number).head(number.unsigned_abs()));
        core.see(check("build").at_commit(number.unsigned_abs()).failed().at(5));
    }
}

#[test]
fn beyond_its_budget_a_projects_nudges_wait_and_the_human_hears_once() {
    let mut core = Core::opened();
    core.configure(ProjectConfig {
        budget: Some(BudgetRule { burst: 2, per_minute: 1 }),
        ..ProjectConfig::default()
    });
    failing(&mut core, 1..=5);
    let told = |core: &Core, state: &str| {
        core.told_of("ci-failed").iter().filter(|told| told.ends_with(state)).count()
    };
    assert_eq!((told(&core, "pending"), told(&core, "held")), (2, 3));
    assert_eq!(core.told_of("escalated"), ["escalated pending"]);
    assert_eq!(core.held().iter().filter(|reason| **reason == "budget").count(), 3);
    // One a minute, and no sooner; what is no longer true costs nothing.
    core.advance(59);
    assert_eq!(told(&core, "pending"), 2);
    core.see(check("build").at_commit(5).run(2).passed().at(9));
    core.advance(1);
    assert_eq!((told(&core, "pending"), told(&core, "held")), (3, 1));
    core.advance(60);
    assert_eq!((told(&core, "pending"), told(&core, "held")), (4, 0));
    assert_eq!(core.told_of("escalated"), ["escalated pending"]);
    // A pause and its end cost nothing.
    for paused in [true, false] {
        core.configure(ProjectConfig { nudges_paused: Some(paused), ..ProjectConfig::default() });
    }
    assert_eq!(told(&core, "pending"), 4);
    // Once all was earned again it begins anew.
    core.advance(600);
    failing(&mut core, 6..=8);
    assert_eq!(core.told_of("escalated"), ["escalated superseded", "escalated pending"]);
}

#[test]
fn a_larger_budget_lets_out_what_waits_at_once() {
    let mut core = Core::opened();
    let rule = |burst| ProjectConfig {
        budget: Some(BudgetRule { burst, per_minute: 1 }),
        ..ProjectConfig::default()
    };
    core.configure(rule(1));
    failing(&mut core, 1..=3);
    assert_eq!(core.held().iter().filter(|reason| **reason == "budget").count(), 2);
    core.configure(rule(30));
    assert_eq!(core.held(), [""; 4]);
}
