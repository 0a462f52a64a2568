//! GitHub's API as the rules see it: tasks that are enqueued, and what comes of them.

use nudged::domain::{
    AskPermission, Observation, PermissionAnswer, RepoName, Report, RerunAnswer, RerunChecks, Task,
    TaskKind, TaskPayload,
};
use nudged::lifecycle::Write;

use super::{Core, tell};

impl Core {
    /// What is known stays, but from now on GitHub can be asked.
    pub fn asking_github(mut self) -> Self {
        self.policy.github = true;
        self
    }

    /// Takes down the tasks that writes make, change and take off.
    pub(super) fn note_tasks(&mut self, writes: &[Write]) {
        for write in writes {
            if let Write::InsertTask(task) | Write::UpdateTask(task) = write {
                let before = self.tasks.insert(task.payload.name(), (**task).clone());
                let is_new = matches!(write, Write::InsertTask(_));
                assert_eq!(before.is_none(), is_new, "{write:?}");
            }
            if let Write::DeleteTask(name) = write {
                assert!(self.tasks.remove(name).is_some(), "{name:?} is not there");
            }
        }
    }

    /// The tasks of a kind that wait.
    pub fn tasks_of(&self, kind: TaskKind) -> Vec<&Task> {
        self.tasks.values().filter(|task| task.payload.kind() == kind).collect()
    }

    /// `name` of the checks whose logs are to be fetched.
    pub fn wanted_logs(&self) -> Vec<&str> {
        let tasks = self.tasks.values();
        let named = tasks.filter_map(|task| {
            if let TaskPayload::FetchLog(log) = &task.payload { Some(&*log.name) } else { None }
        });
        named.collect()
    }

    /// In how many seconds GitHub is asked about pull requests.
    pub fn asks_in(&self) -> Vec<i64> {
        let tasks = self.tasks_of(TaskKind::RefreshPull).into_iter();
        tasks.map(|task| task.due_at.duration_since(self.now).as_secs()).collect()
    }

    /// The checks that are to be run again.
    pub fn wanted_reruns(&self) -> Vec<RerunChecks> {
        let tasks = self.tasks.values();
        let wanted = tasks.filter_map(|task| {
            if let TaskPayload::RerunChecks(it) = &task.payload { Some(it.clone()) } else { None }
        });
        wanted.collect()
    }

    /// Whose permission is asked.
    pub fn asks_about(&self) -> Vec<&str> {
        let tasks = self.tasks.values();
        let named = tasks.filter_map(|task| {
            if let TaskPayload::AskPermission(it) = &task.payload { Some(&*it.login) } else { None }
        });
        named.collect()
    }

    /// What came of asking about somebody.
    pub fn permission(&mut self, login: &str, answer: PermissionAnswer) {
        let name = RepoName::parse("acme/rocket").expect("a name");
        let of = AskPermission { repo_id: tell::REPO, repo: name, login: login.into() };
        self.report(Observation::Report(Report::Permission { of, answer }));
    }

    /// What came of the first of them.
    pub fn rerun(&mut self, answer: RerunAnswer) {
        let of = self.wanted_reruns().remove(0);
        self.report(Observation::Report(Report::Rerun { of, answer }));
    }

    /// What came of a task. Told again it changes nothing.
    pub fn report(&mut self, came: impl Into<Observation>) {
        self.checked(&came.into()).expect("it is taken in");
    }
}
