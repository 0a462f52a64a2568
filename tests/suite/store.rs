//! The file: who may open it, what it refuses to hold, and that what is acknowledged is on disk.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use futures_util::future::join_all;
use nudged::domain::{
    ActivitySource, ActivityState, Adopt, Audience, Blame, CheckStatus, CiState, CommentKind,
    CommitSha, LogAbsence, LogAnswer, LogName, Mergeability, PrState, Priority, RepoId, Report,
    ReviewDecision, ReviewState, RunStatus, SessionKind, SessionState, TerminationReason,
};
use nudged::store::Store;
use rusqlite::Connection;
use serde_json::json;
use tokio::sync::Barrier;

use crate::payloads::{REPO, check, pull, sha, workflow_run};
use crate::stories::story;
use crate::world::{World, answer};

/// Tells a child process of this very binary which file to open.
const OPEN: &str = "NUDGED_TEST_OPEN";

fn child(path: &Path) -> Child {
    let itself = std::env::current_exe().expect("this binary");
    let test = "store::a_process_of_its_own_opens_the_file";
    let mut command = Command::new(itself);
    command.args([test, "--exact"]).env(OPEN, path).stdout(Stdio::null());
    command.spawn().expect("a child")
}

/// Does nothing unless it runs as somebody's child.
#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "the parent's only way to tell a child the file")]
async fn a_process_of_its_own_opens_the_file() {
    if let Some(path) = std::env::var_os(OPEN) {
        Store::open(Path::new(&path)).await.expect("opened");
    }
}

async fn epoch(store: &Store) -> String {
    store.bounds().await.expect("bounds").epoch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_open_a_new_file_at_once_come_through() {
    let folder = tempfile::tempdir().expect("a folder");
    // Who comes first differs from round to round; in the first one processes race along.
    for round in 0..20 {
        let path = folder.path().join(format!("new-{round}.db"));
        let children: Vec<Child> = (0..4).filter(|_| round == 0).map(|_| child(&path)).collect();
        let start = Arc::new(Barrier::new(16));
        let tasks = (0..16).map(|_| {
            let (path, start) = (path.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                let store = Store::open(&path).await.expect("opened");
                epoch(&store).await
            })
        });
        let mut epochs: Vec<String> =
            join_all(tasks).await.into_iter().map(|task| task.expect("done")).collect();
        for mut child in children {
            assert!(child.wait().expect("ended").success());
        }
        epochs.dedup();
        assert_eq!(epochs.len(), 1, "{epochs:?}");
        // The next one finds the same.
        let store = Store::open(&path).await.expect("opened");
        assert_eq!(epoch(&store).await, epochs[0]);
    }
}

#[tokio::test]
async fn files_that_are_not_ours_are_refused_and_left_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = |name: &str, sql: &str| {
        let path = folder.path().join(name);
        let connection = Connection::open(&path).expect("a database");
        connection.execute_batch(sql).expect("statements");
        path
    };
    let text = folder.path().join("text.db");
    std::fs::write(&text, "Dear diary, today I was opened by a server.\n".repeat(100))
        .expect("text");
    let ours = folder.path().join("ours.db");
    drop(Store::open(&ours).await.expect("opened"));
    let newer = folder.path().join("newer.db");
    // A copy that no connection of ours may still hold.
    Connection::open(&ours)
        .and_then(|it| it.execute("VACUUM INTO ?1", [newer.to_str()]))
        .and_then(|_| Connection::open(&newer)?.execute_batch("PRAGMA user_version = 999"))
        .expect("a newer file");
    for (path, words) in [
        (make("tables.db", "CREATE TABLE t (x); INSERT INTO t VALUES (1)"), "another program"),
        (make("id.db", "PRAGMA application_id = 7; CREATE TABLE t (x)"), "another program"),
        (text, "no SQLite file"),
        (newer, "newer nudged (schema 999, this one knows"),
    ] {
        let before = std::fs::read(&path).expect("bytes");
        let error = Store::open(&path).await.err().expect("refused").to_string();
        assert!(error.contains(words) && error.contains("--db"), "{error}");
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert!(before == std::fs::read(&path).expect("bytes"), "{} was changed", path.display());
    }
    let nowhere = folder.path().join("no/such/folder/x.db");
    assert!(Store::open(&nowhere).await.err().expect("refused").to_string().contains("no/such"));
    Store::open(&ours).await.expect("ours is still ours");
}

#[tokio::test]
async fn the_file_and_those_beside_it_are_readable_by_their_owner_alone() {
    let world = World::new().await;
    for suffix in ["", "-wal", "-shm"] {
        let mut file = world.db().into_os_string();
        file.push(suffix);
        let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_file_is_told_who_has_it() {
    let mut world = World::new().await;
    let clock = nudged::clock::Clock::system();
    let error = nudged::app::start(world.settings(), clock).await.err().expect("refused");
    let error = format!("{error:#}");
    let (process, addr) = (std::process::id(), world.running().addr);
    let holder = format!("already served by process {process} at {addr}");
    assert!(error.contains(&holder), "{error}");
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    // It lets go when it ends.
    world.restart().await;
}

/// A world with a row in every table.
async fn filled() -> World {
    let world = World::with(|settings| {
        settings.settle = std::time::Duration::from_secs(30);
        // Nobody listens there, so that what is to be sent stays.
        settings.notify_url = Some(nudged::config::Secret::new("http://127.0.0.1:9"));
    })
    .await;
    for name in ["plain-life", "review-comments", "conflicts", "status-only-ci", "check-before-pr"]
    {
        for delivery in story(name) {
            world.replay(&delivery).await;
        }
    }
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world.apply("workflow_run", "2", &workflow_run(&sha(1), 70, 901, json!(null), 5)).await;
    world.apply("check_run", "3", &check("build", &sha(1), 11, json!("failure"), 10)).await;
    let departed = pull("dequeued", 1, &sha(1), 12, json!({}));
    world.apply("pull_request", "4", &departed).await;
    let sha = CommitSha::parse(&sha(1)).expect("a hash");
    let of = LogName { repo: RepoId(REPO), sha, run_id: 11, number: 1 };
    let log = Report::Log { of, answer: LogAnswer::Absent(LogAbsence::Expired, Blame::default()) };
    world.running().engine.report(log, "log:11".to_owned()).await.expect("it is taken in");
    let acknowledge = world.request(reqwest::Method::POST, "/v1/nudges/1/ack");
    let (status, _) = answer(acknowledge.header("Idempotency-Key", "once")).await;
    assert_eq!(status, 200);
    let remembered = world.running().engine.remember("deliveries_seen", "7".to_owned()).await;
    remembered.expect("remembered");
    for (table, count) in crate::webhook::rows(&world) {
        assert!(count != "0", "{table} is empty");
    }
    world
}

fn spelled<T: Copy + ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

/// Every column that holds a word, and the words that the code knows.
fn enumerations() -> Vec<(&'static str, &'static str, Vec<String>)> {
    let outcomes = ["applied", "ignored", "quarantined"];
    vec![
        ("projects", "adopt", spelled(Adopt::ALL)),
        ("sessions", "kind", spelled(SessionKind::ALL)),
        ("sessions", "session_state", spelled(SessionState::ALL)),
        ("sessions", "termination_reason", spelled(TerminationReason::ALL)),
        ("sessions", "activity_state", spelled(ActivityState::ALL)),
        ("sessions", "activity_source", spelled(ActivitySource::ALL)),
        ("pr", "pr_state", spelled(PrState::ALL)),
        ("pr", "review_decision", spelled(ReviewDecision::ALL)),
        ("pr", "ci_state", spelled(CiState::ALL)),
        ("pr", "mergeability", spelled(Mergeability::ALL)),
        ("pr_mergeability", "value", spelled(Mergeability::ALL)),
        ("pr_reviews", "state", spelled(ReviewState::ALL)),
        ("check_runs", "status", spelled(RunStatus::ALL)),
        ("workflow_runs", "status", spelled(RunStatus::ALL)),
        ("pr_checks", "status", spelled(CheckStatus::ALL)),
        ("nudges", "audience", spelled(Audience::ALL)),
        ("nudges", "priority", spelled(Priority::ALL)),
        ("comments", "kind", spelled(CommentKind::ALL)),
        ("pr_comment", "kind", spelled(CommentKind::ALL)),
        ("deliveries", "outcome", spelled(&outcomes)),
    ]
}

/// The words of `CHECK (column IN ('a', 'b'))` in a table's definition.
fn allowed(definition: &str, column: &str) -> Option<Vec<String>> {
    let flat = definition.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, list) = flat.split_once(&format!("CHECK ({column} IN ("))?;
    let (list, _) = list.split_once("))")?;
    Some(list.split(", ").map(|word| word.trim_matches('\'').to_owned()).collect())
}

#[tokio::test]
async fn columns_hold_the_words_of_the_code_and_no_others() {
    let world = filled().await;
    let connection = Connection::open(world.db()).expect("the database");
    connection.busy_timeout(std::time::Duration::from_secs(5)).expect("a timeout");
    connection.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    for (table, column, mut words) in enumerations() {
        let schema =
            format!("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '{table}'");
        let definition: String =
            connection.query_row(&schema, (), |row| row.get(0)).expect("a table");
        let mut listed = allowed(&definition, column)
            .unwrap_or_else(|| panic!("{table}.{column} takes any word"));
        listed.sort();
        words.sort();
        assert_eq!(listed, words, "{table}.{column}");
        let update = format!(
            "UPDATE {table} SET {column} = ?1 WHERE rowid = (SELECT min(rowid) FROM {table})"
        );
        for word in &words {
            assert_eq!(connection.execute(&update, [word]).expect(word), 1, "{table}.{column}");
        }
        for wrong in ["nonsense", "", &words[0].to_uppercase(), &format!("{} ", words[0])] {
            let error = connection.execute(&update, [wrong]).expect_err(wrong).to_string();
            assert!(error.contains("CHECK constraint"), "{table}.{column} = {wrong:?}: {error}");
        }
    }
    let definitions =
        world.sql("SELECT sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%CHECK%'");
    let lists: usize = definitions
        .iter()
        .map(|row| row[0].split_whitespace().collect::<Vec<_>>().join(" "))
        .map(|sql| sql.matches(" IN ('").count())
        .sum();
    assert_eq!(lists, enumerations().len(), "a column with words is not among those checked");
}

#[tokio::test]
async fn the_log_is_append_only_and_tables_are_strict() {
    let world = filled().await;
    let connection = Connection::open(world.db()).expect("the database");
    for update in [
        "UPDATE change_log SET payload = '{}'",
        "UPDATE change_log SET seq = seq + 1000 WHERE seq = 1",
    ] {
        let error = connection.execute(update, ()).expect_err(update).to_string();
        assert!(error.contains("append-only"), "{error}");
    }
    let lax = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'
               AND NOT strict AND name NOT LIKE 'sqlite_%'";
    assert_eq!(world.sql(lax), Vec::<Vec<String>>::new());
    // A seq is never given out twice, not even when its row is gone.
    let head = world.sql("SELECT max(seq) FROM change_log")[0][0].clone();
    world.execute("DELETE FROM change_log");
    world.apply("pull_request", "x", &pull("opened", 9, &sha(9), 0, json!({}))).await;
    let next = world.sql("SELECT min(seq) FROM change_log")[0][0].clone();
    assert_eq!(next.parse::<i64>().ok(), head.parse::<i64>().ok().map(|head| head + 1));
}

#[tokio::test]
async fn what_is_written_is_whole_and_on_disk() {
    let world = filled().await;
    assert_eq!(world.sql("PRAGMA journal_mode"), [["wal"]]);
    assert_eq!(world.sql("PRAGMA foreign_key_check"), Vec::<Vec<String>>::new());
    assert_eq!(world.sql("PRAGMA integrity_check"), [["ok"]]);
}
