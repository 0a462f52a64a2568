//! Spawn, kill, restore, cleanup: the row first, and nothing half-done.

use nudged::domain::ActivityState::{Active, Ready};
use nudged::domain::ProbeAnswer::Dead;
use nudged::domain::{
    ActivitySeen, ActivitySource, OperationKind, SessionCommand, SessionFact, SessionId,
};
use nudged::lifecycle::Refusal;

use crate::core::Core;
use crate::core::live::{FIRST, hook, running};
use crate::core::tell::{check, pull};

fn first() -> SessionId {
    SessionId(FIRST.into())
}

fn kill() -> SessionCommand {
    SessionCommand::Kill { session: first() }
}

fn restore(launch_id: &str) -> SessionCommand {
    SessionCommand::Restore { session: first(), launch_id: launch_id.into(), is_fresh: false }
}

/// The project is there, and its first session is asked for.
fn asked_for() -> Core {
    let mut core = Core::new();
    core.see(check("build").at_commit(9_000));
    core.spawn("l-1", None).expect("it is taken in");
    core
}

/// Its agent runs.
fn at_work() -> Core {
    let mut core = asked_for();
    core.live(SessionFact::WorkspaceMade {
        launch_id: "l-1".into(),
        path: "/w/1".into(),
        token_hash: "h".into(),
    });
    core.launched("l-1");
    core
}

fn operation(core: &Core) -> Option<OperationKind> {
    core.the_session(FIRST).operation.map(|operation| operation.kind)
}

#[test]
fn a_session_is_a_row_before_anything_is_built() {
    let mut core = asked_for();
    assert_eq!(core.session(FIRST), "not_started spawning dead");
    assert_eq!(operation(&core), Some(OperationKind::Spawn));
    let row = core.the_session(FIRST);
    assert_eq!(row.branch.as_deref(), Some("nudged/roc-1"));
    assert_eq!((&*row.prompt, &*row.harness), ("Mend it.", "claude-code"));
    // What is found meanwhile comes of what is being built.
    core.probed(Dead, Dead);
    assert_eq!(core.session(FIRST), "not_started spawning dead");
    core.live(SessionFact::WorkspaceMade {
        launch_id: "l-1".into(),
        path: "/w/1".into(),
        token_hash: "h".into(),
    });
    core.launched("l-1");
    assert_eq!((core.session(FIRST).as_str(), operation(&core)), ("working working alive", None));
    let row = core.the_session(FIRST);
    assert_eq!(row.workspace_path.as_deref(), Some("/w/1"));
    assert_eq!(row.agent_session_id.as_deref(), Some("agent-1"));
    assert_eq!(core.told(), [""; 0]);
}

#[test]
fn two_sessions_share_neither_number_nor_branch() {
    let mut core = asked_for();
    core.spawn("l-2", None).expect("it is taken in");
    assert_eq!(core.session("roc-2"), "not_started spawning dead");
    assert_eq!(core.spawn("l-3", Some("nudged/roc-1")), Err(Refusal::BranchTaken));
    core.live(SessionFact::LaunchFailed { launch_id: "l-1".into(), reason: "no tmux".into() });
    core.spawn("l-3", Some("nudged/roc-1")).expect("the other one has ended");
    assert_eq!(core.command(restore("l-4")), Err(Refusal::BranchTaken));
}

#[test]
fn a_spawn_that_fails_is_taken_back_and_says_why() {
    let mut core = asked_for();
    core.live(SessionFact::WorkspaceMade {
        launch_id: "l-1".into(),
        path: "/w/1".into(),
        token_hash: "h".into(),
    });
    let reason = "tmux: no such file\nor directory";
    core.live(SessionFact::LaunchFailed { launch_id: "l-1".into(), reason: reason.into() });
    assert_eq!(core.session(FIRST), "terminated errored dead error_in_process");
    let row = core.the_session(FIRST);
    assert_eq!((row.failure.as_deref(), &row.workspace_path), (Some(reason), &None));
    assert_eq!((core.told(), operation(&core)), (vec!["agent-exited pending".to_owned()], None));
    assert!(core.said().contains("> tmux: no such file\n> or directory"), "{}", core.said());
    // What comes late of it changes nothing.
    assert_eq!(core.live(running("l-1", Active)), []);
}

#[test]
fn hooks_that_speak_before_the_start_is_written_down_know_better() {
    let mut core = asked_for();
    let ready = ActivitySeen {
        event: Some("SessionStart".into()),
        agent_session_id: Some("learned".into()),
        launch_id: Some("l-1".into()),
        ..ActivitySeen::new(Ready, ActivitySource::Hook)
    };
    core.live(SessionFact::Active(ready));
    assert_eq!(core.session(FIRST), "idle idle alive");
    assert_eq!(core.told(), [""; 0]);
    core.launched("l-1");
    assert_eq!(core.session(FIRST), "idle idle alive");
    assert_eq!(operation(&core), None);
}

#[test]
fn a_kill_is_written_down_first_and_says_nothing() {
    let mut core = at_work();
    core.command(kill()).expect("it is done");
    assert_eq!(core.session(FIRST), "working working alive");
    assert_eq!(operation(&core), Some(OperationKind::Kill));
    // Its death is what was wanted.
    core.pass(100);
    core.probed(Dead, Dead);
    core.live(SessionFact::Killed);
    assert_eq!(core.session(FIRST), "terminated killed dead manually_killed");
    assert_eq!((core.told(), operation(&core)), (Vec::new(), None));
    assert_eq!(core.the_session(FIRST).workspace_path.as_deref(), Some("/w/1"), "it is kept");
    core.command(kill()).expect("it stays so");
    assert_eq!(operation(&core), None);
    // One without a runtime has ended at once.
    let mut core = Core::opened();
    core.command(kill()).expect("it is done");
    assert_eq!(core.session(FIRST), "terminated killed dead manually_killed");
    assert_eq!(core.told(), [""; 0]);
}

#[test]
fn a_kill_during_a_spawn_ends_what_was_built() {
    let mut core = asked_for();
    core.command(kill()).expect("it is done");
    core.launched("l-1");
    assert_eq!(operation(&core), Some(OperationKind::Kill));
    assert!(core.the_session(FIRST).runtime.is_some(), "so that it can be ended");
    core.live(SessionFact::Killed);
    assert_eq!(core.session(FIRST), "terminated killed dead manually_killed");
    let mut core = asked_for();
    core.command(kill()).expect("it is done");
    core.live(SessionFact::LaunchFailed { launch_id: "l-1".into(), reason: "killed".into() });
    assert_eq!(core.session(FIRST), "terminated killed dead manually_killed");
    assert_eq!(core.told(), [""; 0]);
}

#[test]
fn a_restore_goes_on_and_one_that_fails_leaves_all_as_it_was() {
    let mut core = at_work();
    assert_eq!(core.command(restore("l-2")), Err(Refusal::SessionLives));
    core.see(pull(1).branch("nudged/roc-1"));
    core.see(check("build").failed().at(5));
    core.pass(100);
    core.probed(Dead, Dead);
    assert_eq!(core.told(), ["ci-failed superseded", "agent-exited pending"]);
    core.command(restore("l-2")).expect("it is done");
    assert_eq!(core.session(FIRST), "terminated killed dead runtime_lost");
    assert_eq!(core.command(restore("l-3")), Err(Refusal::SessionBusy));
    core.live(SessionFact::LaunchFailed { launch_id: "l-2".into(), reason: "gone".into() });
    assert_eq!(core.session(FIRST), "terminated killed dead runtime_lost");
    assert_eq!(core.the_session(FIRST).failure.as_deref(), Some("gone"));
    core.command(restore("l-3")).expect("it is done");
    // Of the start before.
    assert_eq!(core.try_live(FIRST, running("l-2", Active)), Err(Refusal::EarlierLaunch));
    // Its hooks speak first; from another start they would not be heard.
    let start = |launch: &str| {
        SessionFact::Active(ActivitySeen {
            event: Some("SessionStart".into()),
            reason: Some("resume".into()),
            transcript_path: Some("/it/new.jsonl".into()),
            launch_id: Some(launch.into()),
            ..ActivitySeen::new(Ready, ActivitySource::Hook)
        })
    };
    assert_eq!(core.try_live(FIRST, start("l-1")), Err(Refusal::SessionEnded));
    core.live(start("l-3"));
    core.live(running("l-3", Active));
    assert_eq!(core.session(FIRST), "working ci_failed alive");
    let row = core.the_session(FIRST);
    assert_eq!(row.transcript_path.as_deref(), Some("/it/new.jsonl"));
    assert_eq!((&row.failure, row.termination_reason), (&None, None));
    // What was never heard is due again, and the death is over.
    assert_eq!(
        core.told(),
        ["ci-failed superseded", "agent-exited superseded", "ci-failed pending"]
    );
}

#[test]
fn a_merge_ends_the_agent_that_still_runs() {
    let mut core = at_work();
    core.see(pull(1).branch("nudged/roc-1"));
    core.see(pull(1).branch("nudged/roc-1").merged().at(10));
    assert_eq!(core.session(FIRST), "terminated cleanup dead pr_merged");
    assert_eq!(operation(&core), Some(OperationKind::Kill));
    core.command(kill()).expect("it is being ended");
    core.live(SessionFact::Killed);
    assert_eq!(core.session(FIRST), "terminated cleanup dead pr_merged");
    assert_eq!(operation(&core), None);
    assert_eq!(core.told(), ["pr-merged pending"]);
}

#[test]
fn a_worktree_is_given_back_only_after_the_end() {
    let mut core = at_work();
    let cleanup = || SessionCommand::Cleanup { session: first() };
    assert_eq!(core.command(cleanup()), Err(Refusal::SessionLives));
    core.command(kill()).expect("it is done");
    core.live(SessionFact::Killed);
    core.command(cleanup()).expect("it is done");
    assert_eq!(operation(&core), Some(OperationKind::Cleanup));
    core.live(SessionFact::OperationFailed { reason: "3 unpushed commits".into() });
    assert_eq!(core.the_session(FIRST).failure.as_deref(), Some("3 unpushed commits"));
    core.command(cleanup()).expect("it is tried again");
    core.live(SessionFact::CleanedUp { freed_bytes: 4096 });
    let row = core.the_session(FIRST);
    assert_eq!((&row.workspace_path, &row.failure, row.operation), (&None, &None, None));
    core.command(cleanup()).expect("there is nothing left to do");
    assert_eq!(operation(&core), None);
}

#[test]
fn what_runs_elsewhere_is_neither_restored_nor_cleaned_up() {
    let mut core = Core::opened();
    core.command(kill()).expect("it is done");
    assert_eq!(core.command(restore("l-1")), Err(Refusal::SessionElsewhere));
    let cleanup = SessionCommand::Cleanup { session: first() };
    assert_eq!(core.command(cleanup), Err(Refusal::SessionElsewhere));
    let nobody = SessionCommand::Kill { session: SessionId("roc-99".into()) };
    assert_eq!(core.command(nobody), Err(Refusal::NoSession));
}

#[test]
fn silence_of_hooks_after_a_start_is_known_until_one_of_that_start_speaks() {
    let unheard = |core: &Core| core.the_session(FIRST).memory.unheard_since.is_some();
    let mut core = at_work();
    assert!(unheard(&core), "it should speak");
    core.fires(hook("SessionStart").about("startup").of_launch("l-0"));
    core.live(SessionFact::Active(ActivitySeen::new(Active, ActivitySource::Terminal)));
    assert!(unheard(&core), "neither was a hook of this start");
    core.fires(hook("SessionStart").about("startup").of_launch("l-1"));
    assert!(!unheard(&core));

    // It spoke before its row knew that it runs.
    let mut core = asked_for();
    core.fires(hook("SessionStart").about("startup").of_launch("l-1"));
    core.launched("l-1");
    assert!(!unheard(&core));
    core.probed(Dead, Dead);
    core.command(kill()).expect("asked");
    core.live(SessionFact::Killed);
    core.command(restore("l-2")).expect("asked");
    core.launched("l-2");
    assert!(unheard(&core), "what spoke was of an earlier start");
    core.command(kill()).expect("asked");
    core.live(SessionFact::Killed);
    core.command(restore("l-3")).expect("asked");
    core.fires(hook("SessionStart").about("resume").of_launch("l-3"));
    core.launched("l-3");
    assert!(!unheard(&core));
}
