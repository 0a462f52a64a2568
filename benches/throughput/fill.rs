//! Makes a large database: one repository whose pull requests have come and gone for two months, each
//! with its session, checks and history.
//!
//! It is made with the first four migrations, which never change, and whoever serves it brings it to a
//! newer schema: what later migrations add is filled by them, as it is for everybody's database.

use std::path::Path;

use anyhow::{Context, Result};
use include_dir::{Dir, include_dir};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Statement};
use serde_json::json;

use super::bodies::scattered_id;
use super::large::Size;

/// This file's text: a database that an older one has made is made anew.
pub(super) const SOURCE: &str = include_str!("fill.rs");

static MIGRATIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/migrations");
const SCHEMA: usize = 4;
/// "nudg" in ASCII, as `application_id`.
const APPLICATION_ID: i32 = 0x6e75_6467;

/// The repository of the deliveries that are measured.
pub(super) const REPO: &str = "orbit-works/meridian";
const REPO_ID: i64 = 702_934_511;
const PROJECT: &str = "mer";
const BASE_SHA: &str = "2a62272ec960e3498bd9e757416edd890762c934";
/// Beyond the numbers of the pull requests that are measured.
const FIRST_NUMBER: u64 = 1_000;

/// A pull request makes so many changes at least, with its share of nudges.
pub(super) const LEAST_CHANGES: u64 = 6;

/// How far back it goes; changes are kept for longer.
const SPAN: SignedDuration = SignedDuration::from_hours(60 * 24);
/// The part of it whose deliveries are in the ledger still: of each pull request so many.
const LEDGER_PART: u64 = 3;
const LEDGER_ROWS: u64 = 15;

/// Makes an empty database with the schema that [`fill`] begins with.
pub(super) fn schema(db: &Path) -> Result<Connection> {
    let connection = Connection::open(db)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    let mut files: Vec<_> = MIGRATIONS.files().collect();
    files.sort_by_key(|file| file.path());
    for file in files.iter().take(SCHEMA) {
        connection.execute_batch(file.contents_utf8().context("a migration is no text")?)?;
    }
    connection.pragma_update(None, "user_version", i64::try_from(SCHEMA)?)?;
    Ok(connection)
}

/// Makes the database. A crash leaves a useless file.
pub(super) fn fill(db: &Path, size: Size) -> Result<()> {
    let mut connection = schema(db)?;
    // Nobody needs what a crash leaves.
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "cache_size", -512 * 1024)?;
    let now = nudged::clock::now();
    let begin = now.checked_sub(SPAN)?;
    let transaction = connection.transaction()?;
    begin_with(&transaction, size, begin)?;
    let mut rows = Rows::prepare(&transaction)?;
    let step = SPAN.as_millis() / i128::from(size.pulls);
    for index in 0..size.pulls {
        let millis = i64::try_from(step * i128::from(index))?;
        let at = begin.checked_add(SignedDuration::from_millis(millis))?;
        rows.pull(Pull::new(index, size), &text(at))?;
        let in_ledger = index >= size.pulls / LEDGER_PART * (LEDGER_PART - 1);
        for delivery in 0..if in_ledger { LEDGER_ROWS } else { 0 } {
            rows.delivery(index * LEDGER_ROWS + delivery, &Pull::new(index, size), &text(at))?;
        }
        rows.history(&Pull::new(index, size), &text(at), size.changes * (index + 1) / size.pulls)?;
    }
    drop(rows);
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// The branch of a pull request that has failed and was told of, as there is one in every size.
pub(super) fn failing_branch() -> String {
    branch(0)
}

fn branch(index: u64) -> String {
    format!("ada/change-{index}")
}

fn text(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// What is there once.
fn begin_with(connection: &Connection, size: Size, begin: Timestamp) -> Result<()> {
    let begin = text(begin);
    connection.execute(
        "INSERT INTO meta (id, epoch, created_at) VALUES (1, '0f1e2d3c4b5a', ?1)",
        [&begin],
    )?;
    connection.execute("UPDATE cause SET cause = 'delivery:first', at = ?1", [&begin])?;
    let url = format!("https://github.com/{REPO}");
    connection.execute(
        "INSERT INTO projects (id, repo_id, repo, named_at, repo_origin_url, display_name, ci_seen,
            next_session, registered_at, claimed_repo, claimed_url)
         VALUES (?1, ?2, ?3, '2026-03-11T15:23:30.000Z', ?4, 'meridian', 1, ?5, ?6, ?3, ?4)",
        (PROJECT, REPO_ID, REPO, url, size.pulls.cast_signed() + 1, &begin),
    )?;
    Ok(())
}

/// A pull request of the large database.
struct Pull {
    index: u64,
    number: u64,
    url: String,
    session: String,
    sha: String,
    state: &'static str,
    ci: &'static str,
    review: &'static str,
    mergeability: &'static str,
    /// State of its session, and why it ended.
    session_state: &'static str,
    reason: Option<&'static str>,
    /// It has failed, and its agent was told.
    told: bool,
}

impl Pull {
    /// Nearly all are merged, some were closed; one in a hundred is open, and more of the newest are.
    fn new(index: u64, size: Size) -> Self {
        let number = FIRST_NUMBER + index;
        let is_new = size.pulls - index <= size.pulls / 100;
        let is_open = is_new || index.is_multiple_of(100);
        let (state, session_state, reason) = match index {
            _ if is_open && index % 10_000 == 100 => ("open", "stuck", None),
            _ if is_open && index % 1_000 == 200 => ("open", "needs_input", None),
            _ if is_open => ("open", "working", None),
            _ if index % 500 == 3 => ("closed", "working", None),
            _ if index % 30 == 1 => ("closed", "done", None),
            _ => ("merged", "terminated", Some("pr_merged")),
        };
        let (ci, review, mergeability) = match index / 100 % 5 {
            _ if !is_open => ("passing", "approved", "mergeable"),
            0 | 1 => ("failing", "none", "unstable"),
            2 => ("pending", "none", "blocked"),
            3 => ("passing", "changes_requested", "blocked"),
            _ => ("passing", "none", "mergeable"),
        };
        Self {
            index,
            number,
            url: format!("https://github.com/{REPO}/pull/{number}"),
            session: format!("{PROJECT}-{}", index + 1),
            sha: format!("{:040x}", 0xace_0000_0000_0000 + index),
            state,
            ci,
            review,
            mergeability,
            session_state,
            reason,
            told: ci == "failing" || index.is_multiple_of(10),
        }
    }

    /// Of its row, and the number of its session.
    fn id(&self) -> i64 {
        self.index.cast_signed() + 1
    }

    fn is_open(&self) -> bool {
        self.state == "open"
    }
}

/// The statements.
struct Rows<'c> {
    connection: &'c Connection,
    cause: Statement<'c>,
    session: Statement<'c>,
    commit: Statement<'c>,
    pull: Statement<'c>,
    pull_commit: Statement<'c>,
    answer: Statement<'c>,
    check_run: Statement<'c>,
    check: Statement<'c>,
    nudge: Statement<'c>,
    delivery: Statement<'c>,
    change: Statement<'c>,
    head: Statement<'c>,
}

impl<'c> Rows<'c> {
    fn prepare(connection: &'c Connection) -> Result<Self> {
        let prepare = |sql| connection.prepare(sql);
        Ok(Self {
            connection,
            cause: prepare("UPDATE cause SET cause = ?1, at = ?2 WHERE id = 1")?,
            session: prepare(
                "INSERT INTO sessions (id, project_id, num, kind, session_state, termination_reason,
                    is_alive, activity_state, activity_last_at, branch, created_at, updated_at)
                 VALUES (?1, ?2, ?3, 'external', ?4, ?5, ?5 IS NULL, 'active', ?6, ?7, ?6, ?6)",
            )?,
            commit: prepare(
                "INSERT INTO commits (repo_id, sha, seen_at, claimed) VALUES (?1, ?2, ?3, 1)",
            )?,
            pull: prepare(
                "INSERT INTO pr (id, url, project_id, repo_id, number, session_id, pr_state, title,
                    author, head_ref, head_sha, head_repo_id, base_ref, base_sha, core_at,
                    review_decision, ci_state, mergeability, memory, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'A change as good as any', 'ada-agent', ?8, ?9,
                    ?4, 'main', ?10, ?11, ?12, ?13, ?14, ?15, ?11, ?11)",
            )?,
            pull_commit: prepare(
                "INSERT INTO pr_commits (pr_id, commit_id, head_at, superseded) VALUES (?1, ?2, ?3, 0)",
            )?,
            answer: prepare(
                "INSERT INTO pr_mergeability (pr_id, head_sha, base_ref, value, at)
                 VALUES (?1, ?2, 'main', ?3, ?4)",
            )?,
            check_run: prepare(
                "INSERT INTO check_runs (commit_id, run_id, source, suite_id, workflow_run_id, name,
                    status, conclusion, url, started_at, completed_at)
                 VALUES (?1, ?2, 'github-actions', ?3, ?4, ?5, ?6, ?7, ?8, ?9, iif(?7 IS NULL, NULL, ?9))",
            )?,
            check: prepare(
                "INSERT INTO pr_checks (pr_id, pr_url, commit_hash, source, workflow, name, status,
                    conclusion, url, run_id, started_at, completed_at, created_at)
                 VALUES (?1, ?2, ?3, 'github-actions', ?4, ?5, ?6, ?7, ?8, ?9, ?10,
                    iif(?7 IS NULL, NULL, ?10), ?10)",
            )?,
            nudge: prepare(
                "INSERT INTO nudges (project_id, session_id, pr_id, audience, kind, priority, state,
                    signature, body, created_at)
                 VALUES (?1, ?2, ?3, 'agent', 'ci-failed', 'action', ?4, ?5, ?6, ?7)",
            )?,
            delivery: prepare(
                "INSERT INTO deliveries (hook, guid, event, action, repo, outcome, observation,
                    received_at)
                 VALUES ('', ?1, 'check_run', 'completed', ?2, 'applied', ?3, ?4)",
            )?,
            change: prepare(
                "INSERT INTO change_log (project_id, session_id, event_type, payload, cause, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?,
            head: prepare("SELECT seq FROM sqlite_sequence WHERE name = 'change_log'")?,
        })
    }

    /// The pull request with what hangs on it; the triggers write the changes.
    fn pull(&mut self, pull: Pull, at: &str) -> Result<()> {
        let id = pull.id();
        self.cause.execute((cause(&pull), at))?;
        self.session.execute((
            &pull.session,
            PROJECT,
            id,
            pull.session_state,
            pull.reason,
            at,
            branch(pull.index),
        ))?;
        self.commit.execute((REPO_ID, &pull.sha, at))?;
        let commit = self.connection.last_insert_rowid();
        let closed = (!pull.is_open()).then_some(pull.state);
        let mut memory = json!({"feedback_rounds": 0});
        if let Some(state) = closed {
            memory["closing_told"] = json!(state);
        }
        if pull.told && pull.ci == "failing" {
            let check = format!("github-actions/{}/test", workflow(id));
            memory["ci_told"] = json!([{"head": pull.sha, "checks": [check]}]);
        }
        self.pull.execute(rusqlite::params![
            id,
            pull.url,
            PROJECT,
            REPO_ID,
            pull.number.cast_signed(),
            pull.session,
            pull.state,
            branch(pull.index),
            pull.sha,
            BASE_SHA,
            at,
            pull.review,
            pull.ci,
            pull.mergeability,
            memory.to_string(),
        ])?;
        self.pull_commit.execute((id, commit, at))?;
        self.answer.execute((id, &pull.sha, pull.mergeability, at))?;
        self.check(&pull, commit, "build", ("completed", "passed", Some("success")), at)?;
        let test = match pull.ci {
            "failing" => ("completed", "failed", Some("failure")),
            "pending" => ("in_progress", "in_progress", None),
            _ => ("completed", "passed", Some("success")),
        };
        self.check(&pull, commit, "test", test, at)?;
        if pull.told {
            let state = if pull.ci == "failing" { "pending" } else { "superseded" };
            let body =
                format!("CI failed on {}: test. {}", pull.url, "A line of its log. ".repeat(40));
            self.nudge.execute((PROJECT, &pull.session, id, state, &pull.sha, body, at))?;
        }
        Ok(())
    }

    fn check(
        &mut self,
        pull: &Pull,
        commit: i64,
        name: &str,
        (status, derived, conclusion): (&str, &str, Option<&str>),
        at: &str,
    ) -> Result<()> {
        let id = pull.id();
        let run = 10_000_000_000 + id * 2 + i64::from(name == "test");
        let url = format!("https://github.com/{REPO}/actions/runs/{id}/job/{run}");
        self.check_run.execute((commit, run, suite(id), id, name, status, conclusion, &url, at))?;
        let (workflow, sha) = (workflow(id), &pull.sha);
        self.check
            .execute((id, &pull.url, sha, workflow, name, derived, conclusion, url, run, at))?;
        Ok(())
    }

    /// A row of the ledger: `number` is another for each.
    fn delivery(&mut self, number: u64, pull: &Pull, at: &str) -> Result<()> {
        let (id, url) = (pull.id(), format!("https://github.com/{REPO}"));
        let observation = json!({
            "type": "check_run",
            "repo": {"id": REPO_ID, "name": REPO, "url": url, "updated_at": "2026-03-11T15:23:30Z"},
            "sha": pull.sha,
            "run": {
                "run_id": number, "source": "github-actions", "suite_id": suite(id),
                "workflow_run_id": id,
                "state": {"status": "completed", "completed_at": at, "conclusion": "success",
                    "name": "build", "url": format!("{url}/actions/runs/{id}/job/{number}"),
                    "started_at": at},
                "output": null, "failed_step": null,
            },
        });
        let guid = scattered_id(3 << 48 | number);
        self.delivery.execute((guid, REPO, observation.to_string(), at))?;
        Ok(())
    }

    /// What else has happened to it, up to that `seq`: checks ran, and the pull request followed.
    fn history(&mut self, pull: &Pull, at: &str, until: u64) -> Result<()> {
        let cause = cause(pull);
        let head: i64 = self.head.query_row((), |row| row.get(0))?;
        for seq in head + 1..=until.cast_signed() {
            let (kind, payload) = match seq % 4 {
                0 => (
                    "pr_updated",
                    format!(
                        r#"{{"url":"{}","session":"{}","state":"open","ci":"pending","review":"none","mergeability":"unknown","headSha":"{}"}}"#,
                        pull.url, pull.session, pull.sha
                    ),
                ),
                step => (
                    "pr_check_recorded",
                    format!(
                        r#"{{"pr":"{}","name":"part {step}","source":"github-actions","commit":"{}","status":"in_progress","conclusion":null}}"#,
                        pull.url, pull.sha
                    ),
                ),
            };
            self.change.execute((PROJECT, &pull.session, kind, payload, &cause, at))?;
        }
        Ok(())
    }
}

fn cause(pull: &Pull) -> String {
    format!("delivery:{}", scattered_id(4 << 48 | pull.index))
}

fn suite(pull: i64) -> i64 {
    50_000_000_000 + pull
}

fn workflow(pull: i64) -> String {
    format!("suite:{}", suite(pull))
}
