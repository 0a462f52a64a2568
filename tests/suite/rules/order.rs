//! The order of each fact of a pull request (`docs/github-rules.md` 5 to 8): whichever way they come, they end alike.

use super::{facts, in_any_order};
use crate::core::Core;
use crate::core::tell::{Pull, pull, push, review};

/// `state, title, head, base`.
fn core_of(core: &Core) -> String {
    let facts = &core.row(1).core;
    let head = facts.head_sha.as_str().trim_start_matches('0');
    format!("{}, {}, {head}, {}", facts.state, facts.title, facts.base_ref)
}

#[test]
fn the_newest_payload_says_what_a_pull_request_is() {
    let one = || pull(1);
    for (facts, expected) in [
        (
            [
                one().titled("Zebra"),
                one().titled("Yak").at(10),
                one().closed().titled("Ant").at(20),
            ],
            "closed, Ant, 1, main",
        ),
        // Closed is not final: it may reopen.
        ([one(), one().closed().at(20), one().titled("Back").at(30)], "open, Back, 1, main"),
    ] {
        in_any_order(&facts.map(Into::into), core_of, expected);
    }
}

#[test]
fn merged_is_final_whatever_says_otherwise_later_or_in_the_same_second() {
    for other in [
        pull(1).at(10),
        pull(1).closed().at(10),
        pull(1).titled("Late").at(99),
        pull(1).moved(1, 9).at(99),
    ] {
        let facts = facts![pull(1).merged().at(10), other];
        in_any_order(&facts, core_of, "merged, Change 1, 1, main");
    }
}

#[test]
fn in_one_second_a_head_that_was_replaced_loses() {
    // Old heads that would win by their bytes, and by being open.
    let facts = facts![
        pull(1).head(9).titled("Zebra").at(10),
        pull(1).moved(9, 5).titled("Yak").at(10),
        pull(1).moved(5, 2).titled("Ant").draft().at(10),
    ];
    in_any_order(&facts, core_of, "draft, Ant, 2, main");
}

#[test]
fn in_one_second_open_beats_closed_and_ready_beats_draft() {
    let (open, draft, closed) = (pull(1), pull(1).draft(), pull(1).closed());
    for (one, other, state) in
        [(&closed, &open, "open"), (&draft, &open, "open"), (&closed, &draft, "draft")]
    {
        let expected = format!("{state}, Change 1, 1, main");
        in_any_order(&facts![one.clone(), other.clone()], core_of, expected);
    }
}

#[test]
fn in_one_second_the_larger_bytes_win_where_nothing_else_tells() {
    let facts = ["Ant", "Zebra", "Yak"].map(|title| pull(1).titled(title).into());
    in_any_order(&facts, core_of, "open, Zebra, 1, main");
}

fn clean(seconds: i64) -> Pull {
    pull(1).clean().at(seconds)
}

fn dirty(seconds: i64) -> Pull {
    pull(1).dirty().at(seconds)
}

#[test]
fn mergeability_is_the_newest_answer_for_this_head_and_base() {
    let reviewed = |seconds| review(81).at(seconds);
    for (facts, expected) in [
        (facts![clean(10), dirty(20)].to_vec(), "conflicting"),
        (facts![dirty(10), clean(20)].to_vec(), "mergeable"),
        // Of one second the worse holds.
        (facts![clean(10), dirty(10)].to_vec(), "conflicting"),
        // What does not speak of it changes neither its value nor its stamp.
        (facts![clean(10), pull(1).at(20)].to_vec(), "mergeable"),
        (facts![clean(10), dirty(15), reviewed(20)].to_vec(), "conflicting"),
        (facts![dirty(10), clean(15), reviewed(20)].to_vec(), "mergeable"),
        (facts![pull(1)].to_vec(), "unknown"),
        // Of another head or another base it says nothing.
        (facts![clean(10), pull(1).moved(1, 2).at(20)].to_vec(), "unknown"),
        (facts![clean(10), pull(1).base("next").at(20)].to_vec(), "unknown"),
        (facts![clean(10), pull(1).moved(1, 2).at(20), dirty(30).head(2)].to_vec(), "conflicting"),
        // A push to the base voids what is older than itself, and the newest push counts.
        (facts![clean(10), push("main", 20)].to_vec(), "unknown"),
        (facts![clean(10), push("main", 20), push("main", 5)].to_vec(), "unknown"),
        (facts![clean(20), push("main", 20)].to_vec(), "mergeable"),
        (facts![clean(30), push("main", 20)].to_vec(), "mergeable"),
        // A push to another branch does not; nor anything to what has ended.
        (facts![clean(10), push("other", 20), push("branch-1", 20)].to_vec(), "mergeable"),
        (facts![clean(10).merged(), push("main", 20)].to_vec(), "mergeable"),
    ] {
        in_any_order(&facts, |core| core.mergeability(1), expected);
    }
}

#[test]
fn a_new_base_is_a_retarget() {
    let shown = |core: &Core| format!("{}, {}", core_of(core), core.mergeability(1));
    let next = |seconds| pull(1).base("next").at(seconds);
    // Nothing is known yet of merging into the new base.
    in_any_order(&facts![clean(10), next(20)], shown, "open, Change 1, 1, next, unknown");
    let facts = facts![next(20), next(30).clean()];
    in_any_order(&facts, shown, "open, Change 1, 1, next, mergeable");
}
