//! `merge-conflicts`: once an episode; a quarter of an hour later the human hears.

use crate::core::Core;
use crate::core::tell::{Pull, pull, push, sha};

fn clean(seconds: i64) -> Pull {
    pull(1).clean().at(seconds)
}

fn dirty(seconds: i64) -> Pull {
    pull(1).dirty().at(seconds)
}

/// What was said to the agent about conflicts, and to the human.
fn told(core: &Core) -> Vec<String> {
    [core.told_of("merge-conflicts"), core.told_of("escalated")].concat()
}

#[test]
fn a_conflict_is_told_once_an_episode_and_escalated_when_it_stays() {
    let mut core = Core::opened();
    core.see(dirty(10));
    assert_eq!(told(&core), ["merge-conflicts pending"]);
    // Not computed yet neither ends the episode nor begins one.
    core.see(push("main", 20));
    assert_eq!(core.mergeability(1), "unknown");
    core.see(dirty(30));
    core.advance(15 * 60 - 1);
    assert_eq!(told(&core), ["merge-conflicts pending"]);
    core.advance(1);
    assert_eq!(core.timers(), [], "it has rung");
    core.advance(3_600);
    assert_eq!(told(&core), ["merge-conflicts pending", "escalated pending"]);
    core.see(clean(40));
    assert_eq!(core.told_of("merge-conflicts"), ["merge-conflicts superseded"]);
    core.see(dirty(50));
    assert_eq!(
        core.told_of("merge-conflicts"),
        ["merge-conflicts superseded", "merge-conflicts pending"]
    );
    // A new episode has a quarter of an hour of its own.
    core.advance(15 * 60);
    assert_eq!(core.told_of("escalated").len(), 2);
}

#[test]
fn what_was_solved_in_time_is_not_escalated() {
    for (solved, name) in
        [(clean(20), "clean"), (dirty(20).closed(), "closed"), (dirty(20).merged(), "merged")]
    {
        let mut core = Core::new();
        core.spawned("branch-1");
        core.see(pull(1));
        core.see(dirty(10));
        core.see(solved);
        assert_eq!(core.timers(), [], "{name}");
        core.advance(3_600);
        assert_eq!(told(&core), ["merge-conflicts superseded"], "{name}");
    }
}

#[test]
fn while_github_computes_the_human_waits_another_minute() {
    let mut core = Core::opened();
    core.see(dirty(10));
    core.see(push("main", 20));
    core.advance(15 * 60);
    assert_eq!(told(&core), ["merge-conflicts pending"]);
    core.see(dirty(30));
    core.advance(59);
    assert_eq!(told(&core), ["merge-conflicts pending"]);
    core.advance(1);
    assert_eq!(told(&core), ["merge-conflicts pending", "escalated pending"]);
}

#[test]
fn a_push_to_the_base_voids_what_is_older_and_moves_no_head() {
    let mut core = Core::opened();
    core.see(clean(10));
    core.see(push("other", 20));
    core.see(push("branch-1", 20));
    assert_eq!(core.mergeability(1), "mergeable");
    core.see(push("main", 20));
    assert_eq!(core.mergeability(1), "unknown");
    assert_eq!(core.row(1).core.head_sha, sha(1));
    // An answer from before the push that comes late stays void, one from after it counts.
    core.see(clean(15));
    assert_eq!(core.mergeability(1), "unknown");
    core.see(clean(25));
    assert_eq!(core.mergeability(1), "mergeable");
}
