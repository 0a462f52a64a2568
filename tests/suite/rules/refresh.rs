//! What payloads leave open is asked of GitHub: once, not too often, and the answer settles it.

use nudged::domain::{Mergeability, Refreshed, ReviewDecision, TaskKind};

use super::{facts, in_any_order};
use crate::core::Core;
use crate::core::tell::{REPO, check, pull, push, refreshed, review, sha, trouble};

/// Pull request 1 is open at commit 1, and GitHub was asked what it is: it can be merged, and wants no review.
fn asking() -> Core {
    let mut core = Core::new().asking_github();
    core.see(pull(1));
    core
}

fn answered() -> Core {
    let mut core = asking();
    core.advance(5);
    core.report(pull(1).clean().read(5).reviewed(ReviewDecision::None).shown());
    assert_eq!(core.asks_in(), [0; 0]);
    core
}

#[test]
fn a_new_pull_request_is_asked_about_after_a_few_seconds() {
    let mut core = asking();
    assert_eq!(core.asks_in(), [5]);
    core.see(pull(1).titled("Another title").at(1));
    assert_eq!(core.asks_in(), [5], "one question about one pull request");
    core.report(pull(1).titled("Another title").at(1).clean().read(6).shown());
    assert_eq!((core.mergeability(1), core.asks_in()), ("mergeable", vec![]));
    // GitHub has said nothing of reviews; that is not asked over and over.
    core.pass(600);
    core.see(pull(1).titled("A third").at(9));
    assert_eq!(core.asks_in(), [0; 0]);
}

#[test]
fn nothing_is_asked_of_what_is_closed_or_not_ours_to_ask() {
    let mut core = Core::new().asking_github();
    core.see(pull(1).closed());
    assert_eq!(core.asks_in(), [0; 0]);
    let mut core = asking();
    core.see(pull(1).closed().at(2));
    assert_eq!(core.asks_in(), [0; 0], "what was asked is taken back");
    core.see(pull(1).at(3));
    assert_eq!(core.asks_in(), [5], "and asked again when it is opened again");
    let mut core = Core::new();
    core.see(pull(1));
    assert_eq!(core.asks_in(), [0; 0]);
}

#[test]
fn while_github_computes_it_is_asked_again_and_then_no_more() {
    let mut core = asking();
    for wait in [5, 10, 15] {
        core.report(pull(1).read(6).reviewed(ReviewDecision::None).shown());
        assert_eq!(core.asks_in(), [wait]);
        core.advance(wait);
    }
    core.report(pull(1).read(50).reviewed(ReviewDecision::None).shown());
    assert_eq!(core.asks_in(), [0; 0]);
    core.see(pull(1).titled("Another title").at(60));
    assert_eq!(core.asks_in(), [0; 0], "it is the same question");
    core.see(pull(1).moved(1, 2).at(70));
    assert_eq!(core.asks_in().len(), 1);
}

#[test]
fn it_is_asked_once_a_minute_at_most() {
    let mut core = answered();
    core.see(push("main", 10));
    assert_eq!(core.mergeability(1), "unknown");
    assert_eq!(core.asks_in(), [60]);
    core.pass(100);
    let mut core = answered();
    core.pass(100);
    core.see(push("main", 10));
    assert_eq!(core.asks_in(), [5]);
}

#[test]
fn a_conflict_that_a_moved_base_makes_is_found() {
    let mut core = answered();
    core.see(push("main", 100));
    core.advance(60);
    core.report(pull(1).dirty().read(106).reviewed(ReviewDecision::None).shown());
    assert_eq!(core.mergeability(1), "conflicting");
    assert_eq!(core.told_of("merge-conflicts"), ["merge-conflicts pending"]);
    core.see(push("main", 200));
    core.advance(60);
    core.report(pull(1).clean().read(206).reviewed(ReviewDecision::None).shown());
    assert_eq!(core.told_of("merge-conflicts"), ["merge-conflicts superseded"]);
}

#[test]
fn a_void_blocked_is_asked_about_once_the_checks_have_ended() {
    let mut core = answered();
    let blocked = || pull(1).answered(Mergeability::Blocked).at(20);
    core.see(blocked());
    core.pass(100);
    core.see(check("build").at(30));
    assert_eq!(core.asks_in(), [0; 0], "checks still run");
    core.see(check("build").passed().at(40));
    assert_eq!((core.mergeability(1), core.asks_in()), ("unknown", vec![5]));
    core.report(blocked().read(50).reviewed(ReviewDecision::None).shown());
    assert_eq!((core.mergeability(1), core.asks_in()), ("blocked", vec![]));
    core.pass(100);
    core.see(review(81).approves().at(60));
    assert_eq!(core.asks_in(), [5]);
}

#[test]
fn an_unstable_of_a_time_when_checks_ran_is_asked_about() {
    let mut core = answered();
    core.see(check("build").at(10));
    core.see(pull(1).answered(Mergeability::Unstable).at(20));
    core.pass(100);
    assert_eq!(core.asks_in(), [0; 0]);
    core.see(check("build").passed().at(40));
    assert_eq!(core.asks_in(), [5]);
    core.advance(5);
    core.report(pull(1).at(20).clean().read(50).reviewed(ReviewDecision::None).shown());
    assert_eq!(core.told().last().map(String::as_str), Some("approved-and-green pending"));
}

#[test]
fn two_payloads_of_one_second_are_settled_by_github() {
    // The first title, another one, and the first again, within one second.
    let (one, other) = (|| pull(1).titled("A").at(10), || pull(1).titled("B").at(10));
    let mut core = answered();
    core.see(one());
    core.see(other());
    core.pass(100);
    core.see(one());
    let title = |core: &Core| core.row(1).core.title.to_string();
    assert_eq!(title(&core), "B", "the larger bytes win");
    assert_eq!(core.tasks_of(TaskKind::RefreshPull).len(), 1);
    core.report(one().clean().read(20).reviewed(ReviewDecision::None).shown());
    assert_eq!(title(&core), "A");
    core.see(other());
    assert_eq!(title(&core), "A", "what is told again is older");
    core.see(pull(1).titled("C").at(11));
    assert_eq!(title(&core), "C", "what came later is newer");
}

#[test]
fn a_head_that_went_and_came_back_within_one_second_is_settled_by_github() {
    let away = || pull(1).moved(1, 2).at(10);
    let back = || pull(1).moved(2, 1).at(10);
    let head = |core: &Core| core.row(1).core.head_sha.clone();
    for there in [1, 2] {
        let read = || pull(1).head(there).at(10);
        in_any_order(&facts![pull(1), away(), back(), read().read(20)], head, sha(there));
        let mut core = answered();
        core.see(away());
        core.see(back());
        core.pass(100);
        // The question may have been asked when the second came.
        core.see(away());
        assert_eq!(core.tasks_of(TaskKind::RefreshPull).len(), 1);
        core.report(read().clean().read(20).reviewed(ReviewDecision::None).shown());
        assert_eq!(head(&core), sha(there));
        core.see(check("build").at_commit(there).failed().at(30));
        assert_eq!((core.ci(1), core.told_of("ci-failed").len()), ("failing", 1));
    }
}

#[test]
fn what_github_shows_stands_in_the_same_order_whatever_comes_first() {
    let (one, other) = (|| pull(1).titled("A").at(10), || pull(1).titled("B").at(10));
    let title = |core: &Core| core.row(1).core.title.to_string();
    in_any_order(&facts![one(), other(), one().read(20)], title, "A");
    in_any_order(&facts![one(), other(), other().read(20), one().read(30)], title, "A");
    in_any_order(&facts![one(), one().read(20), pull(1).titled("C").at(11)], title, "C");
    // Asked within that very second it may have been before either.
    in_any_order(&facts![one(), other(), one().read(10)], title, "B");
    let merge = |core: &Core| core.mergeability(1);
    in_any_order(
        &facts![pull(1).clean().at(1), push("main", 50), pull(1).dirty().at(1).read(60)],
        merge,
        "conflicting",
    );
    in_any_order(&facts![pull(1).clean().at(1).read(40), push("main", 50)], merge, "unknown");
    let decided = |core: &Core| core.row(1).review.as_str();
    let wants = |seconds, decision| pull(1).read(seconds).reviewed(decision);
    let required = ReviewDecision::ReviewRequired;
    in_any_order(
        &facts![wants(20, required), wants(30, ReviewDecision::Approved)],
        decided,
        "approved",
    );
    let approval = || review(81).approves().at(10);
    in_any_order(&facts![pull(1), approval(), wants(20, required)], decided, "review_required");
    in_any_order(&facts![pull(1), approval(), wants(5, required)], decided, "approved");
    let moved = || pull(1).moved(1, 2).at(30);
    in_any_order(&facts![moved(), wants(20, required)], decided, "none");
}

#[test]
fn a_request_for_changes_that_counts_here_stands() {
    let mut core = answered();
    core.see(review(81).requests_changes().at(10));
    core.report(pull(1).read(20).reviewed(ReviewDecision::Approved).shown());
    assert_eq!(core.row(1).review, ReviewDecision::ChangesRequested);
}

#[test]
fn what_is_ready_waits_for_the_answer_a_minute_at_most() {
    let ready = || {
        let mut core = asking();
        core.see(review(81).approves().at(1));
        core.see(check("build").passed().at(2));
        assert_eq!(core.told(), [""; 0], "GitHub is being asked");
        core
    };
    let mut core = ready();
    core.advance(5);
    core.report(pull(1).clean().read(8).reviewed(ReviewDecision::Approved).shown());
    assert_eq!(core.told(), ["approved-and-green pending"]);
    assert_eq!(core.timers(), []);
    let mut core = ready();
    core.advance(5);
    core.report(
        pull(1)
            .answered(Mergeability::Blocked)
            .read(8)
            .reviewed(ReviewDecision::ReviewRequired)
            .shown(),
    );
    assert_eq!(core.told(), [""; 0], "it wants another review");
    let mut core = ready();
    core.advance(59);
    assert_eq!(core.told(), [""; 0]);
    core.advance(1);
    assert_eq!(core.told(), ["approved-and-green pending"]);
    let mut core = ready();
    core.report(refreshed(REPO, 1, Refreshed::Hidden));
    assert_eq!(core.told(), ["approved-and-green pending"], "there is nothing to wait for");
}

#[test]
fn github_that_does_not_answer_is_asked_on() {
    let mut core = asking();
    core.report(refreshed(REPO, 1, Refreshed::Failed(trouble())));
    assert_eq!(core.asks_in(), [5]);
    for _ in 0..10 {
        core.report(refreshed(REPO, 1, Refreshed::Failed(trouble())));
        let wait = core.asks_in()[0];
        core.advance(wait);
    }
    core.report(pull(1).clean().read(6).reviewed(ReviewDecision::None).shown());
    assert_eq!((core.asks_in(), core.mergeability(1)), (vec![], "mergeable"));
    // Given up after a day, and asked again when something happens.
    let mut core = asking();
    core.pass(24 * 3_600 + 10);
    core.report(refreshed(REPO, 1, Refreshed::Failed(trouble())));
    core.report(refreshed(REPO, 1, Refreshed::Failed(trouble())));
    core.see(pull(1).head_sha(&sha(1)).titled("Another title").at(9));
    assert_eq!(core.tasks_of(TaskKind::RefreshPull).len(), 1);
}
