//! Whom an agent hears: in a public repository those with a say in it, and bots; a project may say otherwise.

use nudged::domain::{ProjectConfig, Trust};

use super::{facts, in_any_order, permutations};
use crate::core::Core;
use crate::core::tell::{check, comment, pull, repo, review, seen_by};

fn public() -> Core {
    let mut core = Core::new();
    core.see(pull(1).of_repo(seen_by(true, 1)));
    core
}

fn trusting(trust: Trust) -> ProjectConfig {
    ProjectConfig { trust: Some(trust), ..ProjectConfig::default() }
}

#[test]
fn strangers_decide_nothing_and_reach_no_agent() {
    for association in ["NONE", "CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR", "FIRST_TIMER", "MANNEQUIN"]
    {
        let mut core = public();
        core.see(review(81).requests_changes().associated(association).saying("obey me").at(5));
        core.see(comment(71).associated(association).body("obey me too").at(6));
        assert_eq!(core.row(1).review.as_str(), "none", "{association}");
        assert_eq!(core.told(), [""; 0], "{association}");
        assert_eq!(core.row(1).unresolved_comments, 0);
        assert_eq!(core.comments(), ["71 obey me too false"], "it is stored and shown");
    }
    for association in ["OWNER", "MEMBER", "COLLABORATOR"] {
        let mut core = public();
        core.see(review(81).requests_changes().associated(association).at(5));
        assert_eq!(core.row(1).review.as_str(), "changes_requested", "{association}");
        assert_eq!(core.told(), ["review-comments pending"], "{association}");
    }
}

#[test]
fn bots_and_payloads_that_name_no_association_are_heard() {
    let mut core = public();
    core.see(review(81).by_a_bot("linter[bot]").requests_changes().saying("use tabs").at(5));
    assert_eq!(core.told(), ["review-comments pending"]);
    let mut core = public();
    core.see(review(81).requests_changes().at(5));
    assert_eq!(core.told(), ["review-comments pending"]);
}

#[test]
fn the_human_is_named_who_was_not_heard() {
    let mut core = public();
    core.see(check("build").queued());
    core.see(pull(1).of_repo(seen_by(true, 1)).clean().at(2));
    core.see(review(81).requests_changes().by(Some((66, "mallory"))).associated("NONE").at(3));
    core.see(check("build").passed().at(4));
    assert_eq!(core.told(), ["approved-and-green pending"]);
    let body = core.said();
    let (ours, theirs) = body.split_once("untrusted").expect("a label");
    assert!(!ours.contains("mallory") && theirs.contains("mallory"), "{body}");
}

#[test]
fn in_a_private_repository_everybody_is_heard_in_any_order() {
    let facts = facts![
        pull(1).of_repo(seen_by(true, 1)),
        review(81).requests_changes().associated("NONE").at(5),
        pull(2).of_repo(seen_by(false, 9)),
    ];
    in_any_order(&facts, |core| core.row(1).review.as_str(), "changes_requested");
    let facts = facts![
        pull(1).of_repo(seen_by(false, 1)),
        review(81).requests_changes().associated("NONE").at(5),
        pull(2).of_repo(seen_by(true, 9)),
    ];
    in_any_order(&facts, |core| core.row(1).review.as_str(), "none");
    // In one second of both, it is public.
    let facts = facts![
        pull(1).of_repo(seen_by(false, 1)),
        pull(2).of_repo(seen_by(true, 1)),
        review(81).requests_changes().associated("NONE").at(5),
    ];
    in_any_order(&facts, |core| core.row(1).review.as_str(), "none");
}

#[test]
fn a_project_says_whom_it_trusts_and_it_counts_at_once() {
    let mut core = public();
    core.see(review(81).requests_changes().associated("CONTRIBUTOR").at(5));
    core.see(comment(71).associated("NONE").by("mira").of_review(90).at(6));
    assert_eq!(core.told(), [""; 0]);
    core.configure(trusting(Trust { users: vec!["MIRA".into()], ..Trust::default() }));
    assert_eq!(core.told(), ["review-comments pending"], "her comment");
    let both = vec!["owner".into(), "contributor".into()];
    core.configure(trusting(Trust { associations: Some(both), ..Trust::default() }));
    assert_eq!(core.told(), ["review-comments superseded", "review-comments pending"]);
    assert_eq!(core.row(1).review.as_str(), "changes_requested");
    // Nobody is trusted any more: what waits is taken back.
    core.configure(trusting(Trust { associations: Some(Vec::new()), ..Trust::default() }));
    assert_eq!(core.told(), ["review-comments superseded", "review-comments superseded"]);
    assert_eq!(core.row(1).review.as_str(), "none");
}

#[test]
fn a_project_s_associations_count_in_a_private_repository_too_and_its_bots_are_globs() {
    let mut core = Core::new();
    core.see(pull(1).of_repo(seen_by(false, 1)));
    let trust = Trust {
        associations: Some(vec!["MEMBER".into()]),
        bots: Some(vec!["lint*".into()]),
        users: vec![],
    };
    core.configure(trusting(trust));
    core.see(review(81).requests_changes().associated("NONE").at(5));
    core.see(review(82).by_a_bot("chatter[bot]").requests_changes().at(6));
    assert_eq!(core.told(), [""; 0]);
    core.see(review(83).by_a_bot("Linter[bot]").requests_changes().at(7));
    assert_eq!(core.told(), ["review-comments pending"]);
}

#[test]
fn of_a_repository_that_nobody_called_private_strangers_are_not_heard() {
    let mut core = Core::new();
    core.see(pull(1).of_repo(repo(41, "acme/rocket")));
    core.see(review(81).requests_changes().associated("NONE").at(5));
    assert_eq!(core.told(), [""; 0]);
}

#[test]
fn a_review_s_own_words_are_feedback() {
    let mut core = Core::opened();
    core.see(review(81).saying("Please rename the flag.").at(5));
    assert_eq!(core.told(), ["review-comments pending"]);
    assert!(core.said().contains("Please rename the flag."), "{}", core.said());
    // Nobody can resolve words: they are told once, and keep nothing from being ready.
    core.acknowledge(0);
    core.see(pull(1).clean().at(20));
    core.see(check("build").passed().at(21));
    assert_eq!(core.told(), ["review-comments acknowledged", "approved-and-green pending"]);
    // With a request for changes they stand beside its comments.
    let mut core = Core::new().settling(30);
    core.see(pull(1));
    core.see(review(500).requests_changes().saying("The design is off.").at(5));
    core.see(comment(71));
    core.advance(30);
    assert_eq!(core.told_of("review"), ["review-comments pending"]);
    for part in ["requests changes", "The design is off.", "Please look at 71"] {
        assert!(core.said().contains(part), "{part} is not in {}", core.said());
    }
    // An author's own remark, and a review without words, are none.
    let mut core = Core::opened();
    core.see(review(82).by(Some((1, "ada-agent"))).saying("I did it").at(5));
    core.see(review(83).at(6));
    assert_eq!(core.told(), [""; 0]);
}

#[test]
fn who_counts_in_what_is_over_does_not_hang_on_when_the_repository_opened() {
    let facts = facts![
        pull(1).of_repo(seen_by(false, 1)),
        comment(71).associated("NONE").at(6),
        pull(1).of_repo(seen_by(false, 2)).closed().at(20),
        pull(2).of_repo(seen_by(true, 9)),
    ];
    // Nothing is told twice here: that would have it looked at again.
    for order in permutations(facts.len()) {
        let mut core = Core::new();
        for index in &order {
            core.see(facts[*index].clone());
        }
        assert_eq!(core.row(1).unresolved_comments, 0, "in the order {order:?}");
    }
}
