//! A real server beside the fake GitHub: what webhooks did not tell is found, limits are kept, credentials stay.

mod asking;
pub mod command_line;
mod faults;
mod figures;
mod healing;
mod logs;
mod story;
mod tasks;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use nudged::app::GithubWork;
use nudged::config::{GithubApp, Secret, Settings};
use nudged::fake_github::FakeGitHub;
use nudged::http::Limits;

use crate::world::{BEGINNING, SECRET, World};

/// A server and its GitHub, with one clock.
pub struct Pair {
    pub github: FakeGitHub,
    pub world: World,
    millis: Arc<AtomicI64>,
}

impl Pair {
    /// Nothing is asked yet, and no webhook was sent.
    pub async fn new() -> Self {
        Self::with(0, |_| {}).await
    }

    /// GitHub's clock is so many seconds ahead; the settings differ.
    pub async fn with(ahead: i64, change: impl FnOnce(&mut Settings)) -> Self {
        let millis = Arc::new(AtomicI64::new(BEGINNING));
        let read = Arc::clone(&millis);
        let now = move || {
            let there = read.load(Ordering::SeqCst) + ahead * 1_000;
            Timestamp::from_millisecond(there).expect("an instant")
        };
        let github = FakeGitHub::start(Arc::new(now)).await.expect("a fake");
        let (url, app) = (github.url().to_owned(), github.app());
        let world = World::at(Arc::clone(&millis), Limits::default(), |settings| {
            settings.github_api_url = url;
            let private_key = Secret::new(app.private_key);
            settings.github_app = Some(GithubApp { id: app.id, private_key });
            change(settings);
        })
        .await;
        github.send_webhooks_to(&world.url("/webhooks/github"), SECRET);
        Self { github, world, millis }
    }

    pub fn pass(&self, seconds: i64) {
        self.millis.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    pub fn work(&self) -> GithubWork {
        self.world.running().github.clone().expect("App credentials")
    }

    /// One comparison that must come through.
    pub async fn reconcile(&self) -> u64 {
        let pass = self.work().reconciler.pass().await.expect("a pass");
        assert_eq!(pass.failed, 0, "{:?}", self.work().github.standing());
        pass.applied
    }

    /// The sum of a metric's series that bear this label. All tests of the process share them.
    pub async fn metric(&self, name: &str, label: &str) -> f64 {
        let asked = self.world.request(reqwest::Method::GET, "/metrics");
        let text = asked.send().await.expect("an answer").text().await.expect("text");
        let series = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(label)
        });
        let values = series.map(|line| line.rsplit(' ').next().expect("a value"));
        values.map(|value| value.parse::<f64>().expect("a number")).sum()
    }

    /// Every row that a comparison has to mend.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for query in [
            "SELECT 'pr', number, url, pr_state, title, author, head_ref, head_sha, base_ref, review_decision,
                 ci_state, unresolved_comments, updated_at FROM pr ORDER BY number",
            "SELECT 'check', pr_url, commit_hash, source, workflow, workflow_name, name, status, conclusion, url,
                 log_tail, run_id, started_at, completed_at FROM pr_checks
                 ORDER BY pr_url, commit_hash, source, workflow, name",
            "SELECT 'comment', pr_url, kind, comment_id, root_id, review_id, author, file, line, body, url,
                 resolved, created_at FROM pr_comment ORDER BY pr_url, kind, comment_id",
            "SELECT 'review', pr.number, review_id, pr_reviews.author, state, submitted_at, pr_reviews.url, body
                 FROM pr_reviews JOIN pr ON pr.id = pr_id ORDER BY pr.number, review_id",
        ] {
            rows.extend(self.world.sql(query));
        }
        rows
    }
}
