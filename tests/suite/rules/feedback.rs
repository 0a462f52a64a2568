//! `review-comments`: one nudge for a review with all its comments; after three, the human.

use crate::core::Core;
use crate::core::tell::{comment, pull, remark, resolved, review, unresolved};

#[test]
fn a_review_with_all_its_comments_is_one_nudge() {
    let mut core = Core::new().settling(30);
    core.see(pull(1));
    core.see(review(500).requests_changes().at(5));
    for id in [71, 72, 73] {
        core.see(comment(id));
    }
    core.advance(29);
    assert_eq!(core.told_of("review"), [""; 0]);
    core.advance(1);
    assert_eq!(core.told_of("review"), ["review-comments pending"]);
    let body = core.said();
    for part in
        ["requests changes", "Please look at 71", "Please look at 73", "src/lib.rs:12", "untrusted"]
    {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    assert_eq!(core.row(1).unresolved_comments, 3);
    // Resolving says nothing; when all is resolved and approved, the nudge is no longer true.
    for id in [71, 72, 73] {
        core.see(resolved(id, 50));
    }
    assert_eq!(core.told_of("review"), ["review-comments pending"]);
    core.see(review(501).approves().at(60));
    assert_eq!(core.told_of("review"), ["review-comments superseded"]);
    assert_eq!(core.row(1).unresolved_comments, 0);
    // Unresolved once more, it is due again: nobody had heard of it.
    core.see(unresolved(71, 70));
    core.advance(300);
    assert_eq!(core.told_of("review"), ["review-comments superseded", "review-comments pending"]);
    assert_eq!(core.row(1).unresolved_comments, 1);
}

#[test]
fn what_is_no_feedback_says_nothing() {
    let mut core = Core::opened();
    core.see(comment(71).reply_to(70).by("ada-agent"));
    core.see(remark(72).at(6));
    core.see(review(81).at(7));
    core.see(review(82).approves().at(8));
    assert_eq!(core.told_of("review"), [""; 0]);
    assert_eq!(core.row(1).unresolved_comments, 0);
    assert_eq!(core.comments(), ["71 Please look at 71 false", "72 Please look at 72 true"]);
}

#[test]
fn what_is_feedback_is_told() {
    for (fact, name) in [
        (comment(71).into(), "a comment"),
        (comment(71).reply_to(70).into(), "another's reply"),
        (comment(71).by("ada-agent").into(), "a thread that the author begins"),
        (review(81).requests_changes().into(), "a request for changes"),
    ] {
        let fact: nudged::domain::ScmObservation = fact;
        let mut core = Core::opened();
        core.see(fact);
        assert_eq!(core.told_of("review"), ["review-comments pending"], "{name}");
    }
}

#[test]
fn what_comes_later_replaces_what_nobody_heard_and_follows_what_somebody_did() {
    let mut core = Core::opened();
    core.see(comment(71));
    core.see(comment(72).at(6));
    assert_eq!(core.told_of("review"), ["review-comments superseded", "review-comments pending"]);
    assert!(core.said().contains("at 71") && core.said().contains("at 72"), "{}", core.said());
    core.acknowledge(core.nudges().len() - 1);
    core.see(comment(73).at(7));
    assert_eq!(core.told_of("review").last().expect("a nudge"), "review-comments pending");
    assert!(!core.said().contains("at 72") && core.said().contains("at 73"), "{}", core.said());
}

#[test]
fn after_three_rounds_of_feedback_the_human_hears_once() {
    let mut core = Core::opened();
    for round in 1..=5 {
        core.see(comment(70 + round).of_review(500 + round).at(round));
    }
    assert_eq!((core.told_of("review").len(), core.told_of("escalated").len()), (3, 1));
    // Once all of it is resolved, the agent is told again.
    for round in 1..=5 {
        core.see(resolved(70 + round, 50));
    }
    core.see(comment(90).of_review(600).at(60));
    assert_eq!(core.told().last().expect("a nudge"), "review-comments pending");
}

#[test]
fn what_has_ended_gets_no_feedback() {
    let mut core = Core::new();
    // A session that works on when its pull request is closed.
    core.spawned("branch-1");
    core.see(pull(1));
    core.see(comment(71));
    core.see(pull(1).closed().at(10));
    assert_eq!(core.told_of("review"), ["review-comments superseded"]);
    core.see(comment(72).at(5));
    assert_eq!(core.told_of("review"), ["review-comments superseded"]);
}
