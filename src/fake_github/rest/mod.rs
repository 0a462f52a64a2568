//! The REST API: which request is answered by what.

mod actions;
mod app;
mod ask;
mod checks;
mod pulls;
mod repositories;

use super::auth::Caller;
use super::hub::{Hub, locked};
use ask::View;
pub(super) use ask::{Answer, Ask};

/// Answers a request.
pub(super) fn answer(hub: &Hub, ask: &Ask) -> Answer {
    let parts: Vec<String> = ask.path.split('/').filter(|it| !it.is_empty()).map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts[..] {
        ["repos", owner, name, ref rest @ ..] => {
            let found = {
                let state = locked(&hub.state);
                state.repository(&format!("{owner}/{name}")).map(|(repo, former)| (repo.id, former))
            };
            match found {
                Some((id, true)) if allowed(hub, ask, id).is_ok() => {
                    moved(hub, ask, &format!("/repositories/{id}/{}", rest.join("/")))
                }
                Some((id, false)) => of_repository(hub, ask, id, rest),
                Some(_) | None => Answer::NotFound,
            }
        }
        ["repositories", id, ref rest @ ..] => match id.parse() {
            Ok(id) => of_repository(hub, ask, id, rest),
            Err(_) => Answer::NotFound,
        },
        ref parts => app::answer(hub, ask, parts),
    }
}

/// A path's part as it was before `%xx`.
fn decoded(part: &str) -> String {
    let plus = part.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(plus.as_bytes());
    pairs.next().map_or_else(String::new, |(name, _)| name.into_owned())
}

fn moved(hub: &Hub, ask: &Ask, path: &str) -> Answer {
    let api = locked(&hub.state).bases.api.clone();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&ask.query).finish();
    let mark = if query.is_empty() { "" } else { "?" };
    // 307 keeps the method of what is not read.
    let status = if ask.method == "GET" { 301 } else { 307 };
    Answer::Redirect(status, format!("{api}{}{mark}{query}", path.trim_end_matches('/')))
}

/// Whether the caller sees this repository at all.
fn allowed(hub: &Hub, ask: &Ask, id: i64) -> Result<(), Answer> {
    let state = locked(&hub.state);
    let Some(repo) = state.repositories.get(&id) else { return Err(Answer::NotFound) };
    match ask.caller {
        Caller::Installation(installation) => match state.installations.get(&installation) {
            Some(it) if it.suspended_at.is_some() => {
                Err(Answer::Message(403, "This installation has been suspended".to_owned()))
            }
            Some(it) if it.covers(repo) || !repo.private && ask.method == "GET" => Ok(()),
            Some(_) | None => Err(Answer::NotFound),
        },
        Caller::Nobody if repo.private => Err(Answer::NotFound),
        Caller::Nobody | Caller::App => Ok(()),
    }
}

/// Whether the installation may do this: `read` or `write` of a permission.
fn permitted(hub: &Hub, ask: &Ask, permission: &'static str, level: &str) -> Result<(), Answer> {
    let Caller::Installation(id) = ask.caller else {
        // Anybody reads what is public.
        return if level == "read" { Ok(()) } else { Err(Answer::Forbidden(permission)) };
    };
    let state = locked(&hub.state);
    let has = state.installations.get(&id).and_then(|it| it.permissions.get(permission)).cloned();
    match has.as_deref() {
        Some("write" | "admin") => Ok(()),
        Some("read") if level == "read" => Ok(()),
        Some(_) | None => Err(Answer::Forbidden(permission)),
    }
}

fn of_repository(hub: &Hub, ask: &Ask, id: i64, rest: &[&str]) -> Answer {
    if rest == ["installation"] {
        return app::installation_of(hub, ask, id);
    }
    if let Err(refusal) = allowed(hub, ask, id) {
        return refusal;
    }
    let (permission, level) = match (ask.method.as_str(), rest) {
        ("GET", ["pulls", ..]) => ("pull_requests", "read"),
        ("GET", ["check-runs" | "check-suites", ..])
        | ("GET", ["commits", _, "check-runs" | "check-suites", ..]) => ("checks", "read"),
        ("GET", ["commits", _, "status" | "statuses"]) => ("statuses", "read"),
        ("GET", ["issues", ..]) => ("issues", "read"),
        ("GET", ["actions", ..]) => ("actions", "read"),
        ("POST", ["actions", ..]) => ("actions", "write"),
        ("GET", ["commits" | "compare" | "branches", ..]) => ("contents", "read"),
        ("GET", _) => ("metadata", "read"),
        _ => return Answer::NotFound,
    };
    if let Err(refusal) = permitted(hub, ask, permission, level) {
        return refusal;
    }
    if ask.method == "POST" {
        return actions::order(hub, id, rest);
    }
    let mut state = locked(&hub.state);
    if let ["pulls", number] = rest {
        state.compute_mergeability(id, number.parse().unwrap_or_default());
    }
    let Some(repo) = state.repositories.get(&id) else { return Answer::NotFound };
    let view = View { ask, state: &state, repo };
    match rest {
        ["pulls", rest @ ..] => pulls::answer(&view, rest),
        ["issues", number, "comments"] => pulls::remarks(&view, number),
        ["check-runs" | "check-suites", ..] | ["commits", _, _, ..] => checks::answer(&view, rest),
        ["actions", rest @ ..] => actions::answer(&view, rest, &hub.other_url),
        _ => repositories::answer(&view, rest),
    }
}
