//! What all parts of the fake GitHub share, and the door to each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::auth::{App, Caller, Tokens};
use super::faults::Faults;
use super::shapes;
use super::state::{Ids, Repository, State};
use super::webhooks::{self, Event, Webhooks};

/// Where the fake GitHub gets the time from.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A request that came in, as tests look at them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// By the fake's clock.
    pub at: Timestamp,
    /// `GET`.
    pub method: String,
    /// With its query.
    pub path: String,
    /// Whom it spoke for; `Nobody` where its credentials were refused.
    pub caller: Caller,
    /// It bore an `Authorization` header.
    pub credentials: bool,
    /// It bore `If-None-Match`.
    pub conditional: bool,
    /// It came while a limit was in force.
    pub inside_penalty: bool,
    /// What was answered; 0 where the connection was ended.
    pub status: u16,
    /// It came to the other host: the one of logs, or of redirects.
    pub other_host: bool,
    /// What it cost in GraphQL.
    pub points: u32,
}

/// Requests of this hour, of one installation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    pub(super) used: u32,
    pub(super) points: u32,
    pub(super) reset: Timestamp,
}

/// Everything that is shared.
pub(super) struct Hub {
    pub(super) now: Now,
    pub(super) state: Mutex<State>,
    pub(super) app: Mutex<App>,
    pub(super) tokens: Mutex<Tokens>,
    pub(super) faults: Mutex<Faults>,
    pub(super) webhooks: Mutex<Webhooks>,
    pub(super) seen: Mutex<Vec<Seen>>,
    pub(super) quotas: Mutex<std::collections::BTreeMap<i64, Quota>>,
    pub(super) limit: std::sync::atomic::AtomicU32,
    /// Requests that are being answered, and the most there were at once.
    pub(super) at_once: Mutex<(usize, usize)>,
    /// Apps that were registered by a manifest, by the code that fetches them.
    pub(super) codes: Mutex<std::collections::BTreeMap<String, App>>,
    /// Something waits to be sent, or may be sent again.
    pub(super) wake: Notify,
    /// Everything was sent.
    pub(super) settled: Notify,
    pub(super) sending: std::sync::atomic::AtomicBool,
    /// Of the other host, without a slash at the end.
    pub(super) other_url: String,
}

/// A lock is only ever held for a moment of plain data: what a panic left behind is still whole.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    pub(super) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Alters a repository and tells what the change says.
    ///
    /// # Panics
    ///
    /// There is no such repository: handles are only made of those that are there.
    pub(super) fn change<T>(&self, id: i64, change: impl FnOnce(&mut Change<'_>) -> T) -> T {
        let now = self.now();
        let mut state = locked(&self.state);
        let State { repositories, installations, ids, bases, slow_mergeability } = &mut *state;
        let Some(repo) = repositories.get_mut(&id) else { panic!("no repository {id}") };
        let installation = installations.values().find(|it| it.covers(repo)).map(|it| it.id);
        let (events, bases, slow) = (Vec::new(), &*bases, *slow_mergeability);
        let mut context = Change { repo, ids, now, bases, installation, slow, events };
        let done = change(&mut context);
        let events = context.events;
        drop(state);
        self.tell(events);
        done
    }

    /// Queues events that the App subscribes to.
    pub(super) fn tell(&self, events: Vec<Event>) {
        let app = locked(&self.app);
        let mut webhooks = locked(&self.webhooks);
        if app.webhook_url.is_none() {
            return;
        }
        let always =
            ["installation", "installation_repositories", "ping", "github_app_authorization"];
        for event in events {
            if always.contains(&event.name) || app.events.iter().any(|it| it == event.name) {
                webhooks.tell(event);
            }
        }
        drop((app, webhooks));
        self.wake.notify_one();
    }

    /// Sends what waits, one after the other, until it is dropped.
    pub(super) async fn send_webhooks(self: Arc<Self>, client: reqwest::Client) {
        use std::sync::atomic::Ordering;
        loop {
            let next = {
                let mut webhooks = locked(&self.webhooks);
                let next = webhooks.next();
                self.sending.store(next.is_some(), Ordering::SeqCst);
                next
            };
            let Some(next) = next else {
                self.settled.notify_waiters();
                self.wake.notified().await;
                continue;
            };
            let app = locked(&self.app).clone();
            if let Some(delivery) = webhooks::send(&client, &app, next, self.now()).await {
                locked(&self.webhooks).record(delivery);
            }
        }
    }

    /// Whether nothing is being sent or waits for it.
    pub(super) fn is_settled(&self) -> bool {
        let webhooks = locked(&self.webhooks);
        let sending = self.sending.load(std::sync::atomic::Ordering::SeqCst);
        !sending && (webhooks.held || !webhooks.are_waiting())
    }
}

/// A change of a repository while it is made.
pub(super) struct Change<'a> {
    pub(super) repo: &'a mut Repository,
    pub(super) ids: &'a mut Ids,
    pub(super) now: Timestamp,
    pub(super) bases: &'a super::state::Bases,
    pub(super) installation: Option<i64>,
    pub(super) slow: u32,
    events: Vec<Event>,
}

impl Change<'_> {
    /// Tells an event of this repository, with what all of them have.
    pub(super) fn tell(
        &mut self,
        name: &'static str,
        action: Option<&str>,
        sender: &str,
        fields: Value,
    ) {
        if self.installation.is_none() {
            return;
        }
        let mut payload = json!({});
        if let Some(action) = action {
            payload["action"] = action.into();
        }
        let (bases, repo) = (self.bases, &*self.repo);
        shapes::extend(&mut payload, fields);
        if payload.get("repository").is_none() {
            payload["repository"] = shapes::repository(bases, repo);
        }
        let owner = shapes::owner(bases, &repo.owner);
        payload["organization"] = json!({"login": repo.owner, "id": owner["id"],
            "node_id": owner["node_id"], "url": format!("{}/orgs/{}", bases.api, repo.owner),
            "description": ""});
        payload["sender"] = shapes::user(bases, sender);
        if let Some(id) = self.installation {
            payload["installation"] = json!({"id": id, "node_id": shapes::node_id("IN", &[id])});
        }
        self.events.push(Event {
            name,
            action: action.map(str::to_owned),
            payload: payload.to_string().into(),
            repository: Some(repo.id),
            installation: self.installation,
        });
    }
}
