//! A GitHub for the demo and for tests: real state, the webhooks that follow from it, and the REST and GraphQL
//! calls that the server uses. It listens on loopback only, and knows nothing of the server.
//!
//! [`FakeGitHub`] is the whole; [`Repo`] is a repository of it, whose methods are what people, agents and CI do.
//! Each of them changes the state, moves `updated_at` to the present of the clock that was given, and sends what
//! GitHub would send. [`FakeGitHub::settle`] waits until all of it has been delivered.
//!
//! ```no_run
//! # async fn story(clock: nudged::fake_github::Now) -> std::io::Result<()> {
//! use nudged::fake_github::{FakeGitHub, Log, NewPull};
//! let github = FakeGitHub::start(clock).await?;
//! github.send_webhooks_to("http://127.0.0.1:8787/webhooks/github", "the secret");
//! let rocket = github.repository("acme/rocket");
//! let number = rocket.open_pull(NewPull::from("ada/fix").titled("Fix the nozzle"));
//! let run = rocket.start_run(&rocket.pull(number).head_sha, "CI", "pull_request", &["test"]);
//! rocket.finish_job(rocket.job(run, "test"), "failure", Some(Log::new("##[error]no\n")));
//! github.settle().await;
//! # Ok(())
//! # }
//! ```
//!
//! What is not done as GitHub does it: one App at a time; all owners are organisations; accounts that were not given a role
//! may write; the third step of a failed job is the one that failed; a branch that is not there is made off the
//! default one; GraphQL knows the fields of `graphql` alone.

mod auth;
mod body;
mod changes;
mod control;
mod draft;
mod faults;
mod graphql;
mod hub;
mod installations;
mod logs;
mod pipeline;
mod rest;
mod server;
mod shapes;
pub mod state;
mod web;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use auth::{App, Caller};
pub use changes::{NewPull, Outcome, Repo};
pub use faults::{Fault, Limit};
pub use hub::{Now, Seen};
pub use logs::Log;
pub use webhooks::{Delivery, Trouble};

use hub::{Hub, locked};
use state::{Bases, Commit, Repository, State};

/// A running fake GitHub. It stops when it is dropped.
pub struct FakeGitHub {
    hub: Arc<Hub>,
    url: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Permissions and events that the server asks for.
const PERMISSIONS: &[(&str, &str)] = &[
    ("actions", "write"),
    ("checks", "read"),
    ("contents", "read"),
    ("issues", "read"),
    ("merge_queues", "read"),
    ("metadata", "read"),
    ("pull_requests", "read"),
    ("statuses", "read"),
];
const EVENTS: &[&str] = &[
    "check_run",
    "check_suite",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
    "push",
    "repository",
    "status",
    "workflow_job",
    "workflow_run",
];

impl FakeGitHub {
    /// Starts one on two free ports of loopback, with an App that has all that the server needs, and nothing else.
    ///
    /// # Errors
    ///
    /// No port is free, or no key can be made.
    pub async fn start(now: Now) -> std::io::Result<Self> {
        let (api, addr) = server::listen(0).await?;
        let (other, other_addr) = server::listen(0).await?;
        let (private_key, public_key) = auth::new_key().map_err(std::io::Error::other)?;
        let url = format!("http://{addr}");
        let app = App {
            id: 918_273,
            slug: "nudged-fake".to_owned(),
            name: "nudged fake".to_owned(),
            owner: "acme".to_owned(),
            client_id: "Iv23liFakeFakeFake01".to_owned(),
            private_key,
            public_key,
            webhook_url: None,
            webhook_secret: String::new(),
            permissions: words(PERMISSIONS),
            events: EVENTS.iter().map(|&event| event.to_owned()).collect(),
            hook_id: 431_207_789,
        };
        let bases = Bases { api: url.clone(), html: "https://github.com".to_owned() };
        let hub = Arc::new(Hub {
            now,
            state: Mutex::new(State { bases, ..State::default() }),
            app: Mutex::new(app),
            tokens: Mutex::default(),
            faults: Mutex::default(),
            webhooks: Mutex::default(),
            seen: Mutex::default(),
            quotas: Mutex::default(),
            limit: AtomicU32::new(5_000),
            at_once: Mutex::default(),
            codes: Mutex::default(),
            wake: Notify::new(),
            settled: Notify::new(),
            sending: AtomicBool::new(false),
            other_url: format!("http://{other_addr}"),
        });
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(std::io::Error::other)?;
        let tasks = vec![
            tokio::spawn(server::serve(Arc::clone(&hub), api, server::Host::Api)),
            tokio::spawn(server::serve(Arc::clone(&hub), other, server::Host::Other)),
            tokio::spawn(Arc::clone(&hub).send_webhooks(client)),
        ];
        Ok(Self { hub, url, tasks })
    }

    /// Where the API is: `http://127.0.0.1:PORT`. Below `/api/v3` and `/api/graphql` it answers as well, as an
    /// Enterprise Server does; the pages of `setup` are at the same address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where logs are, and where redirects to another host lead.
    pub fn other_url(&self) -> &str {
        &self.hub.other_url
    }

    /// The App, with its private key.
    pub fn app(&self) -> App {
        locked(&self.hub.app).clone()
    }

    /// Changes what GitHub knows of the App: its permissions, its events, its webhook.
    pub fn change_app(&self, change: impl FnOnce(&mut App)) {
        change(&mut locked(&self.hub.app));
    }

    /// Sends webhooks to this address from now on, signed with this secret.
    pub fn send_webhooks_to(&self, url: &str, secret: &str) {
        let mut app = locked(&self.hub.app);
        app.webhook_url = Some(url.to_owned());
        secret.clone_into(&mut app.webhook_secret);
    }

    /// The address of the pages in payloads, `https://github.com` unless it is set.
    pub fn set_html_url(&self, url: &str) {
        url.trim_end_matches('/').clone_into(&mut locked(&self.hub.state).bases.html);
    }

    /// A repository; one that is not there is made, with an empty `main`, and its owner installs the App if no one
    /// has, all without a webhook.
    pub fn repository(&self, full_name: &str) -> Repo {
        let now = self.hub.now();
        let mut state = locked(&self.hub.state);
        if let Some((repo, false)) = state.repository(full_name) {
            return Repo::new(Arc::clone(&self.hub), repo.id);
        }
        let (owner, name) = full_name.split_once('/').unwrap_or(("acme", full_name));
        if !state.installations.values().any(|it| it.account == owner) {
            self.hub.new_installation(&mut state, owner, None);
        }
        let (id, first) = (state.ids.small(), state.ids.commit());
        let commit = Commit {
            sha: first.clone(),
            parents: Vec::new(),
            message: "The beginning".to_owned(),
            author: owner.to_owned(),
            at: now,
        };
        let repo = Repository {
            id,
            owner: owner.to_owned(),
            name: name.to_owned(),
            former: Vec::new(),
            private: false,
            default_branch: "main".to_owned(),
            created_at: now,
            updated_at: now,
            pushed_at: now,
            branches: BTreeMap::from([("main".to_owned(), first.clone())]),
            commits: HashMap::from([(first, commit)]),
            pulls: BTreeMap::new(),
            suites: BTreeMap::new(),
            checks: BTreeMap::new(),
            statuses: BTreeMap::new(),
            runs: BTreeMap::new(),
            jobs: BTreeMap::new(),
            roles: BTreeMap::new(),
            hidden: BTreeSet::new(),
            workflows: BTreeMap::new(),
            review_required: false,
            required_checks: BTreeSet::new(),
        };
        state.repositories.insert(id, repo);
        Repo::new(Arc::clone(&self.hub), id)
    }

    /// So many times the mergeability of a pull request is answered as not computed yet, after each push to it
    /// or to its base. 0 unless it is set: the first question is answered.
    pub fn set_slow_mergeability(&self, times: u32) {
        locked(&self.hub.state).slow_mergeability = times;
    }

    /// Waits until no webhook is being sent or waits to be; those that are held do not count.
    pub async fn settle(&self) {
        loop {
            let settled = self.hub.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.hub.is_settled() {
                return;
            }
            self.hub.wake.notify_one();
            settled.await;
        }
    }

    /// Keeps webhooks back.
    pub fn hold_webhooks(&self) {
        locked(&self.hub.webhooks).held = true;
    }

    /// Sends those that were kept back.
    pub fn release_webhooks(&self) {
        locked(&self.hub.webhooks).held = false;
        self.hub.wake.notify_one();
    }

    /// What goes wrong with webhooks from now on; `Trouble::default()` is nothing.
    pub fn trouble(&self, trouble: Trouble) {
        locked(&self.hub.webhooks).trouble(trouble);
    }

    /// All attempts of the last three days, newest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        let now = self.hub.now();
        locked(&self.hub.webhooks).list(None, now).cloned().collect()
    }

    /// Sends the event that a new webhook begins with.
    pub fn ping(&self) {
        let ping = web::ping(&locked(&self.hub.app));
        self.hub.tell(vec![ping]);
    }
}

fn words(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}
