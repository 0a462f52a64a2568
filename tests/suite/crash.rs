//! A server killed at random moments under load: no acknowledged delivery is lost, and a polling
//! reader's cursor knows neither gap nor repeat.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::payloads::{check, pull, sha};
use crate::world::{SECRET, TOKEN, sign};

const KILLS: usize = 8;
const SENDERS: usize = 8;
/// Bytes of a body that cannot be read and is kept as it is.
const LARGE: usize = 200_000;
/// All of it takes a fraction of this; a server that no longer acknowledges fails the test.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server in a process of its own.
pub struct Server {
    child: Child,
    pub url: String,
}

impl Server {
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("a pid"))
    }

    /// Asks it to end, which it must do well.
    pub fn stop(&mut self) {
        kill(self.pid(), Signal::SIGTERM).expect("signalled");
        assert!(self.child.wait().expect("ended").success(), "no graceful end");
    }
}

/// A test that fails leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts one with these settings; its log goes where it is wanted.
pub fn serve(db: &Path, settings: &[(&str, &str)], log: Option<&Path>) -> Server {
    serve_by(&[], db, settings, log)
}

/// The same, started by another command whose last arguments it is.
pub fn serve_by(by: &[&str], db: &Path, settings: &[(&str, &str)], log: Option<&Path>) -> Server {
    let command = [by, &[env!("CARGO_BIN_EXE_nudged")]].concat();
    let log = log.map_or_else(Stdio::inherit, |log| File::create(log).expect("a log").into());
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .args(["serve", "--json", "--listen", "127.0.0.1:0", "--settle", "0s"])
        .arg("--db")
        .arg(db)
        .env("NUDGED_WEBHOOK_SECRET", SECRET)
        .env("NUDGED_API_TOKEN", TOKEN)
        .env("NUDGED_LOG", "error")
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("a server");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its output");
    BufReader::new(stdout).read_line(&mut line).expect("its first line");
    let started: Value = serde_json::from_str(&line).expect("JSON");
    Server { child, url: started["url"].as_str().expect("a URL").to_owned() }
}

/// What the test's parts share: where the server is now, and what was acknowledged.
struct Shared {
    url: Mutex<String>,
    acknowledged: Mutex<Vec<String>>,
    death: Mutex<Option<Death>>,
    client: reqwest::Client,
    over: AtomicBool,
}

/// Whom to kill, and when: as soon as so much is acknowledged, at the next such moment.
struct Death {
    pid: Pid,
    enough: usize,
    at: Moment,
    done: oneshot::Sender<()>,
}

#[derive(Clone, Copy, PartialEq)]
enum Moment {
    /// An acknowledgement has come: what it promised too early, the server cannot store any more.
    Acknowledged,
    /// Something is about to be sent, while the others' deliveries are wherever they are.
    Sending,
}

impl Shared {
    fn url(&self) -> String {
        self.url.lock().expect("unpoisoned").clone()
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn acknowledged(&self) -> usize {
        self.acknowledged.lock().expect("unpoisoned").len()
    }

    fn acknowledge(&self, id: String) {
        self.acknowledged.lock().expect("unpoisoned").push(id);
        self.strike(Moment::Acknowledged);
    }

    /// Kills the server there and then, if this is the moment.
    fn strike(&self, moment: Moment) {
        let due = |death: &mut Death| death.at == moment && self.acknowledged() >= death.enough;
        if let Some(death) = self.death.lock().expect("unpoisoned").take_if(due) {
            kill(death.pid, Signal::SIGKILL).expect("killed");
            let _ = death.done.send(());
        }
    }
}

/// What a sender says: a pull request, then its checks, and every fourth time something large that is
/// kept as it is, so that a commit has much to write.
fn delivery_of(sender: usize, number: usize) -> (&'static str, Vec<u8>) {
    let head = sha((sender * 1_000 + 1) as u64);
    let (event, payload) = match number {
        0 => ("pull_request", pull("opened", (sender + 1) as i64, &head, 0, json!({}))),
        _ if number.is_multiple_of(4) => {
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&(sender * 100_000 + number).to_le_bytes());
            let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
            let mut noise = vec![0; LARGE];
            rng.fill_bytes(&mut noise);
            return ("pull_request", noise);
        }
        _ => {
            let run = (sender * 100_000 + number) as i64;
            let conclusion = json!(if number.is_multiple_of(2) { "success" } else { "failure" });
            // Each begins when the one before it has ended.
            ("check_run", check("build", &head, run, conclusion, 40 * number as i64))
        }
    };
    (event, payload.to_string().into_bytes())
}

/// Sends deliveries one after another; what is not acknowledged is sent again, as GitHub's users do.
async fn send(shared: Arc<Shared>, sender: usize) {
    for number in 0.. {
        let id = format!("{sender}-{number}");
        let (event, body) = delivery_of(sender, number);
        loop {
            if shared.is_over() {
                return;
            }
            let request = shared
                .client
                .post(format!("{}/webhooks/github", shared.url()))
                .header("Content-Type", "application/json")
                .header("X-GitHub-Event", event)
                .header("X-GitHub-Delivery", &id)
                .header("X-Hub-Signature-256", sign(SECRET, &body))
                .body(body.clone());
            shared.strike(Moment::Sending);
            match request.send().await {
                Ok(response) if response.status().is_success() => break,
                // Dead or not yet up again.
                _ => tokio::task::yield_now().await,
            }
        }
        shared.acknowledge(id);
    }
}

/// Follows the changes across all crashes; answers every `seq` with its change.
async fn follow(shared: Arc<Shared>) -> Vec<(i64, Value)> {
    let mut seen = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let url = format!("{}/v1/changes?after={cursor}&limit=1000&wait=1", shared.url());
        let Ok(response) = shared.client.get(url).bearer_auth(TOKEN).send().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let status = response.status();
        let Ok(page) = response.json::<Value>().await else { continue };
        assert!(status.is_success(), "the reader's cursor {cursor} is refused: {page}");
        let changes = page["changes"].as_array().expect("changes");
        for change in changes {
            seen.push((change["seq"].as_i64().expect("a seq"), change.clone()));
        }
        cursor = page["next"].as_str().expect("a cursor").to_owned();
        if changes.is_empty() && shared.is_over() {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_nothing_acknowledged_is_lost() {
    let played = tokio::time::timeout(PATIENCE, play()).await;
    played.expect("the server acknowledges what is sent, and its reader comes to the end");
}

async fn play() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("crash.db");
    let mut server = serve(&db, &[], None);
    let shared = Arc::new(Shared {
        url: Mutex::new(server.url.clone()),
        acknowledged: Mutex::default(),
        client: reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client"),
        death: Mutex::default(),
        over: false.into(),
    });
    let senders: Vec<_> =
        (0..SENDERS).map(|sender| tokio::spawn(send(Arc::clone(&shared), sender))).collect();
    let reader = tokio::spawn(follow(Arc::clone(&shared)));

    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    for round in 0..KILLS {
        // After a random amount of work.
        let enough = shared.acknowledged() + 20 + (rng.next_u64() % 100) as usize;
        let at = if round % 4 == 3 { Moment::Sending } else { Moment::Acknowledged };
        let (done, dead) = oneshot::channel();
        let death = Death { pid: server.pid(), enough, at, done };
        *shared.death.lock().expect("unpoisoned") = Some(death);
        dead.await.expect("killed");
        server.child.wait().expect("dead");
        server = serve(&db, &[], None);
        shared.url.lock().expect("unpoisoned").clone_from(&server.url);
    }
    shared.over.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.await.expect("a sender");
    }
    let seen = reader.await.expect("the reader");

    let connection = rusqlite::Connection::open(&db).expect("the database");
    let outcomes: BTreeMap<String, String> = connection
        .prepare("SELECT guid, outcome FROM deliveries")
        .expect("a query")
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("rows");
    for id in shared.acknowledged.lock().expect("unpoisoned").iter() {
        assert!(outcomes.contains_key(id), "{id} was acknowledged and is lost");
    }
    // Each sender's last run is what its pull request shows, so the effects are there as well.
    let newest: BTreeMap<i64, i64> = connection
        .prepare(
            "SELECT number, max(run_id) FROM pr JOIN pr_checks ON pr.id = pr_id GROUP BY number",
        )
        .expect("a query")
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("rows");
    for (number, run) in newest {
        let sender = number - 1;
        let last = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == "applied")
            .filter_map(|(id, _)| id.strip_prefix(&format!("{sender}-"))?.parse::<i64>().ok())
            .max();
        assert_eq!(Some(run), last.map(|last| sender * 100_000 + last), "pull request {number}");
    }
    let seqs: Vec<i64> = seen.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "a gap or a repeat");
    let head: i64 = connection
        .query_row("SELECT max(seq) FROM change_log", (), |row| row.get(0))
        .expect("head");
    assert_eq!(head, seqs.len() as i64, "the reader missed the end");
    assert!(shared.acknowledged() >= KILLS * 20);
    let whole: String =
        connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).expect("a check");
    assert_eq!(whole, "ok");
    server.stop();
}
