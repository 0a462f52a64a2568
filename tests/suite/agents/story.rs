//! An agent with its pull request: what it is told, by whom, and what everybody sees of it.

use std::process::Command;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::ground::{Ground, is_possible};
use crate::commands::{output, told};
use crate::payloads::{check, pull, sha};

/// What the agent's hook reports when a prompt begins a turn.
async fn takes(ground: &Ground, mark: &str) {
    let token = ground.variable("NUDGED_TOKEN", 1).await;
    let body = json!({"state": "active", "source": "hook", "event": "UserPromptSubmit", "mark": mark,
        "launchId": ground.variable("NUDGED_LAUNCH_ID", 1).await});
    let (status, told) =
        ground.as_agent(&token, Method::POST, "/v1/sessions/mer-1/activity", body).await;
    assert_eq!(status, StatusCode::OK, "{told}");
}

/// `kind state` of all nudges, in the order of their creation.
async fn nudges(ground: &Ground) -> Vec<String> {
    let items = ground.get("/v1/nudges?limit=1000").await;
    let word = |item: &Value, key: &str| item[key].as_str().expect("a word").to_owned();
    let items = items["items"].as_array().expect("items");
    items.iter().map(|item| format!("{} {}", word(item, "kind"), word(item, "state"))).collect()
}

#[tokio::test]
async fn a_failure_is_told_once_and_mended_and_everybody_sees_each_stage_once() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    let body = json!({"projectId": "mer", "harness": "scripted", "prompt": "Mend it.", "branch": "branch-1"});
    let (status, _) = ground.post("/v1/sessions", body).await;
    assert_eq!(status, StatusCode::CREATED);
    let open = json!({"mergeable": true, "mergeable_state": "clean"});
    ground.deliver("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    let session = ground.get("/v1/sessions/mer-1").await;
    assert_eq!(session["pulls"][0]["number"], 1, "{session}");
    ground.deliver("check_run", "2", &check("build", &sha(1), 11, json!("failure"), 10)).await;
    // It arrives in the terminal, once, with where to read on.
    let line = ground.said("said [nudge ", 1).await;
    assert!(line.starts_with("said [nudge 1] ") && line.contains("nudged nudges show 1"), "{line}");
    ground.until("/v1/nudges/1", |nudge| nudge["state"] == "handed").await;
    assert!(
        ground.get("/v1/nudges/1").await["body"]
            .as_str()
            .expect("text")
            .contains("the answer is 42")
    );
    takes(&ground, "[nudge 1]").await;
    assert_eq!(nudges(&ground).await, ["ci-failed delivered"]);
    // The same again says nothing; a commit that mends it turns green.
    ground.deliver("check_run", "3", &check("build", &sha(1), 11, json!("failure"), 10)).await;
    ground.deliver("pull_request", "4", &pull("synchronize", 1, &sha(2), 20, open)).await;
    ground.deliver("check_run", "5", &check("build", &sha(2), 12, json!("success"), 30)).await;
    assert_eq!(nudges(&ground).await, ["ci-failed delivered", "approved-and-green pending"]);
    let history = ground.get("/v1/pulls/acme/rocket/1?history=1").await;
    let mut checks: Vec<String> = history["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .map(|check| format!("{} {}", check["commit"], check["status"]))
        .collect();
    checks.sort();
    let expected = [format!("\"{}\" \"failed\"", sha(1)), format!("\"{}\" \"passed\"", sha(2))];
    assert_eq!(checks, expected);
    ground.post("/v1/sessions/mer-1/kill", Value::Null).await;
    assert_eq!(ground.log().iter().filter(|line| line.starts_with("said [nudge")).count(), 1);

    // Each stage once, in order.
    let page = ground.get("/v1/changes?after=0&limit=1000").await;
    let changes = page["changes"].as_array().expect("changes");
    let seqs: Vec<i64> =
        changes.iter().map(|change| change["seq"].as_i64().expect("a number")).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
    let types: Vec<&str> =
        changes.iter().map(|change| change["type"].as_str().expect("a type")).collect();
    let first = |kind: &str| {
        types.iter().position(|it| *it == kind).unwrap_or_else(|| panic!("no {kind}: {types:?}"))
    };
    let order = [
        "session_created",
        "session_updated",
        "pr_created",
        "pr_check_recorded",
        "nudge_created",
        "nudge_updated",
    ];
    assert!(order.windows(2).all(|pair| first(pair[0]) < first(pair[1])), "{types:?}");
    assert_eq!(types.iter().filter(|it| **it == "session_created").count(), 1);
    let causes: Vec<&str> = changes.iter().filter_map(|change| change["cause"].as_str()).collect();
    for cause in ["spawn", "deliver:1", "kill"] {
        assert!(causes.contains(&cause), "{cause}: {causes:?}");
    }
}

#[tokio::test]
async fn three_failing_commits_are_escalated_and_a_person_decides() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    let body = json!({"projectId": "mer", "harness": "scripted", "prompt": "Mend it.", "branch": "branch-1"});
    ground.post("/v1/sessions", body).await;
    ground.deliver("pull_request", "p1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    for commit in 1..=3_i64 {
        let number = commit.unsigned_abs();
        if commit > 1 {
            let moved = pull("synchronize", 1, &sha(number), commit * 100, json!({}));
            ground.deliver("pull_request", &format!("p{commit}"), &moved).await;
        }
        let failed = check("build", &sha(number), 10 + commit, json!("failure"), commit * 100 + 10);
        ground.deliver("check_run", &format!("c{commit}"), &failed).await;
        if commit < 3 {
            let line = ground.said("said [nudge ", usize::try_from(commit).expect("a count")).await;
            let mark =
                line.trim_start_matches("said ").split(']').next().expect("a mark").to_owned();
            takes(&ground, &format!("{mark}]")).await;
        }
    }
    let told = nudges(&ground).await;
    assert_eq!(told, ["ci-failed delivered", "ci-failed delivered", "escalated pending"]);
    assert_eq!(ground.log().iter().filter(|line| line.starts_with("said [nudge")).count(), 2);
}

#[tokio::test]
async fn an_agents_token_is_for_its_own_session_alone() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    ground.spawn("scripted", "one").await;
    let token = ground.variable("NUDGED_TOKEN", 1).await;
    ground.spawn("scripted", "two").await;
    let other = ground.variable("NUDGED_TOKEN", 2).await;
    let ready = json!({"state": "idle", "source": "hook", "event": "Stop"});
    for (method, path, body, status) in [
        (Method::GET, "/v1/sessions/mer-1", Value::Null, 200),
        (Method::POST, "/v1/sessions/mer-1/activity", ready.clone(), 200),
        (Method::GET, "/v1/nudges?session=mer-1", Value::Null, 200),
        (Method::GET, "/v1/sessions/mer-2", Value::Null, 403),
        (Method::POST, "/v1/sessions/mer-2/activity", ready, 403),
        (Method::GET, "/v1/nudges?session=mer-2", Value::Null, 403),
        (Method::GET, "/v1/nudges", Value::Null, 403),
        (Method::GET, "/v1/nudges/99", Value::Null, 403),
        (Method::GET, "/v1/sessions", Value::Null, 403),
        (Method::POST, "/v1/sessions/mer-1/kill", Value::Null, 403),
        (Method::POST, "/v1/sessions", json!({"projectId": "mer"}), 403),
        (Method::GET, "/v1/changes", Value::Null, 403),
    ] {
        let (found, answer) = ground.as_agent(&token, method.clone(), path, body).await;
        assert_eq!(found.as_u16(), status, "{method} {path}: {answer}");
        if status == 403 {
            assert_eq!(answer["error"]["code"], "forbidden", "{answer}");
        }
    }
    let (status, _) = ground.as_agent(&other, Method::GET, "/v1/sessions/mer-2", Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) = ground.as_agent("00", Method::GET, "/v1/sessions/mer-2", Value::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    // A hook that calls after its session has ended.
    ground.post("/v1/sessions/mer-1/kill", Value::Null).await;
    let late = json!({"state": "active", "source": "hook", "event": "PostToolUse"});
    let (status, answer) =
        ground.as_agent(&token, Method::POST, "/v1/sessions/mer-1/activity", late).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::CONFLICT, &json!("session_ended")));
}

#[tokio::test]
async fn the_command_line_starts_tells_shows_and_ends_agents() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    let (done, told, error) =
        ground.nudged(&["spawn", "-p", "mer", "--harness", "scripted", "Mend it"]);
    assert!(done && told.starts_with("mer-1  working  nudged/mer-1  "), "{told}{error}");
    let (done, told, error) = ground.nudged(&["send", "mer-1", "Go on"]);
    assert!(done && told == "mer-1 was told\n", "{told}{error}");
    ground.said("said Go on", 1).await;
    let (done, told, error) = ground.nudged(&["logs", "mer-1", "-n", "40"]);
    assert!(done && told.contains("Go on"), "{told}{error}");
    // Without a terminal of its own it comes as far as tmux.
    let (done, _, error) = ground.nudged(&["attach", "mer-1"]);
    assert!(!done && error.contains("not a terminal"), "{error}");
    let (done, told, error) = ground.nudged(&["kill", "mer-1"]);
    assert!(done && told.starts_with("mer-1  killed"), "{told}{error}");
    let (done, told, error) = ground.nudged(&["restore", "mer-1", "--json"]);
    assert!(done && told.contains("\"isAlive\":true"), "{told}{error}");
    ground.said("start resume ", 1).await;
    ground.nudged(&["kill", "mer-1"]);
    let (done, told, error) = ground.nudged(&["cleanup", "mer-1"]);
    assert!(done && told.contains("of disk are free again"), "{told}{error}");
    let (done, _, error) = ground.nudged(&["spawn", "-p", "mer", "--harness", "goose", "x"]);
    assert!(!done && error.contains("[harness.goose]"), "{error}");
    let (done, _, error) = ground.nudged(&["kill", "../projects/mer"]);
    assert!(!done && error.contains("is no session"), "{error}");
}

#[tokio::test]
async fn the_demo_with_an_agent_ends_merged_and_leaves_nothing_running() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_nudged"));
    demo.args(["demo", "--agent", "--exit"]).env("TMPDIR", folder.path());
    let (code, out, err) = told(output(demo).await);
    assert_eq!(code, 0, "{out}{err}");
    let mut rest = out.as_str();
    for part in [
        "nudged spawn -p rocket",
        "session_created",
        "pull_request opened",
        "ci failing",
        "ci-failed",
        "the terminal of rocket-1",
        "[nudge ",
        "committed: Mend the test",
        "ci passing",
        "pr-merged",
    ] {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("{part} is missing, or not where it belongs: {out}");
        };
        rest = after;
    }
    let left = std::fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 0, "the demo left something behind");
    let bears_it = |found: std::io::Result<std::fs::DirEntry>| {
        let arguments = std::fs::read(found.ok()?.path().join("cmdline")).ok()?;
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        arguments.contains(folder.path().to_str()?).then_some(arguments)
    };
    let running: Vec<String> =
        std::fs::read_dir("/proc").expect("procfs").filter_map(bears_it).collect();
    assert_eq!(running, [""; 0]);
}
