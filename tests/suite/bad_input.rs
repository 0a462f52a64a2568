//! Signed, and yet not readable: every known event survives whatever is put into it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::payloads::{check, pull, review, sha, status, workflow_run};
use crate::webhook::rows;
use crate::world::{World, outcome};

/// Every event that is understood: its name, a good payload, and fields that must be whole numbers,
/// and texts, that are used.
fn known() -> Vec<(&'static str, Value, &'static [&'static str], &'static [&'static str])> {
    let mut job = workflow_run(&sha(1), 71, 900, json!("failure"), 5);
    let object = job.as_object_mut().expect("an object");
    object.remove("workflow_run");
    object.insert(
        "workflow_job".into(),
        json!({"id": 31, "run_id": 71, "name": "build", "head_sha": sha(1), "status": "completed",
            "conclusion": "failure", "steps": [{"name": "test", "conclusion": "failure"}]}),
    );
    let pull = pull("opened", 1, &sha(1), 0, json!({}));
    let review = review(1, &sha(1), 81, 9, "approved", 70);
    vec![
        (
            "pull_request",
            pull,
            &["/pull_request/number", "/repository/id", "/pull_request/head/repo/id"],
            &["/pull_request/title", "/pull_request/head/sha", "/pull_request/user/login"],
        ),
        (
            "pull_request_review",
            review,
            &["/review/id", "/pull_request/number"],
            &["/review/state", "/review/user/login"],
        ),
        (
            "check_run",
            check("build", &sha(1), 11, json!("failure"), 10),
            &["/check_run/id", "/check_run/check_suite/id"],
            &["/check_run/name", "/check_run/output/text", "/check_run/head_sha"],
        ),
        (
            "workflow_run",
            workflow_run(&sha(1), 70, 900, json!("failure"), 5),
            &["/workflow_run/id", "/workflow_run/run_attempt"],
            &["/workflow_run/event", "/repository/full_name"],
        ),
        (
            "workflow_job",
            job,
            &["/workflow_job/id", "/workflow_job/run_id"],
            &["/workflow_job/name", "/workflow_job/steps/0/name"],
        ),
        ("status", status("ci", &sha(1), 1, "failure", 3), &["/id"], &["/context", "/sha"]),
    ]
}

/// The payload's text with raw bytes in place of one value.
fn with(payload: &Value, pointer: &str, raw: &[u8]) -> Vec<u8> {
    const MARK: &str = "\"@@ here @@\"";
    let mut payload = payload.clone();
    *payload.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is not there")) =
        json!(MARK.trim_matches('"'));
    let text = payload.to_string();
    let (before, after) = text.split_once(MARK).expect("the mark");
    [before.as_bytes(), raw, after.as_bytes()].concat()
}

fn deep() -> Vec<u8> {
    [vec![b'['; 100_000], vec![b']'; 100_000]].concat()
}

/// Bodies of an event that cannot be read.
fn unreadable(payload: &Value, numbers: &[&str], texts: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut bodies: Vec<(String, Vec<u8>)> = [
        ("empty", Vec::new()),
        ("blank", b" \n".to_vec()),
        ("null", b"null".to_vec()),
        ("a list", b"[]".to_vec()),
        ("a number", b"42".to_vec()),
        ("a text", b"\"opened\"".to_vec()),
        ("an empty object", b"{}".to_vec()),
        ("an action alone", br#"{"action": "completed"}"#.to_vec()),
        ("no JSON", b"payload=%7B%7D".to_vec()),
        ("cut off", payload.to_string().into_bytes().split_at(200).0.to_vec()),
        ("more after the end", [payload.to_string().as_bytes(), b"}"].concat()),
        (
            "a byte order mark",
            [b"\xef\xbb\xbf".as_slice(), payload.to_string().as_bytes()].concat(),
        ),
        ("UTF-16", payload.to_string().encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("deep", deep()),
        ("deep and never closed", vec![b'['; 100_000]),
        ("deep objects", br#"{"a":"#.repeat(100_000)),
        ("NUL bytes", vec![0; 1_000]),
    ]
    .into_iter()
    .map(|(name, body)| (name.to_owned(), body))
    .collect();
    let deep = deep();
    for pointer in numbers {
        let absurd: [&[u8]; 9] = [
            b"1e400",
            b"-1e400",
            b"1180591620717411303424",
            b"1.5",
            b"\"7\"",
            b"{}",
            b"true",
            b"[1]",
            &deep,
        ];
        bodies.extend(absurd.map(|raw| {
            let shown = String::from_utf8_lossy(&raw[..raw.len().min(30)]);
            (format!("{pointer} is {shown}"), with(payload, pointer, raw))
        }));
    }
    for pointer in texts {
        let wrong: [&[u8]; 9] = [
            br#""\ud800""#,
            br#""\udc00\ud800""#,
            br#""\ud83d and no more""#,
            b"\"\xff\xfe\"",
            b"\"\xed\xa0\x80\"",
            b"7",
            b"[]",
            b"{\"a\":1}",
            &deep,
        ];
        bodies.extend(wrong.map(|raw| {
            let shown = String::from_utf8_lossy(&raw[..raw.len().min(30)]);
            (format!("{pointer} is {shown}"), with(payload, pointer, raw))
        }));
    }
    bodies
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_and_changes_nothing() {
    let world = World::new().await;
    let mut sent = 0;
    for (event, payload, numbers, texts) in known() {
        for (name, body) in unreadable(&payload, numbers, texts) {
            let (status, answer) = world.send(event, &format!("bad-{sent}"), &body).await;
            sent += 1;
            assert_eq!(status, StatusCode::OK, "{event}, {name}: {answer}");
            let word = outcome(&answer);
            assert!(["quarantined", "ignored"].contains(&word), "{event}, {name}: {answer}");
        }
    }
    assert!(sent > 200, "{sent}");
    let filled: Vec<_> = rows(&world).into_iter().filter(|(_, count)| count != "0").collect();
    assert_eq!(filled, [("deliveries".to_owned(), sent.to_string())]);
    // The server is none the worse for it.
    for (number, (event, payload, ..)) in known().into_iter().enumerate() {
        world.apply(event, &format!("good-{number}"), &payload).await;
    }
    assert_eq!(world.items("/v1/pulls").await.len(), 1);
}

#[tokio::test]
async fn numbers_that_name_nothing_and_empty_names_are_not_taken() {
    let world = World::new().await;
    let payload = pull("opened", 1, &sha(1), 0, json!({}));
    for (pointer, raw) in [
        ("/pull_request/number", "-1"),
        ("/pull_request/number", "0"),
        ("/pull_request/head/sha", "\"\""),
        ("/pull_request/head/sha", "\"abc123\""),
        ("/pull_request/state", "\"ajar\""),
        ("/pull_request/updated_at", "null"),
        ("/pull_request/updated_at", "\"yesterday\""),
        ("/pull_request/updated_at", "9223372036854775807"),
        ("/pull_request/updated_at", "\"+275760-09-13T00:00:00Z\""),
        ("/repository/full_name", "\"no slash\""),
        ("/repository/full_name", "\"a/b/c\""),
        ("/repository/full_name", "\"/\""),
    ] {
        let body = with(&payload, pointer, raw.as_bytes());
        let (status, answer) = world.send("pull_request", &format!("{pointer}{raw}"), &body).await;
        let found = (status, outcome(&answer));
        assert_eq!(found, (StatusCode::OK, "quarantined"), "{pointer} {raw}: {answer}");
    }
    assert_eq!(world.sql("SELECT count(*) FROM pr"), [["0"]]);
    assert_eq!(world.sql("SELECT count(*) FROM projects"), [["0"]]);
}

#[tokio::test]
async fn what_is_not_used_may_be_anything() {
    let world = World::new().await;
    let mut payload = pull("opened", 1, &sha(1), 0, json!({}));
    for (number, raw) in
        ["1e400", "1180591620717411303424", "[[[]]]", "null", "\"\u{202e}\"", "-0.0"]
            .iter()
            .enumerate()
    {
        payload["pull_request"]["a_field_of_next_year"] = json!(0);
        let body = with(&payload, "/pull_request/a_field_of_next_year", raw.as_bytes());
        let (status, answer) = world.send("pull_request", &number.to_string(), &body).await;
        assert_eq!((status, outcome(&answer)), (StatusCode::OK, "applied"), "{raw}: {answer}");
    }
    // Nested beyond reason, it is answered within the contract all the same.
    let body = with(&payload, "/pull_request/a_field_of_next_year", &deep());
    assert_eq!(world.send("pull_request", "deep", &body).await.0, StatusCode::OK);
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["number"], 1);
}
