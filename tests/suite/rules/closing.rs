//! `pr-closed` and `pr-merged`: told once, and what the end does to the session.

use crate::core::Core;
use crate::core::tell::{check, pull};

#[test]
fn the_end_is_told_once_and_ends_the_session() {
    let mut core = Core::opened();
    core.see(check("build").failed().at(5));
    core.see(pull(1).closed().at(10));
    assert_eq!(core.told(), ["ci-failed superseded", "pr-closed pending"]);
    assert_eq!(core.session("roc-1"), "done done dead");
    core.see(pull(1).closed().titled("Renamed").at(15));
    assert_eq!(core.told_of("pr-closed"), ["pr-closed pending"]);
    core.see(pull(1).at(20));
    assert_eq!(core.session("roc-1"), "working ci_failed alive");
    assert_eq!(core.told_of("pr-closed"), ["pr-closed superseded"]);
    core.see(pull(1).closed().at(25));
    assert_eq!(core.told_of("pr-closed"), ["pr-closed superseded", "pr-closed pending"]);
    core.see(pull(1).merged().at(30));
    assert_eq!(core.told_of("pr-closed"), ["pr-closed superseded"; 2]);
    assert_eq!(core.told().last().expect("a nudge"), "pr-merged pending");
    assert_eq!(core.session("roc-1"), "terminated cleanup dead pr_merged");
    // Merged is final, whatever comes late.
    core.see(pull(1).at(99));
    assert_eq!(core.row(1).core.state.as_str(), "merged");
    assert_eq!(core.told_of("pr-merged"), ["pr-merged pending"]);
}

#[test]
fn a_pull_request_first_seen_ended_says_nothing() {
    let mut core = Core::new();
    core.see(pull(1).merged().at(30));
    core.see(pull(2).head(2).closed().at(30));
    assert_eq!(core.told(), [""; 0]);
    assert_eq!(core.session("roc-1"), "terminated cleanup dead pr_merged");
    assert_eq!(core.session("roc-2"), "done done dead");
}

#[test]
fn an_ended_pull_request_waits_for_nothing() {
    let mut core = Core::new().settling(30);
    core.see(pull(1).dirty());
    core.see(check("build").failed().at(10));
    assert_ne!(core.timers(), []);
    core.see(pull(1).merged().at(20));
    assert_eq!(core.timers(), []);
}
