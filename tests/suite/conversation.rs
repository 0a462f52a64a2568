//! Payloads of comments and threads, in GitHub's shape.

use serde_json::{Value, json};

use crate::payloads::{at, merge, pull, sha};

/// A comment on the diff of pull request 1, as its event.
pub fn comment(action: &str, id: i64, seconds: i64, with: Value) -> Value {
    let mut event = pull(action, 1, &sha(1), seconds, json!({}));
    let fields = event["pull_request"].as_object_mut().expect("an object");
    fields.remove("mergeable");
    fields.remove("mergeable_state");
    event["comment"] = json!({
        "id": id, "pull_request_review_id": 500, "user": {"id": 9, "login": "grace"},
        "path": "src/lib.rs", "line": 12, "body": format!("Please look at {id}"),
        "html_url": format!("https://github.com/acme/rocket/pull/1#c{id}"),
        "created_at": at(seconds), "updated_at": at(seconds),
    });
    merge(&mut event["comment"], with);
    event
}

/// A thread of one comment, as the event that says whether it is resolved.
pub fn thread(action: &str, root: i64, seconds: i64) -> Value {
    let mut event = comment(action, root, 5, json!({}));
    event["pull_request"]["updated_at"] = json!(at(seconds));
    let comment = event.as_object_mut().expect("an object").remove("comment");
    event["thread"] = json!({"node_id": "T", "comments": [comment]});
    event
}
