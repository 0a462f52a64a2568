//! The way of a request to the API: seen, spoilt, limited, authenticated, answered, and compared with what the
//! client has.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::auth::{self, Caller};
use super::body::{Body, Paced, full};
use super::draft::Draft;
use super::faults::{Fault, Limit, Penalty};
use super::graphql;
use super::hub::{Hub, Quota, Seen, locked};
use super::rest::{self, Answer, Ask};

use super::shapes;
use super::web;

/// What is known of a request before it is answered.
struct Facts {
    seen: Seen,
    now: Timestamp,
    if_none_match: Option<String>,
}

/// Answers a request to the API's host.
pub(super) async fn answer(
    hub: &Hub,
    request: Request<Incoming>,
) -> Result<Response<Body>, std::io::Error> {
    let _here = Presence::new(hub);
    let now = hub.now();
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let (authorization, if_none_match) = (header("authorization"), header("if-none-match"));
    let method = request.method().to_string();
    let path = request.uri().path_and_query().map_or("/", |it| it.as_str()).to_owned();
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();

    let penalty = locked(&hub.faults).penalty.filter(|penalty| now < penalty.until);
    let mut seen = Seen {
        at: now,
        method,
        path,
        caller: Caller::Nobody,
        credentials: authorization.is_some(),
        conditional: if_none_match.is_some(),
        inside_penalty: penalty.is_some(),
        status: 0,
        other_host: false,
        points: 0,
    };
    let fault = locked(&hub.faults).strike(&seen.path);
    if let Some(Fault::Late(by)) = fault {
        tokio::time::sleep(by).await;
    }
    let caller = {
        let (app, tokens) = (locked(&hub.app), locked(&hub.tokens));
        auth::caller(authorization.as_deref(), &app, &tokens, now)
    };
    seen.caller = caller.clone().unwrap_or(Caller::Nobody);
    let mut facts = Facts { seen, now, if_none_match };
    let draft = match (fault.as_ref().map(|it| spoilt(hub, it)), penalty, caller) {
        (Some(Spoilt::Instead(draft)), ..) => draft,
        (Some(Spoilt::Nothing), ..) => {
            locked(&hub.seen).push(facts.seen);
            return Err(std::io::ErrorKind::ConnectionReset.into());
        }
        (_, Some(penalty), _) => refused(hub, penalty),
        (_, None, Err(message)) => Draft::message(401, &message),
        (_, None, Ok(caller)) => respond(hub, &facts, caller, &body),
    };
    let draft = finish(hub, &mut facts, draft);
    let whole = full(draft.body);
    let body = match fault {
        Some(fault @ (Fault::Slow(_) | Fault::CutInHalf)) => {
            Paced::of(fault, whole).unwrap_or_else(|(_, body)| body)
        }
        _ => whole,
    };
    facts.seen.status = draft.status;
    facts.seen.points = draft.points;
    locked(&hub.seen).push(facts.seen);
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(draft.status).map_err(std::io::Error::other)?;
    for (name, value) in draft.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

/// What a fault puts in an answer's place.
enum Spoilt {
    Instead(Draft),
    Nothing,
    /// The right answer, in a wrong manner.
    Rightly,
}

fn spoilt(hub: &Hub, fault: &Fault) -> Spoilt {
    let page = "<!DOCTYPE html><html><body><h1>Unicorn!</h1></body></html>";
    Spoilt::Instead(match fault {
        Fault::Status(451, text) => Draft::json(
            451,
            &json!({"message": text, "block": {"reason": "dmca", "created_at": "2026-01-01T00:00:00Z"}}),
        ),
        Fault::Status(status, text) => Draft::message(*status, text),
        Fault::Html => Draft::html(200, page),
        Fault::HtmlStatus(status) => Draft::html(*status, page),
        Fault::ToOtherHost(status) => {
            Draft::redirect(*status, &format!("{}/elsewhere", hub.other_url))
        }
        Fault::To(status, url) => Draft::redirect(*status, url),
        Fault::Forbidden(permission) => forbidden(permission),
        Fault::Hangup => return Spoilt::Nothing,
        Fault::CutInHalf | Fault::Slow(_) | Fault::Late(_) => return Spoilt::Rightly,
    })
}

fn forbidden(permission: &str) -> Draft {
    let mut draft = Draft::message(403, "Resource not accessible by integration");
    draft.headers.push(("x-accepted-github-permissions", format!("{permission}=read")));
    draft
}

fn refused(hub: &Hub, penalty: Penalty) -> Draft {
    let message = match penalty.kind {
        Limit::Primary => "API rate limit exceeded for installation ID 1.",
        Limit::Secondary | Limit::Bare => {
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        }
    };
    let mut draft = Draft::message(penalty.status, message);
    let seconds = penalty.until.duration_since(hub.now()).as_secs().max(1);
    match penalty.kind {
        Limit::Primary => {
            draft.headers.push(("x-ratelimit-remaining", "0".to_owned()));
            draft.headers.push(("x-ratelimit-reset", penalty.until.as_second().to_string()));
        }
        Limit::Secondary => draft.headers.push(("retry-after", seconds.to_string())),
        Limit::Bare => {}
    }
    draft
}

/// The answer of the API, or of a page.
fn respond(hub: &Hub, facts: &Facts, caller: Caller, body: &Bytes) -> Draft {
    let (path, query) = facts.seen.path.split_once('?').unwrap_or((&facts.seen.path, ""));
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let path = match path.strip_prefix("/api/v3") {
        Some(rest) => rest,
        None if path == "/api/graphql" => "/graphql",
        None => path,
    };
    if let Some(page) = web::page(hub, &facts.seen.method, path, &query, body) {
        return page;
    }
    let limit = hub.limit.load(Ordering::SeqCst);
    let quota = hub.quota(caller, facts.now);
    let json_body = serde_json::from_slice(body).unwrap_or_default();
    if path == "/graphql" {
        return graph(hub, facts, caller, &json_body, quota, limit);
    }
    if quota.used >= limit && path != "/rate_limit" {
        let kind = Limit::Primary;
        return refused(hub, Penalty { kind, until: quota.reset, status: 403 });
    }
    let ask = Ask {
        method: facts.seen.method.clone(),
        path: path.to_owned(),
        query,
        body: json_body,
        caller,
        now: facts.now,
    };
    match rest::answer(hub, &ask) {
        Answer::Json(status, value) => Draft::json(status, &value),
        Answer::Page(value, links) => {
            let mut draft = Draft::json(200, &value);
            let base = format!("{}{path}", locked(&hub.state).bases.api);
            let links: Vec<String> = links
                .into_iter()
                .map(|(rel, query)| format!("<{base}?{query}>; rel=\"{rel}\""))
                .collect();
            if !links.is_empty() {
                draft.headers.push(("link", links.join(", ")));
            }
            draft
        }
        Answer::Redirect(status, to) => {
            let mut draft = Draft::message(status, "Moved Permanently");
            draft.headers.push(("location", to));
            draft
        }
        Answer::Forbidden(permission) => forbidden(permission),
        Answer::NotFound => Draft::message(404, "Not Found"),
        Answer::Message(status, message) => Draft::message(status, &message),
    }
}

fn graph(
    hub: &Hub,
    facts: &Facts,
    caller: Caller,
    body: &Value,
    quota: Quota,
    limit: u32,
) -> Draft {
    let installation = match caller {
        Caller::Nobody => {
            return Draft::message(401, "This endpoint requires you to be authenticated.");
        }
        Caller::App => None,
        Caller::Installation(id) => Some(id),
    };
    let mut state = locked(&hub.state);
    for (repo, number) in graphql::pulls_asked_for(&state, body) {
        state.compute_mergeability(repo, number);
    }
    let suspended =
        |id: &i64| state.installations.get(id).is_some_and(|it| it.suspended_at.is_some());
    if installation.as_ref().is_some_and(suspended) {
        return Draft::message(403, "This installation has been suspended");
    }
    if quota.points >= limit {
        return Draft::json(
            200,
            &json!({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}),
        );
    }
    let left = (limit, limit - quota.points, shapes::time(quota.reset));
    let outcome =
        graphql::answer(&graphql::Scope { state: &state, installation, quota: left }, body);
    drop(state);
    hub.spend(caller, facts.now, 0, outcome.points);
    let mut draft = Draft::json(200, &outcome.answer);
    draft.points = outcome.points;
    draft
}

/// The ETag and the 304, the quota and its headers, and what every answer bears.
fn finish(hub: &Hub, facts: &mut Facts, mut draft: Draft) -> Draft {
    let (now, caller) = (facts.now, facts.seen.caller);
    let graphql = facts.seen.path.ends_with("/graphql");
    if facts.seen.method == "GET" && draft.status == 200 {
        let etag = format!("W/\"{}\"", hex::encode(Sha256::digest(&draft.body)));
        let known = facts.if_none_match.as_deref();
        let same = known.is_some_and(|known| known.split(',').any(|it| it.trim() == etag));
        draft.headers.push(("etag", etag));
        if same {
            draft.status = 304;
            draft.body = Bytes::new();
            draft.headers.retain(|(name, _)| *name != "content-type");
        }
    }
    let limited = draft.headers.iter().any(|(name, _)| *name == "x-ratelimit-remaining");
    let free = graphql || draft.status == 304 || facts.seen.path.ends_with("/rate_limit");
    if !free && !limited && !facts.seen.inside_penalty {
        hub.spend(caller, now, 1, 0);
    }
    let (quota, limit) = (hub.quota(caller, now), hub.limit.load(Ordering::SeqCst));
    let used = if graphql { quota.points } else { quota.used };
    draft.headers.push(("x-ratelimit-limit", limit.to_string()));
    if !limited {
        draft.headers.push(("x-ratelimit-remaining", limit.saturating_sub(used).to_string()));
        draft.headers.push(("x-ratelimit-reset", quota.reset.as_second().to_string()));
    }
    let resource = if graphql { "graphql" } else { "core" };
    draft.headers.push(("x-ratelimit-used", used.to_string()));
    draft.headers.push(("x-ratelimit-resource", resource.to_owned()));
    draft.headers.push(("x-github-request-id", format!("FAKE:{}", locked(&hub.seen).len())));
    draft.headers.push(("date", now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    draft
}

impl Hub {
    /// What a caller has used of this hour.
    pub(super) fn quota(&self, caller: Caller, now: Timestamp) -> Quota {
        let hour = SignedDuration::from_hours(1);
        let fresh = Quota { used: 0, points: 0, reset: now.checked_add(hour).unwrap_or(now) };
        let mut quotas = locked(&self.quotas);
        let quota = quotas.entry(quota_of(caller)).or_insert(fresh);
        if quota.reset <= now {
            *quota = fresh;
        }
        *quota
    }

    fn spend(&self, caller: Caller, now: Timestamp, used: u32, points: u32) {
        let quota = self.quota(caller, now);
        let spent = Quota { used: quota.used + used, points: quota.points + points, ..quota };
        locked(&self.quotas).insert(quota_of(caller), spent);
    }
}

fn quota_of(caller: Caller) -> i64 {
    match caller {
        Caller::Nobody => -1,
        Caller::App => 0,
        Caller::Installation(id) => id,
    }
}

/// Counts those that are being answered.
struct Presence<'a>(&'a Hub);

impl<'a> Presence<'a> {
    fn new(hub: &'a Hub) -> Self {
        let mut at_once = locked(&hub.at_once);
        at_once.0 += 1;
        at_once.1 = at_once.1.max(at_once.0);
        drop(at_once);
        Self(hub)
    }
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        locked(&self.0.at_once).0 -= 1;
    }
}
