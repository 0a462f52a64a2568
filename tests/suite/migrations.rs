//! Each migration on a file of the version before, with rows in every table that it had then.
//!
//! The rows are written down as they were: today's code has no part in making them.

use std::path::Path;

use nudged::store::APPLICATION_ID;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::conversation::comment;
use crate::payloads::{REPO, at, check, pull, repository, sha};
use crate::stories::root;
use crate::world::{World, answer};

/// What a file of version 1 holds: a pull request whose failure is about to be told, a merged one,
/// and a project that was registered by name.
const VERSION_1: &str = "
    UPDATE cause SET cause = 'delivery:old', at = '2026-05-01T08:00:00.000Z';
    INSERT INTO meta VALUES (1, '0123456789ab', '2026-05-01T07:00:00.000Z');
    INSERT INTO projects VALUES
        ('roc', 41, 'acme/rocket', '2026-05-01T07:43:20.000Z', 'https://github.com/acme/rocket',
         'rocket', NULL, 'all', 0, '[]', '[\"*-flaky\"]', 1, 3, '2026-05-01T08:00:00.000Z', NULL),
        ('moon', NULL, 'acme/moon', NULL, 'https://github.com/acme/moon',
         'Moon', '/src/moon', 'none', 1, '[\"build\"]', '[]', 0, 1, '2026-05-01T08:00:00.000Z', NULL);
    INSERT INTO sessions VALUES
        ('roc-1', 'roc', 1, NULL, 'external', '', 'working', NULL, 1, 'active',
         '2026-05-01T08:00:00.000Z', 'none', NULL, NULL, NULL, 'branch-1', NULL, NULL, NULL, NULL, '',
         '2026-05-01T08:00:00.000Z', '2026-05-01T08:00:00.000Z'),
        ('roc-2', 'roc', 2, 'R-7', 'external', 'codex', 'terminated', 'pr_merged', 0, 'exited',
         '2026-05-01T08:00:00.000Z', 'hook', 2, '2026-05-01T08:00:00.000Z', 'e3b0', 'branch-2', '/w/2',
         '%1', 'tmux', 'a-1', 'Mend it', '2026-05-01T08:00:00.000Z', '2026-05-01T08:00:30.000Z');
    INSERT INTO commits VALUES
        (1, 41, '{1}', '2026-05-01T08:00:00.000Z', 1), (2, 41, '{2}', '2026-05-01T08:00:00.000Z', 1),
        (9, 41, '{9}', '2026-05-01T08:00:00.000Z', 0);
    INSERT INTO pr VALUES
        (1, 'https://github.com/acme/rocket/pull/1', 'roc', 41, 1, 'roc-1', 'open', 'Change 1',
         'ada-agent', 'branch-1', '{1}', 41, 'main', '{7}', '2026-05-01T08:00:00.000Z', NULL,
         'changes_requested', 'failing', 'conflicting', 0, '{}', '2026-05-01T07:51:40.000Z',
         '2026-05-01T08:00:05.000Z'),
        (2, 'https://github.com/acme/rocket/pull/2', 'roc', 41, 2, 'roc-2', 'merged', 'Change 2',
         'ada-agent', 'branch-2', '{2}', NULL, 'main', '{7}', '2026-05-01T08:00:30.000Z', NULL,
         'none', 'unknown', 'unknown', 0, '{}', '2026-05-01T07:51:40.000Z', '2026-05-01T08:00:30.000Z');
    INSERT INTO pr_commits VALUES
        (1, 1, '2026-05-01T08:00:00.000Z', 0), (2, 2, '2026-05-01T08:00:30.000Z', 0),
        (2, 1, '2026-05-01T08:00:10.000Z', 1);
    INSERT INTO pr_mergeability VALUES (1, '{1}', 'main', 'conflicting', '2026-05-01T08:00:00.000Z');
    INSERT INTO pr_reviews VALUES (1, 81, 9, 'grace', 'changes_requested', '2026-05-01T08:00:05.000Z',
        '2026-05-01T08:00:05.000Z', 'https://github.com/acme/rocket/pull/1#review');
    INSERT INTO check_runs VALUES (1, 11, 'harbor-ci', 900, NULL, 'build', 'completed', 'failure',
        'https://ci.example/11', '2026-05-01T07:59:40.000Z', '2026-05-01T08:00:10.000Z',
        '{\"status\":\"completed\",\"completed_at\":\"2026-05-01T08:00:10Z\",\"text\":\"error: 42\"}', NULL);
    INSERT INTO commit_statuses VALUES (9, 'ci', 1, 'success', NULL, 'https://ci.example/status',
        '2026-05-01T08:00:03.000Z', '2026-05-01T08:00:03.000Z');
    INSERT INTO workflow_runs VALUES (9, 70, 1, 3, 'CI', 'push', 901, 'completed', 'success',
        'https://github.com/acme/rocket/actions/runs/70', '2026-05-01T08:00:00.000Z',
        '2026-05-01T08:00:03.000Z');
    INSERT INTO pr_checks VALUES (1, 'https://github.com/acme/rocket/pull/1', '{1}', 'harbor-ci',
        'suite:900', NULL, 'build', 'failed', 'failure', 'https://ci.example/11', 'error: 42', 11,
        '2026-05-01T07:59:40.000Z', '2026-05-01T08:00:10.000Z', '2026-05-01T07:59:40.000Z');
    INSERT INTO nudges VALUES
        (1, 'roc', 'roc-2', 2, 'agent', 'ci-failed', 'action', 'superseded', '{2} build', 'It failed', 0,
         '2026-05-01T08:00:20.000Z', NULL, NULL),
        (4, 'roc', 'roc-2', 2, 'human', 'pr-merged', 'info', 'pending', 'merged', 'It is merged', 2,
         '2026-05-01T08:00:30.000Z', NULL, NULL);
    INSERT INTO timers VALUES ('ci_settle', 1, '2027-01-15T08:00:20.000Z'),
        ('green_settle', 2, '2027-01-15T09:00:00.000Z');
    INSERT INTO deliveries VALUES
        (1, '58231907', 'd-1', 'check_run', 'completed', 'acme/rocket', 'applied', NULL, '{}', NULL,
         '2026-05-01T08:00:11.000Z'),
        (2, '', 'd-2', 'pull_request', NULL, NULL, 'quarantined', 'no JSON', NULL, x'28b52ffd',
         '2026-05-01T08:00:12.000Z');";

/// What came with version 2.
const VERSION_2: &str = "
    UPDATE projects SET api_access = 0, api_access_at = '2026-05-01T08:00:00.000Z' WHERE id = 'roc';
    UPDATE sessions SET nudges_paused = 1 WHERE id = 'roc-2';
    INSERT INTO base_pushes VALUES (41, 'release', '2026-05-01T08:00:00.000Z');
    INSERT INTO check_suites VALUES (9, 901);
    INSERT INTO comments VALUES
        (41, 1, 'review', 60, 60, 81, 'grace', 'src/lib.rs', 3, 'Gone', '', '2026-05-01T08:00:05.000Z',
         '2026-05-01T08:00:06.000Z', 1, '2026-05-01T08:00:06.000Z'),
        (41, 1, 'review', 61, 61, 81, 'grace', 'src/lib.rs', 4, 'Done', '', '2026-05-01T08:00:05.000Z',
         '2026-05-01T08:00:05.000Z', 0, '2026-05-01T08:00:06.000Z');
    INSERT INTO threads VALUES (41, 1, 61, 1, '2026-05-01T08:00:07.000Z');
    INSERT INTO pr_comment VALUES (1, 'https://github.com/acme/rocket/pull/1', 'review', 61, 61, 81,
        'grace', 'src/lib.rs', 4, 'Done', '', 1, '2026-05-01T08:00:05.000Z');
    INSERT INTO timers VALUES ('review_settle', 2, '2027-01-15T09:00:00.000Z'),
        ('conflict_escalation', 2, '2027-01-15T09:00:00.000Z');";

/// What came with version 3.
const VERSION_3: &str = "
    INSERT INTO idempotency VALUES ('old', 'PUT /v1/projects/moon', zeroblob(32), 200, '{}',
        '2027-01-15T07:00:00.000Z');";

/// What came with version 4.
const VERSION_4: &str = "
    INSERT INTO outbox VALUES (4, 'roc-2', 'msg_0123456789ab_4', 2, '2027-01-15T07:00:00.000Z',
        '2027-01-15T07:00:20.000Z', 'answered 500');";

/// What came with version 5.
const VERSION_5: &str = "
    INSERT INTO commit_statuses VALUES (9, 'CI', 2, 'failure', NULL, 'https://ci.example/status',
        '2026-05-01T08:00:02.000Z', '2026-05-01T08:00:02.000Z');";

/// What came with version 6.
const VERSION_6: &str = "
    UPDATE projects SET former_names = '[\"acme/skiff\"]' WHERE id = 'roc';
    INSERT INTO timers (kind, pr_id, due_at) VALUES ('cancel_wait', 2, '2027-01-15T09:00:00.000Z');";

/// What came with version 8.
const VERSION_8: &str = "
    UPDATE nudges SET class = 'code' WHERE id = 1;
    INSERT INTO queue_facts VALUES (41, 1, '2026-05-01T08:00:00.000Z', '{\"type\":\"joined\"}');
    INSERT INTO timers (kind, pr_id, due_at) VALUES ('queue_settle', 2, '2027-01-15T09:00:00.000Z');";

/// What came with version 9.
const VERSION_9: &str = "
    UPDATE sessions SET launch_id = 'l-1', operation = 'cleanup', failure = 'it broke' WHERE id = 'roc-2';
    INSERT INTO nudge_budgets VALUES ('moon', 5, 2, '2026-05-01T08:00:00.000Z', NULL);";

const SAMPLES: [&str; 9] =
    [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, "", VERSION_8, VERSION_9];

/// Makes a file as the program of that schema version left it.
fn left_by(version: usize, path: &Path) {
    let connection = Connection::open(path).expect("a database");
    let mut files: Vec<_> = std::fs::read_dir(root().join("migrations"))
        .expect("migrations")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    for (file, sample) in files.iter().zip(SAMPLES).take(version) {
        let sql = std::fs::read_to_string(file).expect("SQL");
        connection.execute_batch(&sql).expect("a schema");
        let commits = [1, 2, 7, 9].map(|n| (format!("{{{n}}}"), sha(n)));
        let sample =
            commits.iter().fold(sample.to_owned(), |sql, (mark, sha)| sql.replace(mark, sha));
        connection.execute_batch(&sample).expect("rows");
    }
    connection.pragma_update(None, "journal_mode", "WAL").expect("WAL");
    connection.pragma_update(None, "application_id", APPLICATION_ID).expect("an id");
    connection.pragma_update(None, "user_version", version as i64).expect("a version");
}

/// Every table with its columns, and its rows by those columns.
type Tables = Vec<(String, String, Vec<String>)>;

fn rows(connection: &Connection, table: &str, columns: &str) -> Vec<String> {
    let sql = format!("SELECT json_array({columns}) FROM {table}");
    let mut statement = connection.prepare(&sql).expect("a query");
    let rows = statement.query_map((), |row| row.get(0)).expect("rows");
    let mut rows: Vec<String> = rows.collect::<Result<_, _>>().expect("rows");
    rows.sort();
    rows
}

fn tables(connection: &Connection) -> Tables {
    let columns =
        "SELECT m.name, group_concat(iif(c.type = 'BLOB', 'hex(' || c.name || ')', c.name))
         FROM sqlite_schema m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' GROUP BY m.name ORDER BY m.name";
    let mut statement = connection.prepare(columns).expect("a query");
    let names = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).expect("tables");
    let names: Vec<(String, String)> = names.collect::<Result<_, _>>().expect("tables");
    let filled = |(table, columns): (String, String)| {
        let rows = rows(connection, &table, &columns);
        assert!(!rows.is_empty(), "{table} holds no sample");
        (table, columns, rows)
    };
    names.into_iter().map(filled).collect()
}

/// Opens a file of that version with today's server; all that was there has to be there still.
async fn migrated(version: usize) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("old.db");
    left_by(version, &path);
    let before = tables(&Connection::open(&path).expect("the database"));
    assert!(before.len() >= 17, "{before:?}");
    let world = World::with(|settings| {
        settings.db = path.clone();
        settings.settle = std::time::Duration::from_secs(30);
    })
    .await;
    let connection = Connection::open(&path).expect("the database");
    // The rows of the one are tasks now, of the other only the newest of a context is kept.
    let as_they_were = |table: &str| !["outbox", "commit_statuses"].contains(&table);
    for (table, columns, old) in before.into_iter().filter(|(table, ..)| as_they_were(table)) {
        assert_eq!(rows(&connection, &table, &columns), old, "{table}");
    }
    whole(&world);
    (world, folder)
}

fn whole(world: &World) {
    let newest = std::fs::read_dir(root().join("migrations")).expect("migrations").count();
    assert_eq!(world.sql("PRAGMA user_version"), [[newest.to_string()]]);
    assert_eq!(world.sql("PRAGMA foreign_key_check"), Vec::<Vec<String>>::new());
    assert_eq!(world.sql("PRAGMA integrity_check"), [["ok"]]);
}

/// The server goes on where the other one stopped.
async fn works_on(world: &World) {
    let shown = async || world.get("/v1/pulls/acme/rocket/1").await;
    let changes = world.changes().await;
    assert_eq!((&changes[0]["seq"], &changes[0]["cause"]), (&json!(1), &json!("delivery:old")));
    let page = world.get("/v1/changes?after=0123456789ab.1").await;
    assert_eq!(page["changes"][0]["seq"], 2, "old cursors hold");

    // The timer rings, the failure is told, and CI recovers.
    world.advance(20).await;
    assert!(world.nudges().await.contains(&"ci-failed pending".to_owned()));
    let passed = check("build", &sha(1), 12, json!("success"), 45);
    world.apply("check_run", "new-1", &passed).await;
    assert_eq!(shown().await["ci"], "passing");
    assert!(!world.nudges().await.contains(&"ci-failed pending".to_owned()));
    // Facts that waited are claimed, comments and threads are followed.
    world.apply("pull_request", "new-2", &pull("opened", 3, &sha(9), 30, json!({}))).await;
    assert_eq!(world.get("/v1/pulls/acme/rocket/3").await["ci"], "passing");
    let remark = comment("created", 71, 40, json!({}));
    world.apply("pull_request_review_comment", "new-3", &remark).await;
    assert_eq!(shown().await["unresolvedComments"], 1);
    // Names follow, rows of old pull requests too.
    let mut lander = repository(REPO, "acme/lander");
    lander["updated_at"] = json!(at(50));
    let renamed = json!({"action": "renamed", "repository": lander});
    world.apply("repository", "new-4", &renamed).await;
    let urls = "SELECT DISTINCT pr_url FROM pr_checks JOIN pr ON pr.id = pr_id WHERE number = 1";
    assert_eq!(world.sql(urls), [["https://github.com/acme/lander/pull/1"]]);
    // Requests are carried out once.
    for again in [false, true] {
        let ack = world.request(reqwest::Method::POST, "/v1/nudges/4/ack");
        let told = ack.header("Idempotency-Key", "k").send().await.expect("an answer");
        assert_eq!(told.headers().contains_key("idempotent-replayed"), again);
        assert_eq!(told.json::<Value>().await.expect("JSON")["state"], "acknowledged");
    }
    let moon = world.request(reqwest::Method::PUT, "/v1/projects/moon");
    let (status, _) = answer(moon.json(&json!({"displayName": "Luna"}))).await;
    assert_eq!(status, 200);
    whole(world);
}

#[tokio::test]
async fn from_1_to_2_projects_claim_their_names_and_timers_move() {
    let (world, _folder) = migrated(1).await;
    assert_eq!(
        world.sql("SELECT id, claimed_repo, claimed_url, api_access, api_access_at FROM projects ORDER BY id"),
        [
            ["moon", "null", "null", "1", "null"],
            ["roc", "acme/rocket", "https://github.com/acme/rocket", "1", "null"],
        ]
    );
    assert_eq!(world.sql("SELECT DISTINCT nudges_paused FROM sessions"), [["0"]]);
    works_on(&world).await;
}

#[tokio::test]
async fn from_2_to_3_requests_are_known_again() {
    let (world, _folder) = migrated(2).await;
    assert_eq!(world.sql("SELECT count(*) FROM idempotency"), [["0"]]);
    works_on(&world).await;
    assert_eq!(world.sql("SELECT key FROM idempotency"), [["k"]]);
}

#[tokio::test]
async fn from_3_to_4_what_was_said_before_is_on_nobody_s_way() {
    let (world, _folder) = migrated(3).await;
    // What was pending then has been waiting to be read: it is not sent now.
    assert_eq!(world.sql("SELECT count(*) FROM tasks"), [["0"]]);
    works_on(&world).await;
    assert_eq!(world.sql("SELECT key FROM idempotency ORDER BY key"), [["k"], ["old"]]);
}

#[tokio::test]
async fn from_4_to_5_what_is_on_its_way_goes_on_as_a_task() {
    let (world, _folder) = migrated(4).await;
    let task = "SELECT kind, dedupe_key, lane, payload, attempts, created_at, due_at, last_error
                FROM tasks";
    assert_eq!(
        world.sql(task),
        [[
            "notify_human",
            "4",
            "roc-2",
            r#"{"notifyHuman":{"nudge":4,"messageId":"msg_0123456789ab_4"}}"#,
            "2",
            "2027-01-15T07:00:00.000Z",
            "2027-01-15T07:00:20.000Z",
            "answered 500",
        ]]
    );
    assert_eq!(world.sql("SELECT DISTINCT memory FROM sessions"), [["{}"]]);
    let checked = "SELECT name FROM sqlite_schema WHERE sql LIKE '%json_valid(o%'
                   OR sql LIKE '%json_valid(failed_step)%' OR sql LIKE '%json_valid(core_ties)%'";
    assert_eq!(world.sql(checked), Vec::<Vec<String>>::new(), "older SQLite calls NULL damage");
    works_on(&world).await;
    // The nudge was acknowledged: nothing is left to send.
    assert_eq!(world.sql("SELECT count(*) FROM tasks"), [["0"]]);
}

#[tokio::test]
async fn from_5_to_6_contexts_are_one_whatever_their_case() {
    let (world, _folder) = migrated(5).await;
    let statuses = "SELECT context, status_id, state FROM commit_statuses";
    assert_eq!(world.sql(statuses), [["ci", "1", "success"]]);
    assert_eq!(world.sql("SELECT DISTINCT former_names FROM projects"), [["[]"]]);
    works_on(&world).await;
}

#[tokio::test]
async fn from_7_to_8_lists_of_words_may_grow_and_old_reviews_have_no_standing() {
    let (world, _folder) = migrated(7).await;
    let listed = "SELECT name FROM sqlite_schema WHERE name IN ('nudges', 'timers', 'tasks')
                  AND (sql LIKE '%kind IN%' OR sql LIKE '%(state IN%')";
    assert_eq!(world.sql(listed), Vec::<Vec<String>>::new());
    let reviews = "SELECT body, association IS NULL, is_bot FROM pr_reviews WHERE review_id = 81";
    assert_eq!(world.sql(reviews), [["", "1", "0"]]);
    let projects = "SELECT DISTINCT trust, is_public IS NULL FROM projects";
    assert_eq!(world.sql(projects), [["{}", "1"]]);
    assert_eq!(world.sql("SELECT count(class) FROM nudges WHERE id <= 2"), [["0"]]);
    works_on(&world).await;
}

#[tokio::test]
async fn from_8_to_9_what_waits_has_had_its_share_of_the_budget() {
    let (world, _folder) = migrated(8).await;
    assert_eq!(world.sql("SELECT count(*) FROM nudges WHERE is_budgeted = 1"), [["0"]]);
    let columns = "SELECT DISTINCT transcript_path, launch_id, operation, failure FROM sessions";
    assert_eq!(world.sql(columns), [["null"; 4]]);
    works_on(&world).await;
    assert_eq!(world.sql("SELECT project_id, burst FROM nudge_budgets"), [["roc", "30"]]);
}

#[tokio::test]
async fn from_9_on_nothing_was_asked_of_github_and_nothing_is_run_again() {
    let (world, _folder) = migrated(9).await;
    assert_eq!(world.sql("SELECT DISTINCT rerun FROM projects"), [["never"]]);
    // Why it may not be asked was not kept then.
    let access = "SELECT id, api_access, api_suspended, people FROM projects ORDER BY id";
    assert_eq!(world.sql(access), [["moon", "1", "0", "{}"], ["roc", "0", "0", "{}"]]);
    assert_eq!(
        world.sql("SELECT DISTINCT core_read_at, review_answer FROM pr"),
        [["null", "null"]]
    );
    assert_eq!(world.sql("SELECT count(evidence) FROM nudges"), [["0"]]);
    works_on(&world).await;
    assert_eq!(world.sql("SELECT count(*) FROM check_logs"), [["0"]]);
}

#[tokio::test]
async fn sessions_of_before_there_were_tokens_have_none() {
    let (world, _folder) = migrated(9).await;
    let columns = "SELECT DISTINCT token_hash, freed_bytes FROM sessions";
    assert_eq!(world.sql(columns), [["null", "null"]]);
    works_on(&world).await;
}

#[tokio::test]
async fn from_6_to_7_old_rows_are_found_by_the_new_indices() {
    let (world, _folder) = migrated(6).await;
    for (path, found) in [
        ("/v1/sessions?status=ci_failed", 1),
        ("/v1/sessions?status=cleanup", 1),
        ("/v1/sessions?project=moon", 0),
        ("/v1/pulls?project=roc&state=merged", 1),
        ("/v1/nudges?branch=branch-2", 2),
        ("/v1/nudges?branch=branch-2&state=pending&audience=human", 1),
        ("/v1/deliveries?outcome=quarantined", 1),
    ] {
        assert_eq!(world.items(path).await.len(), found, "{path}");
    }
    works_on(&world).await;
}
