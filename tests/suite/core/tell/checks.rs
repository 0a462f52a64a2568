//! Facts at a commit: check runs, workflow runs, suites, statuses.

use std::sync::Arc;

use nudged::domain::{
    CheckRun, CommitSha, CommitStatus, Excerpt, RepoSeen, RunState, RunStatus, ScmObservation,
    WorkflowRun,
};

use super::{at, rocket, sha};

/// A run's state: at work until it is said how it ended.
fn state(name: &str, url: String) -> RunState {
    RunState {
        status: RunStatus::InProgress,
        completed_at: None,
        conclusion: None,
        name: name.into(),
        url: url.into(),
        started_at: Some(at(-30)),
    }
}

/// Says how far a run has come.
macro_rules! run_state {
    ($told:ident, $($state:ident).+) => {
        impl $told {
            pub fn queued(mut self) -> Self {
                self.$($state).+.status = RunStatus::Queued;
                self
            }

            /// In GitHub's word.
            pub fn concluded(mut self, conclusion: &str) -> Self {
                self.$($state).+.status = RunStatus::Completed;
                self.$($state).+.conclusion = Some(conclusion.into());
                self.at(0)
            }

            pub fn failed(self) -> Self {
                self.concluded("failure")
            }

            pub fn passed(self) -> Self {
                self.concluded("success")
            }

            /// When it ended, where it has.
            pub fn at(mut self, seconds: i64) -> Self {
                let ended = self.$($state).+.status == RunStatus::Completed;
                self.$($state).+.completed_at = ended.then(|| at(seconds));
                self
            }
        }
    };
}

/// Says where a fact belongs.
macro_rules! of_commit {
    ($told:ident) => {
        impl $told {
            pub fn at_commit(self, number: u64) -> Self {
                self.at_sha(&sha(number))
            }

            pub fn at_sha(mut self, sha: &CommitSha) -> Self {
                self.sha = sha.clone();
                self
            }

            pub fn of_repo(mut self, repo: RepoSeen) -> Self {
                self.repo = repo;
                self
            }
        }
    };
}

/// A check run.
#[derive(Clone)]
pub struct Check {
    repo: RepoSeen,
    sha: CommitSha,
    run: CheckRun,
}

/// The first run of a check of that name in suite 900, at work.
pub fn check(name: &str) -> Check {
    let run = CheckRun {
        run_id: 0,
        source: "harbor-ci".into(),
        suite_id: Some(900),
        workflow_run_id: None,
        attempt: None,
        never_ran: false,
        state: state(name, String::new()),
        output: None,
        failed_step: None,
    };
    Check { repo: rocket(), sha: sha(1), run }.run(1)
}

impl Check {
    /// The `number`th run of the check: later runs have greater ids.
    pub fn run(mut self, number: i64) -> Self {
        let name =
            self.run.state.name.bytes().fold(0, |sum, byte| (sum * 31 + byte as i64) % 9_973);
        self.run.run_id = 10_000 * number + name;
        // A later run begins after the earlier one: it says no time, so that its id tells.
        self.run.state.started_at = (number == 1).then(|| at(-30));
        self.run.state.url = format!("https://ci.example/{}", self.run.run_id).into();
        self
    }

    pub fn suite(mut self, id: i64) -> Self {
        self.run.suite_id = Some(id);
        self
    }

    /// As the payload of a job tells of it: the workflow run is named, the suite is not.
    pub fn job_of(mut self, workflow_run: i64) -> Self {
        (self.run.workflow_run_id, self.run.suite_id) = (Some(workflow_run), None);
        self
    }

    /// A job of the Actions run 70.
    pub fn of_actions(self) -> Self {
        self.made_by("github-actions").job_of(70)
    }

    /// The commit it ran at.
    pub fn commit(&self) -> &CommitSha {
        &self.sha
    }

    /// The id of the run.
    pub fn id(&self) -> i64 {
        self.run.run_id
    }

    /// In that attempt of its workflow run.
    pub fn attempt(mut self, attempt: i64) -> Self {
        self.run.attempt = Some(attempt);
        self
    }

    /// A twin of the same name: another run id, whatever its number.
    pub fn twin(mut self) -> Self {
        self.run.run_id += 5_000;
        self
    }

    pub fn began(mut self, seconds: i64) -> Self {
        self.run.state.started_at = Some(at(seconds));
        self
    }

    /// Made by the app of that slug.
    pub fn made_by(mut self, app: &str) -> Self {
        self.run.source = app.into();
        self
    }

    /// No runner took it.
    pub fn never_ran(mut self) -> Self {
        self.run.never_ran = true;
        self
    }

    /// Its page, where it says another one than usual.
    pub fn at_url(mut self, url: &str) -> Self {
        self.run.state.url = url.into();
        self
    }

    /// What its app wrote into the run's output.
    pub fn said(mut self, text: &str) -> Self {
        let state = &self.run.state;
        let (status, completed_at) = (state.status, state.completed_at);
        self.run.output = Some(Excerpt { status, completed_at, text: text.into() });
        self
    }
}

run_state!(Check, run.state);
of_commit!(Check);

impl From<Check> for ScmObservation {
    fn from(Check { repo, sha, run }: Check) -> Self {
        Self::CheckRun { repo, sha, run: Arc::new(run) }
    }
}

/// A workflow run.
#[derive(Clone)]
pub struct Workflow {
    repo: RepoSeen,
    sha: CommitSha,
    run: WorkflowRun,
}

/// The first attempt of a run of the workflow `CI` for a pull request, with suite 900, at work.
pub fn workflow_run(id: i64) -> Workflow {
    let url = format!("https://github.com/acme/rocket/actions/runs/{id}");
    let run = WorkflowRun {
        id,
        attempt: 1,
        state: state("CI", url),
        workflow_id: Some(3),
        event: "pull_request".into(),
        suite_id: Some(900),
    };
    Workflow { repo: rocket(), sha: sha(1), run }
}

impl Workflow {
    pub fn attempt(mut self, attempt: i64) -> Self {
        self.run.attempt = attempt;
        self
    }

    pub fn suite(mut self, id: i64) -> Self {
        self.run.suite_id = Some(id);
        self
    }

    /// Another workflow than `CI`.
    pub fn of_workflow(mut self, id: i64, name: &str) -> Self {
        self.run.workflow_id = Some(id);
        self.run.state.name = name.into();
        self
    }

    pub fn cancelled(self) -> Self {
        self.concluded("cancelled")
    }

    pub fn on(mut self, event: &str) -> Self {
        self.run.event = event.into();
        self
    }
}

run_state!(Workflow, run.state);
of_commit!(Workflow);

impl From<Workflow> for ScmObservation {
    fn from(Workflow { repo, sha, run }: Workflow) -> Self {
        Self::WorkflowRun { repo, sha, run: Arc::new(run) }
    }
}

/// A check suite that has completed.
pub fn suite_completed(suite_id: i64) -> ScmObservation {
    ScmObservation::SuiteCompleted { repo: rocket(), sha: sha(1), suite_id }
}

/// A commit status.
#[derive(Clone)]
pub struct Status {
    repo: RepoSeen,
    sha: CommitSha,
    status: CommitStatus,
}

/// The first status of a context, pending.
pub fn status(context: &str) -> Status {
    let status = CommitStatus {
        updated_at: at(0),
        id: 1,
        context: context.into(),
        state: "pending".into(),
        description: None,
        url: "https://ci.example/status".into(),
        created_at: at(0),
    };
    Status { repo: rocket(), sha: sha(1), status }
}

impl Status {
    pub fn id(mut self, id: i64) -> Self {
        self.status.id = id;
        self
    }

    pub fn at(mut self, seconds: i64) -> Self {
        self.status.updated_at = at(seconds);
        self
    }

    /// In GitHub's word.
    pub fn state(mut self, word: &str) -> Self {
        self.status.state = word.into();
        self
    }

    pub fn failed(self) -> Self {
        self.state("failure")
    }

    pub fn passed(self) -> Self {
        self.state("success")
    }
}

of_commit!(Status);

impl From<Status> for ScmObservation {
    fn from(Status { repo, sha, status }: Status) -> Self {
        Self::Status { repo, sha, status: Arc::new(status) }
    }
}
