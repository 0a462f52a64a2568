//! `merge-queue-failed`: once per departure that nobody meant, with what failed in the merge group.

use super::{facts, permutations};
use crate::core::Core;
use crate::core::tell::{check, enqueued, group, left_queue, pull, sha};

#[test]
fn a_departure_for_a_failure_is_told_with_the_group_s_failing_checks() {
    let mut core = Core::new().settling(30);
    core.see(pull(1));
    core.see(enqueued(pull(1).at(5)));
    core.see(group(1, 77, 6));
    core.see(
        check("integration").at_commit(77).run(9).failed().at(20).said("error: the two do not fit"),
    );
    core.see(check("lint").at_commit(77).run(10).passed().at(20));
    core.see(left_queue(pull(1).at(21), "CI_FAILURE"));
    assert_eq!(core.told(), [""; 0], "its group's checks may still be on their way");
    core.advance(30);
    assert_eq!(core.told(), ["merge-queue-failed pending"]);
    for part in
        ["CI_FAILURE", "1 check failed", "integration", "the two do not fit", sha(77).as_str()]
    {
        assert!(core.said().contains(part), "{part} is not in {}", core.said());
    }
    assert!(!core.said().contains("lint"), "{}", core.said());
    let signature = format!("{}:{}", sha(1).as_str(), sha(77).as_str());
    assert_eq!(*core.nudges()[0].signature, *signature);
    // The same departure once more says nothing new.
    core.see(left_queue(pull(1).at(21), "CI_FAILURE"));
    core.advance(60);
    assert_eq!(core.told(), ["merge-queue-failed pending"]);
}

#[test]
fn what_nobody_has_to_mend_is_silent() {
    for reason in ["MERGE", "ALREADY_MERGED", "MANUAL", "QUEUE_CLEARED", "MERGE_CONFLICT", ""] {
        let mut core = Core::opened();
        core.see(left_queue(pull(1).at(21), reason));
        assert_eq!(core.told(), [""; 0], "{reason}");
    }
    for reason in [
        "CI_FAILURE",
        "CI_TIMEOUT",
        "ROLL_BACK",
        "BRANCH_PROTECTIONS",
        "GIT_TREE_INVALID",
        "INVALID_MERGE_COMMIT",
        "UNKNOWN_REMOVAL_REASON",
        "SOMETHING_NEW",
    ] {
        let mut core = Core::opened();
        core.see(left_queue(pull(1).at(21), reason));
        assert_eq!(core.told(), ["merge-queue-failed pending"], "{reason}");
    }
}

#[test]
fn any_order_of_the_story_ends_alike() {
    let facts = facts![
        pull(1),
        enqueued(pull(1).at(5)),
        group(1, 77, 6),
        check("integration").at_commit(77).run(9).failed().at(20),
        left_queue(pull(1).at(21), "CI_FAILURE"),
    ];
    for order in permutations(facts.len()) {
        let mut core = Core::new().settling(30);
        for index in order {
            core.see(facts[index].clone());
        }
        core.advance(30);
        assert_eq!(core.told(), ["merge-queue-failed pending"]);
        assert!(core.said().contains("integration"), "{}", core.said());
    }
}

#[test]
fn once_it_is_in_the_queue_again_or_moved_on_it_is_over_and_due_when_it_leaves_again() {
    let mut core = Core::opened();
    core.see(left_queue(pull(1).at(21), "CI_FAILURE"));
    core.see(enqueued(pull(1).at(30)));
    assert_eq!(core.told(), ["merge-queue-failed superseded"]);
    core.see(left_queue(pull(1).at(40), "CI_FAILURE"));
    assert_eq!(core.told(), ["merge-queue-failed superseded", "merge-queue-failed pending"]);
    core.see(pull(1).moved(1, 2).at(50));
    assert_eq!(core.told()[1..], ["merge-queue-failed superseded"]);
}

#[test]
fn after_two_at_one_head_the_human_hears_once() {
    let mut core = Core::opened();
    for (round, seconds) in [20, 40, 60, 80].into_iter().enumerate() {
        core.see(enqueued(pull(1).at(seconds)));
        core.see(left_queue(pull(1).at(seconds + 5), "CI_FAILURE"));
        if round < 2 {
            core.acknowledge(round);
        }
    }
    let told =
        ["merge-queue-failed acknowledged", "merge-queue-failed acknowledged", "escalated pending"];
    assert_eq!(core.told(), told);
    core.see(pull(1).merged().at(99));
    assert_eq!(core.told()[2], "escalated superseded");
}
