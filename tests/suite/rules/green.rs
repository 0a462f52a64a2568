//! `approved-and-green`: once a head, and again only if it was red in between.

use crate::core::Core;
use crate::core::tell::{self, check, comment, pull, resolved, review, status, suite_completed};

fn told(core: &Core) -> Vec<String> {
    core.told_of("approved-and-green")
}

const PENDING: &str = "approved-and-green pending";
const SUPERSEDED: &str = "approved-and-green superseded";

#[test]
fn it_is_told_once_a_head_unless_it_was_red() {
    let mut core = Core::new();
    core.see(check("build").passed().at(10));
    core.see(pull(1).clean());
    assert_eq!(core.told(), [PENDING]);
    // Pending is not red.
    core.see(check("build").run(2));
    core.see(check("build").run(2).passed().at(60));
    assert_eq!(core.told(), [PENDING]);
    // Red takes it back, and after red it is told anew.
    core.see(review(81).requests_changes().at(70));
    assert_eq!(core.told(), [SUPERSEDED, "review-comments pending"]);
    core.see(review(82).approves().at(80));
    assert_eq!(core.told(), [SUPERSEDED, "review-comments superseded", PENDING]);
    assert_eq!(core.row(1).review.as_str(), "approved");
}

#[test]
fn each_kind_of_red_makes_it_news_again_and_a_new_head_does() {
    type Redden = fn(&mut Core);
    let reddened: [(&str, Redden); 4] = [
        ("ci", |core| {
            core.see(check("build").run(2).failed().at(20));
            core.see(check("build").run(3).passed().at(30));
        }),
        ("conflict", |core| {
            core.see(pull(1).dirty().at(20));
            core.see(pull(1).clean().at(30));
        }),
        ("review", |core| {
            core.see(review(81).requests_changes().at(20));
            core.see(review(82).approves().at(30));
        }),
        ("head", |core| {
            core.see(check("build").at_commit(2).passed().at(20));
            core.see(pull(1).moved(1, 2).clean().at(30));
        }),
    ];
    for (name, redden) in reddened {
        let mut core = Core::new();
        core.see(check("build").passed().at(10));
        core.see(pull(1).clean());
        core.acknowledge(0);
        redden(&mut core);
        assert_eq!(told(&core), ["approved-and-green acknowledged", PENDING], "{name}");
    }
}

#[test]
fn drafts_conflicts_and_blocks_are_not_approved_and_green() {
    use nudged::domain::Mergeability::{Blocked, Unknown, Unstable};
    let one = || pull(1);
    for (is, opened, approved, green) in [
        ("draft", one().draft().clean(), one().draft(), false),
        ("dirty", one().dirty(), one(), false),
        // A later review may be what was missing.
        ("blocked", one().answered(Blocked), one(), true),
        ("blocked after it", one().answered(Blocked).at(30), one(), false),
        ("closed", one().closed().clean(), one().closed(), false),
        ("merged", one().merged().clean(), one().merged(), false),
        // Approved, it need not be known to be mergeable.
        ("unknown", one().answered(Unknown), one(), true),
        ("unstable", one().answered(Unstable), one(), true),
    ] {
        let mut core = Core::new();
        core.see(check("build").passed().at(10));
        core.see(opened);
        core.see(review(81).approves().at(20).of(approved));
        assert_eq!(!told(&core).is_empty(), green, "{is}: {:?}", core.told());
    }
}

#[test]
fn without_an_approval_it_has_to_be_mergeable() {
    use nudged::domain::Mergeability::{Unknown, Unstable};
    for answer in [Unknown, Unstable] {
        let mut core = Core::new();
        core.see(check("build").passed().at(10));
        core.see(pull(1).answered(answer));
        assert_eq!(told(&core), [""; 0], "{answer}");
        core.see(pull(1).clean().at(20));
        assert_eq!(told(&core), [PENDING], "{answer}");
    }
}

#[test]
fn unresolved_comments_stand_in_its_way() {
    let mut core = Core::new();
    core.see(check("build").passed().at(10));
    core.see(pull(1));
    core.see(comment(71));
    core.see(pull(1).clean().at(20));
    assert_eq!(told(&core), [""; 0]);
    core.see(resolved(71, 30));
    assert_eq!(told(&core), [PENDING]);
    // Taken back where nobody heard it, it is said again.
    core.see(comment(72).at(25));
    assert_eq!(told(&core), [SUPERSEDED]);
    core.see(resolved(72, 40));
    assert_eq!(told(&core), [SUPERSEDED, PENDING]);
}

#[test]
fn without_any_ci_a_head_is_green_once_the_settle_time_has_passed() {
    let mut core = Core::new().settling(30);
    core.see(pull(1));
    core.advance(20);
    core.see(pull(1).clean().at(20));
    assert_eq!(core.told(), [""; 0]);
    core.advance(10);
    assert_eq!(core.told(), [PENDING], "since the head arrived");
    // In a repository where CI was seen, silence is not green.
    core.see(status("ci").at_commit(9).passed().at(30));
    assert!(!core.project_of(tell::REPO).ci_seen, "no pull request was ever there");
    core.see(status("ci").passed().at(31));
    core.see(pull(2).head(2).clean().at(40));
    core.advance(600);
    assert_eq!(core.told(), [PENDING]);
}

#[test]
fn a_suite_that_completed_empty_is_no_ci() {
    let mut core = Core::new().settling(30);
    core.see(pull(1).clean());
    core.see(suite_completed(900));
    core.advance(29);
    assert_eq!(core.told(), [""; 0]);
    core.advance(1);
    assert_eq!((core.told(), core.ci(1)), (vec![PENDING.to_owned()], "unknown"));
    assert!(!core.project_of(tell::REPO).ci_seen);
}

#[test]
fn what_is_not_finished_is_not_green_and_an_old_head_is_not_news() {
    let mut core = Core::new();
    core.see(check("build"));
    core.see(pull(1).clean());
    assert_eq!(core.told(), [""; 0]);
    core.see(check("build").passed().at(10));
    assert_eq!(core.told(), [PENDING]);
    core.see(pull(1).moved(1, 2).clean().at(20));
    assert_eq!(core.told(), [SUPERSEDED]);
}

#[test]
fn a_new_head_without_ci_waits_for_its_own_settle_time() {
    let mut core = Core::new().settling(30);
    core.see(pull(1).clean());
    core.advance(20);
    core.see(pull(1).moved(1, 2).clean().at(20));
    core.advance(29);
    assert_eq!(core.told(), [""; 0]);
    core.advance(1);
    assert_eq!(core.told(), [PENDING]);
    core.acknowledge(0);
    core.see(pull(1).moved(2, 3).clean().at(60));
    assert_eq!(told(&core).len(), 1);
    core.advance(30);
    assert_eq!(told(&core).len(), 2);
}
