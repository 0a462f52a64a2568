//! The rows of one pull request of a large database, with what hangs on it.

use anyhow::Result;
use rusqlite::{Connection, Statement, named_params};
use serde_json::json;

use super::bodies::scattered_id;
use super::fill::{BASE_SHA, Pull, REPO, REPO_ID, Session};

/// This file's text, for the same reason as [`super::fill::SOURCE`].
pub(super) const SOURCE: &str = include_str!("rows.rs");

/// A pull request makes so many changes at least: its session, itself, two checks, two comments, a nudge,
/// and perhaps a session that has none yet.
pub(super) const LEAST_CHANGES: u64 = 8;

/// What a workflow is called in the keys of its checks.
const WORKFLOW: &str = "161335:pull_request";

const SESSION: &str = "INSERT INTO sessions (id, project_id, num, kind, session_state,
        termination_reason, is_alive, activity_state, activity_last_at, branch, created_at, updated_at)
    VALUES (:session, 'mer', :id, 'external', :state, :reason, :is_alive, 'active', :at, :branch,
        :at, :at)";
const PULL: &str = "INSERT INTO pr (id, url, project_id, repo_id, number, session_id, pr_state, title,
        author, head_ref, head_sha, head_repo_id, base_ref, base_sha, core_at, review_decision,
        ci_state, mergeability, memory, created_at, updated_at)
    VALUES (:id, :url, 'mer', :repo, :number, :session, :state, 'A change as good as any', 'ada-agent',
        :branch, :sha, :repo, 'main', :base, :at, :review, :ci, :mergeability, :memory, :at, :at)";
const COMMIT: &str =
    "INSERT INTO commits (repo_id, sha, seen_at, claimed) VALUES (:repo, :sha, :at, 1)";
const PULL_COMMIT: &str = "INSERT INTO pr_commits (pr_id, commit_id, head_at, superseded)
    VALUES (:id, :commit, :at, :superseded)";
const ANSWER: &str = "INSERT INTO pr_mergeability (pr_id, head_sha, base_ref, value, at)
    VALUES (:id, :sha, 'main', :mergeability, :at)";
const REVIEW: &str =
    "INSERT INTO pr_reviews (pr_id, review_id, author_id, author, state, submitted_at,
        seen_at, url)
    VALUES (:id, :id, 7, 'grace', :review, :at, :at, :url || '#pullrequestreview-' || :id)";
const WORKFLOW_RUN: &str =
    "INSERT INTO workflow_runs (commit_id, run_id, attempt, workflow_id, name,
        event, suite_id, status, conclusion, url, started_at, completed_at)
    VALUES (:commit, :id, 1, 161335, 'ci', 'pull_request', :suite, :status, :conclusion,
        'https://github.com/orbit-works/meridian/actions/runs/' || :id, :at,
        iif(:conclusion IS NULL, NULL, :at))";
const SUITE: &str = "INSERT INTO check_suites (commit_id, suite_id) VALUES (:commit, :suite)";
const CHECK_RUN: &str =
    "INSERT INTO check_runs (commit_id, run_id, source, suite_id, workflow_run_id,
        name, status, conclusion, url, started_at, completed_at)
    VALUES (:commit, :run, 'github-actions', :suite, :id, :name, :status, :conclusion, :url, :at,
        iif(:conclusion IS NULL, NULL, :at))";
const CHECK: &str = "INSERT INTO pr_checks (pr_id, pr_url, commit_hash, source, workflow, workflow_name,
        name, status, conclusion, url, run_id, started_at, completed_at, created_at)
    VALUES (:id, :pull_url, :sha, 'github-actions', :workflow, 'ci', :name, :status, :conclusion, :url,
        :run, :at, iif(:conclusion IS NULL, NULL, :at), :at)";
const COMMENT: &str = "INSERT INTO comments (repo_id, number, kind, comment_id, root_id, review_id,
        author, file, line, body, url, created_at, updated_at, deleted, seen_at)
    VALUES (:repo, :number, :kind, :comment, :comment, NULL, 'grace', :file, :line, :body, :url, :at,
        :at, 0, :at)";
const THREAD: &str = "INSERT INTO threads (repo_id, number, root_id, resolved, at)
    VALUES (:repo, :number, :comment, 1, :at)";
const COMMENT_ROW: &str =
    "INSERT INTO pr_comment (pr_id, pr_url, kind, comment_id, root_id, review_id,
        author, file, line, body, url, resolved, created_at)
    VALUES (:id, :pull_url, :kind, :comment, :comment, NULL, 'grace', :file, :line, :body, :url,
        :resolved, :at)";
const NUDGE: &str =
    "INSERT INTO nudges (project_id, session_id, pr_id, audience, kind, priority, state,
        signature, body, created_at)
    VALUES ('mer', :session, :id, 'agent', 'ci-failed', 'action', :state, :signature, :body, :at)";
const DELIVERY: &str =
    "INSERT INTO deliveries (hook, guid, event, action, repo, outcome, observation,
        received_at)
    VALUES ('', :guid, 'check_run', 'completed', :repo, 'applied', :observation, :at)";
const CHANGE: &str = "INSERT INTO change_log (project_id, session_id, event_type, payload, cause,
        created_at)
    VALUES ('mer', :session, :kind, :payload, :cause, :at)";

/// What a comment looks like.
const BODY: &str = "Would it not be simpler to hold the lease for the whole window, and to renew it in one \
    place? As it is, two of the callers renew it twice.";

/// The statements.
pub(super) struct Rows<'c> {
    connection: &'c Connection,
    cause: Statement<'c>,
    session: Statement<'c>,
    pull: Statement<'c>,
    commit: Statement<'c>,
    pull_commit: Statement<'c>,
    answer: Statement<'c>,
    review: Statement<'c>,
    workflow_run: Statement<'c>,
    suite: Statement<'c>,
    check_run: Statement<'c>,
    check: Statement<'c>,
    comment: Statement<'c>,
    thread: Statement<'c>,
    comment_row: Statement<'c>,
    nudge: Statement<'c>,
    delivery: Statement<'c>,
    change: Statement<'c>,
    head: Statement<'c>,
}

impl<'c> Rows<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> Result<Self> {
        let prepare = |sql| connection.prepare(sql);
        Ok(Self {
            connection,
            cause: prepare("UPDATE cause SET cause = ?1, at = ?2 WHERE id = 1")?,
            session: prepare(SESSION)?,
            pull: prepare(PULL)?,
            commit: prepare(COMMIT)?,
            pull_commit: prepare(PULL_COMMIT)?,
            answer: prepare(ANSWER)?,
            review: prepare(REVIEW)?,
            workflow_run: prepare(WORKFLOW_RUN)?,
            suite: prepare(SUITE)?,
            check_run: prepare(CHECK_RUN)?,
            check: prepare(CHECK)?,
            comment: prepare(COMMENT)?,
            thread: prepare(THREAD)?,
            comment_row: prepare(COMMENT_ROW)?,
            nudge: prepare(NUDGE)?,
            delivery: prepare(DELIVERY)?,
            change: prepare(CHANGE)?,
            head: prepare("SELECT seq FROM sqlite_sequence WHERE name = 'change_log'")?,
        })
    }

    /// The pull request with all that hangs on it; the triggers write the changes.
    pub(super) fn pull(&mut self, pull: &Pull) -> Result<()> {
        let (id, at) = (pull.id(), &pull.at);
        self.cause.execute((cause(pull), at))?;
        self.session(&pull.session, at)?;
        if let Some(other) = &pull.other_session {
            self.session(other, at)?;
        }
        self.pull.execute(named_params! {
            ":id": id, ":url": pull.url, ":repo": REPO_ID, ":number": pull.number,
            ":session": pull.session.id(), ":state": pull.state, ":branch": pull.session.branch, ":sha": pull.sha,
            ":base": BASE_SHA, ":review": pull.review, ":ci": pull.ci,
            ":mergeability": pull.mergeability, ":memory": memory(pull), ":at": at,
        })?;
        let head = self.head_commit(pull)?;
        self.answer.execute(named_params! {
            ":id": id, ":sha": pull.sha, ":mergeability": pull.mergeability, ":at": at,
        })?;
        if pull.review != "none" {
            self.review.execute(named_params! {
                ":id": id, ":review": pull.review, ":url": pull.url, ":at": at,
            })?;
        }
        self.checks(pull, head)?;
        self.comments(pull)?;
        if pull.told {
            let state = match pull.session.state {
                "stuck" | "needs_input" => "held",
                _ if pull.ci == "failing" => "pending",
                _ => "superseded",
            };
            let signature = format!("{}:github-actions/{WORKFLOW}/test", pull.sha);
            let body =
                format!("CI failed on {}: test. {}", pull.url, "A line of its log. ".repeat(40));
            self.nudge.execute(named_params! {
                ":session": pull.session.id(), ":id": id, ":state": state, ":signature": signature,
                ":body": body, ":at": at,
            })?;
        }
        Ok(())
    }

    fn session(&mut self, session: &Session, at: &str) -> Result<()> {
        self.session.execute(named_params! {
            ":session": session.id(), ":id": session.number, ":state": session.state,
            ":reason": session.reason, ":is_alive": !["done", "terminated"].contains(&session.state),
            ":branch": session.branch, ":at": at,
        })?;
        Ok(())
    }

    /// An old head and the one that counts; the row of the latter.
    fn head_commit(&mut self, pull: &Pull) -> Result<i64> {
        let mut commit = 0;
        for (sha, superseded) in [(&pull.old_sha, true), (&pull.sha, false)] {
            self.commit.execute(named_params! {":repo": REPO_ID, ":sha": sha, ":at": pull.at})?;
            commit = self.connection.last_insert_rowid();
            self.pull_commit.execute(named_params! {
                ":id": pull.id(), ":commit": commit, ":at": pull.at, ":superseded": superseded,
            })?;
        }
        Ok(commit)
    }

    fn checks(&mut self, pull: &Pull, commit: i64) -> Result<()> {
        let (id, at) = (pull.id(), &pull.at);
        let (status, derived, conclusion) = match pull.ci {
            "failing" => ("completed", "failed", Some("failure")),
            "pending" => ("in_progress", "in_progress", None),
            _ => ("completed", "passed", Some("success")),
        };
        self.workflow_run.execute(named_params! {
            ":commit": commit, ":id": id, ":suite": suite(pull), ":status": status,
            ":conclusion": conclusion, ":at": at,
        })?;
        if conclusion.is_some() {
            self.suite.execute(named_params! {":commit": commit, ":suite": suite(pull)})?;
        }
        let build = ("build", "completed", "passed", Some("success"));
        for (name, status, derived, conclusion) in [build, ("test", status, derived, conclusion)] {
            let run = 10_000_000_000 + id * 2 + i64::from(name == "test");
            let url = format!("https://github.com/{REPO}/actions/runs/{id}/job/{run}");
            self.check_run.execute(named_params! {
                ":commit": commit, ":run": run, ":suite": suite(pull), ":id": id, ":name": name,
                ":status": status, ":conclusion": conclusion, ":url": url, ":at": at,
            })?;
            self.check.execute(named_params! {
                ":id": id, ":pull_url": pull.url, ":sha": pull.sha, ":workflow": WORKFLOW, ":name": name,
                ":status": derived, ":conclusion": conclusion, ":url": url, ":run": run, ":at": at,
            })?;
        }
        Ok(())
    }

    /// One in a thread that is resolved, one below.
    fn comments(&mut self, pull: &Pull) -> Result<()> {
        let (id, at) = (pull.id(), &pull.at);
        for (kind, file, line) in
            [("review", Some("src/lease.rs"), Some(42)), ("issue", None, None)]
        {
            let comment = id * 2 + i64::from(kind == "issue");
            let url = format!("{}#discussion-{comment}", pull.url);
            self.comment.execute(named_params! {
                ":repo": REPO_ID, ":number": pull.number, ":kind": kind, ":comment": comment,
                ":file": file, ":line": line, ":body": BODY, ":url": url, ":at": at,
            })?;
            let resolved = kind == "review";
            if resolved {
                self.thread.execute(named_params! {
                    ":repo": REPO_ID, ":number": pull.number, ":comment": comment, ":at": at,
                })?;
            }
            self.comment_row.execute(named_params! {
                ":id": id, ":pull_url": pull.url, ":kind": kind, ":comment": comment, ":file": file,
                ":line": line, ":body": BODY, ":url": url, ":resolved": resolved, ":at": at,
            })?;
        }
        Ok(())
    }

    /// A row of the ledger: `number` is another for each.
    pub(super) fn delivery(&mut self, number: u64, pull: &Pull) -> Result<()> {
        let (id, url, at) = (pull.id(), format!("https://github.com/{REPO}"), &pull.at);
        let observation = json!({
            "type": "check_run",
            "repo": {"id": REPO_ID, "name": REPO, "url": url, "updated_at": "2026-03-11T15:23:30Z"},
            "sha": pull.sha,
            "run": {
                "run_id": number, "source": "github-actions", "suite_id": suite(pull),
                "workflow_run_id": id,
                "state": {"status": "completed", "completed_at": at, "conclusion": "success",
                    "name": "build", "url": format!("{url}/actions/runs/{id}/job/{number}"),
                    "started_at": at},
                "output": null, "failed_step": null,
            },
        });
        self.delivery.execute(named_params! {
            ":guid": scattered_id(5 << 48 | number), ":repo": REPO,
            ":observation": observation.to_string(), ":at": at,
        })?;
        Ok(())
    }

    /// What else has happened to it, up to that `seq`: checks ran, and the pull request followed.
    pub(super) fn history(&mut self, pull: &Pull, until: u64) -> Result<()> {
        let cause = cause(pull);
        let (Pull { url, sha, at, .. }, session) = (pull, pull.session.id());
        let head: i64 = self.head.query_row((), |row| row.get(0))?;
        for seq in head + 1..=until.cast_signed() {
            let (kind, payload) = match seq % 4 {
                0 => (
                    "pr_updated",
                    format!(
                        r#"{{"url":"{url}","session":"{session}","state":"open","ci":"pending","review":"none","mergeability":"unknown","headSha":"{sha}"}}"#
                    ),
                ),
                step => (
                    "pr_check_recorded",
                    format!(
                        r#"{{"pr":"{url}","name":"part {step}","source":"github-actions","commit":"{sha}","status":"in_progress","conclusion":null}}"#
                    ),
                ),
            };
            self.change.execute(named_params! {
                ":session": session, ":kind": kind, ":payload": payload, ":cause": cause, ":at": at,
            })?;
        }
        Ok(())
    }
}

/// What was said about it.
fn memory(pull: &Pull) -> String {
    let mut memory = json!({"feedback_rounds": 0});
    if !pull.is_open() {
        memory["closing_told"] = json!(pull.state);
    }
    if pull.is_open() && pull.mergeability == "mergeable" {
        memory["green_told"] = json!([pull.sha]);
    }
    if pull.told && pull.ci == "failing" {
        let names = [WORKFLOW.to_owned(), format!("suite:{}", suite(pull))];
        let checks = names.map(|workflow| format!("github-actions/{workflow}/test"));
        memory["ci_told"] = json!([{"head": pull.sha, "checks": checks}]);
    }
    memory.to_string()
}

fn cause(pull: &Pull) -> String {
    format!("delivery:{}", scattered_id(6 << 48 | pull.id().cast_unsigned()))
}

fn suite(pull: &Pull) -> i64 {
    50_000_000_000 + pull.id()
}
