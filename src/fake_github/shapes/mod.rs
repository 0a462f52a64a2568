//! What the fake GitHub knows, written down in GitHub's own shapes: those of REST, which webhooks share.

mod actions;
mod checks;
mod pulls;
mod remarks;
mod repository;
mod reviews;

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) use actions::{job, run};
pub(super) use checks::{annotation, check, combined_status, status, status_event, suite};
pub(super) use pulls::{brief_pulls, full_pull, listed_pull, mergeability};
pub(super) use remarks::{issue, remark};
pub(super) use repository::{commit, compared, pushed_repository, repository, short_repository};
pub(super) use reviews::{comment, review, review_event, thread};

use super::state::{Bases, account_id};

/// To the second, as GitHub writes times.
pub(super) fn time(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

pub(super) fn time_or_null(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| time(at).into())
}

/// An opaque name for GraphQL: a prefix for the kind, and what finds it again.
pub(super) fn node_id(kind: &str, of: &[i64]) -> String {
    let words: Vec<String> = of.iter().map(i64::to_string).collect();
    let name = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(words.join(":"));
    format!("{kind}_{name}")
}

/// The numbers in a `node_id` of this kind.
pub(super) fn read_node_id(id: &str, kind: &str) -> Option<Vec<i64>> {
    let name = id.strip_prefix(kind)?.strip_prefix('_')?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(name).ok()?;
    std::str::from_utf8(&bytes).ok()?.split(':').map(|word| word.parse().ok()).collect()
}

/// An account; a login that ends in `[bot]` is an App's.
pub(super) fn user(bases: &Bases, login: &str) -> Value {
    account(bases, login, if login.ends_with("[bot]") { "Bot" } else { "User" })
}

/// An owner of repositories: organisations all.
pub(super) fn owner(bases: &Bases, login: &str) -> Value {
    account(bases, login, "Organization")
}

fn account(bases: &Bases, login: &str, kind: &str) -> Value {
    let (id, api) = (account_id(login), format!("{}/users/{login}", bases.api));
    json!({
        "login": login, "id": id, "node_id": node_id("U", &[id]),
        "avatar_url": format!("{}/avatars/u/{id}?v=4", bases.html), "gravatar_id": "", "url": api,
        "html_url": format!("{}/{login}", bases.html),
        "followers_url": format!("{api}/followers"),
        "following_url": format!("{api}/following{{/other_user}}"),
        "gists_url": format!("{api}/gists{{/gist_id}}"),
        "starred_url": format!("{api}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{api}/subscriptions"),
        "organizations_url": format!("{api}/orgs"), "repos_url": format!("{api}/repos"),
        "events_url": format!("{api}/events{{/privacy}}"),
        "received_events_url": format!("{api}/received_events"),
        "type": kind, "user_view_type": "public", "site_admin": false,
    })
}

/// Sets the fields of `with` in an object.
pub(super) fn extend(object: &mut Value, with: Value) {
    if let (Value::Object(object), Value::Object(with)) = (object, with) {
        object.extend(with);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_found_again_by_its_name() {
        let id = node_id("PR", &[702_934_511, 7]);
        assert_eq!(read_node_id(&id, "PR"), Some(vec![702_934_511, 7]));
        assert_eq!(read_node_id(&id, "R"), None);
        assert_eq!(read_node_id("PR_?", "PR"), None);
    }
}
