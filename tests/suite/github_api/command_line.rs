//! The real binary beside the fake GitHub.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
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

/// A server whose whole log goes to a file, to which it is added.
async fn logging(folder: &Path, env: &[(&str, &str)], log: &Path) -> Child {
    let log = File::options().create(true).append(true).open(log).expect("a file");
    let mut server = nudged(folder, &["serve", "--json", "--log", "trace"], env)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("a server");
    let out = server.stdout.take().expect("stdout");
    let read = move || BufReader::new(out).read_line(&mut String::new());
    let started = tokio::task::spawn_blocking(read).await.expect("read").expect("its start");
    assert!(started > 0, "it ended");
    server
}

fn end(mut server: Child) {
    let pid = Pid::from_raw(server.id().try_into().expect("a process id"));
    kill(pid, Signal::SIGTERM).expect("it runs");
    assert!(server.wait().expect("it ended").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credential_of_github_is_logged_at_any_level() {
    let github = FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake");
    let repo = github.repository("acme/rocket");
    let folder = tempfile::tempdir().expect("a folder");
    let (app, log) = (github.app(), folder.path().join("log"));
    let (id, listen) = (app.id.to_string(), format!("127.0.0.1:{}", free_port()));
    let env = [
        ("NUDGED_LISTEN", listen.as_str()),
        ("NUDGED_WEBHOOK_SECRET", SECRET),
        ("NUDGED_API_TOKEN", TOKEN),
        ("NUDGED_GITHUB_API_URL", github.url()),
        ("NUDGED_GITHUB_APP_ID", &id),
        ("NUDGED_GITHUB_PRIVATE_KEY", &app.private_key),
    ];
    let server = logging(folder.path(), &env, &log).await;
    github.send_webhooks_to(&format!("http://{listen}/webhooks/github"), SECRET);
    let number = repo.open_pull(NewPull::from("ada/fix"));
    let run = repo.start_run(&repo.pull(number).head_sha, "CI", "pull_request", &["test"]);
    github.settle().await;
    end(server);

    // One that starts compares, and its token is refused once.
    github.forget_seen();
    github.fault("state=open", 1, Fault::Status(401, "Bad credentials".to_owned()));
    let server = logging(folder.path(), &env, &log).await;
    let compared = || github.count(|it| it.path.contains("state=open") && it.status == 200) > 0;
    for _ in 0..1_000 {
        if compared() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(compared() && github.count(|it| it.status == 401) == 1, "{:?}", github.seen());

    // The address of a log is signed: it fails in both ways, and then not.
    github.trouble(Trouble { lose: 1.0, ..Trouble::default() });
    repo.finish_job(repo.job(run, "test"), "failure", Some(Log::new("##[error]three\n")));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let job = repo.job(run, "test");
    let path = format!("http://{listen}/v1/pulls/acme/rocket/{number}/checks/{job}/log");
    let mut said = String::new();
    for fault in [Some(Fault::Hangup), Some(Fault::HtmlStatus(403)), Some(Fault::CutInHalf), None] {
        let succeeds = fault.is_none();
        if let Some(fault) = fault {
            github.fault("/logs/", 1, fault);
        }
        let answer = client.get(&path).bearer_auth(TOKEN).send().await.expect("an answer");
        let is_success = answer.status().is_success();
        let text = answer.text().await;
        assert_eq!(text.as_ref().is_ok_and(|_| is_success), succeeds, "{text:?}");
        said += &text.unwrap_or_else(|error| error.to_string());
    }
    assert!(github.count(|it| it.other_host) >= 3);
    end(server);

    let logged = std::fs::read_to_string(&log).expect("the log");
    assert!(logged.contains("TRACE") && logged.contains("compared with GitHub"), "{logged}");
    said += &logged;
    let key = app.private_key.lines().filter(|line| !line.starts_with('-'));
    // A JSON web token begins with the JSON of its head, a token of an installation with what GitHub chose.
    for secret in key.chain(["eyJ", "ghs_", "sig=", "BEGIN RSA"]) {
        let shown = said.lines().find(|line| line.contains(secret));
        assert_eq!(shown, None, "{secret} is shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_compares_what_no_list_of_deliveries_tells() {
    let github = FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake");
    let repo = github.repository("acme/rocket");
    let folder = tempfile::tempdir().expect("a folder");
    let (app, log) = (github.app(), folder.path().join("log"));
    let (id, listen) = (app.id.to_string(), format!("127.0.0.1:{}", free_port()));
    let env = [
        ("NUDGED_LISTEN", listen.as_str()),
        ("NUDGED_WEBHOOK_SECRET", SECRET),
        ("NUDGED_API_TOKEN", TOKEN),
        ("NUDGED_GITHUB_API_URL", github.url()),
        ("NUDGED_GITHUB_APP_ID", &id),
        ("NUDGED_GITHUB_PRIVATE_KEY", &app.private_key),
    ];
    let server = logging(folder.path(), &env, &log).await;
    github.send_webhooks_to(&format!("http://{listen}/webhooks/github"), SECRET);
    repo.open_pull(NewPull::from("ada/known"));
    github.settle().await;
    end(server);
    github.trouble(Trouble { lose: 1.0, ..Trouble::default() });
    repo.open_pull(NewPull::from("ada/lost"));
    let server = logging(folder.path(), &env, &log).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let changes = format!("http://{listen}/v1/changes?after=0&type=pr_created&wait=20");
    let mut found = None;
    for _ in 0..1_000 {
        let (_, page) = answer(client.get(&changes).bearer_auth(TOKEN)).await;
        found = page["changes"].as_array().expect("changes").get(1).cloned();
        if found.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    end(server);
    let cause = found.as_ref().and_then(|change| change["cause"].as_str()).unwrap_or_default();
    assert!(cause.starts_with("reconcile:"), "{found:?}");
}

pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
