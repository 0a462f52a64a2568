//! What an agent's hooks report through the command line, and requests that come twice.

use std::io::Write;
use std::process::{Command, Stdio};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::ground::{Ground, is_possible};
use crate::payloads::{check, pull, sha};
use crate::world::{TOKEN, answer};

/// Runs `nudged activity` as an agent's hook does, with nothing but what the agent has in its environment.
async fn hook(ground: &Ground, event: Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nudged"));
    command.args(["activity", "--harness", "claude-code"]).env_clear();
    for name in
        ["NUDGED_URL", "NUDGED_TOKEN", "NUDGED_SESSION_ID", "NUDGED_LAUNCH_ID", "NUDGED_FOLDER"]
    {
        command.env(name, ground.variable(name, 1).await);
    }
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("a hook");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(event.to_string().as_bytes()).expect("told");
    drop(stdin);
    let said = child.wait_with_output().expect("its end");
    assert!(said.status.success() && said.stderr.is_empty() && said.stdout.is_empty(), "{said:?}");
}

#[tokio::test]
async fn hooks_report_with_the_agents_own_token() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    ground.spawn("scripted", "x").await;
    let with = |name: &str, more: Value| {
        let mut event = json!({"hook_event_name": name, "session_id": "c-1", "transcript_path": "/t/c-1.jsonl"});
        crate::payloads::merge(&mut event, more);
        event
    };
    hook(
        &ground,
        with(
            "PermissionRequest",
            json!({"tool_name": "Bash", "tool_input": {"command": "rm -r x"}}),
        ),
    )
    .await;
    let session = ground.get("/v1/sessions/mer-1").await;
    assert_eq!(
        (&session["state"], &session["agentSessionId"]),
        (&json!("needs_input"), &json!("c-1"))
    );
    assert_eq!(session["waitsFor"], json!({"tool": "Bash", "reason": "Bash: rm -r x"}));
    // Of a subagent, and of nobody that is known.
    hook(&ground, with("Stop", json!({"agent_id": "sub"}))).await;
    hook(&ground, json!({"strange": true})).await;
    assert_eq!(ground.get("/v1/sessions/mer-1").await["state"], "needs_input");
    hook(&ground, with("UserPromptSubmit", json!({"prompt": "yes"}))).await;
    assert_eq!(ground.get("/v1/sessions/mer-1").await["state"], "working");
    hook(&ground, with("Stop", json!({}))).await;
    assert_eq!(ground.get("/v1/sessions/mer-1").await["state"], "idle");
    // Outside a session of ours nothing is done, and nothing said.
    let said = Command::new(env!("CARGO_BIN_EXE_nudged"))
        .args(["activity", "--harness", "claude-code"])
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .expect("a hook");
    assert!(said.status.success() && said.stderr.is_empty() && said.stdout.is_empty(), "{said:?}");
}

#[tokio::test]
async fn a_request_that_comes_twice_is_carried_out_once() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let post = async |path: &str, key: &str, body: &Value| {
        let request =
            client.post(ground.url(path)).bearer_auth(TOKEN).header("Idempotency-Key", key);
        answer(request.json(body)).await
    };
    let body = json!({"projectId": "mer", "harness": "scripted", "branch": "mine"});
    let (first, second) =
        (post("/v1/sessions", "k1", &body).await, post("/v1/sessions", "k1", &body).await);
    assert_eq!(
        (first.0, second.0),
        (StatusCode::CREATED, StatusCode::CREATED),
        "{first:?} {second:?}"
    );
    assert_eq!(first.1["id"], second.1["id"]);
    let (status, error) = post("/v1/sessions", "k1", &json!({"projectId": "mer"})).await;
    assert_eq!(
        (status, &error["error"]["code"]),
        (StatusCode::CONFLICT, &json!("idempotency_key_reused"))
    );
    let text = json!({"text": "only once"});
    for _ in 0..2 {
        let (status, told) = post("/v1/sessions/mer-1/messages", "k2", &text).await;
        assert_eq!(status, StatusCode::OK, "{told}");
    }
    ground.post("/v1/sessions/mer-1/messages", json!({"text": "the last"})).await;
    ground.said("done the last", 1).await;
    assert_eq!(ground.log().iter().filter(|line| *line == "said only once").count(), 1);
    assert_eq!(ground.get("/v1/sessions").await["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_merge_ends_the_agent_and_a_stream_shows_each_stage_once() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    let body =
        json!({"projectId": "mer", "harness": "scripted", "prompt": "x", "branch": "branch-1"});
    ground.post("/v1/sessions", body).await;
    ground.deliver("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    ground.deliver("check_run", "2", &check("build", &sha(1), 11, json!("success"), 5)).await;
    let merged = pull(
        "closed",
        1,
        &sha(1),
        10,
        json!({"state": "closed", "merged": true, "merged_at": "2026-05-01T08:00:10Z"}),
    );
    ground.deliver("pull_request", "3", &merged).await;
    let ended = ground
        .until("/v1/sessions/mer-1", |it| it["operation"].is_null() && it["state"] == "terminated")
        .await;
    assert_eq!(
        (&ended["terminationReason"], &ended["status"]),
        (&json!("pr_merged"), &json!("cleanup")),
        "{ended}"
    );
    ground.said("end", 1).await;
    assert_eq!(ground.tmux(&["list-sessions"]), "");

    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.get(ground.url("/v1/changes?after=0")).bearer_auth(TOKEN);
    let mut stream = request.header("Accept", "text/event-stream").send().await.expect("a stream");
    let head = ground.get("/v1/changes?after=0&limit=1000").await;
    let polled: Vec<i64> = head["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .filter_map(|it| it["seq"].as_i64())
        .collect();
    let (mut text, mut seen) = (String::new(), Vec::new());
    while seen.len() < polled.len() {
        let chunk = stream.chunk().await.expect("a chunk").expect("more");
        text.push_str(&String::from_utf8_lossy(&chunk));
        let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let data = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        seen = data.filter_map(|change| change["seq"].as_i64()).collect();
    }
    assert_eq!(seen, polled, "each once, rising");
    let (status, _) =
        ground.call(Method::GET, "/v1/sessions/mer-1/terminal?lines=0", Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

/// A server is killed while it tells an agent: nothing is told twice, and what cannot be known is told to the human.
#[tokio::test]
async fn a_nudge_is_told_once_or_the_human_hears_of_it() {
    if !is_possible() {
        return;
    }
    let mut ground = Ground::new().await;
    let body =
        json!({"projectId": "mer", "harness": "scripted", "prompt": "x", "branch": "branch-1"});
    ground.post("/v1/sessions", body).await;
    ground.deliver("pull_request", "p", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    for (round, millis) in (1_i64..).zip([0_u64, 30, 60, 120, 250, 340, 400, 700]) {
        let (red, green) = (round * 2, round * 2 + 1);
        for (commit, conclusion) in [(red, "failure"), (green, "success")] {
            let head = sha(commit.unsigned_abs());
            let moved = pull("synchronize", 1, &head, commit * 100, json!({}));
            ground.deliver("pull_request", &format!("p{commit}"), &moved).await;
            let ran = check("build", &head, 10 + commit, json!(conclusion), commit * 100 + 10);
            ground.deliver("check_run", &format!("c{commit}"), &ran).await;
            if commit == red {
                tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
                ground.end(nix::sys::signal::Signal::SIGKILL);
                ground.start();
                // Known to be told, not to be told, or not known.
                ground
                    .until("/v1/nudges?session=mer-1&audience=agent&limit=1000", |list| {
                        list["items"]
                            .as_array()
                            .expect("items")
                            .iter()
                            .all(|it| it["state"] != "pending")
                    })
                    .await;
            }
        }
    }
    let nudges = ground.get("/v1/nudges?session=mer-1&audience=agent&limit=1000").await;
    let nudges = nudges["items"].as_array().expect("items");
    assert!(nudges.len() >= 6, "{nudges:#?}");
    let log = ground.log();
    for nudge in nudges {
        let mark = format!("said [nudge {}]", nudge["id"]);
        let told = log.iter().filter(|line| line.starts_with(&mark)).count();
        let state = nudge["state"].as_str().expect("a state");
        assert!(told <= 1, "{mark} {told} times, {state}");
        assert!(
            told == 1 || ["unconfirmed", "superseded", "handed"].contains(&state),
            "{mark}: {state}"
        );
    }
}
