//! What the reviews of a pull request decide (`docs/github-rules.md` 10 and 11), in any order.

use super::{facts, in_any_order};
use crate::core::Core;
use crate::core::tell::review;

fn decision(core: &Core) -> &'static str {
    core.row(1).review.as_str()
}

#[test]
fn the_newest_decisive_review_of_each_reviewer_counts() {
    let approves = |id, seconds| review(id).approves().at(seconds);
    let requests = |id, seconds| review(id).requests_changes().at(seconds);
    let comments = |id, seconds| review(id).at(seconds);
    let mira = Some((10, "mira"));
    for (facts, expected) in [
        (facts![approves(81, 10)].to_vec(), "approved"),
        (facts![comments(81, 10)].to_vec(), "none"),
        (facts![requests(81, 10), approves(82, 20)].to_vec(), "approved"),
        (facts![approves(82, 10), requests(81, 20)].to_vec(), "changes_requested"),
        // In one second the larger id is the newer one.
        (facts![approves(81, 10), requests(82, 10)].to_vec(), "changes_requested"),
        (facts![requests(81, 10), approves(82, 10)].to_vec(), "approved"),
        // A mere comment takes nothing back.
        (facts![approves(81, 10), comments(82, 20)].to_vec(), "approved"),
        (facts![requests(81, 10), comments(82, 20)].to_vec(), "changes_requested"),
        // Any request for changes wins over any approval, older or newer.
        (facts![requests(81, 10), approves(82, 20).by(mira)].to_vec(), "changes_requested"),
        (facts![approves(81, 10), requests(82, 20).by(mira)].to_vec(), "changes_requested"),
        // Accounts that are gone are reviewers of their own.
        (
            facts![requests(81, 10).by(None), approves(82, 20).by(None)].to_vec(),
            "changes_requested",
        ),
    ] {
        in_any_order(&facts, decision, expected);
    }
}

#[test]
fn a_dismissed_review_stays_dismissed() {
    let requests = |id| review(id).requests_changes().at(10);
    // A dismissal keeps the time at which the review was submitted.
    let dismissed = |id| review(id).dismissed().at(10).seen_at(30);
    let mira = Some((10, "mira"));
    for (facts, expected) in [
        (facts![requests(81), dismissed(81)].to_vec(), "none"),
        // Edited later, it is dismissed all the same.
        (facts![dismissed(81), requests(81).seen_at(99)].to_vec(), "none"),
        (
            facts![requests(81), review(82).by(mira).approves().at(20), dismissed(81)].to_vec(),
            "approved",
        ),
        // It was the reviewer's newest word: the one before it does not come back.
        (facts![review(81).approves().at(5), requests(82), dismissed(82)].to_vec(), "none"),
        // The reviewer's newer word stands beside an older one that was dismissed later.
        (facts![requests(81), review(82).approves().at(20), dismissed(81)].to_vec(), "approved"),
    ] {
        in_any_order(&facts, decision, expected);
    }
}

#[test]
fn a_review_is_as_it_was_seen_last() {
    let facts =
        facts![review(81).requests_changes().at(10), review(81).approves().at(10).seen_at(20),];
    in_any_order(&facts, decision, "approved");
}
