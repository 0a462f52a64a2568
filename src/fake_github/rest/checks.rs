//! Check runs, check suites, annotations and commit statuses.

use super::super::shapes;
use super::super::state::{Check, Status, Suite};
use super::ask::{Answer, View, ok, page};

pub(super) fn answer(view: &View<'_>, rest: &[&str]) -> Answer {
    let (repo, bases, ask) = (view.repo, &view.state.bases, view.ask);
    match rest {
        ["commits", name, rest @ ..] => match repo.resolve(name) {
            Some(sha) => at_commit(view, &sha, rest),
            None => Answer::Message(422, format!("No commit found for SHA: {name}")),
        },
        ["check-runs", id, rest @ ..] => {
            let Some(check) = id.parse().ok().and_then(|id: i64| repo.checks.get(&id)) else {
                return Answer::NotFound;
            };
            match rest {
                [] => ok(shapes::check(bases, repo, check)),
                ["annotations"] => page(ask, None, &check.annotations, |it| {
                    shapes::annotation(bases, repo, &check.head_sha, it)
                }),
                _ => Answer::NotFound,
            }
        }
        ["check-suites", id, rest @ ..] => {
            let Some(suite) = id.parse().ok().and_then(|id: i64| repo.suites.get(&id)) else {
                return Answer::NotFound;
            };
            match rest {
                [] => ok(shapes::suite(bases, repo, suite)),
                ["check-runs"] => {
                    let all: Vec<&Check> =
                        repo.checks.values().filter(|it| it.suite == suite.id).collect();
                    checks(view, all)
                }
                _ => Answer::NotFound,
            }
        }
        _ => Answer::NotFound,
    }
}

fn at_commit(view: &View<'_>, sha: &str, rest: &[&str]) -> Answer {
    let (repo, bases, ask) = (view.repo, &view.state.bases, view.ask);
    match rest {
        ["check-runs"] => checks(view, repo.checks_at(sha).collect()),
        ["check-suites"] => {
            let suites: Vec<&Suite> = repo
                .suites
                .values()
                .filter(|it| it.head_sha == sha)
                .filter(|it| ask.number("app_id").is_none_or(|app| app == it.maker.id()))
                .collect();
            page(ask, Some("check_suites"), &suites, |it| shapes::suite(bases, repo, it))
        }
        ["statuses"] => {
            let mut statuses: Vec<&Status> =
                repo.statuses.values().filter(|it| it.sha == sha).collect();
            statuses.reverse();
            page(ask, None, &statuses, |it| shapes::status(bases, repo, it))
        }
        ["status"] => ok(shapes::combined_status(bases, repo, sha)),
        _ => Answer::NotFound,
    }
}

/// `filter=latest`, which is the default, leaves the newest of each suite and name.
fn checks(view: &View<'_>, mut all: Vec<&Check>) -> Answer {
    let (repo, ask) = (view.repo, view.ask);
    if ask.text("filter") != Some("all") {
        let newest = |it: &&Check| {
            let same = |other: &&Check| other.suite == it.suite && other.name == it.name;
            repo.checks_at(&it.head_sha).filter(same).map(|other| other.id).max() == Some(it.id)
        };
        all.retain(newest);
    }
    all.retain(|it| {
        let suite = repo.suites.get(&it.suite);
        ask.text("check_name").is_none_or(|name| name == it.name)
            && ask.text("status").is_none_or(|status| status == it.status)
            && ask.number("app_id").is_none_or(|app| suite.is_some_and(|it| it.maker.id() == app))
    });
    all.reverse();
    page(ask, Some("check_runs"), &all, |it| shapes::check(&view.state.bases, repo, it))
}
