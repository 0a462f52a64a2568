//! A repository itself: its commits, branches, comparisons and collaborators.

use serde_json::json;

use super::super::shapes;
use super::ask::{Answer, View, ok, page};

pub(super) fn answer(view: &View<'_>, rest: &[&str]) -> Answer {
    let (repo, bases) = (view.repo, &view.state.bases);
    match rest {
        [] => ok(shapes::repository(bases, repo)),
        ["commits", name] => match repo.resolve(name).and_then(|sha| repo.commits.get(&sha)) {
            Some(it) => ok(shapes::commit(bases, repo, it)),
            None => Answer::Message(422, format!("No commit found for SHA: {name}")),
        },
        ["commits"] => {
            let from = view.ask.text("sha").unwrap_or(&repo.default_branch);
            let Some(sha) = repo.resolve(from) else { return Answer::NotFound };
            let mut all: Vec<_> =
                repo.history(&sha).iter().filter_map(|sha| repo.commits.get(sha)).collect();
            all.sort_by_key(|it| std::cmp::Reverse((it.at, repo.history(&it.sha).len())));
            page(view.ask, None, &all, |it| shapes::commit(bases, repo, it))
        }
        // The names of branches may hold slashes.
        ["compare", range @ ..] => {
            let range = range.join("/");
            let Some((base, head)) = range.split_once("...") else { return Answer::NotFound };
            shapes::compared(bases, repo, base, head).map_or(Answer::NotFound, ok)
        }
        ["branches", name @ ..] if !name.is_empty() => {
            let name = name.join("/");
            let Some(sha) = repo.branches.get(&name) else { return Answer::NotFound };
            let commit = repo.commits.get(sha).map(|it| shapes::commit(bases, repo, it));
            ok(json!({"name": name, "commit": commit, "protected":
                repo.review_required || !repo.required_checks.is_empty()}))
        }
        ["collaborators", login, "permission"] => {
            let role = repo.permission(login);
            let permission = match role {
                "maintain" => "write",
                "triage" => "read",
                other => other,
            };
            let user = shapes::user(bases, login);
            ok(json!({"permission": permission, "role_name": role, "user": user}))
        }
        _ => Answer::NotFound,
    }
}
