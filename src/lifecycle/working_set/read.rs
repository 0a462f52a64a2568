//! Typed reading of records that were fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{
    Budget, Check, CheckKey, CommentName, CommentRow, CommitFacts, CommitSha, Conversation, Nudge,
    NudgeId, Project, ProjectId, PullId, RepoId, Session, SessionId, Subject, Task, TaskName, Text,
    TimerKind, Timestamp,
};

use super::{CommitRecord, Counters, Key, PullRecord, Record, WorkingSet};

macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $answer:ty {
        $key:expr => $record:ident($found:ident) => $show:expr
    })+) => {
        impl WorkingSet {
            $($(#[$doc])* pub fn $name(&self, $($arg: $type),*) -> $answer {
                let key = $key;
                match self.wanted(&key) {
                    Record::$record($found) => $show,
                    other => unreachable!("{key:?} is {other:?}"),
                }
            })+
        }
    };
}

reads! {
    counters() -> &Counters { Key::Counters => Counters(found) => found }
    project(id: &ProjectId) -> Option<&Arc<Project>> {
        Key::Project(id.clone()) => Project(found) => found.as_ref()
    }
    session(id: &SessionId) -> Option<&Arc<Session>> {
        Key::Session(id.clone()) => Session(found) => found.as_ref()
    }
    pull(id: PullId) -> Option<&PullRecord> { Key::Pull(id) => Pull(found) => found.as_ref() }
    commit(repo: RepoId, sha: &CommitSha) -> &CommitRecord {
        Key::Commit(repo, sha.clone()) => Commit(found) => found
    }
    /// The facts at a commit.
    facts(repo: RepoId, sha: &CommitSha) -> &Arc<CommitFacts> {
        Key::Commit(repo, sha.clone()) => Commit(found) => &found.facts
    }
    check_rows(pull: PullId, sha: &CommitSha) -> &BTreeMap<CheckKey, Arc<Check>> {
        Key::CheckRows(pull, sha.clone()) => CheckRows(found) => found
    }
    conversation(repo: RepoId, number: i64) -> &Arc<Conversation> {
        Key::Conversation(repo, number) => Conversation(found) => found
    }
    comment_rows(pull: PullId) -> &BTreeMap<CommentName, Arc<CommentRow>> {
        Key::CommentRows(pull) => CommentRows(found) => found
    }
    base_push(repo: RepoId, branch: &Text) -> Option<Timestamp> {
        Key::BasePush(repo, branch.clone()) => BasePush(found) => *found
    }
    nudge(id: NudgeId) -> Option<&Arc<Nudge>> { Key::Nudge(id) => Nudge(found) => found.as_ref() }
    timers(subject: &Subject) -> &BTreeMap<TimerKind, Timestamp> {
        Key::Timers(subject.clone()) => Timers(found) => found
    }
    task(name: &TaskName) -> Option<&Arc<Task>> {
        Key::Task(name.clone()) => Task(found) => found.as_ref()
    }
    budget(project: &ProjectId) -> Option<Budget> {
        Key::Budget(project.clone()) => Budget(found) => *found
    }
    project_of_repo(repo: RepoId) -> Option<&ProjectId> {
        Key::ProjectOfRepo(repo) => Projects(found) => found.first()
    }
    pull_of_number(repo: RepoId, number: i64) -> Option<PullId> {
        Key::PullOfNumber(repo, number) => Pulls(found) => found.first().copied()
    }
    pulls_with_commit(repo: RepoId, sha: &CommitSha) -> &BTreeSet<PullId> {
        Key::PullsWithCommit(repo, sha.clone()) => Pulls(found) => found
    }
    pulls_of_session(session: &SessionId) -> &BTreeSet<PullId> {
        Key::PullsOfSession(session.clone()) => Pulls(found) => found
    }
    pulls_into(repo: RepoId, branch: &Text) -> &BTreeSet<PullId> {
        Key::PullsInto(repo, branch.clone()) => Pulls(found) => found
    }
    open_pulls(project: &ProjectId) -> &BTreeSet<PullId> {
        Key::OpenPulls(project.clone()) => Pulls(found) => found
    }
    sessions_of_branch(project: &ProjectId, branch: &Text) -> &BTreeSet<SessionId> {
        Key::SessionsOfBranch(project.clone(), branch.clone()) => Sessions(found) => found
    }
    open_nudges(subject: &Subject) -> &BTreeSet<NudgeId> {
        Key::OpenNudges(subject.clone()) => Nudges(found) => found
    }
    open_nudges_of_project(project: &ProjectId) -> &BTreeSet<NudgeId> {
        Key::OpenNudgesOfProject(project.clone()) => Nudges(found) => found
    }
    /// The projects of a set.
    projects(of: &Key) -> &BTreeSet<ProjectId> { of.clone() => Projects(found) => found }
}
