//! The golden tables, row by row.

use std::path::PathBuf;

use jiff::SignedDuration;
use nudged::domain::{
    ActivitySeen, ActivitySource, ActivityState, Detecting, PrState, SessionFact, SessionState,
    TerminationReason,
};
use nudged::lifecycle::{DrivingPull, display_status, evidence_hash};

use crate::core::Core;
use crate::core::live::{FIRST, probe};
use crate::stories::root;

/// A table's text, from `NUDGED_GOLDEN_DIR` or the repository's own.
#[allow(clippy::disallowed_methods, reason = "tests may be pointed at other tables")]
pub fn table(name: &str) -> String {
    let folder = std::env::var_os("NUDGED_GOLDEN_DIR")
        .map_or_else(|| root().join("fixtures/golden"), PathBuf::from);
    let path = folder.join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn display_status_is_as_the_table_says() {
    let table = table("display_status.tsv");
    let mut wrong = Vec::new();
    let rows = table.lines().skip(1);
    let count = rows.clone().count();
    for row in rows {
        let cells: Vec<&str> = row.split('\t').collect();
        let &[state, reason, pr, ci, review, mergeability, comments, "=>", status] = &cells[..]
        else {
            panic!("{row}: not nine cells");
        };
        let pull = (!pr.is_empty()).then(|| DrivingPull {
            state: pr.parse::<PrState>().expect("pr state"),
            ci: ci.parse().expect("ci"),
            review: review.parse().expect("review"),
            mergeability: mergeability.parse().expect("mergeability"),
            unresolved_comments: comments.parse().expect("comments"),
        });
        let reason = (!reason.is_empty())
            .then(|| reason.parse::<TerminationReason>().expect("termination reason"));
        let found = display_status(state.parse().expect("state"), reason, pull.as_ref());
        if found.as_str() != status {
            wrong.push(format!("{row} but found {found}"));
        }
    }
    assert!(count > 0, "the table is empty");
    assert!(wrong.is_empty(), "{} of {count} rows: {wrong:#?}", wrong.len());
}

/// Runs every row of a table; `answer` says from the cells left of `=>` what stands right of it.
fn check_rows(name: &str, answer: impl Fn(&[&str]) -> Vec<String>) {
    let table = table(name);
    let (mut wrong, mut count) = (Vec::new(), 0);
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let at = cells.iter().position(|cell| *cell == "=>").expect("an answer");
        let found = answer(&cells[..at]);
        if found != cells[at + 1..] {
            wrong.push(format!("{row} but found {found:?}"));
        }
        count += 1;
    }
    assert!(count > 0, "the table is empty");
    assert!(
        wrong.is_empty(),
        "{} of {count} rows: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
}

fn seconds(text: &str) -> SignedDuration {
    SignedDuration::from_secs(text.parse().expect("seconds"))
}

fn digit(yes: bool) -> String {
    i32::from(yes).to_string()
}

/// A session in a state. One that was terminated was killed.
fn session_in(state: &str, is_alive: &str) -> Core {
    let mut core = Core::new();
    core.spawned("branch-1");
    core.change_session(FIRST, |session| {
        session.state = state.parse().expect("a state");
        session.is_alive = is_alive == "1";
        session.termination_reason = (session.state == SessionState::Terminated)
            .then_some(TerminationReason::ManuallyKilled);
    });
    core
}

#[test]
fn runtime_observations_are_as_the_table_says() {
    check_rows("runtime_observations.tsv", |cells| {
        let &[state, is_alive, activity, age, runtime, process, attempts, prior_age, same] = cells
        else {
            panic!("{cells:?}: not nine cells");
        };
        let mut core = session_in(state, is_alive);
        let found = probe(runtime.parse().expect("one"), process.parse().expect("one"));
        let ago = |text| core.now.checked_sub(seconds(text)).expect("an instant");
        let last_at = ago(age);
        let detecting = (!attempts.is_empty()).then(|| Detecting {
            attempts: attempts.parse().expect("a number"),
            started_at: ago(prior_age),
            evidence_hash: if same == "1" { evidence_hash(&found) } else { "another".into() },
        });
        core.change_session(FIRST, |session| {
            session.activity.state = activity.parse().expect("an activity");
            session.activity.last_at = last_at;
            session.detecting = detecting;
        });
        let writes = core.live(SessionFact::Probed { launch_id: None, probe: found });
        let session = core.the_session(FIRST);
        let detecting = session.detecting.as_ref();
        let age = detecting.map(|it| core.now.duration_since(it.started_at).as_secs().to_string());
        vec![
            session.state.to_string(),
            session.termination_reason.map_or_else(String::new, |reason| reason.to_string()),
            digit(session.is_alive),
            detecting.map_or_else(String::new, |it| it.attempts.to_string()),
            age.unwrap_or_default(),
            digit(!writes.is_empty()),
        ]
    });
}

#[test]
fn activity_signals_are_as_the_table_says() {
    check_rows("activity_signals.tsv", |cells| {
        let &[state, is_alive, detecting, valid, signal] = cells else {
            panic!("{cells:?}: not five cells");
        };
        let mut core = session_in(state, is_alive);
        let (attempts, started_at) = (1, core.now);
        core.change_session(FIRST, |session| {
            session.activity.state = ActivityState::Active;
            session.launch_id = Some("this".into());
            session.detecting = (detecting == "1").then(|| Detecting {
                attempts,
                started_at,
                evidence_hash: "found".into(),
            });
        });
        core.pass(5);
        let state = signal.parse().expect("an activity");
        // Not valid is here what an earlier start of the agent says; of anything else the wall knows no form.
        let launch_id = Some(if valid == "1" { "this".into() } else { "earlier".into() });
        let seen = ActivitySeen { launch_id, ..ActivitySeen::new(state, ActivitySource::Hook) };
        // What has ended refuses it.
        let writes = core.try_live(FIRST, SessionFact::Active(seen)).unwrap_or_default();
        let session = core.the_session(FIRST);
        vec![
            session.state.to_string(),
            digit(session.is_alive),
            digit(session.detecting.is_some()),
            session.activity.state.to_string(),
            digit(!writes.is_empty()),
        ]
    });
}
