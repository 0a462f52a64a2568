//! The real binary beside the fake GitHub.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use nudged::clock;
use nudged::fake_github::{FakeGitHub, Log, NewPull, Trouble};
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

pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
