//! GitHub Actions: workflow runs, their jobs, and the logs.

use serde_json::json;

use super::{Outcome, Repo};
use crate::fake_github::hub::Change;
use crate::fake_github::logs::Log;
use crate::fake_github::shapes;
use crate::fake_github::state::{Job, JobLog, Maker, Run, Step};

impl Repo {
    /// A workflow begins at a commit with these jobs, all of them running at once; answers the run's id.
    pub fn start_run(&self, sha: &str, workflow: &str, event: &str, jobs: &[&str]) -> i64 {
        self.change(|it| {
            let run = new_run(it, sha, workflow, event);
            it.tell_run("requested", run);
            begin_jobs(it, run, jobs);
            run
        })
    }

    /// The check run of a job, by its name in the newest attempt; it is the job's id as well.
    pub fn job(&self, run: i64, name: &str) -> i64 {
        self.look(|repo| {
            let of_run = repo.jobs.values().filter(|job| job.run == run);
            let named =
                of_run.filter(|job| repo.checks.get(&job.id).is_some_and(|it| it.name == name));
            match named.map(|job| job.id).max() {
                Some(id) => id,
                None => panic!("run {run} has no job {name}"),
            }
        })
    }

    /// Ends a job, with what its log is; the run ends with its last job.
    pub fn finish_job(&self, job: i64, outcome: impl Into<Outcome>, log: Option<Log>) {
        let outcome = outcome.into();
        self.change(|it| {
            let conclusion = outcome.conclusion.clone();
            let run = {
                let Some(job) = it.repo.jobs.get_mut(&job) else { panic!("no job {job}") };
                job.log = log.map_or(JobLog::Missing, JobLog::Kept);
                let failed = !matches!(conclusion.as_str(), "success" | "neutral" | "skipped");
                let ends = |index: usize| match (index, failed) {
                    (2, true) => conclusion.as_str(),
                    _ => "success",
                };
                for (index, step) in job.steps.iter_mut().enumerate() {
                    step.conclusion = Some(ends(index).to_owned());
                }
                job.run
            };
            it.set_check(job, "completed", Some(outcome));
            it.tell_check("completed", job);
            it.tell_job("completed", job);
            if let Some(conclusion) = it.roll_up_suite_of(job) {
                it.end_run(run, &conclusion);
            }
        });
    }

    /// Ends all jobs of a run that are still running, with logs of no interest.
    pub fn finish_run(&self, run: i64, conclusion: &str) {
        let running: Vec<i64> = self.look(|repo| {
            let of_run = repo.jobs.values().filter(|job| job.run == run).map(|job| job.id);
            let runs = |id: &i64| repo.checks.get(id).is_some_and(|it| it.status != "completed");
            of_run.filter(runs).collect()
        });
        for job in running {
            self.finish_job(job, conclusion, Some(Log::new("2026-05-01T08:00:00.0000000Z Done\n")));
        }
    }

    /// A workflow that does not even start: no check run, no job.
    pub fn fail_to_start(&self, sha: &str, workflow: &str) -> i64 {
        self.change(|it| {
            let run = new_run(it, sha, workflow, "pull_request");
            it.end_run(run, "startup_failure");
            run
        })
    }

    /// Runs a job again in a new attempt of its run: a new check run under a new id; answers it.
    pub fn rerun_job(&self, job: i64) -> i64 {
        self.change(|it| it.rerun_jobs(&[job]).first().copied().unwrap_or(job))
    }

    /// Runs all jobs that failed again, or all.
    pub fn rerun(&self, run: i64, failed_only: bool) -> Vec<i64> {
        self.change(|it| it.rerun(run, failed_only))
    }

    /// The log's time is over.
    pub fn expire_log(&self, job: i64) {
        self.set_log(job, JobLog::Expired);
    }

    /// The log is there, later than its job's end.
    pub fn put_log(&self, job: i64, log: Log) {
        self.set_log(job, JobLog::Kept(log));
    }

    /// The names of a job's steps; the third is the one that fails.
    pub fn set_steps(&self, job: i64, steps: &[&str]) {
        self.change(|it| {
            let Some(job) = it.repo.jobs.get_mut(&job) else { panic!("no job {job}") };
            job.steps = new_steps(steps);
        });
    }

    fn set_log(&self, job: i64, log: JobLog) {
        self.change(|it| match it.repo.jobs.get_mut(&job) {
            Some(job) => job.log = log,
            None => panic!("no job {job}"),
        });
    }
}

fn new_steps(names: &[&str]) -> Vec<Step> {
    names.iter().map(|&name| Step { name: name.to_owned(), conclusion: None }).collect()
}

fn new_run(it: &mut Change<'_>, sha: &str, workflow: &str, event: &str) -> i64 {
    let (id, ids) = (it.ids.large(), &mut *it.ids);
    let workflow_id = *it.repo.workflows.entry(workflow.to_owned()).or_insert_with(|| ids.small());
    let pull = it.repo.pulls_at(sha).next();
    let pointing = || it.repo.branches.iter().find(|(_, head)| *head == sha);
    let branch = match pull {
        Some(pull) => pull.head_ref.clone(),
        None => pointing().map_or_else(|| "main".to_owned(), |(name, _)| name.clone()),
    };
    let actor = pull.map_or("ada-agent", |pull| &pull.author).to_owned();
    let own = pull.is_none_or(|pull| pull.head == crate::fake_github::state::Head::Own);
    let suite = it.new_suite(Maker::Actions, sha, own.then(|| branch.clone()));
    let file = workflow.to_lowercase().replace(' ', "-");
    let number = it.repo.runs.values().filter(|run| run.workflow == workflow_id).count() as i64 + 1;
    let run = Run {
        id,
        workflow: workflow_id,
        name: workflow.to_owned(),
        path: format!(".github/workflows/{file}.yml"),
        number,
        attempt: 1,
        suite,
        event: event.to_owned(),
        head_sha: sha.to_owned(),
        head_branch: branch,
        actor,
        status: "queued".to_owned(),
        conclusion: None,
        created_at: it.now,
        started_at: it.now,
        updated_at: it.now,
    };
    it.repo.runs.insert(id, run);
    id
}

fn begin_jobs(it: &mut Change<'_>, run: i64, names: &[&str]) -> Vec<i64> {
    let Some(found) = it.repo.runs.get_mut(&run) else { panic!("no run {run}") };
    "in_progress".clone_into(&mut found.status);
    found.updated_at = it.now;
    let (suite, sha, attempt) = (found.suite, found.head_sha.clone(), found.attempt);
    let mut ids = Vec::new();
    for &name in names {
        let id = it.new_check(suite, &sha, name, Some(run));
        let steps = new_steps(&[
            "Set up job",
            "Run actions/checkout@v5",
            "Run make check",
            "Post Run actions/checkout@v5",
            "Complete job",
        ]);
        let job = Job { id, run, attempt, steps, created_at: it.now, log: JobLog::Missing };
        it.repo.jobs.insert(id, job);
        it.tell_check("created", id);
        it.tell_job("queued", id);
        ids.push(id);
    }
    it.tell_run("in_progress", run);
    for &id in &ids {
        it.set_check(id, "in_progress", None);
        it.tell_job("in_progress", id);
    }
    ids
}

impl Change<'_> {
    pub(in crate::fake_github) fn rerun(&mut self, run: i64, failed_only: bool) -> Vec<i64> {
        let Some(found) = self.repo.runs.get(&run) else { return Vec::new() };
        let latest = self.repo.latest_checks(&found.head_sha);
        let of_run = latest.iter().filter(|it| it.run == Some(run));
        let failed = |end: Option<&str>| !matches!(end, Some("success" | "neutral" | "skipped"));
        let chosen = of_run.filter(|it| !failed_only || failed(it.conclusion.as_deref()));
        let jobs: Vec<i64> = chosen.map(|it| it.id).collect();
        self.rerun_jobs(&jobs)
    }

    /// The next attempt of the run of these jobs.
    pub(in crate::fake_github) fn rerun_jobs(&mut self, jobs: &[i64]) -> Vec<i64> {
        let first = jobs.first().and_then(|job| self.repo.jobs.get(job));
        let Some(run) = first.map(|job| job.run) else { return Vec::new() };
        let names: Vec<String> = jobs
            .iter()
            .filter_map(|job| self.repo.checks.get(job).map(|it| it.name.clone()))
            .collect();
        if let Some(found) = self.repo.runs.get_mut(&run) {
            found.attempt += 1;
            found.conclusion = None;
            found.started_at = self.now;
        }
        begin_jobs(self, run, &names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn end_run(&mut self, id: i64, conclusion: &str) {
        let now = self.now;
        let Some(run) = self.repo.runs.get_mut(&id) else { panic!("no run {id}") };
        "completed".clone_into(&mut run.status);
        run.conclusion = Some(conclusion.to_owned());
        run.updated_at = now;
        let suite = run.suite;
        self.tell_run("completed", id);
        let open = self.repo.suites.get(&suite).is_some_and(|suite| suite.conclusion.is_none());
        if open {
            self.end_suite(suite, conclusion);
        }
    }

    fn tell_run(&mut self, action: &str, id: i64) {
        let Some(run) = self.repo.runs.get(&id) else { panic!("no run {id}") };
        let (bases, sender) = (self.bases, run.actor.clone());
        let repo = &*self.repo;
        let workflow = json!({"id": run.workflow, "node_id": shapes::node_id("W", &[run.workflow]),
            "name": run.name, "path": run.path, "state": "active",
            "created_at": shapes::time(repo.created_at), "updated_at": shapes::time(repo.created_at),
            "url": format!("{}/repos/{}/actions/workflows/{}", bases.api, repo.full_name(), run.workflow),
            "html_url": format!("{}/{}/blob/main/{}", bases.html, repo.full_name(), run.path),
            "badge_url": format!("{}/{}/workflows/{}/badge.svg", bases.html, repo.full_name(), run.name)});
        let fields = json!({"workflow_run": shapes::run(bases, repo, run), "workflow": workflow});
        self.tell("workflow_run", Some(action), &sender, fields);
    }

    fn tell_job(&mut self, action: &str, id: i64) {
        let repo = &*self.repo;
        let (Some(job), Some(check)) = (repo.jobs.get(&id), repo.checks.get(&id)) else {
            panic!("no job {id}")
        };
        let sender = repo.runs.get(&job.run).map_or("ada-agent", |run| &run.actor).to_owned();
        let shape = shapes::job(self.bases, repo, job, check);
        self.tell("workflow_job", Some(action), &sender, json!({"workflow_job": shape}));
    }
}
