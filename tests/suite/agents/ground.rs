//! A git repository, a server in a process of its own, and agents of it in real tmux.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::stories::root;
use crate::world::{SECRET, TOKEN, answer, sign};

/// Nothing here takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether real tmux and git are there.
pub fn is_possible() -> bool {
    has_all(&[("tmux", "-V"), ("git", "--version")])
}

/// Whether programs are there. Without one a test is passed over, loudly, unless all are required.
pub fn has_all(programs: &[(&str, &str)]) -> bool {
    let is_missing = |(program, flag): &&(&str, &str)| {
        !Command::new(program).arg(flag).output().is_ok_and(|said| said.status.success())
    };
    let Some((missing, _)) = programs.iter().find(is_missing) else { return true };
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    let all = std::env::var_os("NUDGED_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!all, "{missing} is needed: install it");
    #[expect(clippy::print_stderr, reason = "a test that is passed over says so")]
    {
        eprintln!("PASSED OVER: {missing} is needed for this test");
    }
    false
}

/// A git repository, a server, and agents of it.
pub struct Ground {
    home: tempfile::TempDir,
    server: Option<Child>,
    url: String,
    client: reqwest::Client,
    /// What is set beside the usual.
    env: Vec<(String, String)>,
}

impl Ground {
    pub async fn new() -> Self {
        Self::with(&[], "").await
    }

    /// With further variables for the server, and more settings.
    pub async fn with(env: &[(&str, &str)], toml: &str) -> Self {
        let home = tempfile::Builder::new().prefix("n").tempdir().expect("a folder");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let env =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut ground = Self { home, server: None, url: String::new(), client, env };
        ground.repository();
        ground.configure(toml);
        ground.start();
        let project = json!({"repo": "acme/rocket", "path": ground.repo()});
        let (status, made) = ground.call(Method::PUT, "/v1/projects/mer", project).await;
        assert_eq!(status, StatusCode::OK, "{made}");
        ground
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn repo(&self) -> PathBuf {
        self.home().join("repo")
    }

    pub fn data(&self) -> PathBuf {
        self.home().join("nudged-data")
    }

    pub fn db(&self) -> PathBuf {
        self.home().join("nudged.db")
    }

    pub fn worktree(&self, session: &str) -> PathBuf {
        self.data().join("worktrees/mer").join(session)
    }

    fn repository(&self) {
        let repo = self.repo();
        std::fs::create_dir(&repo).expect("a folder");
        for words in [
            &["init", "-q", "-b", "main"][..],
            &["config", "user.name", "t"],
            &["config", "user.email", "t@example.org"],
            &["commit", "-q", "--allow-empty", "-m", "first"],
        ] {
            self.git(words);
        }
    }

    /// Asks git in the main checkout.
    pub fn git(&self, words: &[&str]) -> String {
        let said = Command::new("git").current_dir(self.repo()).args(words).output().expect("git");
        let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        assert!(said.status.success(), "{words:?}: {}", String::from_utf8_lossy(&said.stderr));
        text
    }

    /// Settings with the scripted agent as a harness.
    fn configure(&self, toml: &str) {
        let agent = root().join("tests/agent/agent.sh");
        let log = self.home().join("agent.log");
        let words = |way: &str, more: &str| {
            format!("[{agent:?}, {log:?}, {way:?}, \"{{agentSessionId}}\"{more}]")
        };
        let text = format!(
            "[harness.scripted]\nstart = {}\nresume = {}\n\n[harness.talker]\nstart = {}\n{toml}\n",
            words("start", ", \"{prompt}\""),
            words("resume", ""),
            words("start", ""),
        );
        std::fs::write(self.home().join("nudged.toml"), text).expect("settings");
    }

    /// Starts the server.
    pub fn start(&mut self) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nudged"))
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--settle", "0s"])
            .arg("--db")
            .arg(self.db())
            .arg("--config")
            .arg(self.home().join("nudged.toml"))
            .env("NUDGED_WEBHOOK_SECRET", SECRET)
            .env("NUDGED_API_TOKEN", TOKEN)
            .env("NUDGED_LOG", "warn")
            .env("NUDGED_PROBE_EVERY", "200ms")
            .env("CLAUDECODE", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut line).expect("its first line");
        let started: Value = serde_json::from_str(&line).expect("JSON");
        self.url = started["url"].as_str().expect("a URL").to_owned();
        self.server = Some(child);
    }

    /// Sends it a signal and waits for its end.
    pub fn end(&mut self, signal: Signal) {
        let mut child = self.server.take().expect("a server");
        kill(Pid::from_raw(child.id().cast_signed()), signal).expect("signalled");
        child.wait().expect("ended");
    }

    pub async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.client.request(method, self.url(path)).bearer_auth(TOKEN);
        answer(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(Method::POST, path, body).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, found) = self.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {found}");
        found
    }

    /// The same with an agent's own token.
    pub async fn as_agent(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = self.client.request(method, self.url(path)).bearer_auth(token);
        answer(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Sends a signed delivery that must be applied.
    pub async fn deliver(&self, event: &str, id: &str, payload: &Value) {
        let body = payload.to_string();
        let request = self.client.post(self.url("/webhooks/github"));
        let request = request
            .header("Content-Type", "application/json")
            .header("X-GitHub-Event", event)
            .header("X-GitHub-Delivery", id)
            .header("X-Hub-Signature-256", sign(SECRET, body.as_bytes()));
        let (status, told) = answer(request.body(body)).await;
        assert_eq!((status, &told["outcome"]), (StatusCode::OK, &json!("applied")), "{told}");
    }

    /// Starts a session, which must come to life.
    pub async fn spawn(&self, harness: &str, prompt: &str) -> Value {
        let body = json!({"projectId": "mer", "harness": harness, "prompt": prompt});
        let (status, session) = self.post("/v1/sessions", body).await;
        assert_eq!(status, StatusCode::CREATED, "{session}");
        assert_eq!(
            (&session["failure"], &session["isAlive"]),
            (&Value::Null, &json!(true)),
            "{session}"
        );
        session
    }

    /// Waits until a read satisfies `is`.
    pub async fn until(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.get(path).await;
            if is(&found) {
                return found;
            }
            assert!(Instant::now() < deadline, "never came; last: {found:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// All that the scripted agents have written.
    pub fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.home().join("agent.log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits for the `count`th line that begins so.
    pub async fn said(&self, start: &str, count: usize) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            if let Some(line) = log.iter().filter(|line| line.starts_with(start)).nth(count - 1) {
                return line.clone();
            }
            assert!(Instant::now() < deadline, "{start:?} never came: {log:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A variable that the agent of the `count`th start found.
    pub async fn variable(&self, name: &str, count: usize) -> String {
        let line = self.said(&format!("env {name}="), count).await;
        line.split_once('=').expect("a value").1.to_owned()
    }

    /// Asks the tmux server by hand.
    pub fn tmux(&self, words: &[&str]) -> String {
        let socket = self.data().join("tmux/s");
        let said = Command::new("tmux").arg("-S").arg(socket).args(words).output().expect("tmux");
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    /// Runs the command line.
    pub fn nudged(&self, words: &[&str]) -> (bool, String, String) {
        let said = Command::new(env!("CARGO_BIN_EXE_nudged"))
            .args(words)
            .env("NUDGED_URL", &self.url)
            .env("NUDGED_API_TOKEN", TOKEN)
            .output()
            .expect("the command line");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (said.status.success(), text(&said.stdout), text(&said.stderr))
    }
}

/// A test that fails leaves no server and no agent behind.
impl Drop for Ground {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
        self.tmux(&["kill-server"]);
    }
}

/// The number of the agent of the `count`th start.
pub fn pid_of(start: &str) -> i32 {
    let words = start.split(' ').find_map(|word| word.strip_prefix("pid="));
    words.and_then(|word| word.parse().ok()).expect("a number")
}

/// Whether a process is there and no zombie.
pub fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
