//! Workflow runs, jobs, the way to their logs, and orders to run again.

use super::super::hub::Hub;
use super::super::shapes;
use super::super::state::{Job, JobLog, Run};
use super::ask::{Answer, View, ok, page};

/// How long the address of a log is good.
const LOG_LIFE_S: i64 = 60;

pub(super) fn answer(view: &View<'_>, rest: &[&str], other_url: &str) -> Answer {
    let (repo, bases, ask) = (view.repo, &view.state.bases, view.ask);
    match rest {
        ["runs"] => {
            let runs = matching(view, None);
            page(ask, Some("workflow_runs"), &runs, |it| shapes::run(bases, repo, it))
        }
        ["workflows", workflow, "runs"] => {
            let runs = matching(view, Some(workflow));
            page(ask, Some("workflow_runs"), &runs, |it| shapes::run(bases, repo, it))
        }
        ["runs", id, rest @ ..] => {
            let Some(run) = id.parse().ok().and_then(|id: i64| repo.runs.get(&id)) else {
                return Answer::NotFound;
            };
            match rest {
                [] => ok(shapes::run(bases, repo, run)),
                ["jobs"] => {
                    let newest = ask.text("filter") != Some("all");
                    jobs(view, |it| it.run == run.id && (!newest || is_newest(view, it)))
                }
                ["attempts", attempt, "jobs"] => {
                    jobs(view, |it| it.run == run.id && it.attempt.to_string() == **attempt)
                }
                _ => Answer::NotFound,
            }
        }
        ["jobs", id, rest @ ..] => {
            let id = id.parse().unwrap_or_default();
            let (Some(job), Some(check)) = (repo.jobs.get(&id), repo.checks.get(&id)) else {
                return Answer::NotFound;
            };
            match (rest, &job.log) {
                ([], _) => ok(shapes::job(bases, repo, job, check)),
                (["logs"], JobLog::Kept(_)) => {
                    let until = ask.now.as_second() + LOG_LIFE_S;
                    let path = format!("logs/{}/{id}?se={until}&sig=fake", repo.id);
                    Answer::Redirect(302, format!("{other_url}/{path}"))
                }
                (["logs"], JobLog::Expired) => Answer::Message(410, "Gone".to_owned()),
                _ => Answer::NotFound,
            }
        }
        _ => Answer::NotFound,
    }
}

fn matching<'a>(view: &View<'a>, workflow: Option<&str>) -> Vec<&'a Run> {
    let (repo, ask) = (view.repo, view.ask);
    let same = |name: &str, value: &str| ask.text(name).is_none_or(|wanted| wanted == value);
    let mut runs: Vec<&Run> = repo
        .runs
        .values()
        .filter(|it| same("head_sha", &it.head_sha) && same("branch", &it.head_branch))
        .filter(|it| same("event", &it.event) && same("actor", &it.actor))
        .filter(|it| {
            let status = ask.text("status");
            status.is_none_or(|wanted| {
                wanted == it.status || it.conclusion.as_deref() == Some(wanted)
            })
        })
        .filter(|it| ask.number("check_suite_id").is_none_or(|suite| suite == it.suite))
        .filter(|it| {
            workflow.is_none_or(|wanted| {
                wanted == it.workflow.to_string() || it.path.rsplit('/').next() == Some(wanted)
            })
        })
        .collect();
    runs.sort_by_key(|it| std::cmp::Reverse((it.created_at, it.id)));
    runs
}

/// Whether no later attempt has a job of this name.
fn is_newest(view: &View<'_>, job: &Job) -> bool {
    let name = |id: i64| view.repo.checks.get(&id).map(|it| it.name.as_str());
    let of_run = view.repo.jobs.values().filter(|it| it.run == job.run);
    !of_run.into_iter().any(|it| it.attempt > job.attempt && name(it.id) == name(job.id))
}

fn jobs(view: &View<'_>, chosen: impl Fn(&Job) -> bool) -> Answer {
    let (repo, bases) = (view.repo, &view.state.bases);
    let found: Vec<_> = repo
        .jobs
        .values()
        .filter(|it| chosen(it))
        .filter_map(|it| repo.checks.get(&it.id).map(|check| (it, check)))
        .collect();
    page(view.ask, Some("jobs"), &found, |(job, check)| shapes::job(bases, repo, job, check))
}

/// `POST …/actions/…`.
pub(super) fn order(hub: &Hub, repo: i64, rest: &[&str]) -> Answer {
    let id = |text: &str| text.parse::<i64>().unwrap_or_default();
    let refused = || Answer::Message(403, "This workflow is already running".to_owned());
    hub.change(repo, |it| match rest {
        ["actions", "jobs", job, "rerun"] => {
            let job = id(job);
            match it.repo.checks.get(&job).filter(|_| it.repo.jobs.contains_key(&job)) {
                None => Answer::NotFound,
                Some(check) if check.status != "completed" => refused(),
                Some(_) => {
                    it.rerun_jobs(&[job]);
                    Answer::Json(201, serde_json::json!({}))
                }
            }
        }
        ["actions", "runs", run, order @ ("rerun" | "rerun-failed-jobs")] => {
            match it.repo.runs.get(&id(run)) {
                None => Answer::NotFound,
                Some(found) if found.status != "completed" => refused(),
                Some(_) => {
                    it.rerun(id(run), *order == "rerun-failed-jobs");
                    Answer::Json(201, serde_json::json!({}))
                }
            }
        }
        _ => Answer::NotFound,
    })
}
