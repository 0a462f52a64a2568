//! The App itself: what it is, where it is installed, its tokens, its webhook and the deliveries of it.

use serde_json::{Value, json};

use super::super::auth::{App, Caller};
use super::super::hub::{Hub, locked};
use super::super::shapes;
use super::super::state::{Installation, Repository, State};
use super::super::webhooks::Delivery;
use super::ask::{Answer, Ask, ok, page};

/// Names of events as this server spells them, which are all that it sends.
const EVENTS: &[&str] = &[
    "check_run",
    "check_suite",
    "installation",
    "installation_repositories",
    "issue_comment",
    "merge_group",
    "ping",
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

pub(super) fn answer(hub: &Hub, ask: &Ask, parts: &[&str]) -> Answer {
    match (ask.method.as_str(), parts) {
        ("GET", ["meta"]) => ok(json!({"verifiable_password_authentication": false})),
        ("GET", ["rate_limit"]) => ok(rate_limit(hub, ask)),
        ("POST", ["app-manifests", code, "conversions"]) => converted(hub, code),
        ("GET", ["installation", "repositories"]) => own_repositories(hub, ask),
        (_, ["app", rest @ ..]) => match ask.caller {
            Caller::App => of_app(hub, ask, rest),
            Caller::Nobody | Caller::Installation(_) => {
                Answer::Message(401, "A JSON web token could not be decoded".to_owned())
            }
        },
        ("GET", ["orgs" | "users", login, "installation"]) => {
            let state = locked(&hub.state);
            match state.installations.values().find(|it| it.account == *login) {
                Some(it) => ok(installation(hub, &state, it)),
                None => Answer::NotFound,
            }
        }
        _ => Answer::NotFound,
    }
}

pub(super) fn installation_of(hub: &Hub, ask: &Ask, repo: i64) -> Answer {
    if ask.caller != Caller::App {
        return Answer::Message(401, "A JSON web token could not be decoded".to_owned());
    }
    let state = locked(&hub.state);
    let repo = state.repositories.get(&repo);
    match repo.and_then(|repo| state.installation_of(repo)) {
        Some(it) => ok(installation(hub, &state, it)),
        None => Answer::NotFound,
    }
}

fn of_app(hub: &Hub, ask: &Ask, parts: &[&str]) -> Answer {
    match (ask.method.as_str(), parts) {
        ("GET", []) => {
            let (state, app) = (locked(&hub.state), locked(&hub.app));
            ok(described(&state, &app))
        }
        ("GET", ["installations"]) => {
            let state = locked(&hub.state);
            let all: Vec<&Installation> = state.installations.values().collect();
            page(ask, None, &all, |it| installation(hub, &state, it))
        }
        ("GET", ["installations", id]) => {
            let state = locked(&hub.state);
            match id.parse().ok().and_then(|id: i64| state.installations.get(&id)) {
                Some(it) => ok(installation(hub, &state, it)),
                None => Answer::NotFound,
            }
        }
        ("POST", ["installations", id, "access_tokens"]) => give_token(hub, ask, id),
        ("GET", ["hook", "config"]) => ok(hook_config(&locked(&hub.app))),
        ("PATCH", ["hook", "config"]) => {
            let mut app = locked(&hub.app);
            if let Some(url) = ask.body["url"].as_str() {
                app.webhook_url = Some(url.to_owned());
            }
            if let Some(secret) = ask.body["secret"].as_str() {
                secret.clone_into(&mut app.webhook_secret);
            }
            ok(hook_config(&app))
        }
        ("GET", ["hook", "deliveries"]) => deliveries(hub, ask),
        ("GET", ["hook", "deliveries", id]) => {
            let webhooks = locked(&hub.webhooks);
            match id.parse().ok().and_then(|id| webhooks.delivery(id)) {
                Some(it) => ok(delivery(it, true)),
                None => Answer::NotFound,
            }
        }
        ("POST", ["hook", "deliveries", id, "attempts"]) => {
            let known = |name: &str| EVENTS.iter().find(|it| **it == name).copied();
            let queued = locked(&hub.webhooks).redeliver(id.parse().unwrap_or_default(), known);
            hub.wake.notify_one();
            if queued { Answer::Json(202, json!({})) } else { Answer::NotFound }
        }
        _ => Answer::NotFound,
    }
}

fn hook_config(app: &App) -> Value {
    json!({"content_type": "json", "insecure_ssl": "0", "secret": "********",
        "url": app.webhook_url})
}

fn described(state: &State, app: &App) -> Value {
    json!({
        "id": app.id, "slug": app.slug, "client_id": app.client_id,
        "node_id": shapes::node_id("A", &[app.id]), "owner": shapes::owner(&state.bases, &app.owner),
        "name": app.name, "description": "", "external_url": "https://nudged.example",
        "html_url": format!("{}/apps/{}", state.bases.html, app.slug),
        "created_at": "2026-01-01T08:00:00Z", "updated_at": "2026-01-01T08:00:00Z",
        "permissions": app.permissions, "events": app.events,
        "installations_count": state.installations.len(),
    })
}

fn installation(hub: &Hub, state: &State, it: &Installation) -> Value {
    let app = locked(&hub.app);
    let (api, html) = (&state.bases.api, &state.bases.html);
    json!({
        "id": it.id, "client_id": app.client_id, "account": shapes::owner(&state.bases, &it.account),
        "repository_selection": if it.selected.is_some() { "selected" } else { "all" },
        "access_tokens_url": format!("{api}/app/installations/{}/access_tokens", it.id),
        "repositories_url": format!("{api}/installation/repositories"),
        "html_url": format!("{html}/organizations/{}/settings/installations/{}", it.account, it.id),
        "app_id": app.id, "app_slug": app.slug, "target_id": shapes::owner(&state.bases, &it.account)["id"],
        "target_type": "Organization", "permissions": it.permissions, "events": app.events,
        "created_at": shapes::time(it.created_at), "updated_at": shapes::time(it.updated_at),
        "single_file_name": null, "has_multiple_single_files": false, "single_file_paths": [],
        "suspended_by": it.suspended_at.map(|_| shapes::user(&state.bases, &it.account)),
        "suspended_at": shapes::time_or_null(it.suspended_at),
    })
}

fn give_token(hub: &Hub, ask: &Ask, id: &str) -> Answer {
    let state = locked(&hub.state);
    let Some(it) = id.parse().ok().and_then(|id: i64| state.installations.get(&id)) else {
        return Answer::NotFound;
    };
    if it.suspended_at.is_some() {
        return Answer::Message(403, "This installation has been suspended".to_owned());
    }
    let (token, until) = locked(&hub.tokens).give(it.id, ask.now);
    Answer::Json(
        201,
        json!({"token": token, "expires_at": shapes::time(until), "permissions": it.permissions,
            "repository_selection": if it.selected.is_some() { "selected" } else { "all" }}),
    )
}

fn own_repositories(hub: &Hub, ask: &Ask) -> Answer {
    let Caller::Installation(id) = ask.caller else { return Answer::Forbidden("metadata") };
    let state = locked(&hub.state);
    let Some(it) = state.installations.get(&id) else { return Answer::NotFound };
    if it.suspended_at.is_some() {
        return Answer::Message(403, "This installation has been suspended".to_owned());
    }
    let all: Vec<&Repository> =
        state.repositories.values().filter(|repo| it.covers(repo)).collect();
    let mut answer =
        page(ask, Some("repositories"), &all, |repo| shapes::repository(&state.bases, repo));
    if let Answer::Page(value, _) = &mut answer {
        value["repository_selection"] =
            if it.selected.is_some() { "selected" } else { "all" }.into();
    }
    answer
}

/// Pages by `cursor`, newest first; only `next` is linked.
fn deliveries(hub: &Hub, ask: &Ask) -> Answer {
    let size = usize::try_from(ask.number("per_page").unwrap_or(30)).unwrap_or(30).clamp(1, 100);
    let below = match ask.text("cursor") {
        None => None,
        Some(cursor) => match cursor.strip_prefix("v1_").and_then(|it| it.parse().ok()) {
            Some(below) => Some(below),
            None => return Answer::Message(422, "Invalid cursor".to_owned()),
        },
    };
    let wanted = ask.text("status").map(|status| status == "success");
    let webhooks = locked(&hub.webhooks);
    let found: Vec<&Delivery> = webhooks
        .list(below, ask.now)
        .filter(|it| wanted.is_none_or(|wanted| wanted == (200..400).contains(&it.status_code)))
        .take(size + 1)
        .collect();
    let shown = &found[..size.min(found.len())];
    let mut links = Vec::new();
    if let (true, Some(last)) = (found.len() > size, shown.last()) {
        links.push(("next", format!("per_page={size}&cursor=v1_{}", last.id)));
    }
    Answer::Page(shown.iter().map(|it| delivery(it, false)).collect(), links)
}

fn delivery(it: &Delivery, whole: bool) -> Value {
    let mut shape = json!({
        "id": it.id, "guid": it.guid, "delivered_at": it.delivered_at.to_string(),
        "redelivery": it.redelivery, "duration": it.took.as_secs_f64(), "status": it.status,
        "status_code": it.status_code, "event": it.event, "action": it.action,
        "installation_id": it.installation, "repository_id": it.repository,
        "throttled_at": null,
    });
    if whole {
        let headers: serde_json::Map<String, Value> =
            it.headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        let payload: Value = serde_json::from_slice(&it.payload).unwrap_or_default();
        shapes::extend(
            &mut shape,
            json!({"url": it.url, "request": {"headers": headers, "payload": payload},
                "response": {"headers": {}, "payload": ""}}),
        );
    }
    shape
}

fn rate_limit(hub: &Hub, ask: &Ask) -> Value {
    let quota = hub.quota(ask.caller, ask.now);
    let limit = hub.limit.load(std::sync::atomic::Ordering::SeqCst);
    let resource = |used: u32| {
        json!({"limit": limit, "used": used, "remaining": limit.saturating_sub(used),
            "reset": quota.reset.as_second()})
    };
    json!({"resources": {"core": resource(quota.used), "graphql": resource(quota.points),
        "search": resource(0)}, "rate": resource(quota.used)})
}

/// A code is good once.
fn converted(hub: &Hub, code: &str) -> Answer {
    let Some(app) = locked(&hub.codes).remove(code) else { return Answer::NotFound };
    let mut shape = described(&locked(&hub.state), &app);
    shapes::extend(
        &mut shape,
        json!({"client_secret": "fake-client-secret", "webhook_secret": app.webhook_secret,
            "pem": app.private_key}),
    );
    Answer::Json(201, shape)
}
