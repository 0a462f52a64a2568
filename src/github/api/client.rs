//! The one client of GitHub's API: every request goes through here, and so through the budget.
//!
//! `octocrab` sends and authenticates: to paths below the API's own address alone, so that no credential
//! reaches another host. It follows nothing and tries nothing again by itself; both is decided here.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, IF_NONE_MATCH, USER_AGENT};
use hyper::{Method, Request};
use octocrab::{OctoBody, Octocrab};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::answer::{Reply, host, path_below};
use super::budget::{Account, Claim, Closed, Priority, Quota, Seen};
use super::credentials::{Credentials, Token, Tokens};
use super::desk::Desk;
use super::error::GithubError;
use super::etags::{Etags, MOST_HELD};
use super::metrics;
use super::request::{Answer, Asker, Pages, Speaker, Wanted, plain};
use crate::clock::Clock;
use crate::domain::Timestamp;

/// A request is answered, its body read, within this.
const PATIENCE: Duration = Duration::from_secs(30);
/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// The largest body that is read whole.
const LARGEST: usize = 32 << 20;
/// Redirects that are followed for one request.
const MOST_REDIRECTS: usize = 3;
/// Pages of one list that are read: 10,000 items.
const MOST_PAGES: usize = 100;
pub(super) const AGENT: &str = concat!("nudged/", env!("CARGO_PKG_VERSION"));

/// GitHub's API; clones share everything.
#[derive(Clone)]
pub struct Client {
    parts: Arc<Parts>,
}

struct Parts {
    base: Url,
    credentials: Credentials,
    rest: Octocrab,
    /// Enterprise servers have GraphQL beside the path of REST.
    graph: Octocrab,
    /// For where GitHub sends us: it knows no credentials.
    away: reqwest::Client,
    clock: Clock,
    desk: Arc<Desk>,
    etags: Mutex<Etags>,
    tokens: Mutex<Tokens>,
    /// One buys a token at a time; the others take it.
    renewal: tokio::sync::Mutex<()>,
}

impl Client {
    /// Nothing is asked yet. `api` is the address of REST, as `https://api.github.com` or
    /// `https://ghe.example/api/v3`.
    ///
    /// # Errors
    /// The address is of no use, or TLS cannot be set up.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(api: &str, credentials: Credentials, clock: Clock) -> anyhow::Result<Self> {
        let mut base = Url::parse(api).context("the address of GitHub's API is none")?;
        anyhow::ensure!(
            matches!(base.scheme(), "http" | "https") && base.has_host(),
            "the address of GitHub's API has to begin with https://"
        );
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        base.set_query(None);
        let rest = transport(&base)?;
        let graph = match path.strip_suffix("/v3/") {
            Some(stem) => {
                let mut beside = base.clone();
                beside.set_path(stem);
                transport(&beside)?
            }
            None => rest.clone(),
        };
        let away = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::limited(MOST_REDIRECTS))
            .connect_timeout(CONNECT)
            .read_timeout(PATIENCE)
            .user_agent(AGENT)
            .no_proxy()
            .build()
            .context("cannot set up the fetching of logs")?;
        let parts = Parts {
            base,
            credentials,
            rest,
            graph,
            away,
            desk: Desk::new(clock.clone()),
            clock,
            etags: Mutex::new(Etags::new(MOST_HELD)),
            tokens: Mutex::new(Tokens::default()),
            renewal: tokio::sync::Mutex::new(()),
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// GETs from where GitHub sends us, without credentials.
    ///
    /// # Errors
    /// Nobody answered, or the address is none that logs may come from.
    pub(super) async fn get_away(&self, address: &str) -> Result<reqwest::Response, GithubError> {
        let url = Url::parse(address);
        let plain = self.parts.base.scheme() == "http";
        let allowed = |url: &Url| url.scheme() == "https" || (plain && url.scheme() == "http");
        let Some(url) = url.ok().filter(allowed) else {
            return Err(GithubError::Strayed(host(address)));
        };
        let sent = self.parts.away.get(url).send().await;
        sent.map_err(|error| GithubError::Unavailable(root_cause(&error.without_url())))
    }

    /// The path that an address of GitHub's stands for.
    ///
    /// # Errors
    /// It leads to another host.
    pub(super) fn path_below(&self, address: &str) -> Result<String, GithubError> {
        path_below(&self.parts.base, address).ok_or_else(|| GithubError::Strayed(host(address)))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// What GitHub's clock shows now.
    pub(super) fn there(&self) -> Timestamp {
        self.tokens().there(self.now())
    }

    /// By how many seconds GitHub's clock is ahead of ours, as far as its answers told.
    pub fn skew(&self) -> i64 {
        self.tokens().skew()
    }

    /// The App's id.
    pub fn app(&self) -> i64 {
        self.parts.credentials.app()
    }

    /// Until when nothing of the account is sent, if so.
    pub(super) fn closed(&self, account: Account) -> Option<Timestamp> {
        self.parts.desk.closed(account).map(|(until, _)| until)
    }

    /// What is left of an account's REST requests.
    pub(super) fn left(&self, account: Account) -> Option<u64> {
        self.parts.desk.left(account, Quota::Core).map(|left| left.remaining)
    }

    /// GETs JSON, or is told that it is as it was.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn get(&self, asker: Asker, path: &str) -> Result<Answer, GithubError> {
        let held = self.etags().get(path);
        let etag = held.as_ref().map(|held| held.etag.clone());
        let reply = self.exchange(&plain(asker, path, etag)).await?;
        if reply.status == 304 {
            let held = held.and_then(|held| Some((held.body()?, held.next)));
            if let Some((body, next)) = held {
                return Ok(Answer { body, next, unchanged: true });
            }
            self.etags().forget(path);
            return Err(GithubError::Malformed("304 to what was never answered".to_owned()));
        }
        let next = reply.next().and_then(|address| path_below(&self.parts.base, address));
        match reply.etag() {
            Some(etag) => self.etags().put(path, etag, &reply.body, next.clone()),
            None => self.etags().forget(path),
        }
        Ok(Answer { body: reply.body, next, unchanged: false })
    }

    /// GETs all pages of a list. `path` has a query already.
    ///
    /// # Errors
    /// Any page failed: part of a list is no list.
    pub async fn pages(&self, asker: Asker, path: &str) -> Result<Pages, GithubError> {
        let mut pages = Pages { unchanged: true, ..Pages::default() };
        let mut next = Some(format!("{path}&per_page=100"));
        while let Some(path) = next.take().filter(|_| pages.bodies.len() < MOST_PAGES) {
            let answer = self.get(asker, &path).await?;
            pages.unchanged &= answer.unchanged;
            pages.bodies.push(answer.body);
            next = answer.next;
        }
        pages.whole = next.is_none();
        Ok(pages)
    }

    /// POSTs JSON; the answer's body.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub async fn post(
        &self,
        asker: Asker,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<Bytes, GithubError> {
        let wanted = Wanted {
            method: Method::POST,
            body: Some(body.to_string()),
            ..plain(asker, path, None)
        };
        Ok(self.exchange(&wanted).await?.body)
    }

    /// Asks GraphQL; the answer's body.
    ///
    /// # Errors
    /// See [`GithubError`].
    pub(super) async fn query(&self, asker: Asker, body: String) -> Result<Bytes, GithubError> {
        let wanted = Wanted {
            method: Method::POST,
            body: Some(body),
            quota: Quota::Graphql,
            ..plain(asker, "/graphql", None)
        };
        Ok(self.exchange(&wanted).await?.body)
    }

    /// Sends a request with its credentials, which are renewed once; redirects within the API are followed.
    async fn exchange(&self, wanted: &Wanted) -> Result<Reply, GithubError> {
        let mut wanted = wanted.clone();
        for _ in 0..=MOST_REDIRECTS {
            let reply = self.authorised(&wanted).await?;
            if !reply.is_redirect() {
                return reply.judge();
            }
            wanted.path = self.path_below(reply.location().unwrap_or_default())?;
        }
        Err(GithubError::Malformed("it redirects in circles".to_owned()))
    }

    /// The same, with a redirect as it is: where it leads may be another host.
    pub(super) async fn authorised(&self, wanted: &Wanted) -> Result<Reply, GithubError> {
        let reply = self.as_speaker(wanted).await?;
        if reply.status != 401 {
            return Ok(reply);
        }
        // The token was taken back, or the App's own came out of a clock that is wrong: once more.
        self.as_speaker(wanted).await
    }

    async fn as_speaker(&self, wanted: &Wanted) -> Result<Reply, GithubError> {
        let speaker = wanted.asker.speaker;
        let bearer: Arc<str> = match speaker {
            Speaker::App => self.jwt()?.into(),
            Speaker::Installation(id) => self.token(id).await?.text,
        };
        let reply = self.attempt(wanted, &bearer).await?;
        if let (401, Speaker::Installation(id)) = (reply.status, speaker) {
            self.tokens().refuse(id, &bearer);
        }
        Ok(reply)
    }

    fn jwt(&self) -> Result<String, GithubError> {
        let there = self.tokens().there(self.now());
        self.parts.credentials.jwt(there)
    }

    /// An installation's token, bought where there is none that lasts.
    async fn token(&self, installation: i64) -> Result<Token, GithubError> {
        #[derive(Deserialize)]
        struct Bought {
            token: String,
            expires_at: Timestamp,
        }
        if let Some(token) = self.tokens().get(installation, self.now()) {
            return Ok(token);
        }
        let _one = self.parts.renewal.lock().await;
        if let Some(token) = self.tokens().get(installation, self.now()) {
            return Ok(token);
        }
        let path = format!("/app/installations/{installation}/access_tokens");
        let asker = Asker { speaker: Speaker::App, kind: "token", priority: Priority::Refresh };
        let wanted = Wanted {
            method: Method::POST,
            body: Some(json!({}).to_string()),
            ..plain(asker, &path, None)
        };
        let mut reply = self.attempt(&wanted, &self.jwt()?).await?;
        if reply.status == 401 {
            reply = self.attempt(&wanted, &self.jwt()?).await?;
        }
        let reply = reply.judge().map_err(|error| {
            let nowhere = error == GithubError::NotFound;
            if nowhere { GithubError::NotInstalled } else { error }
        })?;
        let bought: Bought = serde_json::from_slice(&reply.body)
            .map_err(|_| GithubError::Malformed("no token where one was bought".to_owned()))?;
        let token = Token { text: bought.token.into(), expires_at: bought.expires_at };
        self.tokens().put(installation, token.clone());
        Ok(token)
    }

    /// Sends a request once, when its turn has come.
    async fn attempt(&self, wanted: &Wanted, bearer: &str) -> Result<Reply, GithubError> {
        let Asker { speaker, kind, priority } = wanted.asker;
        let (account, quota) = (speaker.account(), wanted.quota);
        let claim = Claim { account, quota, priority };
        let pass = self.parts.desk.admit(claim).await.map_err(|(until, why)| match why {
            Closed::Limited => GithubError::Limited { until },
            Closed::Down => GithubError::Unavailable(format!("it is asked again at {until}")),
        })?;
        let sent = tokio::time::timeout(PATIENCE, self.send(wanted, bearer)).await;
        let sent = sent.unwrap_or_else(|_| {
            Err(format!("no answer within {}", humantime::format_duration(PATIENCE)))
        });
        metrics::asked(kind, sent.as_ref().ok().map(|reply| reply.status));
        match sent {
            Ok(reply) => {
                let seen = reply.seen();
                if let Some(date) = seen.date {
                    let skew = self.tokens().compare(date, self.now());
                    metrics::skew(skew);
                }
                pass.end(&seen, account, quota);
                if seen.limited {
                    let until = self.closed(account);
                    let until = until.unwrap_or_else(|| self.quota_reset(account, quota));
                    return Err(GithubError::Limited { until });
                }
                Ok(reply)
            }
            Err(reason) => {
                pass.end(&Seen { down: true, ..Seen::default() }, account, quota);
                Err(GithubError::Unavailable(reason))
            }
        }
    }

    fn quota_reset(&self, account: Account, quota: Quota) -> Timestamp {
        self.parts.desk.left(account, quota).map_or_else(|| self.now(), |left| left.reset)
    }

    /// The request itself; an error says in a few words, without an address, what broke.
    async fn send(&self, wanted: &Wanted, bearer: &str) -> Result<Reply, String> {
        let request = Request::builder()
            .method(wanted.method.clone())
            .uri(&wanted.path)
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .header(USER_AGENT, AGENT);
        let request = match &wanted.etag {
            Some(etag) => request.header(IF_NONE_MATCH, etag),
            None => request,
        };
        let request = match &wanted.body {
            Some(_) => request.header(CONTENT_TYPE, "application/json"),
            None => request,
        };
        let body = wanted.body.clone().map_or_else(OctoBody::empty, OctoBody::from);
        let request = request.body(body).map_err(|_| "the request is none".to_owned())?;
        let through = match wanted.quota {
            Quota::Core => &self.parts.rest,
            Quota::Graphql => &self.parts.graph,
        };
        let through = through.user_access_token(bearer).map_err(|error| root_cause(&error))?;
        let response = through.execute(request).await.map_err(|error| root_cause(&error))?;
        let (head, body) = response.into_parts();
        let read = Limited::new(body, LARGEST).collect().await;
        let body =
            read.map_err(|error| format!("its answer broke off: {}", root_cause(&*error)))?;
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
    }

    fn etags(&self) -> MutexGuard<'_, Etags> {
        self.parts.etags.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.parts.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn transport(base: &Url) -> anyhow::Result<Octocrab> {
    Octocrab::builder()
        .base_uri(base.as_str().trim_end_matches('/'))
        .and_then(|builder| {
            builder
                .set_connect_timeout(Some(CONNECT))
                .set_read_timeout(Some(PATIENCE))
                .set_write_timeout(Some(PATIENCE))
                .build()
        })
        .map_err(|error| anyhow::anyhow!("GitHub's API cannot be set up: {}", root_cause(&error)))
}

/// The innermost reason: it names no address, and no backtrace comes with it.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string().lines().next().unwrap_or_default().to_owned()
}
