//! Agents that people start themselves: their hooks are installed, they appear, they are told, and they go.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::commands::{nudged, told};
use crate::operators::checkout;
use crate::payloads::{check, pull, sha};
use crate::world::{TOKEN, World};

/// A person's home and a checkout, beside a server that knows the repository.
struct Desk {
    world: World,
    home: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let world = World::new().await;
        world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
        let home = tempfile::tempdir().expect("a folder");
        checkout(home.path(), "branch-7", Some("git@github.com:acme/rocket.git"));
        Self { world, home }
    }

    fn settings(&self) -> Value {
        let text = std::fs::read(self.home.path().join(".claude/settings.json")).expect("settings");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// A process of this person's in the checkout.
    #[allow(clippy::disallowed_methods, reason = "git has to be found, wherever it is")]
    fn at_home(&self, mut command: Command) -> Command {
        command.env_clear().current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("NUDGED_API_TOKEN", TOKEN);
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
    }

    async fn hooks(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = self.at_home(nudged(Path::new("/"), &[&["hooks"], args].concat()));
        command.stdin(Stdio::null());
        told(
            ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs"))
                .await,
        )
    }

    /// Starts the installed hook of that event, the `index`th, as Claude Code does.
    fn start(&self, index: usize, event: &Value, own: &[(&str, &str)]) -> Child {
        let name = event["hook_event_name"].as_str().expect("an event");
        let hook = &self.settings()["hooks"][name][0]["hooks"][index];
        let mut shell = Command::new("sh");
        shell.args(["-c", hook["command"].as_str().expect("a command")]);
        let mut shell = self.at_home(shell);
        shell.envs(own.iter().copied()).stdin(Stdio::piped());
        let mut child =
            shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a hook");
        let mut stdin = child.stdin.take().expect("its input");
        stdin.write_all(event.to_string().as_bytes()).expect("told");
        child
    }

    async fn fires(&self, event: &Value) {
        let said = ended(self.start(0, event, &[])).await;
        assert!(
            said.status.success() && said.stdout.is_empty() && said.stderr.is_empty(),
            "{said:?}"
        );
    }

    async fn of_branch(&self, branch: &str) -> Vec<Value> {
        let sessions = self.world.get("/v1/sessions").await;
        let sessions = sessions["items"].as_array().expect("a list").clone();
        sessions.into_iter().filter(|session| session["branch"] == branch).collect()
    }
}

async fn ended(child: Child) -> Output {
    let wait = || child.wait_with_output().expect("its end");
    tokio::task::spawn_blocking(wait).await.expect("its end")
}

fn event(name: &str, more: Value) -> Value {
    let mut event = json!({"hook_event_name": name, "session_id": "c-1"});
    crate::payloads::merge(&mut event, more);
    event
}

#[tokio::test]
async fn a_session_that_somebody_starts_appears_is_told_once_and_goes() {
    let desk = Desk::new().await;
    let folder = desk.home.path().join(".claude");
    std::fs::create_dir(&folder).expect("made");
    std::fs::write(folder.join("settings.json"), r#"{"model": "x"}"#).expect("written");
    let (url, db) = (desk.world.url(""), desk.world.db());
    let db = db.to_str().expect("UTF-8");
    for _ in 0..2 {
        let (code, out, err) = desk.hooks(&["install", "--url", &url, "--db", db]).await;
        assert!(code == 0 && out.contains("settings.json"), "{out}{err}");
    }
    let settings = desk.settings();
    assert_eq!(settings["model"], "x");
    assert_eq!(settings["hooks"]["Stop"].as_array().map(Vec::len), Some(1), "{settings}");
    assert!(!settings.to_string().contains(TOKEN));

    let start = event("SessionStart", json!({"source": "startup"}));
    // One that nudged has started has hooks of its own.
    let ours = ended(desk.start(0, &start, &[("NUDGED_SESSION_ID", "roc-1")])).await;
    assert!(ours.status.success());
    assert!(desk.of_branch("branch-7").await.is_empty());
    desk.fires(&start).await;
    let found = desk.of_branch("branch-7").await;
    let [session] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(
        [&session["kind"], &session["harness"]],
        [&json!("external"), &json!("claude-code")]
    );
    assert_eq!(
        [&session["agentSessionId"], &session["activity"]["source"]],
        [&json!("c-1"), &json!("hook")]
    );

    let waits = desk.start(1, &start, &[]);
    desk.world.apply("pull_request", "7", &pull("opened", 7, &sha(7), 0, json!({}))).await;
    let red = check("build", &sha(7), 11, json!("failure"), 30);
    desk.world.apply("check_run", "red", &red).await;
    let woken = ended(waits).await;
    let said = String::from_utf8(woken.stderr).expect("UTF-8");
    assert_eq!(woken.status.code(), Some(2), "{said}");
    let query =
        format!("/v1/nudges?session={}&audience=agent", session["id"].as_str().expect("an id"));
    let nudge = desk.world.get(&query).await["items"][0].clone();
    let mark = format!("[nudge {}]", nudge["id"]);
    assert!(said.starts_with(&mark) && said.contains("build"), "{said}");
    assert_eq!(nudge["state"], "pending");
    desk.fires(&event("UserPromptSubmit", json!({"prompt": said}))).await;
    assert_eq!(desk.world.get(&query).await["items"][0]["state"], "delivered");

    // On another branch it is another session. The first one has a pull request, and stays.
    checkout(desk.home.path(), "other", None);
    desk.fires(&event("PostToolUse", json!({"tool_name": "Bash"}))).await;
    let (first, other) = (desk.of_branch("branch-7").await, desk.of_branch("other").await);
    assert_eq!([&first[0]["state"], &other[0]["state"]], [&json!("working"); 2]);
    desk.fires(&event("SessionEnd", json!({"reason": "prompt_input_exit"}))).await;
    let (first, other) = (desk.of_branch("branch-7").await, desk.of_branch("other").await);
    assert_eq!([&first[0]["state"], &other[0]["state"]], [&json!("working"), &json!("terminated")]);

    let (code, _, _) = desk.hooks(&["remove"]).await;
    assert_eq!((code, desk.settings()), (0, json!({"model": "x"})));
}

#[tokio::test]
async fn hooks_are_installed_where_they_can_work_or_not_at_all() {
    let desk = Desk::new().await;
    let url = desk.world.url("");
    let (code, _, err) = desk.hooks(&["install", "--url", &url, "--token", TOKEN]).await;
    assert!(code == 2 && err.contains("--db") && !err.contains(TOKEN), "{err}");
    let (code, _, err) = desk.hooks(&["install", "--url", "http://127.0.0.1:1"]).await;
    assert!(code == 1 && err.contains("no answer"), "{err}");
    assert!(!desk.home.path().join(".claude").exists());
    let settings = desk.home.path().join(".claude/settings.local.json");
    std::fs::create_dir(desk.home.path().join(".claude")).expect("made");
    std::fs::write(&settings, "[").expect("written");
    let (code, _, err) = desk.hooks(&["install", "--here", "--url", &url]).await;
    assert!(code == 1 && err.contains("settings.local.json is left as it is"), "{err}");
    assert_eq!(std::fs::read_to_string(&settings).expect("a file"), "[");

    // Of a repository that the server does not know nothing is told.
    std::fs::remove_file(&settings).expect("removed");
    let (code, _, err) = desk.hooks(&["install", "--url", &url]).await;
    assert_eq!(code, 0, "{err}");
    let mut git = desk.at_home(Command::new("git"));
    git.args(["remote", "set-url", "origin", "https://github.com/acme/strange"]);
    assert!(git.status().expect("git runs").success());
    let before = desk.world.changes().await.len();
    desk.fires(&event("SessionStart", json!({"source": "startup"}))).await;
    desk.fires(&event("Stop", json!({}))).await;
    assert_eq!(desk.world.changes().await.len(), before);
}
