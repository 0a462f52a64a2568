//! From spawn to kill, and on again.

use nix::sys::signal::Signal;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::ground::{Ground, is_alive, is_possible, pid_of};

#[tokio::test]
async fn an_agent_is_started_told_watched_and_ended() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    let session = ground.spawn("scripted", "Mend it; \"$(id)\"\nplease").await;
    assert_eq!((&session["id"], &session["state"]), (&json!("mer-1"), &json!("working")));
    assert_eq!(
        (&session["branch"], &session["status"]),
        (&json!("nudged/mer-1"), &json!("working"))
    );
    assert_eq!(
        session["workspacePath"],
        json!(ground.worktree("mer-1").canonicalize().expect("a worktree"))
    );
    let start = ground.said("start ", 1).await;
    let id = session["agentSessionId"].as_str().expect("an id");
    assert!(start.contains(&format!("start start {id} ")), "{start}");
    assert!(start.contains("prompt=Mend it; \"$(id)\""), "{start}");
    // Its environment is its own.
    for (name, value) in [("NUDGED_SESSION_ID", "mer-1"), ("NUDGED_PROJECT_ID", "mer")] {
        assert_eq!(ground.variable(name, 1).await, value);
    }
    let secrets = ["NUDGED_WEBHOOK_SECRET", "NUDGED_API_TOKEN", "CLAUDECODE", "TMUX="];
    let log = ground.log();
    for secret in secrets {
        assert!(!log.iter().any(|line| line.starts_with(&format!("env {secret}"))), "{secret}");
    }
    let token = ground.variable("NUDGED_TOKEN", 1).await;
    let hash = "SELECT token_hash FROM sessions WHERE id = 'mer-1'";
    let connection = rusqlite::Connection::open(ground.db()).expect("the database");
    let kept: String = connection.query_row(hash, (), |row| row.get(0)).expect("a hash");
    assert!(kept.len() == 64 && kept != token);

    let (status, told) =
        ground.post("/v1/sessions/mer-1/messages", json!({"text": "Go on, please."})).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_eq!(ground.said("said ", 1).await, "said Go on, please.");
    let terminal = ground.get("/v1/sessions/mer-1/terminal?lines=50").await;
    assert!(terminal["text"].as_str().expect("text").contains("Go on, please."), "{terminal}");

    ground.post("/v1/sessions/mer-1/messages", json!({"text": "litter"})).await;
    ground.said("done litter", 1).await;
    let (status, killed) = ground.post("/v1/sessions/mer-1/kill", Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{killed}");
    assert_eq!((&killed["state"], &killed["status"]), (&json!("terminated"), &json!("killed")));
    assert_eq!(killed["terminationReason"], "manually_killed");
    assert!(!is_alive(pid_of(&start)));
    assert_eq!(ground.tmux(&["list-sessions"]), "", "nothing runs any more");
    let marked = format!("NUDGED_LAUNCH_ID={}", ground.variable("NUDGED_LAUNCH_ID", 1).await);
    assert!(!bears_anything(&marked), "nothing that it started is left");
    assert!(ground.worktree("mer-1").is_dir(), "its worktree stays");
    assert!(ground.said("end", 1).await.starts_with("end"), "it could say goodbye");

    let types = ground.get("/v1/changes?after=0&session=mer-1&limit=1000").await;
    let types: Vec<String> = types["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .filter(|change| change["type"] == "session_updated" || change["type"] == "session_created")
        .map(|change| change["payload"]["state"].as_str().expect("a state").to_owned())
        .collect();
    assert_eq!(
        (types.first().map(String::as_str), types.last().map(String::as_str)),
        (Some("not_started"), Some("terminated")),
        "{types:?}"
    );

    let (_, cleaned) = ground.post("/v1/sessions/mer-1/cleanup", Value::Null).await;
    assert_eq!(
        (&cleaned["failure"], &cleaned["workspacePath"]),
        (&Value::Null, &Value::Null),
        "{cleaned}"
    );
    assert!(cleaned["freedBytes"].as_i64().expect("bytes") > 0, "{cleaned}");
    assert!(!ground.worktree("mer-1").exists());
    assert_eq!(
        ground.git(&["branch", "--list", "nudged/mer-1"]),
        "nudged/mer-1",
        "the branch stays"
    );
}

/// Whether any process bears that variable.
fn bears_anything(variable: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    processes
        .filter_map(|entry| std::fs::read(entry.path().join("environ")).ok())
        .any(|environ| environ.split(|byte| *byte == 0).any(|it| it == variable.as_bytes()))
}

#[tokio::test]
async fn a_session_goes_on_in_its_own_conversation_after_a_kill_and_a_restart() {
    if !is_possible() {
        return;
    }
    let mut ground = Ground::new().await;
    let body = json!({"projectId": "mer", "harness": "scripted", "prompt": "Mend it.", "issueId": "M-7",
        "branch": "fix/it"});
    let (status, before) = ground.post("/v1/sessions", body).await;
    assert_eq!(status, StatusCode::CREATED, "{before}");
    let id = before["agentSessionId"].clone();
    ground.post("/v1/sessions/mer-1/messages", json!({"text": "write half.txt"})).await;
    ground.said("done write half.txt", 1).await;
    ground.post("/v1/sessions/mer-1/kill", Value::Null).await;
    ground.end(Signal::SIGTERM);
    ground.start();
    let (status, after) = ground.post("/v1/sessions/mer-1/restore", Value::Null).await;
    assert_eq!((status, &after["failure"]), (StatusCode::OK, &Value::Null), "{after}");
    assert_eq!((&after["isAlive"], &after["terminationReason"]), (&json!(true), &Value::Null));
    for kept in ["agentSessionId", "branch", "issueId", "workspacePath", "harness", "createdAt"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    let start = ground.said("start ", 2).await;
    assert!(
        start.starts_with(&format!("start resume {} ", id.as_str().expect("an id"))),
        "{start}"
    );
    assert!(ground.worktree("mer-1").join("half.txt").is_file(), "its work is there");
    assert_ne!(
        ground.variable("NUDGED_LAUNCH_ID", 1).await,
        ground.variable("NUDGED_LAUNCH_ID", 2).await
    );

    // The token of the start before is of no use any more.
    let old = ground.variable("NUDGED_TOKEN", 1).await;
    let (status, _) = ground.as_agent(&old, Method::GET, "/v1/sessions/mer-1", Value::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);

    // Twice is refused, and a session that lives is not given back.
    let (status, error) = ground.post("/v1/sessions/mer-1/restore", Value::Null).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::CONFLICT, &json!("session_lives")));
    ground.post("/v1/sessions/mer-1/kill", Value::Null).await;
    let (_, refused) = ground.post("/v1/sessions/mer-1/cleanup", Value::Null).await;
    let failure = refused["failure"].as_str().expect("a reason");
    assert!(failure.contains("half.txt"), "{failure}");
    assert!(ground.worktree("mer-1").join("half.txt").is_file(), "work that is nowhere else stays");

    // A person has removed the folder: it is made anew at the same path.
    std::fs::remove_dir_all(ground.worktree("mer-1")).expect("removed");
    let (_, again) = ground.post("/v1/sessions/mer-1/restore", json!({"fresh": true})).await;
    assert_eq!(
        (&again["failure"], &again["workspacePath"]),
        (&Value::Null, &before["workspacePath"])
    );
    let start = ground.said("start ", 3).await;
    assert!(start.starts_with("start start ") && start.contains("prompt=Mend it."), "{start}");
    assert_ne!(again["agentSessionId"], id, "a new conversation");
}

#[tokio::test]
async fn what_cannot_go_on_is_said_and_never_begun_anew() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    // `talker` has no `resume`.
    ground.spawn("talker", "").await;
    ground.said("start ", 1).await;
    ground.post("/v1/sessions/mer-1/kill", Value::Null).await;
    let (status, refused) = ground.post("/v1/sessions/mer-1/restore", Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{refused}");
    let failure = refused["failure"].as_str().expect("a reason");
    assert!(failure.contains("talker") && failure.contains("--fresh"), "{failure}");
    assert_eq!((&refused["state"], &refused["status"]), (&json!("terminated"), &json!("killed")));
    assert_eq!(ground.log().iter().filter(|line| line.starts_with("start ")).count(), 1);
    // Its conversation is gone: the agent says so and ends.
    ground.spawn("scripted", "x").await;
    ground.post("/v1/sessions/mer-2/kill", Value::Null).await;
    std::fs::write(ground.home().join("agent.log.lost"), "").expect("a file");
    let (_, refused) = ground.post("/v1/sessions/mer-2/restore", Value::Null).await;
    let failure = refused["failure"].as_str().expect("a reason");
    assert!(failure.contains("No conversation found") && failure.contains("--fresh"), "{failure}");
    assert_eq!(refused["status"], "killed", "it is as it was");
}
