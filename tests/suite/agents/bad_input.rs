//! What goes wrong when agents are started: a clear error, and nothing left behind.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::ground::{Ground, is_possible};

#[tokio::test]
async fn what_cannot_be_started_is_said_before_anything_is_made() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    ground.git(&["branch", "taken"]);
    let empty = ground.home().join("no repository");
    std::fs::create_dir(&empty).expect("a folder");
    for (id, path) in [
        ("nowhere", json!(ground.home().join("nowhere"))),
        ("empty", json!(empty)),
        ("none", Value::Null),
    ] {
        let project = json!({"repo": format!("acme/{id}"), "path": path});
        let (status, made) = ground.call(Method::PUT, &format!("/v1/projects/{id}"), project).await;
        assert_eq!(status, StatusCode::OK, "{made}");
    }
    let plain = |project: &str| json!({"projectId": project, "harness": "scripted"});
    let on = |branch: &str| json!({"projectId": "mer", "harness": "scripted", "branch": branch});
    for (body, status, code, words) in [
        (plain("nobody"), 404, "not_found", "project"),
        (plain("nowhere"), 409, "no_repository", "nowhere is no git repository"),
        (plain("empty"), 409, "no_repository", "is no git repository"),
        (plain("none"), 409, "no_repository", "has no path"),
        (
            json!({"projectId": "mer", "harness": "goose"}),
            400,
            "unknown_harness",
            "[harness.goose]",
        ),
        (on("taken"), 409, "branch_exists", "taken is there already"),
        (on("main"), 409, "branch_exists", "main"),
        (on("-f"), 400, "bad_body", "no name for a branch"),
        (on("a b"), 400, "bad_body", "no name for a branch"),
        (on("a\nb"), 400, "bad_body", "control characters"),
        (on("x'; touch y '"), 400, "bad_body", "no name for a branch"),
        (on("@{-1}"), 400, "bad_body", "no name for a branch"),
        (on(""), 400, "bad_body", "`branch`"),
        (json!({"harness": "scripted"}), 400, "bad_body", "projectId"),
        (json!({"projectId": "mer", "promt": ""}), 400, "bad_body", "promt"),
        (json!({"projectId": "mer", "runtime": "docker"}), 400, "bad_body", "docker"),
        (json!({"projectId": "mer", "prompt": "\u{1b}[31m"}), 400, "bad_body", "`prompt`"),
        (json!({"projectId": "mer", "prompt": "x".repeat(60_001)}), 400, "bad_body", "`prompt`"),
    ] {
        let (found, error) = ground.post("/v1/sessions", body.clone()).await;
        let message = error["error"]["message"].as_str().unwrap_or_default();
        let got = (found.as_u16(), error["error"]["code"].as_str().unwrap_or_default());
        assert_eq!(got, (status, code), "{body}: {error}");
        assert!(message.contains(words), "{body}: {message}");
    }
    assert_eq!(ground.get("/v1/sessions").await["items"], json!([]), "no row was made");
    assert_eq!(ground.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count(), 1);
    for (path, body, code) in [
        ("/v1/sessions/mer-9/kill", Value::Null, 404),
        ("/v1/sessions/mer-9/restore", json!({"fresh": 1}), 400),
        ("/v1/sessions/mer-9/restore", Value::Null, 404),
        ("/v1/sessions/mer-9/messages", json!({"text": "x"}), 404),
        ("/v1/sessions/mer-9/messages", json!({"text": " "}), 400),
        ("/v1/sessions/mer-9/cleanup", Value::Null, 404),
    ] {
        assert_eq!(ground.post(path, body).await.0.as_u16(), code, "{path}");
    }
}

#[tokio::test]
async fn a_start_that_fails_on_the_way_is_taken_back() {
    if !is_possible() {
        return;
    }
    let toml = "[harness.missing]\nstart = [\"no-such-agent-here\"]\n[project.mer]\nsetup = [\"sh\", \"-c\", \"test ! -e ../../../../fails || { echo it broke; exit 3; }\"]\n";
    let ground = Ground::with(&[], toml).await;
    let (status, session) =
        ground.post("/v1/sessions", json!({"projectId": "mer", "harness": "missing"})).await;
    assert_eq!((status, &session["status"]), (StatusCode::CREATED, &json!("errored")), "{session}");
    assert_eq!(
        (&session["state"], &session["terminationReason"]),
        (&json!("terminated"), &json!("error_in_process"))
    );
    let failure = session["failure"].as_str().expect("a reason");
    assert!(failure.contains("no-such-agent-here"), "{failure}");
    std::fs::write(ground.home().join("fails"), "").expect("a file");
    let (_, session) =
        ground.post("/v1/sessions", json!({"projectId": "mer", "harness": "scripted"})).await;
    let failure = session["failure"].as_str().expect("a reason");
    assert!(failure.contains("it broke"), "{failure}");
    for id in ["mer-1", "mer-2"] {
        assert!(!ground.worktree(id).exists(), "{id}");
    }
    assert_eq!(ground.git(&["branch", "--list", "nudged/*"]), "", "no branch is left");
    assert_eq!(ground.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count(), 1);
    assert_eq!(ground.tmux(&["list-sessions"]), "");
    // Numbers are never given twice.
    std::fs::remove_file(ground.home().join("fails")).expect("removed");
    assert_eq!(ground.spawn("scripted", "").await["id"], "mer-3");
}
