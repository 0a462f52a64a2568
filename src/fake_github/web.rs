//! The pages of GitHub that setting up an App leads through: its registration from a manifest, and its installation.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::auth::{self, App};
use super::draft::Draft;
use super::hub::{Hub, locked};
use super::webhooks::Event;

/// A page, where the path is one's.
pub(super) fn page(
    hub: &Hub,
    method: &str,
    path: &str,
    query: &BTreeMap<String, String>,
    body: &Bytes,
) -> Option<Draft> {
    let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    match (method, &parts[..]) {
        ("POST", ["settings", "apps", "new"]) => Some(register(hub, "ada-agent", query, body)),
        ("POST", ["organizations", owner, "settings", "apps", "new"]) => {
            Some(register(hub, owner, query, body))
        }
        ("GET", ["apps" | "github-apps", slug, "installations", "new"]) => {
            let text = format!(
                "<html><body><form method=\"post\" action=\"/apps/{slug}/installations\">\
                 <button>Install it</button></form></body></html>"
            );
            Some(if is_ours(hub, slug) { Draft::html(200, &text) } else { nothing() })
        }
        ("POST", ["apps" | "github-apps", slug, "installations"]) => {
            Some(if is_ours(hub, slug) { install(hub) } else { nothing() })
        }
        _ => None,
    }
}

fn is_ours(hub: &Hub, slug: &str) -> bool {
    locked(&hub.app).slug == slug
}

fn nothing() -> Draft {
    Draft::html(404, "<html>Not Found</html>")
}

/// The person lets the App in to all that its owner has.
fn install(hub: &Hub) -> Draft {
    let owner = locked(&hub.app).owner.clone();
    let id = hub.new_installation(&mut locked(&hub.state), &owner, None);
    hub.tell_installation(id, "created", json!({}));
    Draft::html(200, "<html>Installed</html>")
}

/// The person has pressed the button: the App is registered, and the browser sent back with a code.
fn register(hub: &Hub, owner: &str, query: &BTreeMap<String, String>, body: &Bytes) -> Draft {
    let mut form = form_urlencoded::parse(body);
    let manifest = form.find(|(name, _)| name == "manifest").map(|(_, value)| value);
    let manifest: Value =
        manifest.and_then(|it| serde_json::from_str(&it).ok()).unwrap_or_default();
    let invalid = |what: &str| Draft::html(422, &format!("<html>Error: {what}</html>"));
    let Some(redirect) = manifest["redirect_url"].as_str() else {
        return invalid("redirect_url is missing");
    };
    if manifest["url"].as_str().is_none() {
        return invalid("url is missing");
    }
    let Ok((private_key, public_key)) = auth::new_key() else { return invalid("no key") };
    let words = |value: &Value| -> Vec<String> {
        let items = value.as_array().cloned().unwrap_or_default();
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let permissions = manifest["default_permissions"].as_object().cloned().unwrap_or_default();
    let name = manifest["name"].as_str().unwrap_or("nudged").to_owned();
    let (id, code) = {
        let mut state = locked(&hub.state);
        (state.ids.small(), state.ids.commit())
    };
    let app = App {
        id,
        slug: name.to_lowercase().replace(' ', "-"),
        name,
        owner: owner.to_owned(),
        client_id: format!("Iv23li{id:014}"),
        private_key,
        public_key,
        webhook_url: manifest["hook_attributes"]["url"].as_str().map(str::to_owned),
        webhook_secret: format!("{code}{id}"),
        permissions: permissions
            .into_iter()
            .filter_map(|(name, level)| Some((name, level.as_str()?.to_owned())))
            .collect(),
        events: words(&manifest["default_events"]),
        hook_id: id + 1,
    };
    let ping = ping(&app);
    *locked(&hub.app) = app.clone();
    locked(&hub.codes).insert(code.clone(), app);
    hub.tell(vec![ping]);
    let mut answer = form_urlencoded::Serializer::new(String::new());
    answer.append_pair("code", &code);
    if let Some(state) = query.get("state") {
        answer.append_pair("state", state);
    }
    let mark = if redirect.contains('?') { '&' } else { '?' };
    Draft::redirect(302, &format!("{redirect}{mark}{}", answer.finish()))
}

/// What a new webhook begins with.
pub(super) fn ping(app: &App) -> Event {
    let payload = json!({
        "zen": "Keep it logically awesome.", "hook_id": app.hook_id,
        "hook": {"type": "App", "id": app.hook_id, "name": "web", "active": true,
            "events": app.events, "app_id": app.id,
            "config": {"content_type": "json", "insecure_ssl": "0", "secret": "********",
                "url": app.webhook_url},
            "created_at": "2026-01-01T08:00:00Z", "updated_at": "2026-01-01T08:00:00Z"},
    });
    let payload = payload.to_string().into();
    Event { name: "ping", action: None, payload, repository: None, installation: None }
}
