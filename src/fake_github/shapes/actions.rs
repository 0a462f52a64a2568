//! Workflow runs and their jobs.

use serde_json::{Value, json};

use super::super::state::{Bases, Check, Head, Job, Repository, Run};
use super::{brief_pulls, commit, extend, node_id, repository, time, time_or_null, user};

pub(in super::super) fn run(bases: &Bases, repo: &Repository, run: &Run) -> Value {
    let name = repo.full_name();
    let api = format!("{}/repos/{name}/actions/runs/{}", bases.api, run.id);
    let suite = format!("{}/repos/{name}/check-suites/{}", bases.api, run.suite);
    let pull = repo.pulls.values().find(|it| it.head_sha == run.head_sha);
    let mut home = repository(bases, repo);
    if let Some(Head::Fork { id, owner }) = pull.map(|pull| &pull.head) {
        let fork = format!("{owner}/{}", repo.name);
        extend(
            &mut home,
            json!({"id": id, "full_name": fork, "owner": user(bases, owner), "fork": true}),
        );
    }
    let head = repo.commits.get(&run.head_sha).map(|it| {
        let whole = commit(bases, repo, it);
        json!({"id": it.sha, "tree_id": it.sha, "message": it.message, "timestamp": time(it.at),
            "author": whole["commit"]["author"], "committer": whole["commit"]["committer"]})
    });
    json!({
        "id": run.id, "name": run.name, "node_id": node_id("WFR", &[repo.id, run.id]),
        "head_branch": run.head_branch, "head_sha": run.head_sha, "path": run.path,
        "display_title": pull.map_or(run.name.as_str(), |pull| &pull.title),
        "run_number": run.number, "event": run.event, "status": run.status,
        "conclusion": run.conclusion, "workflow_id": run.workflow, "check_suite_id": run.suite,
        "check_suite_node_id": node_id("CS", &[repo.id, run.suite]), "url": api,
        "html_url": format!("{}/{name}/actions/runs/{}", bases.html, run.id),
        "pull_requests": brief_pulls(bases, repo, &run.head_sha),
        "created_at": time(run.created_at), "updated_at": time(run.updated_at),
        "actor": user(bases, &run.actor), "run_attempt": run.attempt, "referenced_workflows": [],
        "run_started_at": time(run.started_at), "triggering_actor": user(bases, &run.actor),
        "jobs_url": format!("{api}/jobs"), "logs_url": format!("{api}/logs"),
        "check_suite_url": suite, "artifacts_url": format!("{api}/artifacts"),
        "cancel_url": format!("{api}/cancel"), "rerun_url": format!("{api}/rerun"),
        "previous_attempt_url": (run.attempt > 1)
            .then(|| format!("{api}/attempts/{}", run.attempt - 1)),
        "workflow_url": format!("{}/repos/{name}/actions/workflows/{}", bases.api, run.workflow),
        "head_commit": head, "repository": repository(bases, repo), "head_repository": home,
    })
}

pub(in super::super) fn job(bases: &Bases, repo: &Repository, job: &Job, check: &Check) -> Value {
    let name = repo.full_name();
    let run = repo.runs.get(&job.run);
    let api = format!("{}/repos/{name}", bases.api);
    let steps: Vec<Value> = job
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let status = if step.conclusion.is_some() { "completed" } else { "in_progress" };
            json!({"name": step.name, "status": status, "conclusion": step.conclusion,
                "number": index + 1, "started_at": time(check.started_at),
                "completed_at": time_or_null(check.completed_at)})
        })
        .collect();
    let waits = check.status == "queued";
    json!({
        "id": job.id, "run_id": job.run, "workflow_name": run.map(|run| run.name.as_str()),
        "head_branch": run.map(|run| run.head_branch.as_str()),
        "run_url": format!("{api}/actions/runs/{}", job.run), "run_attempt": job.attempt,
        "node_id": node_id("CR", &[repo.id, job.id]), "head_sha": check.head_sha,
        "url": format!("{api}/actions/jobs/{}", job.id),
        "html_url": format!("{}/{name}/actions/runs/{}/job/{}", bases.html, job.run, job.id),
        "status": check.status, "conclusion": check.conclusion,
        "created_at": time(job.created_at), "started_at": time(check.started_at),
        "completed_at": time_or_null(check.completed_at), "name": check.name, "steps": steps,
        "check_run_url": format!("{api}/check-runs/{}", job.id), "labels": ["ubuntu-latest"],
        "runner_id": if waits { Value::Null } else { 1_000_001_434.into() },
        "runner_name": if waits { Value::Null } else { "GitHub Actions 1000001434".into() },
        "runner_group_id": if waits { Value::Null } else { 0.into() },
        "runner_group_name": if waits { Value::Null } else { "GitHub Actions".into() },
    })
}
