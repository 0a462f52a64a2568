//! The real binary beside the fake GitHub.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nudged::clock;
use nudged::fake_github::{FakeGitHub, Fault, Log, NewPull, Trouble};
use serde_json::Value;

use super::Pair;
use crate::world::{SECRET, TOKEN, answer};

pub fn nudged(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nudged"));
    command.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
    command.envs(env.iter().copied());
    command
}

pub async fn run(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = nudged(folder, args, env);
    let run = tokio::task::spawn_blocking(move || command.output().expect("it runs"));
    let output = run.await.expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_credentials_reads_a_log_and_an_operator_fetches_what_was_missed() {
    let pair = Pair::new().await;
    let repo = pair.github.repository("acme/rocket");
    let number = repo.open_pull(NewPull::from("ada/fix"));
    let job_run = repo.start_run(&repo.pull(number).head_sha, "CI", "pull_request", &["test (1)"]);
    let log = "##[group]Run make\n##[endgroup]\n\u{1b}[31mone\u{1b}[0m\rtwo\n##[error]three\n";
    pair.github.settle().await;
    pair.github.trouble(Trouble { fail: 1.0, ..Trouble::default() });
    repo.finish_job(repo.job(job_run, "test (1)"), "failure", Some(Log::new(log)));
    pair.github.settle().await;

    let folder = tempfile::tempdir().expect("a folder");
    let url = pair.world.url("");
    let env = [("NUDGED_URL", url.as_str()), ("NUDGED_API_TOKEN", TOKEN)];
    let (code, _, told) = run(folder.path(), &["log", "acme/rocket#1"], &env).await;
    assert_eq!(code, 2, "no check has failed as far as is known: {told}");
    let recover = ["deliveries", "recover", "--json"];
    let (code, out, told) = run(folder.path(), &recover, &env).await;
    let said: Value = serde_json::from_str(&out).expect("JSON");
    assert!(code == 0 && said["recovered"].as_u64() >= Some(3), "{out} {told}");
    let (code, out, told) = run(folder.path(), &["log", "acme/rocket#1"], &env).await;
    assert!(code == 0 && out.contains("two") && out.contains("three"), "{out} {told}");
    assert!(!out.contains(['\u{1b}', '\r']), "{out:?}");
    let part = ["log", "acme/rocket#1", "test (1)", "--grep", "THREE"];
    let (code, out, told) = run(folder.path(), &part, &env).await;
    assert!(code == 0 && out.lines().count() == 1, "{out} {told}");
    let part = ["log", "acme/rocket#1", "test (1)", "--step", "MAKE", "--tail", "1"];
    let (code, out, told) = run(folder.path(), &part, &env).await;
    assert!(code == 0 && out.lines().count() == 1 && out.contains("three"), "{out} {told}");
    let part = ["log", "acme/rocket#1", "test (1)", "--step", "upload"];
    let (code, out, told) = run(folder.path(), &part, &env).await;
    assert!(!out.contains("three"), "{code} {out} {told}");
    let (code, _, told) = run(folder.path(), &["log", "acme/rocket#1", "other"], &env).await;
    assert!(code == 1 && told.contains("no such check"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_compares_and_recovers_by_itself() {
    let github = FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake");
    let repo = github.repository("acme/rocket");
    github.send_webhooks_to("http://127.0.0.1:9/", SECRET);
    github.trouble(Trouble { fail: 1.0, ..Trouble::default() });
    repo.open_pull(NewPull::from("ada/fix"));
    github.settle().await;

    let folder = tempfile::tempdir().expect("a folder");
    let app = github.app();
    let key = folder.path().join("app.pem");
    std::fs::write(&key, &app.private_key).expect("written");
    let key = key.display().to_string();
    let (id, port) = (app.id.to_string(), free_port());
    let listen = format!("127.0.0.1:{port}");
    let env = [
        ("NUDGED_LISTEN", listen.as_str()),
        ("NUDGED_WEBHOOK_SECRET", SECRET),
        ("NUDGED_API_TOKEN", TOKEN),
        ("NUDGED_GITHUB_API_URL", github.url()),
        ("NUDGED_GITHUB_APP_ID", &id),
        ("NUDGED_GITHUB_PRIVATE_KEY", &key),
    ];
    let mut server = nudged(folder.path(), &["serve"], &env)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a server");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    // It is there once it answers; then whoever waits hears of the pull request.
    let changes = format!("http://{listen}/v1/changes?after=0&type=pr_created&wait=20");
    let mut tries = 0;
    let page = loop {
        let asked = client.get(&changes).bearer_auth(TOKEN);
        match asked.try_clone().expect("a request").send().await {
            Ok(_) => break answer(asked).await.1,
            Err(error) => {
                tries += 1;
                assert!(tries < 1_000, "{error}");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    };
    server.kill().expect("killed");
    server.wait().expect("gone");
    let cause = page["changes"][0]["cause"].as_str().unwrap_or_default();
    assert!(cause.starts_with("delivery:"), "{page}");

    let broken = [("NUDGED_GITHUB_APP_ID", "7"), ("NUDGED_WEBHOOK_SECRET", SECRET)];
    let (code, _, told) = run(folder.path(), &["serve"], &broken).await;
    assert!(code == 2 && told.contains("NUDGED_GITHUB_PRIVATE_KEY"), "{told}");
}

/// The real binary beside a fake, again and again on one file. Its whole log goes to a file, too.
struct Beside {
    github: FakeGitHub,
    folder: tempfile::TempDir,
    listen: String,
    server: Option<Child>,
}

impl Beside {
    async fn new() -> Self {
        let github = FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake");
        let folder = tempfile::tempdir().expect("a folder");
        let listen = format!("127.0.0.1:{}", free_port());
        github.send_webhooks_to(&format!("http://{listen}/webhooks/github"), SECRET);
        Self { github, folder, listen, server: None }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    async fn start(&mut self) {
        let app = self.github.app();
        let env = [
            ("NUDGED_LISTEN", self.listen.as_str()),
            ("NUDGED_WEBHOOK_SECRET", SECRET),
            ("NUDGED_API_TOKEN", TOKEN),
            ("NUDGED_GITHUB_API_URL", self.github.url()),
            ("NUDGED_GITHUB_APP_ID", &app.id.to_string()),
            ("NUDGED_GITHUB_PRIVATE_KEY", &app.private_key),
        ];
        let log = File::options().create(true).append(true).open(self.log()).expect("a file");
        let serve = ["serve", "--json", "--log", "trace"];
        let mut server = nudged(self.folder.path(), &serve, &env);
        let mut server = server.stdout(Stdio::piped()).stderr(log).spawn().expect("a server");
        let out = server.stdout.take().expect("stdout");
        self.server = Some(server);
        let read = move || BufReader::new(out).read_line(&mut String::new());
        let started = tokio::task::spawn_blocking(read).await.expect("read").expect("its start");
        assert!(started > 0, "it ended");
    }

    fn end(&mut self) {
        let mut server = self.server.take().expect("a server");
        let pid = Pid::from_raw(server.id().try_into().expect("a process id"));
        kill(pid, Signal::SIGTERM).expect("it runs");
        assert!(server.wait().expect("it ended").success());
    }

    /// What it answers, as soon as it does.
    async fn get(&self, path: &str) -> reqwest::Response {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let asked = client.get(format!("http://{}{path}", self.listen)).bearer_auth(TOKEN);
        asked.send().await.expect("an answer")
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credential_of_github_is_logged_at_any_level() {
    let mut pair = Beside::new().await;
    let repo = pair.github.repository("acme/rocket");
    pair.start().await;
    let number = repo.open_pull(NewPull::from("ada/fix"));
    let run = repo.start_run(&repo.pull(number).head_sha, "CI", "pull_request", &["test"]);
    pair.github.settle().await;
    pair.end();

    // One that starts compares, and its token is refused once.
    pair.github.forget_seen();
    pair.github.fault("state=open", 1, Fault::Status(401, "Bad credentials".to_owned()));
    pair.start().await;
    let github = &pair.github;
    let compared = || github.count(|it| it.path.contains("state=open") && it.status == 200) > 0;
    for _ in 0..1_000 {
        if compared() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(compared() && github.count(|it| it.status == 401) == 1, "{:?}", github.seen());

    // The address of a log is signed: it fails in each way, and then not.
    github.trouble(Trouble { lose: 1.0, ..Trouble::default() });
    repo.finish_job(repo.job(run, "test"), "failure", Some(Log::new("##[error]three\n")));
    let job = repo.job(run, "test");
    let path = format!("/v1/pulls/acme/rocket/{number}/checks/{job}/log");
    let mut said = String::new();
    for fault in [Some(Fault::Hangup), Some(Fault::HtmlStatus(403)), Some(Fault::CutInHalf), None] {
        let succeeds = fault.is_none();
        if let Some(fault) = fault {
            github.fault("/logs/", 1, fault);
        }
        let answer = pair.get(&path).await;
        let is_success = answer.status().is_success();
        let text = answer.text().await;
        assert_eq!(text.as_ref().is_ok_and(|_| is_success), succeeds, "{text:?}");
        said += &text.unwrap_or_else(|error| error.to_string());
    }
    assert!(github.count(|it| it.other_host) >= 3);
    pair.end();

    let logged = std::fs::read_to_string(pair.log()).expect("the log");
    assert!(logged.contains("TRACE") && logged.contains("compared with GitHub"), "{logged}");
    said += &logged;
    let key = pair.github.app().private_key;
    let key = key.lines().filter(|line| !line.starts_with('-'));
    // A JSON web token begins with the JSON of its head, a token of an installation with what GitHub chose.
    for secret in key.chain(["eyJ", "ghs_", "sig=", "BEGIN RSA"]) {
        let shown = said.lines().find(|line| line.contains(secret));
        assert_eq!(shown, None, "{secret} is shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_compares_what_no_list_of_deliveries_tells() {
    let mut pair = Beside::new().await;
    let repo = pair.github.repository("acme/rocket");
    pair.start().await;
    repo.open_pull(NewPull::from("ada/known"));
    pair.github.settle().await;
    pair.end();
    pair.github.trouble(Trouble { lose: 1.0, ..Trouble::default() });
    repo.open_pull(NewPull::from("ada/lost"));
    pair.start().await;
    let (mut opened, mut after) = (Vec::new(), "0".to_owned());
    while opened.len() < 2 {
        let path = format!("/v1/changes?after={after}&type=pr_created&wait=30");
        let page: Value = pair.get(&path).await.json().await.expect("JSON");
        let changes = page["changes"].as_array().expect("changes");
        assert!(!changes.is_empty(), "nothing was compared");
        opened.extend(changes.iter().cloned());
        page["next"].as_str().expect("a cursor").clone_into(&mut after);
    }
    pair.end();
    let cause = opened[1]["cause"].as_str().expect("a cause");
    assert!(cause.starts_with("reconcile:"), "{opened:?}");
}

pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
