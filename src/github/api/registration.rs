//! The App itself: what it needs at GitHub, how it is registered from a manifest, and what GitHub has registered.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::header::{ACCEPT, USER_AGENT};
use hyper::{Method, Request};
use octocrab::OctoBody;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::answer::Reply;
use super::budget::Priority;
use super::client::{AGENT, Client, root_cause, transport};
use super::error::GithubError;
use super::request::{Asker, Speaker};
use crate::domain::Timestamp;

/// A registered App's description is smaller.
const LARGEST: usize = 1 << 20;
/// GitHub takes no longer name.
const LONGEST_NAME: usize = 34;

/// A permission that the server needs, all of them to read, and what goes without it.
pub const PERMISSIONS: &[(&str, &str)] = &[
    ("metadata", "GitHub gives it to every App"),
    ("pull_requests", "no pull requests: nothing works"),
    ("checks", "failures of Actions and of most CI services go unseen"),
    ("actions", "no job logs, and workflows that fail to start go unseen"),
    ("statuses", "CI that reports by commit status goes unseen"),
    ("contents", "pushes to the base and merge bases go unseen"),
    ("issues", "comments below a pull request are not recorded"),
    ("merge_queues", "rounds of the merge queue go unseen"),
];

/// An event that the server needs, and what goes without it.
pub const EVENTS: &[(&str, &str)] = &[
    ("pull_request", "nothing works"),
    ("pull_request_review", "reviews go unseen"),
    ("pull_request_review_comment", "agents are not told what reviewers wrote"),
    ("pull_request_review_thread", "comments stay unresolved for ever"),
    ("issue_comment", "comments below a pull request are not recorded"),
    ("check_run", "failures of Actions and of most CI services go unseen"),
    ("check_suite", "agents hear of failures later"),
    ("status", "CI that reports by commit status goes unseen"),
    ("workflow_run", "workflows that fail to start go unseen"),
    ("workflow_job", "links and times of jobs are less exact"),
    ("push", "pushes to the base go unseen"),
    ("merge_group", "rounds of the merge queue go unseen"),
    ("repository", "a rename shows late"),
];

/// The addresses of a GitHub: its pages and its REST API, without slashes at their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The pages.
    pub web: String,
    /// REST.
    pub api: String,
}

impl Site {
    /// github.com, one of `ghe.com`, or an Enterprise Server, by the address of its pages.
    ///
    /// # Errors
    /// The address is none.
    pub fn of(web: &str) -> Result<Self, String> {
        let wants =
            || format!("wants the address of GitHub's pages, as https://github.com; it is {web:?}");
        let url = Url::parse(web.trim()).map_err(|_| wants())?;
        let host = url.host_str().ok_or_else(wants)?;
        if !matches!(url.scheme(), "http" | "https") || !matches!(url.path(), "" | "/") {
            return Err(wants());
        }
        let web = url.as_str().trim_end_matches('/').to_owned();
        let api = match host {
            "github.com" | "www.github.com" => "https://api.github.com".to_owned(),
            host if host.ends_with(".ghe.com") => format!("https://api.{host}"),
            _ => format!("{web}/api/v3"),
        };
        Ok(Self { web, api })
    }

    /// Where the form with the manifest goes, for a person's own App or an organisation's.
    pub fn form(&self, org: Option<&str>, state: &str) -> String {
        let owner = org.map_or_else(String::new, |org| format!("/organizations/{org}"));
        format!("{}{owner}/settings/apps/new?state={state}", self.web)
    }
}

/// What the App is to be.
#[derive(Debug, Clone)]
pub struct Manifest<'a> {
    /// Its name, which is cut to what GitHub takes.
    pub name: &'a str,
    /// Where GitHub sends webhooks.
    pub webhook: &'a Url,
    /// Where GitHub sends the browser with the code.
    pub back: &'a str,
    /// Whether it may run failed checks again.
    pub reruns: bool,
}

impl Manifest<'_> {
    /// GitHub's form of it:
    /// <https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest>.
    pub fn json(&self) -> Value {
        let mut permissions: BTreeMap<&str, &str> =
            PERMISSIONS.iter().map(|(name, _)| (*name, "read")).collect();
        if self.reruns {
            permissions.insert("actions", "write");
        }
        let events: Vec<&str> = EVENTS.iter().map(|(name, _)| *name).collect();
        let name: String = self.name.chars().take(LONGEST_NAME).collect();
        json!({
            "name": name.trim(), "url": self.webhook.origin().ascii_serialization(),
            "description": "Tells coding agents what became of their pull requests",
            "hook_attributes": {"url": self.webhook.as_str(), "active": true},
            "redirect_url": self.back, "public": false,
            "default_permissions": permissions, "default_events": events,
        })
    }
}

/// An App that was just registered. It holds secrets, which its `Debug` does not show.
#[derive(Deserialize)]
pub struct Registered {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its page at GitHub.
    pub html_url: String,
    /// Its private key.
    pub pem: String,
    /// What webhooks are signed with.
    pub webhook_secret: String,
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registered").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Exchanges the code that the browser brought, good once and for an hour, for the App.
///
/// # Errors
/// See [`GithubError`].
///
/// # Panics
/// Outside a tokio runtime.
pub async fn register(api: &str, code: &str) -> Result<Registered, GithubError> {
    let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if code.is_empty() || !code.chars().all(is_code) {
        return Err(GithubError::Malformed("the code it sent is none".to_owned()));
    }
    let unavailable = |reason: String| GithubError::Unavailable(reason);
    let base = Url::parse(&format!("{api}/"));
    let base = base.map_err(|_| unavailable("its address is none".to_owned()))?;
    let octocrab = transport(&base).map_err(|error| unavailable(error.to_string()))?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/app-manifests/{code}/conversions"))
        .header(ACCEPT, "application/vnd.github+json")
        .header(USER_AGENT, AGENT)
        .body(OctoBody::empty())
        .map_err(|_| unavailable("the request is none".to_owned()))?;
    let response = octocrab.execute(request).await;
    let response = response.map_err(|error| unavailable(root_cause(&error)))?;
    let (head, body) = response.into_parts();
    let read = Limited::new(body, LARGEST).collect().await;
    let body = read.map_err(|error| unavailable(root_cause(&*error)))?.to_bytes();
    let reply = Reply { status: head.status.as_u16(), headers: head.headers, body };
    understood(&reply.judge()?.body)
}

fn understood<T: DeserializeOwned>(body: &Bytes) -> Result<T, GithubError> {
    // The parser's words could quote a secret.
    serde_json::from_slice(body)
        .map_err(|_| GithubError::Malformed("it is not what the documentation says".to_owned()))
}

/// The App as GitHub has it.
#[derive(Debug, Clone, Deserialize)]
pub struct RegisteredApp {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its page.
    #[serde(default)]
    pub html_url: String,
    /// Permissions and their levels.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// Events that it subscribes to.
    #[serde(default)]
    pub events: Vec<String>,
}

/// The App's webhook as GitHub has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Hook {
    /// Where deliveries go.
    #[serde(default)]
    pub url: Option<String>,
    /// `"1"` where certificates are not verified; a number in older releases.
    #[serde(default)]
    insecure_ssl: Value,
}

impl Hook {
    /// Whether certificates are verified.
    pub fn verifies(&self) -> bool {
        self.insecure_ssl != "1" && self.insecure_ssl != 1
    }
}

/// An installation as GitHub has it.
#[derive(Debug, Clone, Deserialize)]
pub struct InstalledApp {
    /// Where.
    #[serde(default)]
    account: Option<Account>,
    /// Since when it is suspended, if so.
    #[serde(default)]
    pub suspended_at: Option<String>,
    /// What its owner has accepted.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// Its page.
    #[serde(default)]
    pub html_url: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Account {
    #[serde(default)]
    login: Option<String>,
}

impl InstalledApp {
    /// The account's name, which an enterprise has not.
    pub fn account(&self) -> &str {
        let login = self.account.as_ref().and_then(|account| account.login.as_deref());
        login.unwrap_or("an enterprise")
    }
}

/// An attempt to deliver a webhook, as GitHub has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Attempt {
    /// Its id.
    pub id: i64,
    /// The event's name.
    pub event: String,
    /// When.
    pub delivered_at: Timestamp,
    /// GitHub's words for what came of it.
    #[serde(default)]
    pub status: String,
    /// What was answered; 0 where that is not known.
    #[serde(default)]
    pub status_code: u16,
}

impl Attempt {
    /// Whether it was taken.
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.status_code)
    }
}

/// Questions about the App itself.
impl Client {
    /// What is registered.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn registered_app(&self) -> Result<RegisteredApp, GithubError> {
        understood(&self.get(about(), "/app").await?.body)
    }

    /// Its webhook.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn hook(&self) -> Result<Hook, GithubError> {
        understood(&self.get(about(), "/app/hook/config").await?.body)
    }

    /// Where it is installed: the first hundred.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn installed_apps(&self) -> Result<Vec<InstalledApp>, GithubError> {
        understood(&self.get(about(), "/app/installations?per_page=100").await?.body)
    }

    /// The last hundred attempts to deliver webhooks, newest first.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn attempts(&self) -> Result<Vec<Attempt>, GithubError> {
        understood(&self.get(about(), "/app/hook/deliveries?per_page=100").await?.body)
    }

    /// Has GitHub deliver again what an attempt was about.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn redeliver(&self, attempt: i64) -> Result<(), GithubError> {
        let path = format!("/app/hook/deliveries/{attempt}/attempts");
        self.post(about(), &path, &json!({})).await.map(drop)
    }
}

fn about() -> Asker {
    Asker { speaker: Speaker::App, kind: "app", priority: Priority::Refresh }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_by_the_address_of_the_pages() {
        let api = |web| Site::of(web).map(|site| site.api);
        assert_eq!(api("https://github.com/").unwrap(), "https://api.github.com");
        assert_eq!(api("https://acme.ghe.com").unwrap(), "https://api.acme.ghe.com");
        assert_eq!(api("https://git.acme.example").unwrap(), "https://git.acme.example/api/v3");
        assert!(api("github.com").is_err() && api("https://github.com/acme").is_err());
        let site = Site::of("https://github.com").unwrap();
        let form = "https://github.com/organizations/acme/settings/apps/new?state=s";
        assert_eq!(site.form(Some("acme"), "s"), form);
    }

    #[test]
    fn the_manifest_asks_to_read_alone_unless_checks_may_be_run_again() {
        let webhook = Url::parse("https://n.example/webhooks/github").unwrap();
        let name = "a name that is longer than GitHub takes it";
        let mut manifest = Manifest { name, webhook: &webhook, back: "http://b", reruns: false };
        let json = manifest.json();
        let permissions = json["default_permissions"].as_object().unwrap();
        assert!(permissions.values().all(|level| level == "read"), "{permissions:?}");
        assert_eq!(json["url"], "https://n.example");
        assert!(json["name"].as_str().unwrap().len() <= LONGEST_NAME);
        manifest.reruns = true;
        assert_eq!(manifest.json()["default_permissions"]["actions"], "write");
    }
}
