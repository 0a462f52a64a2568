//! What the rules about GitHub's answers may look at.

use super::Wants;
use crate::domain::{
    AskPermission, LogName, PullCore, Refreshed, RepoId, ScmObservation, TaskName,
};
use crate::lifecycle::working_set::Key;

impl Wants<'_> {
    /// A log, and the pull requests that have its commit.
    pub(super) fn log(&mut self, of: &LogName) {
        self.want(Key::Task(TaskName::fetch_log(of.repo, of.run_id)));
        self.facts(of.repo, &of.sha);
        for pull in self.pulls(Key::PullsWithCommit(of.repo, of.sha.clone())) {
            self.project(&pull.row.project_id);
            self.want(Key::CheckRows(pull.row.id, of.sha.clone()));
            if pull.row.core.head_sha == of.sha {
                self.follow_checks(pull, &[], true);
            }
        }
        for pull in self.pulls(Key::PullOfNumber(of.repo, of.number)) {
            self.project(&pull.row.project_id);
            self.follow(pull, &[], true);
        }
    }

    /// What GitHub shows of a pull request.
    pub(super) fn refreshed(&mut self, repo: RepoId, number: i64, answer: &Refreshed) {
        self.want(Key::Task(TaskName::refresh(repo, number)));
        let found = match answer {
            Refreshed::Shown { found, .. } => found.as_slice(),
            Refreshed::Hidden | Refreshed::Failed(_) => &[],
        };
        let mut shown = Vec::new();
        for seen in found {
            self.scm(seen);
            if let ScmObservation::Pull { pull, .. } = seen {
                shown.push(&*pull.core);
            }
        }
        self.number(repo, number, &shown);
    }

    /// What GitHub says of somebody, and the open pull requests where he may speak.
    pub(super) fn permission(&mut self, of: &AskPermission) {
        self.want(Key::Task(TaskName::ask_permission(of.repo_id, &of.login)));
        for project in self.projects(Key::ProjectOfRepo(of.repo_id)) {
            for pull in self.pulls(Key::OpenPulls(project.id.clone())) {
                self.follow(pull, &[], false);
            }
        }
    }

    /// The pull request of a number. `seen`: groups of facts that may become its own.
    pub(super) fn number(&mut self, repo: RepoId, number: i64, seen: &[&PullCore]) {
        for pull in self.pulls(Key::PullOfNumber(repo, number)) {
            self.project(&pull.row.project_id);
            self.follow(pull, seen, false);
        }
    }
}
