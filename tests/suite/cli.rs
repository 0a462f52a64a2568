//! The binary: what it prints, its exit codes, and what it never prints.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::payloads::{pull, sha};
use crate::stories::{self, root, story};
use crate::world::{SECRET, TOKEN, World};

/// The binary with nothing of this process' surroundings.
fn nudged(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nudged"));
    command.args(arguments).env_clear().current_dir(folder).stdin(Stdio::null());
    command
}

/// What a command said, and how it ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn lines(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: no JSON: {error}"))
        };
        self.out.lines().map(parse).collect()
    }

    #[track_caller]
    fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        for secret in [SECRET, TOKEN] {
            let shown = self.out.contains(secret) || self.err.contains(secret);
            assert!(!shown, "a secret is shown: {}{}", self.out, self.err);
        }
        self
    }
}

async fn run(mut command: Command) -> Said {
    let output: Output =
        tokio::task::spawn_blocking(move || command.output()).await.expect("run").expect("run");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a client command against the world.
async fn client(world: &World, arguments: &[&str]) -> Said {
    let mut command = nudged(world.folder(), arguments);
    let url = world.url("");
    command.args(["--url", &url]);
    command.env("NUDGED_WEBHOOK_SECRET", SECRET).env("NUDGED_API_TOKEN", TOKEN);
    run(command).await
}

fn folder_of(story: &str) -> String {
    root().join("fixtures/webhooks").join(story).display().to_string()
}

#[tokio::test]
async fn the_demo_tells_the_whole_story_and_how_to_poll() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = run(nudged(folder.path(), &["demo", "--exit"])).await.ends_with(0);
    // In this order.
    let mut rest = said.out.as_str();
    for part in [
        "pull_request opened",
        "pr_created",
        "ci failing",
        "nudge_created",
        "ci-failed",
        "assertion",
        "ci passing",
        "approved-and-green",
        "merged",
        "pr-merged",
        "curl -H 'Authorization: Bearer ",
        "/v1/changes?after=",
    ] {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("{part} is missing, or not where it belongs: {}", said.out);
        };
        rest = after;
    }
    assert!(!said.out.contains('\u{1b}'), "control characters");
    let left = std::fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 0, "the demo left something behind");
}

#[tokio::test]
async fn the_demo_in_json_is_changes_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = run(nudged(folder.path(), &["demo", "--exit", "--json"])).await.ends_with(0);
    let seqs: Vec<i64> = said.lines().iter().filter_map(|line| line["seq"].as_i64()).collect();
    assert_eq!(seqs, (1..=said.lines().len() as i64).collect::<Vec<_>>());
    assert!(said.lines().iter().any(|line| line["payload"]["kind"] == "ci-failed"));
}

#[tokio::test]
async fn an_excerpt_is_shown_of_a_file_and_of_standard_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = root().join("fixtures/logs/01-cargo-test.log");
    let path = log.display().to_string();
    let from_file = run(nudged(folder.path(), &["excerpt", &path])).await.ends_with(0);
    assert!(from_file.out.contains("\n\ncode: "), "{}", from_file.out);
    let piped = |arguments: &[&str]| {
        let mut command = nudged(folder.path(), arguments);
        command.stdin(File::open(&log).expect("a log"));
        run(command)
    };
    assert_eq!(piped(&["excerpt", "-"]).await.ends_with(0).out, from_file.out);
    let object = piped(&["excerpt", "-", "--json"]).await.ends_with(0).lines().remove(0);
    let keys: Vec<&str> = object.as_object().expect("an object").keys().map(|it| &**it).collect();
    assert_eq!(keys, ["class", "evidence", "excerpt", "truncated"]);
    assert_eq!([&object["class"], &object["truncated"]], [&json!("code"), &json!(false)]);
    for key in ["excerpt", "evidence"] {
        let said = object[key].as_str().expect("a text");
        assert!(!said.is_empty() && from_file.out.contains(said), "{key}: {said}");
    }
    let said = run(nudged(folder.path(), &["excerpt", "no/such.log"])).await.ends_with(1);
    assert!(said.out.is_empty() && said.err.contains("no/such.log"), "{}", said.err);
}

#[tokio::test]
async fn serve_says_what_it_lacks() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text.db");
    std::fs::write(&text, "not a database, whatever its name says. ".repeat(50)).expect("text");
    let serve = |arguments: &[&str], secret: &str| {
        let mut command =
            nudged(folder.path(), &[&["serve", "--listen", "127.0.0.1:0"], arguments].concat());
        command.env("NUDGED_WEBHOOK_SECRET", secret);
        run(command)
    };
    for (arguments, secret, part, code) in [
        (&[][..], "", "openssl rand -hex 32", 2),
        (&[], " , ", "openssl rand -hex 32", 2),
        (&["--db", "text.db"], SECRET, "not a nudged database", 1),
        (&["--db", "no/such/folder/n.db"], SECRET, "no/such/folder", 2),
        (&["--adopt", "some"], SECRET, "--adopt", 2),
        (&["--settle", "soon"], SECRET, "--settle", 2),
        (&["--log", "a=b=c"], SECRET, "a=b=c", 2),
        (&["--config", "nowhere.toml"], SECRET, "nowhere.toml", 2),
    ] {
        let said = serve(arguments, secret).await.ends_with(code);
        assert!(said.err.contains(part) && said.out.is_empty(), "{arguments:?}: {}", said.err);
    }
}

#[tokio::test]
async fn a_wrong_command_line_ends_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [
        &[][..],
        &["fly"],
        &["serve", "--fast"],
        &["demo", "--db", "x"],
        &["replay"],
        &["replay", "x", "--repeat", "0"],
        &["changes", "--limit", "many"],
    ] {
        let said = run(nudged(folder.path(), arguments)).await.ends_with(2);
        assert!(said.out.is_empty() && !said.err.is_empty(), "{arguments:?}");
    }
    for arguments in [&["--version"][..], &["--help"], &["replay", "--help"]] {
        assert!(!run(nudged(folder.path(), arguments)).await.ends_with(0).out.is_empty());
    }
}

#[tokio::test]
async fn every_story_can_be_replayed_and_says_what_became_of_it() {
    let world = World::new().await;
    for name in stories::names() {
        let said = client(&world, &["replay", &folder_of(&name)]).await.ends_with(0);
        let count = story(&name).len();
        let summary = said.out.lines().last().unwrap_or_default();
        assert!(summary.starts_with(&format!("{count} sent in ")), "{name}: {summary}");
        assert_eq!(said.out.lines().count(), count + 1, "{name}: {}", said.out);
        assert!(!said.out.contains("quarantined"), "{name}: {}", said.out);
    }
    let said = client(&world, &["replay", &folder_of("plain-life"), "--json"]).await.ends_with(0);
    let summary = said.lines().pop().expect("a summary")["summary"].clone();
    let count = story("plain-life").len();
    assert_eq!((&summary["sent"], &summary["failed"]), (&json!(count), &json!(0)));
    assert_eq!(summary["outcomes"], json!({ "duplicate": count }));
}

#[tokio::test]
async fn many_copies_at_once_and_shuffled_are_applied_once() {
    let world = World::new().await;
    let (folder, count) = (folder_of("plain-life"), story("plain-life").len());
    let flags = ["--repeat", "3", "--concurrency", "8", "--shuffle=1", "--json"];
    let said = client(&world, &[&["replay", &folder], &flags[..]].concat()).await.ends_with(0);
    let summary = said.lines().pop().expect("a summary")["summary"].clone();
    assert_eq!(summary["sent"], json!(3 * count));
    assert_eq!(summary["outcomes"], json!({ "applied": count, "duplicate": 2 * count }));
    assert_eq!(summary["seed"], 1);
    let pull = &world.items("/v1/pulls").await[0];
    assert_eq!([&pull["state"], &pull["ci"], &pull["review"]], ["merged", "passing", "approved"]);
    // The same seed is the same order.
    let order = async || -> Vec<Value> {
        let arguments = ["replay", &folder, "--shuffle=7", "--json"];
        client(&world, &arguments).await.lines().iter().map(|line| line["file"].clone()).collect()
    };
    let (first, second) = (order().await, order().await);
    assert_eq!(first, second);
    assert!(!first[..count].is_sorted_by_key(Value::to_string), "not shuffled");
}

#[tokio::test]
async fn a_replay_that_is_not_acknowledged_ends_with_1() {
    let world = World::new().await;
    let folder = folder_of("fork");
    let said = client(&world, &["replay", &folder, "--secret", "wrong"]).await.ends_with(1);
    assert!(said.out.contains("signature_wrong") && said.out.contains("not acknowledged"));
    assert!(world.items("/v1/deliveries").await.is_empty());
    let nobody = ["replay", &folder, "--secret", SECRET, "--url", "http://127.0.0.1:1"];
    let said = run(nudged(world.folder(), &nobody)).await.ends_with(1);
    assert!(said.out.contains("not acknowledged"), "{}", said.out);
    for (arguments, part, code) in [
        (&["replay", "no/such/folder", "--secret", "s"][..], "no/such/folder", 1),
        (&["replay", &folder], "NUDGED_WEBHOOK_SECRET", 2),
        (&["replay", &folder, "--secret", "s", "--url", "ftp://h"], "--url", 2),
    ] {
        let said = run(nudged(world.folder(), arguments)).await.ends_with(code);
        assert!(said.err.contains(part), "{}", said.err);
    }
}

#[tokio::test]
async fn changes_are_printed_from_any_cursor_on() {
    let world = World::new().await;
    for delivery in story("plain-life") {
        world.replay(&delivery).await;
    }
    let all = world.changes().await;
    let said = client(&world, &["changes", "--json"]).await.ends_with(0);
    assert_eq!(said.lines(), all);
    let said =
        client(&world, &["changes", "--json", "--after", "5", "--limit", "3"]).await.ends_with(0);
    assert_eq!(said.lines(), all[5..8]);
    let arguments = ["changes", "--json", "--type", "nudge_created", "--session", "mer-1"];
    let said = client(&world, &arguments).await.ends_with(0);
    let created = all.iter().filter(|change| change["type"] == "nudge_created").count();
    assert_eq!((said.lines().len(), created > 1), (created, true));
    let said = client(&world, &["changes", "--after", "head"]).await.ends_with(0);
    assert!(said.out.lines().last().is_some_and(|line| line.contains("--after ")), "{}", said.out);
    let table = client(&world, &["changes"]).await.ends_with(0);
    assert_eq!(table.out.lines().count(), all.len() + 2, "{}", table.out);
    // Where it would miss something, it says so.
    world.execute("DELETE FROM change_log WHERE seq <= 3");
    let said = client(&world, &["changes", "--after", "1"]).await.ends_with(1);
    assert!(said.err.contains("gap"), "{}", said.err);
    let said = client(&world, &["changes", "--json"]).await.ends_with(0);
    assert_eq!(said.lines(), all[3..], "without a cursor it begins with what is left");
    let mut wrong =
        nudged(world.folder(), &["changes", "--token", "wrong", "--url", &world.url("")]);
    wrong.env("NUDGED_API_TOKEN", TOKEN);
    assert!(run(wrong).await.ends_with(1).err.contains("token"));
}

#[tokio::test]
async fn a_follower_hears_of_changes_as_they_come() {
    let world = World::new().await;
    let arguments = ["changes", "--follow", "--json", "--after", "head", "--limit", "3"];
    let follower = client(&world, &arguments);
    let telling = async {
        // From `head` on, whenever that was asked: so much is told that three come after it.
        for number in 1_i64.. {
            let id = number.to_string();
            let event = pull("opened", number, &sha(number.unsigned_abs()), 0, json!({}));
            world.apply("pull_request", &id, &event).await;
        }
    };
    let said = tokio::select! {
        said = follower => said.ends_with(0),
        () = telling => unreachable!("it tells on and on"),
    };
    let seqs: Vec<i64> = said.lines().iter().filter_map(|line| line["seq"].as_i64()).collect();
    assert_eq!(seqs, [seqs[0], seqs[0] + 1, seqs[0] + 2]);
}

/// A served file, and where what it says is written.
struct Server {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    log: PathBuf,
    url: String,
}

fn serve(folder: &Path, secret: &str, level: &str) -> Server {
    let log = folder.join("log");
    let mut command =
        nudged(folder, &["serve", "--json", "--listen", "127.0.0.1:0", "--log", level]);
    command.env("NUDGED_WEBHOOK_SECRET", secret).stdout(Stdio::piped());
    let mut child = command.stderr(File::create(&log).expect("a log")).spawn().expect("a server");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("its first line");
    let started: Value = serde_json::from_str(&line).expect("JSON");
    let url = started["url"].as_str().expect("an address").to_owned();
    Server { child, stdout, log, url }
}

#[test]
fn secrets_stay_secret_at_every_log_level_and_sigterm_ends_it_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = serve(folder.path(), &format!("{SECRET}, the next one"), "trace");
    let token = std::fs::read_to_string(folder.path().join("api-token")).expect("a token");
    let token = token.trim().to_owned();
    assert_eq!(token.len(), 64);
    let story = folder_of("fork");
    let (url, db) = (server.url.clone(), "nudged.db");
    let mut said = String::new();
    for (arguments, code) in [
        (&["replay", &story, "--url", &url, "--secret", SECRET][..], 0),
        (&["replay", &story, "--url", &url, "--secret", "a wrong secret"], 1),
        (&["changes", "--url", &url, "--db", db], 0),
        (&["changes", "--url", &url, "--token", "a-wrong-token"], 1),
    ] {
        let output = nudged(folder.path(), arguments).output().expect("run");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        said.push_str(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
    let pid = Pid::from_raw(server.child.id().cast_signed());
    kill(pid, Signal::SIGTERM).expect("signalled");
    assert_eq!(server.child.wait().expect("ended").code(), Some(0));
    std::io::Read::read_to_string(&mut server.stdout, &mut said).expect("the rest");
    let log = std::fs::read_to_string(&server.log).expect("the log");
    assert!(log.contains("DEBUG") && log.contains("stopped"), "the log says little: {log}");
    said.push_str(&log);
    for secret in [SECRET, "the next one", &token, "a wrong secret", "a-wrong-token"] {
        assert!(!said.contains(secret), "{secret} is shown");
    }
}
