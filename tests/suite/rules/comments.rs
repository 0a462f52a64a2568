//! Comments and threads (`docs/github-rules.md` 17 and 18), in any order.

use super::{facts, in_any_order};
use crate::core::Core;
use crate::core::tell::{comment, pull, remark, resolved, unresolved};

#[test]
fn a_comment_is_what_it_was_last_edited_to_and_gone_once_deleted() {
    let said = |text: &str, seconds| comment(71).body(text).at(seconds);
    for (facts, expected) in [
        ([said("Zebra", 5), said("Ant", 20), said("Yak", 10)], &["71 Ant false"][..]),
        // In one second the larger bytes win.
        ([said("Ant", 5), said("Zebra", 5), said("Yak", 5)], &["71 Zebra false"]),
        // A deletion leaves a tombstone that nothing newer brings back to life.
        ([said("Ant", 5), said("Ant", 5).deleted(), said("Zebra", 99)], &[]),
    ] {
        in_any_order(&facts.map(Into::into), Core::comments, expected);
    }
}

#[test]
fn whether_a_thread_is_resolved_belongs_to_its_root_and_its_newest_word() {
    let root = || comment(71).body("Why?");
    let reply = || comment(72).reply_to(71).body("Because").at(6);
    // Said of the root, it holds for the replies, whichever comes first.
    let facts = facts![root(), reply(), resolved(71, 50)];
    let both = |core: &Core| core.comments()[..2].concat();
    in_any_order(&facts, both, "71 Why? true72 Because true");
    // Its stamp is the pull request's, not the comment's, which is the same in all of them.
    let no_root = "71 Please look at 71";
    for (facts, is_resolved) in [
        ([resolved(71, 50), unresolved(71, 60)], false),
        ([unresolved(71, 50), resolved(71, 60)], true),
        // At a tie unresolved wins.
        ([unresolved(71, 50), resolved(71, 50)], false),
    ] {
        in_any_order(&facts, Core::comments, [format!("{no_root} {is_resolved}")]);
    }
}

#[test]
fn a_remark_in_the_conversation_is_never_unresolved() {
    let facts = facts![pull(1), remark(72).body("Nice")];
    in_any_order(&facts, Core::comments, ["72 Nice true"]);
}

#[test]
fn a_resolution_and_a_deletion_may_come_before_what_they_are_about() {
    let mut core = Core::new();
    core.see(resolved(71, 50));
    core.see(comment(72).deleted().at(40));
    core.see(comment(71).body("Better").at(30));
    core.see(comment(71));
    core.see(comment(72));
    assert_eq!(core.comments(), ["71 Better true"]);
    let row = core.known.comment_rows(core.row(1).id).values().next().expect("a row");
    assert_eq!((&*row.author, row.file.as_deref()), ("grace", Some("src/lib.rs")));
    core.see(unresolved(71, 50));
    assert_eq!(core.comments(), ["71 Better false"]);
}
