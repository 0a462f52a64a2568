//! The served file: one server has it, under all its names; what is no longer there takes nothing; and a
//! start that fails leaves nothing behind.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::crash::{self, Server};
use crate::payloads::{pull, sha};
use crate::world::{SECRET, TOKEN, answer, sign};

/// Starts a server that must not come up; what it says.
fn refused(folder: &Path, settings: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_nudged"))
        .args(["serve", "--json"])
        .env_clear()
        .env("NUDGED_LISTEN", "127.0.0.1:0")
        .env("NUDGED_WEBHOOK_SECRET", SECRET)
        .envs(settings.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it has started: {said}");
    said
}

/// Everything in a folder, with the size of each file.
fn listing(folder: &Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        (name, entry.metadata().expect("metadata").len())
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort();
    entries
}

async fn send(server: &Server, event: &str, id: &str, body: &[u8]) -> (StatusCode, Value) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client
        .post(format!("{}/webhooks/github", server.url))
        .header("Content-Type", "application/json")
        .header("X-GitHub-Event", event)
        .header("X-GitHub-Delivery", id)
        .header("X-Hub-Signature-256", sign(SECRET, body));
    answer(request.body(body.to_vec())).await
}

async fn open_pull(server: &Server, number: i64) -> (StatusCode, String) {
    let body = pull("opened", number, &sha(number.unsigned_abs()), 0, json!({})).to_string();
    let (status, told) = send(server, "pull_request", &number.to_string(), body.as_bytes()).await;
    (status, told.to_string())
}

async fn ready(server: &Server) -> (StatusCode, String) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let (status, told) = answer(client.get(format!("{}/readyz", server.url))).await;
    (status, told.to_string())
}

#[tokio::test]
async fn a_served_file_is_served_under_all_its_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let mut server = crash::serve(&at("n.db"), &[], None);
    let other = at("elsewhere");
    std::fs::create_dir(&other).expect("a folder");
    symlink(at("n.db"), other.join("symlink.db")).expect("a link");
    std::fs::hard_link(at("n.db"), other.join("hard-link.db")).expect("a link");
    let before = listing(&other);
    for name in ["../n.db", "symlink.db", "hard-link.db"] {
        let said = refused(&other, &[("NUDGED_DB", name)]);
        let holder = format!("already served by process {}", server.pid());
        assert!(said.contains(&holder), "{name}: {said}");
        assert_eq!(listing(&other), before, "{name}");
        let output = Command::new(env!("CARGO_BIN_EXE_nudged"))
            .args(["doctor", "--json", "--db", name, "--url", &server.url])
            .env_clear()
            .current_dir(&other)
            .output()
            .expect("run");
        let found = String::from_utf8_lossy(&output.stdout).into_owned();
        let served = format!("the database is served by process {}", server.pid());
        assert!(found.contains(&served), "{name}: {found}");
    }
    assert_eq!(open_pull(&server, 1).await.0, StatusCode::OK);
    server.stop();
    // When it has ended, the other name is as good.
    crash::serve(&other.join("hard-link.db"), &[], None).stop();
}

#[tokio::test]
async fn nothing_is_acknowledged_for_a_file_that_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let (db, log) = (at("n.db"), at("log"));
    let mut server = crash::serve(&db, &[], Some(&log));
    assert_eq!(open_pull(&server, 1).await.0, StatusCode::OK);
    std::fs::rename(&db, at("away.db")).expect("removed");
    for number in 2..5 {
        let (status, told) = open_pull(&server, number).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
        assert!(told.contains("n.db was removed"), "{told}");
    }
    let (status, told) = ready(&server).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
    assert!(told.contains("was removed"), "{told}");
    // Another file in its place is left alone.
    let other = "somebody else's file, and no database. ".repeat(1_000).into_bytes();
    std::fs::write(&db, &other).expect("written");
    let (status, told) = open_pull(&server, 5).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
    assert!(told.contains("n.db was replaced"), "{told}");
    assert!(ready(&server).await.1.contains("was replaced"));
    assert_eq!(std::fs::read(&db).expect("the other file"), other);
    // All who read have held the true file since the start.
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let reads = (0..64).map(|_| {
        let url = format!("{}/v1/pulls/acme/rocket/1", server.url);
        tokio::spawn(answer(client.get(url).bearer_auth(TOKEN)))
    });
    for read in reads.collect::<Vec<_>>() {
        let (status, pull) = read.await.expect("an answer");
        assert_eq!((status, &pull["number"]), (StatusCode::OK, &serde_json::json!(1)), "{pull}");
    }
    // What was promised is still there, and put back it is served on.
    std::fs::rename(at("away.db"), &db).expect("put back");
    assert_eq!(open_pull(&server, 6).await.0, StatusCode::OK);
    assert_eq!(ready(&server).await.0, StatusCode::OK);
    // Its log of writes belongs to it.
    std::fs::remove_file(at("n.db-wal")).expect("removed");
    let (status, told) = open_pull(&server, 7).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
    assert!(told.contains("n.db-wal was removed"), "{told}");
    server.stop();
    let log = std::fs::read_to_string(&log).expect("the log");
    assert!(log.contains("ERROR") && log.contains("n.db was removed"), "{log}");
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let taken = TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = taken.local_addr().expect("an address").to_string();
    std::fs::write(at("text.db"), "no database, whatever its name says. ".repeat(50))
        .expect("text");
    let foreign = rusqlite::Connection::open(at("foreign.db")).expect("a database");
    foreign.execute_batch("CREATE TABLE birds (name TEXT)").expect("a table");
    drop(foreign);
    for (settings, part) in [
        (&[("NUDGED_LISTEN", address.as_str())][..], "cannot listen on"),
        (&[("NUDGED_DB", "text.db")], "no SQLite file"),
        (&[("NUDGED_DB", "foreign.db")], "another program's tables"),
    ] {
        let before = listing(folder.path());
        let said = refused(folder.path(), settings);
        assert!(said.contains(part), "{settings:?}: {said}");
        assert_eq!(listing(folder.path()), before, "{settings:?}: {said}");
    }
    // A file of ours that cannot be used.
    std::fs::write(at("api-token"), "two words\n").expect("a token");
    let before = listing(folder.path());
    let said = refused(folder.path(), &[]);
    assert!(said.contains("no usable API token"), "{said}");
    assert_eq!(listing(folder.path()), before, "{said}");
}

#[tokio::test]
async fn a_lock_that_is_never_given_back_is_told_and_given_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let lock = File::create(folder.path().join("nudged.db-migrate.lock")).expect("a lock");
    lock.lock().expect("locked");
    let before = listing(folder.path());
    let said = refused(folder.path(), &[]);
    let holder = format!("process {}", std::process::id());
    assert!(said.contains("nudged.db-migrate.lock") && said.contains(&holder), "{said}");
    assert_eq!(listing(folder.path()), before);
}

/// A file that may not grow any more, as on a full disk: it is not ready, says why, and does not fill
/// the disk of the log as well.
#[tokio::test]
async fn a_full_disk_is_told_and_not_too_often() {
    let folder = tempfile::tempdir().expect("a folder");
    let (db, log) = (folder.path().join("n.db"), folder.path().join("log"));
    let limited = r#"trap "" XFSZ; ulimit -f 4096; exec "$0" "$@""#;
    let mut server = crash::serve_by(&["sh", "-c", limited], &db, &[], Some(&log));
    // What cannot be read is kept as it is, and this is hardly packed.
    let body = |number: u64| {
        let mut noise = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let step = |_| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise.to_le_bytes()
        };
        (0..25_000).flat_map(step).collect::<Vec<u8>>()
    };
    let mut number = 0;
    let full = loop {
        let (status, told) =
            send(&server, "pull_request", &number.to_string(), &body(number)).await;
        number += 1;
        if status != StatusCode::OK {
            break (status, told.to_string());
        }
        assert!(number < 500, "the file grows without end");
    };
    assert_eq!(full.0, StatusCode::SERVICE_UNAVAILABLE, "{full:?}");
    let began = Instant::now();
    for more in 0..40 {
        let (status, told) = send(&server, "pull_request", &format!("m-{more}"), &body(more)).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
    }
    let (status, told) = ready(&server).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{told}");
    assert!(told.contains("the store cannot take it: "), "{told}");
    let seconds = began.elapsed().as_secs();
    let output = Command::new(env!("CARGO_BIN_EXE_nudged"))
        .args(["doctor", "--json", "--url", &server.url, "--token", TOKEN, "--db"])
        .arg(&db)
        .env_clear()
        .current_dir(folder.path())
        .output()
        .expect("run");
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(found.contains("is not ready: the store cannot take it"), "{found}");
    server.stop();
    let log = std::fs::read_to_string(&log).expect("the log");
    let errors = log.lines().filter(|line| line.contains("ERROR")).count() as u64;
    assert!((1..=seconds + 3).contains(&errors), "{errors} lines in {seconds} s: {log}");
}
