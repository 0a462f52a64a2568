//! Pull requests, their commits, reviews and comments.

use serde_json::Value;

use super::super::shapes;
use super::super::state::{Commit, Pull};
use super::ask::{Answer, View, ok, page};

pub(super) fn answer(view: &View<'_>, rest: &[&str]) -> Answer {
    let (repo, bases) = (view.repo, &view.state.bases);
    let [number, rest @ ..] = rest else { return list(view) };
    let Some(pull) = number.parse().ok().and_then(|number: i64| repo.pulls.get(&number)) else {
        return Answer::NotFound;
    };
    match rest {
        [] => ok(shapes::full_pull(bases, repo, pull)),
        ["commits"] => {
            let below = repo.history(&pull.base_sha);
            let mut own: Vec<&Commit> = repo
                .history(&pull.head_sha)
                .difference(&below)
                .filter_map(|sha| repo.commits.get(sha))
                .collect();
            own.sort_by_key(|it| (it.at, repo.history(&it.sha).len()));
            page(view.ask, None, &own, |it| shapes::commit(bases, repo, it))
        }
        ["reviews"] => {
            page(view.ask, None, &pull.reviews, |it| shapes::review(bases, repo, pull, it))
        }
        ["reviews", id] => match pull.reviews.iter().find(|it| it.id.to_string() == *id) {
            Some(it) => ok(shapes::review(bases, repo, pull, it)),
            None => Answer::NotFound,
        },
        ["comments"] => {
            let mut comments: Vec<_> = pull.comments.iter().collect();
            if let Some(since) = view.ask.text("since") {
                comments.retain(|it| shapes::time(it.updated_at).as_str() >= since);
            }
            page(view.ask, None, &comments, |it| shapes::comment(bases, repo, pull, it))
        }
        _ => Answer::NotFound,
    }
}

/// What was said below a pull request.
pub(super) fn remarks(view: &View<'_>, number: &str) -> Answer {
    let pull = number.parse().ok().and_then(|number: i64| view.repo.pulls.get(&number));
    let Some(pull) = pull else { return Answer::NotFound };
    let remarks: Vec<_> = pull.remarks.iter().collect();
    page(view.ask, None, &remarks, |it| shapes::remark(&view.state.bases, view.repo, pull, it))
}

fn list(view: &View<'_>) -> Answer {
    let (repo, ask) = (view.repo, view.ask);
    let state = ask.text("state").unwrap_or("open");
    let mut pulls: Vec<&Pull> = repo
        .pulls
        .values()
        .filter(|it| match state {
            "all" => true,
            "closed" => !it.open(),
            _ => it.open(),
        })
        .filter(|it| ask.text("base").is_none_or(|base| base == it.base_ref))
        .filter(|it| {
            let head = ask.text("head");
            head.is_none_or(|head| head.rsplit(':').next() == Some(it.head_ref.as_str()))
        })
        .collect();
    let by_update = ask.text("sort") == Some("updated");
    pulls.sort_by_key(|it| (if by_update { it.updated_at } else { it.created_at }, it.number));
    let ascending = match ask.text("direction") {
        Some(direction) => direction == "asc",
        None => ask.text("sort").is_some_and(|sort| sort != "created"),
    };
    if !ascending {
        pulls.reverse();
    }
    let write = |it: &&Pull| -> Value { shapes::listed_pull(&view.state.bases, repo, it) };
    page(ask, None, &pulls, write)
}
