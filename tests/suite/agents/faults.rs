//! Servers that are cut off, machines that start anew, a tmux that hangs, agents that end by themselves.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::ground::{Ground, is_alive, is_possible, pid_of};
use crate::rooms::pane::until;

fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("signalled");
}

#[tokio::test]
async fn an_agent_that_ends_is_noticed() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    ground.spawn("scripted", "x").await;
    ground.post("/v1/sessions/mer-1/messages", json!({"text": "exit 3"})).await;
    let ended = ground.until("/v1/sessions/mer-1", |it| it["state"] == "terminated").await;
    assert_eq!(ended["terminationReason"], "agent_process_exited", "{ended}");
    let told = ground.get("/v1/nudges?session=mer-1").await;
    assert_eq!(told["items"][0]["kind"], "agent-exited", "{told}");
    // SIGKILL, too.
    ground.spawn("scripted", "x").await;
    signal(pid_of(&ground.said("start ", 2).await), Signal::SIGKILL);
    ground.until("/v1/sessions/mer-2", |it| it["state"] == "terminated").await;
    // A message to nobody.
    let (status, error) = ground.post("/v1/sessions/mer-2/messages", json!({"text": "x"})).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::CONFLICT, &json!("session_ended")));
}

#[tokio::test]
async fn a_hung_tmux_is_no_death_and_the_quarantine_survives_a_restart() {
    if !is_possible() {
        return;
    }
    let mut ground = Ground::new().await;
    ground.spawn("scripted", "x").await;
    let server: i32 = ground.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a number");
    signal(server, Signal::SIGSTOP);
    let before = ground.until("/v1/sessions/mer-1", |it| it["state"] == "detecting").await;
    ground.end(Signal::SIGKILL);
    ground.start();
    let after = ground.get("/v1/sessions/mer-1").await;
    assert_eq!(after["state"], "detecting", "{after}");
    assert_eq!(after["detecting"]["startedAt"], before["detecting"]["startedAt"]);
    signal(server, Signal::SIGCONT);
    let after = ground.until("/v1/sessions/mer-1", |it| it["state"] == "working").await;
    assert_eq!((&after["detecting"], &after["isAlive"]), (&Value::Null, &json!(true)));
}

#[tokio::test]
async fn a_restart_of_the_server_finds_its_agents_again() {
    if !is_possible() {
        return;
    }
    let mut ground = Ground::new().await;
    ground.spawn("scripted", "x").await;
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        ground.end(signal);
        ground.start();
        let (status, told) =
            ground.post("/v1/sessions/mer-1/messages", json!({"text": "there?"})).await;
        assert_eq!(status, StatusCode::OK, "{told}");
    }
    ground.said("said there?", 2).await;
    assert_eq!(ground.log().iter().filter(|line| line.starts_with("start ")).count(), 1);
    let (_, killed) = ground.post("/v1/sessions/mer-1/kill", Value::Null).await;
    assert_eq!(killed["status"], "killed");
    assert!(!is_alive(pid_of(&ground.said("start ", 1).await)));
}

#[tokio::test]
async fn after_a_new_start_of_the_machine_all_are_known_dead_and_restored_as_configured() {
    if !is_possible() {
        return;
    }
    let mut ground = Ground::with(&[], "[project.mer]\non_boot = \"restore\"\n").await;
    let project = json!({"repo": "acme/other", "path": ground.repo()});
    ground.call(Method::PUT, "/v1/projects/oth", project).await;
    for _ in 0..5 {
        ground.spawn("scripted", "x").await;
    }
    let (status, asked) =
        ground.post("/v1/sessions", json!({"projectId": "oth", "harness": "scripted"})).await;
    assert_eq!(status, StatusCode::CREATED, "{asked}");
    ground.post("/v1/sessions/mer-5/kill", Value::Null).await;
    // The machine goes down: no process is left, and no socket.
    ground.end(Signal::SIGKILL);
    let server: i32 = ground.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a number");
    signal(server, Signal::SIGKILL);
    for count in 1..=6 {
        let pid = pid_of(&ground.said("start ", count).await);
        until(pid, || (!is_alive(pid)).then_some(())).await;
    }
    std::fs::remove_dir_all(ground.data().join("tmux")).expect("removed");
    let connection = rusqlite::Connection::open(ground.db()).expect("the database");
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot id");
    let earlier =
        "UPDATE sessions SET runtime_handle_id = replace(runtime_handle_id, ?1, 'an-earlier-one')";
    let changed = connection.execute(earlier, [boot.trim()]).expect("rows");
    assert_eq!(changed, 6);
    drop(connection);
    ground.start();
    for id in ["mer-1", "mer-2", "mer-3", "mer-4"] {
        let path = format!("/v1/sessions/{id}");
        let back = ground
            .until(&path, |it| {
                it["isAlive"] == true
                    && it["operation"].is_null()
                    && it["runtime"]["handle"]
                        .as_str()
                        .is_some_and(|handle| handle.contains(boot.trim()))
            })
            .await;
        assert_eq!(back["failure"], Value::Null, "{back}");
    }
    let asked = ground.until("/v1/sessions/oth-1", |it| it["state"] == "terminated").await;
    assert_eq!(asked["terminationReason"], "runtime_lost", "it is asked");
    let killed = ground.get("/v1/sessions/mer-5").await;
    assert_eq!((&killed["status"], &killed["isAlive"]), (&json!("killed"), &json!(false)));
    ground.said("start resume ", 4).await;
    let resumed = ground.log().iter().filter(|line| line.starts_with("start resume ")).count();
    assert_eq!(resumed, 4, "each once");
}

/// A server is killed at any moment of what it does; the next one comes to the same end as if nothing had been.
#[tokio::test]
async fn a_server_that_is_killed_at_any_step_leaves_nothing_half_done() {
    if !is_possible() {
        return;
    }
    let toml = "[project.mer]\nsetup = [\"sleep\", \"0.05\"]\n";
    let mut ground = Ground::with(&[], toml).await;
    let mut spawned = 0;
    for millis in [0, 5, 10, 15, 20, 30, 40, 60, 80, 100, 130, 160, 200] {
        let asked = ground.post(
            "/v1/sessions",
            json!({"projectId": "mer", "harness": "scripted", "prompt": "x"}),
        );
        let _ = tokio::time::timeout(Duration::from_millis(millis), asked).await;
        ground.end(Signal::SIGKILL);
        ground.start();
        let all = ground.until("/v1/sessions?limit=1000", at_rest).await;
        spawned = all["items"].as_array().expect("items").len();
        for session in all["items"].as_array().expect("items") {
            assert_eq!(
                (&session["isAlive"], &session["failure"]),
                (&json!(true), &Value::Null),
                "{millis} ms: {session:#}"
            );
        }
    }
    assert!(spawned > 5, "{spawned} were asked for in time");
    let named = ground.tmux(&["list-sessions", "-F", "#{session_name}"]);
    assert_eq!(named.lines().count(), spawned, "{named}");
    ground.said("start ", spawned).await;
    let starts = ground.log().iter().filter(|line| line.starts_with("start ")).count();
    assert_eq!(starts, spawned, "each agent was started once");
    for (number, millis) in [0_u64, 3, 6, 10, 20, 40].into_iter().enumerate() {
        let path = format!("/v1/sessions/mer-{}", number + 1);
        let killing = format!("{path}/kill");
        let _ =
            tokio::time::timeout(Duration::from_millis(millis), ground.post(&killing, Value::Null))
                .await;
        ground.end(Signal::SIGKILL);
        ground.start();
        ground.until(&path, |it| it["operation"].is_null()).await;
        ground.post(&killing, Value::Null).await;
        let restoring = format!("{path}/restore");
        let _ = tokio::time::timeout(
            Duration::from_millis(millis * 5),
            ground.post(&restoring, Value::Null),
        )
        .await;
        ground.end(Signal::SIGKILL);
        ground.start();
        let after = ground.until(&path, |it| it["operation"].is_null()).await;
        assert_eq!(after["failure"], Value::Null, "{millis} ms: {after:#}");
    }
    let all = ground.until("/v1/sessions?limit=1000", at_rest).await;
    let living =
        all["items"].as_array().expect("items").iter().filter(|it| it["isAlive"] == true).count();
    let named =
        ground.tmux(&["list-panes", "-a", "-f", "#{==:#{pane_dead},0}", "-F", "#{session_name}"]);
    assert_eq!(named.lines().count(), living, "{named}");
}

fn at_rest(found: &Value) -> bool {
    found["items"].as_array().expect("items").iter().all(|it| it["operation"].is_null())
}

#[tokio::test]
async fn a_kill_ends_a_start_that_takes_long() {
    if !is_possible() {
        return;
    }
    let ground = Ground::with(
        &[],
        "[project.mer]\nsetup = [\"sh\", \"-c\", \"echo up > ../../../../up; sleep 600\"]\n",
    )
    .await;
    let body = json!({"projectId": "mer", "harness": "scripted"});
    let spawning = ground.post("/v1/sessions", body);
    let killing = async {
        let up = ground.home().join("up");
        until(&up, || up.exists().then_some(())).await;
        ground.post("/v1/sessions/mer-1/kill", Value::Null).await
    };
    let ((_, spawned), (status, killed)) = tokio::join!(spawning, killing);
    assert_eq!((status, &killed["status"]), (StatusCode::OK, &json!("killed")), "{killed}");
    assert_eq!(spawned["isAlive"], false, "{spawned}");
    assert!(!ground.worktree("mer-1").exists());
    assert_eq!(ground.git(&["branch", "--list", "nudged/*"]), "");
    assert_eq!(ground.log(), Vec::<String>::new(), "no agent was started");
}

#[tokio::test]
async fn many_at_once_get_numbers_of_their_own() {
    if !is_possible() {
        return;
    }
    let ground = Ground::new().await;
    let spawns = (0..40).map(|number| {
        ground.post(
            "/v1/sessions",
            json!({"projectId": "mer", "harness": "scripted", "prompt": number.to_string()}),
        )
    });
    let made = futures_util::future::join_all(spawns).await;
    let mut ids: Vec<String> = made
        .iter()
        .map(|(status, session)| {
            assert_eq!(
                (*status, &session["failure"]),
                (StatusCode::CREATED, &Value::Null),
                "{session}"
            );
            session["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 40);
    assert_eq!(ground.tmux(&["list-sessions", "-F", "#{session_name}"]).lines().count(), 40);
}

#[tokio::test]
async fn without_tmux_the_server_runs_on_and_says_what_is_missing() {
    if !is_possible() {
        return;
    }
    let git = std::process::Command::new("sh").args(["-c", "command -v git"]).output().expect("sh");
    let git = String::from_utf8_lossy(&git.stdout).trim().to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(git, folder.path().join("git")).expect("a link");
    let path = folder.path().to_str().expect("text").to_owned();
    let ground = Ground::with(&[("PATH", &path)], "").await;
    let (status, error) =
        ground.post("/v1/sessions", json!({"projectId": "mer", "harness": "scripted"})).await;
    assert_eq!((status, &error["error"]["code"]), (StatusCode::CONFLICT, &json!("cannot_start")));
    let message = error["error"]["message"].as_str().expect("words");
    assert!(message.contains("tmux is not installed"), "{message}");
    assert_eq!(ground.get("/v1/sessions").await["items"], json!([]));
    let (status, session) =
        ground.post("/v1/sessions", json!({"projectId": "mer", "runtime": "external"})).await;
    assert_eq!((status, &session["kind"]), (StatusCode::CREATED, &json!("external")), "{session}");
}
