//! Reviews, comments and threads in any order (`docs/github-rules.md` 10, 11, 17 and 18).

use serde_json::{Value, json};

use crate::conversation::{comment, thread};
use crate::order::{Event, in_any_order};
use crate::payloads::{at, pull, review, sha};
use crate::world::World;

const GRACE: i64 = 9;
const MIRA: i64 = 10;
const DECISION: &str = "SELECT review_decision FROM pr";

fn said(id: i64, who: i64, state: &str, seconds: i64) -> Event {
    ("pull_request_review", review(1, &sha(1), id, who, state, seconds))
}

/// A dismissal keeps the time at which the review was submitted.
fn dismissed(id: i64, who: i64, submitted: i64, seconds: i64) -> Event {
    let mut payload = review(1, &sha(1), id, who, "dismissed", seconds);
    payload["action"] = json!("dismissed");
    payload["review"]["submitted_at"] = json!(at(submitted));
    ("pull_request_review", payload)
}

#[tokio::test]
async fn the_newest_decisive_review_of_each_reviewer_counts() {
    for (events, decision) in [
        (vec![said(81, GRACE, "approved", 10)], "approved"),
        (vec![said(81, GRACE, "commented", 10)], "none"),
        (
            vec![said(81, GRACE, "changes_requested", 10), said(82, GRACE, "approved", 20)],
            "approved",
        ),
        (
            vec![said(82, GRACE, "approved", 10), said(81, GRACE, "changes_requested", 20)],
            "changes_requested",
        ),
        // In one second the larger id is the newer one.
        (
            vec![said(81, GRACE, "approved", 10), said(82, GRACE, "changes_requested", 10)],
            "changes_requested",
        ),
        (
            vec![said(81, GRACE, "changes_requested", 10), said(82, GRACE, "approved", 10)],
            "approved",
        ),
        // A mere comment takes nothing back.
        (vec![said(81, GRACE, "approved", 10), said(82, GRACE, "commented", 20)], "approved"),
        (
            vec![said(81, GRACE, "changes_requested", 10), said(82, GRACE, "commented", 20)],
            "changes_requested",
        ),
        // Any request for changes wins over any approval, older or newer.
        (
            vec![said(81, GRACE, "changes_requested", 10), said(82, MIRA, "approved", 20)],
            "changes_requested",
        ),
        (
            vec![said(81, GRACE, "approved", 10), said(82, MIRA, "changes_requested", 20)],
            "changes_requested",
        ),
    ] {
        in_any_order(&events, DECISION, &[&[decision]]).await;
    }
}

#[tokio::test]
async fn a_dismissed_review_stays_dismissed() {
    let mut edited = review(1, &sha(1), 81, GRACE, "changes_requested", 99);
    edited["action"] = json!("edited");
    edited["review"]["submitted_at"] = json!(at(10));
    for (events, decision) in [
        (vec![said(81, GRACE, "changes_requested", 10), dismissed(81, GRACE, 10, 30)], "none"),
        (vec![dismissed(81, GRACE, 10, 30), ("pull_request_review", edited)], "none"),
        (
            vec![
                said(81, GRACE, "changes_requested", 10),
                said(82, MIRA, "approved", 20),
                dismissed(81, GRACE, 10, 30),
            ],
            "approved",
        ),
        // It was the reviewer's newest word: the one before it does not come back.
        (
            vec![
                said(81, GRACE, "approved", 5),
                said(82, GRACE, "changes_requested", 10),
                dismissed(82, GRACE, 10, 30),
            ],
            "none",
        ),
        // The reviewer's newer word stands beside an older one that was dismissed later.
        (
            vec![
                said(81, GRACE, "changes_requested", 10),
                said(82, GRACE, "approved", 20),
                dismissed(81, GRACE, 10, 30),
            ],
            "approved",
        ),
    ] {
        in_any_order(&events, DECISION, &[&[decision]]).await;
    }
}

const COMMENTS: &str = "SELECT comment_id, body, resolved FROM pr_comment ORDER BY comment_id";

fn on_diff(action: &str, id: i64, seconds: i64, with: Value) -> Event {
    ("pull_request_review_comment", comment(action, id, seconds, with))
}

fn body(text: &str) -> Value {
    json!({ "body": text })
}

fn settled(action: &str, root: i64, seconds: i64) -> Event {
    ("pull_request_review_thread", thread(action, root, seconds))
}

#[tokio::test]
async fn a_comment_is_what_it_was_last_edited_to_and_gone_once_deleted() {
    let events = [
        on_diff("created", 71, 5, body("Zebra")),
        on_diff("edited", 71, 20, body("Ant")),
        on_diff("edited", 71, 10, body("Yak")),
    ];
    in_any_order(&events, COMMENTS, &[&["71", "Ant", "0"]]).await;
    // In one second the larger bytes win.
    let events = [
        on_diff("created", 71, 5, body("Ant")),
        on_diff("edited", 71, 5, body("Zebra")),
        on_diff("edited", 71, 5, body("Yak")),
    ];
    in_any_order(&events, COMMENTS, &[&["71", "Zebra", "0"]]).await;
    // A deletion leaves a tombstone that nothing newer brings back to life.
    let events = [
        on_diff("created", 71, 5, json!({})),
        on_diff("deleted", 71, 5, json!({})),
        on_diff("edited", 71, 99, body("Zebra")),
    ];
    in_any_order(&events, COMMENTS, &[]).await;
}

#[tokio::test]
async fn whether_a_thread_is_resolved_belongs_to_its_root_and_its_newest_word() {
    let text = || body("Why?");
    let root = || on_diff("created", 71, 5, text());
    let reply = || {
        let with = json!({"in_reply_to_id": 71, "body": "Because"});
        on_diff("created", 72, 6, with)
    };
    // Said of the root, it holds for the replies, whichever comes first.
    in_any_order(
        &[root(), reply(), settled("resolved", 71, 50)],
        COMMENTS,
        &[&["71", "Why?", "1"], &["72", "Because", "1"]],
    )
    .await;
    // Its stamp is the pull request's, not the comment's, which is the same in all of them.
    for (events, resolved) in [
        ([settled("resolved", 71, 50), settled("unresolved", 71, 60)], "0"),
        ([settled("unresolved", 71, 50), settled("resolved", 71, 60)], "1"),
        ([settled("unresolved", 71, 50), settled("resolved", 71, 50)], "0"),
    ] {
        let row = "SELECT comment_id, resolved FROM pr_comment";
        in_any_order(&events, row, &[&["71", resolved]]).await;
    }
    // The payload of a reply names its root as well.
    let mut by_reply = thread("resolved", 72, 50);
    by_reply["thread"]["comments"][0]["in_reply_to_id"] = json!(71);
    let events = [root(), ("pull_request_review_thread", by_reply)];
    let row = "SELECT comment_id, resolved FROM pr_comment ORDER BY comment_id";
    in_any_order(&events, row, &[&["71", "1"], &["72", "1"]]).await;
}

#[tokio::test]
async fn a_remark_on_an_issue_counts_only_where_the_issue_is_a_pull_request() {
    let mut remark = comment("created", 72, 6, json!({"path": null, "body": "Nice"}));
    remark.as_object_mut().expect("an object").remove("pull_request");
    remark["issue"] = json!({"number": 1, "pull_request": {"url": "https://api.github.com/x"}});
    let opened = ("pull_request", pull("opened", 1, &sha(1), 0, json!({})));
    let events = [opened, ("issue_comment", remark.clone())];
    // It is never unresolved.
    in_any_order(&events, COMMENTS, &[&["72", "Nice", "1"]]).await;
    let world = World::new().await;
    remark["issue"] = json!({"number": 1});
    let (_, answer) = world.send("issue_comment", "1", remark.to_string().as_bytes()).await;
    assert_eq!(answer["outcome"], "ignored");
    assert_eq!(world.sql("SELECT count(*) FROM comments"), [["0"]]);
}
