//! Check runs of other Apps, commit statuses, and what all check runs share.

use serde_json::json;

use super::Repo;
use crate::fake_github::hub::Change;
use crate::fake_github::shapes;
use crate::fake_github::state::{Annotation, Check, Maker, Status, Suite};

/// How a check run ended, and what it says.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub(super) conclusion: String,
    pub(super) title: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) text: Option<String>,
    pub(super) annotations: Vec<Annotation>,
}

impl Outcome {
    /// `success`, `failure`, `cancelled`, `timed_out`, `neutral`, `skipped`, `action_required`, …
    pub fn new(conclusion: &str) -> Self {
        Self { conclusion: conclusion.to_owned(), ..Self::default() }
    }

    /// With a title, a summary and a text in its output.
    pub fn saying(mut self, title: &str, summary: &str, text: &str) -> Self {
        self.title = Some(title.to_owned());
        self.summary = Some(summary.to_owned());
        self.text = Some(text.to_owned());
        self
    }

    /// With a note at a line; `level` is `notice`, `warning` or `failure`.
    pub fn noting(mut self, path: &str, line: i64, level: &str, message: &str) -> Self {
        self.annotations.push(Annotation {
            path: path.to_owned(),
            line,
            level: level.to_owned(),
            title: None,
            message: message.to_owned(),
        });
        self
    }
}

impl From<&str> for Outcome {
    fn from(conclusion: &str) -> Self {
        Self::new(conclusion)
    }
}

impl Repo {
    /// Another App begins a check at a commit; answers the check run's id.
    pub fn start_check(&self, sha: &str, app: &str, name: &str) -> i64 {
        self.change(|it| {
            let maker = Maker::Other(app.to_owned());
            let of_app = |suite: &&Suite| suite.head_sha == sha && suite.maker == maker;
            let suite = match it.repo.suites.values().find(of_app).map(|suite| suite.id) {
                Some(suite) => suite,
                None => it.new_suite(maker, sha, None),
            };
            let id = it.new_check(suite, sha, name, None);
            it.set_check(id, "in_progress", None);
            it.tell_check("created", id);
            id
        })
    }

    /// Ends a check that another App began.
    pub fn finish_check(&self, check: i64, outcome: impl Into<Outcome>) {
        let outcome = outcome.into();
        self.change(|it| {
            it.set_check(check, "completed", Some(outcome));
            it.tell_check("completed", check);
            it.roll_up_suite_of(check);
        });
    }

    /// Sets a commit status: `pending`, `success`, `failure` or `error`; answers its id.
    pub fn status(&self, sha: &str, context: &str, state: &str) -> i64 {
        self.change(|it| {
            let id = it.ids.large();
            let status = Status {
                id,
                sha: sha.to_owned(),
                context: context.to_owned(),
                state: state.to_owned(),
                description: Some(format!("{context} is {state}")),
                url: Some(format!("https://ci.example/{context}")),
                creator: "harbor-ci[bot]".to_owned(),
                at: it.now,
            };
            let shape = shapes::status_event(it.bases, it.repo, &status);
            it.repo.statuses.insert(id, status);
            it.tell("status", None, "harbor-ci[bot]", shape);
            id
        })
    }

    /// The newest check run of this name at a commit.
    pub fn check_named(&self, sha: &str, name: &str) -> Option<i64> {
        self.look(|repo| repo.checks_at(sha).filter(|it| it.name == name).map(|it| it.id).max())
    }
}

impl Change<'_> {
    pub(super) fn new_suite(&mut self, maker: Maker, sha: &str, branch: Option<String>) -> i64 {
        let id = self.ids.large();
        let suite = Suite {
            id,
            maker,
            head_sha: sha.to_owned(),
            head_branch: branch.or_else(|| {
                let own = self.repo.branches.iter().find(|(_, head)| *head == sha);
                own.map(|(name, _)| name.clone()).filter(|name| !name.contains(':'))
            }),
            status: "queued".to_owned(),
            conclusion: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.repo.suites.insert(id, suite);
        id
    }

    pub(super) fn new_check(&mut self, suite: i64, sha: &str, name: &str, run: Option<i64>) -> i64 {
        let id = self.ids.large();
        let check = Check {
            id,
            suite,
            name: name.to_owned(),
            head_sha: sha.to_owned(),
            status: "queued".to_owned(),
            conclusion: None,
            started_at: self.now,
            completed_at: None,
            title: None,
            summary: None,
            text: None,
            annotations: Vec::new(),
            run,
        };
        self.repo.checks.insert(id, check);
        if let Some(suite) = self.repo.suites.get_mut(&suite) {
            "in_progress".clone_into(&mut suite.status);
            suite.conclusion = None;
            suite.updated_at = self.now;
        }
        id
    }

    pub(super) fn set_check(&mut self, id: i64, status: &str, outcome: Option<Outcome>) {
        let now = self.now;
        let Some(check) = self.repo.checks.get_mut(&id) else { panic!("no check run {id}") };
        if check.status == "queued" && status == "in_progress" {
            check.started_at = now;
        }
        status.clone_into(&mut check.status);
        if let Some(outcome) = outcome {
            check.conclusion = Some(outcome.conclusion);
            check.completed_at = Some(now);
            check.title = outcome.title;
            check.summary = outcome.summary;
            check.text = outcome.text;
            check.annotations = outcome.annotations;
        }
    }

    pub(super) fn tell_check(&mut self, action: &str, id: i64) {
        let Some(check) = self.repo.checks.get(&id) else { panic!("no check run {id}") };
        let sender = match self.repo.suites.get(&check.suite).map(|suite| &suite.maker) {
            Some(Maker::Other(slug)) => format!("{slug}[bot]"),
            Some(Maker::Actions) | None => "ada-agent".to_owned(),
        };
        let shape = shapes::check(self.bases, self.repo, check);
        self.tell("check_run", Some(action), &sender, json!({"check_run": shape}));
    }

    /// Ends the suite of a check when all of its checks have ended; answers its conclusion then.
    pub(super) fn roll_up_suite_of(&mut self, check: i64) -> Option<String> {
        let suite = self.repo.checks.get(&check)?.suite;
        let latest: Vec<&Check> = {
            let head = &self.repo.suites.get(&suite)?.head_sha;
            self.repo.latest_checks(head).into_iter().filter(|it| it.suite == suite).collect()
        };
        if latest.iter().any(|it| it.status != "completed") {
            return None;
        }
        let has = |words: &[&str]| {
            latest.iter().any(|it| it.conclusion.as_deref().is_some_and(|end| words.contains(&end)))
        };
        let conclusion = if has(&["failure", "timed_out", "startup_failure"]) {
            "failure"
        } else if has(&["action_required"]) {
            "action_required"
        } else if has(&["cancelled"]) {
            "cancelled"
        } else if has(&["success", "neutral"]) {
            "success"
        } else {
            "skipped"
        };
        self.end_suite(suite, conclusion);
        Some(conclusion.to_owned())
    }

    pub(super) fn end_suite(&mut self, id: i64, conclusion: &str) {
        let now = self.now;
        let Some(suite) = self.repo.suites.get_mut(&id) else { return };
        "completed".clone_into(&mut suite.status);
        suite.conclusion = Some(conclusion.to_owned());
        suite.updated_at = now;
        let suite = suite.clone();
        let shape = shapes::suite(self.bases, self.repo, &suite);
        let sender = "ada-agent";
        self.tell("check_suite", Some("completed"), sender, json!({"check_suite": shape}));
    }
}
