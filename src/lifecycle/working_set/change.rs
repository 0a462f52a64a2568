//! Changing records: each change keeps the sets true that the row belongs to, and leaves its writes.
//! What stays as it was leaves none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{
    Budget, Check, CheckKey, Comment, CommentName, CommentRow, CommitFact, CommitSha,
    MergeabilityAnswer, Nudge, NudgeId, Project, ProjectId, PullCommit, PullId, PullRegisters,
    PullRequest, QueueFact, RepoId, Review, Session, Subject, Task, TaskName, Text, Thread,
    TimerKind, Timestamp,
};

use super::record::{check_row, comment, fact};
use super::{CommitRecord, Counters, Key, PullRecord, Record, WorkingSet, Write, index};

impl WorkingSet {
    /// Registers a project, or writes it as it is now.
    pub fn put_project(&mut self, project: Project) {
        let key = Key::Project(project.id.clone());
        let known = match self.record(&key) {
            Some(Record::Project(known)) => known.clone(),
            _ => None,
        };
        if known.as_deref() == Some(&project) {
            return;
        }
        let before = known.as_deref().map(index::of_project).unwrap_or_default();
        let id = project.id.clone();
        self.reindex(before, index::of_project(&project), |set, joins| {
            if let Record::Projects(ids) = set { toggle(ids, &id, joins) } else { false }
        });
        let project = Arc::new(project);
        self.replace(key, Record::Project(Some(Arc::clone(&project))), 0);
        let Some(known) = known else {
            self.learn(Key::Budget(id), Record::Budget(None));
            self.write_row(Write::InsertProject(project));
            return;
        };
        self.write_row(Write::UpdateProject(Arc::clone(&project)));
        if let Some(repo) =
            project.repo_id.filter(|_| known.repo_origin_url != project.repo_origin_url)
        {
            self.move_pulls(repo, &project.repo_origin_url);
        }
    }

    /// The addresses of a repository's pull requests follow its page.
    fn move_pulls(&mut self, repo: RepoId, origin: &Text) {
        for record in self.lately.values_mut().chain(self.before.values_mut()) {
            if let Record::Pull(Some(pull)) = record
                && pull.row.repo_id == repo
            {
                let row = Arc::make_mut(&mut pull.row);
                row.url = format!("{origin}/pull/{}", row.number).into();
            }
        }
        self.writes.push(Write::MovePulls { repo, origin: origin.clone() });
    }

    /// Makes a session, or writes it as it is now.
    pub fn put_session(&mut self, session: Session) {
        let key = Key::Session(session.id.clone());
        let known = match self.record(&key) {
            Some(Record::Session(known)) => known.clone(),
            _ => None,
        };
        if known.as_deref() == Some(&session) {
            return;
        }
        let before = known.as_deref().and_then(index::of_session);
        let id = session.id.clone();
        self.reindex(before, index::of_session(&session), |set, joins| {
            if let Record::Sessions(ids) = set { toggle(ids, &id, joins) } else { false }
        });
        let session = Arc::new(session);
        self.replace(key, Record::Session(Some(Arc::clone(&session))), 0);
        if known.is_some() {
            self.write_row(Write::UpdateSession(session));
        } else {
            self.begin(Subject::Session(id.clone()));
            self.learn(Key::PullsOfSession(id), Record::Pulls(BTreeSet::new()));
            self.writes.push(Write::InsertSession(session));
        }
    }

    /// Takes in a pull request that is seen for the first time.
    pub fn insert_pull(&mut self, row: PullRequest) {
        let id = row.id;
        self.begin(Subject::Pull(id));
        self.learn(Key::CommentRows(id), Record::CommentRows(BTreeMap::new()));
        let record = PullRecord { row: Arc::new(row), registers: Arc::default() };
        self.reindex([], index::of_pull(&record.row), joins_pulls(id));
        self.writes.push(Write::InsertPull(Arc::clone(&record.row)));
        self.learn(Key::Pull(id), Record::Pull(Some(record)));
    }

    /// Writes a pull request's row as it is now.
    pub fn put_pull(&mut self, row: PullRequest) {
        let id = row.id;
        let Some(known) = self.pull(id).cloned() else { return };
        if *known.row == row {
            return;
        }
        self.reindex(index::of_pull(&known.row), index::of_pull(&row), joins_pulls(id));
        let row = Arc::new(row);
        let record = PullRecord { row: Arc::clone(&row), registers: known.registers };
        self.replace(Key::Pull(id), Record::Pull(Some(record)), 0);
        self.write_row(Write::UpdatePull(row));
    }

    /// A commit joins a pull request's, or is known better.
    pub fn put_pull_commit(&mut self, pull: PullId, repo: RepoId, seen: PullCommit) {
        let commit = self.commit_row(repo, &seen.sha, true);
        self.writes.push(Write::SetPullCommit { pull, commit, seen: seen.clone() });
        let joined = [Key::PullsWithCommit(repo, seen.sha.clone())];
        self.reindex([], joined, joins_pulls(pull));
        let known = self
            .registers(pull, |registers| registers.commits.insert(seen.sha.clone(), seen.clone()));
        if known.is_none() && self.record(&Key::CheckRows(pull, seen.sha.clone())).is_none() {
            self.learn(Key::CheckRows(pull, seen.sha), Record::CheckRows(BTreeMap::new()));
        }
    }

    pub fn put_answer(&mut self, pull: PullId, answer: MergeabilityAnswer) {
        self.writes.push(Write::SetAnswer { pull, answer: answer.clone() });
        let name = (answer.head_sha.clone(), answer.base_ref.clone());
        self.registers(pull, |registers| registers.answers.insert(name, answer));
    }

    pub fn put_review(&mut self, pull: PullId, review: Review) {
        self.writes.push(Write::SetReview { pull, review: review.clone() });
        self.registers(pull, |registers| registers.reviews.insert(review.id, review));
    }

    fn registers<T>(&mut self, pull: PullId, change: impl FnOnce(&mut PullRegisters) -> T) -> T {
        self.bytes += 256;
        match self.lately.get_mut(&Key::Pull(pull)) {
            Some(Record::Pull(Some(record))) => change(Arc::make_mut(&mut record.registers)),
            other => unreachable!("registers of pull request {pull:?}: {other:?}"),
        }
    }

    /// Writes a register at a commit.
    pub fn put_fact(&mut self, repo: RepoId, sha: &CommitSha, seen: CommitFact) {
        let commit = self.commit_row(repo, sha, false);
        self.writes.push(Write::SetFact { commit, fact: seen.clone() });
        self.bytes += fact(&seen);
        if let Some(Record::Commit(record)) = self.lately.get_mut(&Key::Commit(repo, sha.clone())) {
            record.put(seen);
        }
    }

    /// The number of a commit's row, which is made where there is none.
    fn commit_row(&mut self, repo: RepoId, sha: &CommitSha, claims: bool) -> i64 {
        let known = self.commit(repo, sha).clone();
        if let Some(id) = known.id.filter(|_| known.claimed || !claims) {
            return id;
        }
        let id = match known.id {
            Some(id) => {
                self.writes.push(Write::ClaimCommit { id });
                id
            }
            None => {
                let id = self.next(|counters| &mut counters.commit);
                let sha = sha.clone();
                self.writes.push(Write::InsertCommit { id, repo, sha, claimed: claims });
                id
            }
        };
        let record = CommitRecord { id: Some(id), claimed: claims || known.claimed, ..known };
        self.replace(Key::Commit(repo, sha.clone()), Record::Commit(record), 0);
        id
    }

    /// Gives out a number.
    pub fn next(&mut self, which: impl Fn(&mut Counters) -> &mut i64) -> i64 {
        match self.lately.get_mut(&Key::Counters) {
            Some(Record::Counters(counters)) => {
                let next = which(counters);
                *next += 1;
                *next - 1
            }
            other => unreachable!("counters: {other:?}"),
        }
    }

    pub fn put_comment(&mut self, repo: RepoId, number: i64, said: &Arc<Comment>) {
        let write = Write::SetComment { repo, number, comment: Arc::clone(said) };
        self.writes.push(write);
        self.bytes += comment(&said.body);
        if let Some(Record::Conversation(known)) =
            self.lately.get_mut(&Key::Conversation(repo, number))
        {
            Arc::make_mut(known).comments.insert((said.kind, said.id), Arc::clone(said));
        }
    }

    pub fn put_thread(&mut self, repo: RepoId, number: i64, thread: Thread) {
        self.writes.push(Write::SetThread { repo, number, thread: thread.clone() });
        if let Some(Record::Conversation(known)) =
            self.lately.get_mut(&Key::Conversation(repo, number))
        {
            Arc::make_mut(known).threads.insert(thread.root_id, thread);
        }
    }

    pub fn add_queue_fact(&mut self, repo: RepoId, number: i64, fact: &QueueFact) {
        self.writes.push(Write::AddQueueFact { repo, number, fact: fact.clone() });
        if let Some(Record::Conversation(known)) =
            self.lately.get_mut(&Key::Conversation(repo, number))
        {
            Arc::make_mut(known).queue.insert(fact.clone());
        }
    }

    pub fn put_base_push(&mut self, repo: RepoId, branch: &Text, at: Timestamp) {
        self.writes.push(Write::SetBasePush { repo, branch: branch.clone(), at });
        self.replace(Key::BasePush(repo, branch.clone()), Record::BasePush(Some(at)), 0);
    }

    /// Makes the check rows at a commit what they are now.
    pub fn put_check_rows<'a>(
        &mut self,
        (pull, url): (PullId, &Text),
        sha: &CommitSha,
        derived: impl Iterator<Item = (&'a CheckKey, &'a Arc<Check>)> + Clone,
    ) {
        let stored = self.check_rows(pull, sha);
        let (mut changed, mut there) = (Vec::new(), 0);
        for (key, check) in derived.clone() {
            match stored.get(key) {
                Some(known) if known == check => there += 1,
                known => {
                    there += usize::from(known.is_some());
                    changed.push(Arc::clone(check));
                }
            }
        }
        let gone: Vec<CheckKey> = if there == stored.len() {
            Vec::new()
        } else {
            let stays: BTreeSet<&CheckKey> = derived.map(|(key, _)| key).collect();
            stored.keys().filter(|key| !stays.contains(key)).cloned().collect()
        };
        if gone.is_empty() && changed.is_empty() {
            return;
        }
        let grown = changed.iter().map(|check| check_row(check)).sum::<usize>();
        let key = Key::CheckRows(pull, sha.clone());
        // Most rows stay as they were: only what differs is put in their place.
        if let Some(Record::CheckRows(rows)) = self.lately.get_mut(&key) {
            rows.retain(|key, _| !gone.contains(key));
            rows.extend(changed.iter().map(|check| (check.key.clone(), Arc::clone(check))));
        }
        self.bytes += grown;
        for key in gone {
            self.writes.push(Write::DeleteCheckRow { pull, sha: sha.clone(), key });
        }
        for check in changed {
            let (url, sha) = (url.clone(), sha.clone());
            self.writes.push(Write::SetCheckRow { pull, url, sha, check });
        }
    }

    /// Makes the comment rows of a pull request what they are now.
    pub fn put_comment_rows(
        &mut self,
        (pull, url): (PullId, &Text),
        derived: BTreeMap<CommentName, Arc<CommentRow>>,
    ) {
        let stored = self.comment_rows(pull);
        let mut writes = Vec::new();
        for name in stored.keys().filter(|name| !derived.contains_key(name)) {
            writes.push(Write::DeleteCommentRow { pull, name: *name });
        }
        for (name, row) in &derived {
            if stored.get(name) != Some(row) {
                let (url, row) = (url.clone(), Arc::clone(row));
                writes.push(Write::SetCommentRow { pull, url, row });
            }
        }
        if !writes.is_empty() {
            self.writes.append(&mut writes);
            self.replace(Key::CommentRows(pull), Record::CommentRows(derived), 512);
        }
    }

    /// Makes a nudge, or writes it as it is now.
    pub fn put_nudge(&mut self, nudge: Nudge) {
        let key = Key::Nudge(nudge.id);
        let known = match self.record(&key) {
            Some(Record::Nudge(known)) => known.clone(),
            _ => None,
        };
        if known.as_deref() == Some(&nudge) {
            return;
        }
        let before = known.as_deref().map(index::of_nudge).unwrap_or_default();
        let id: NudgeId = nudge.id;
        self.reindex(before, index::of_nudge(&nudge), |set, joins| {
            if let Record::Nudges(ids) = set { toggle(ids, &id, joins) } else { false }
        });
        let grown = if known.is_some() { 0 } else { 256 + nudge.body.len() };
        let nudge = Arc::new(nudge);
        self.replace(key, Record::Nudge(Some(Arc::clone(&nudge))), grown);
        let insert = known.is_none();
        self.writes.push(if insert {
            Write::InsertNudge(nudge)
        } else {
            Write::UpdateNudge(nudge)
        });
    }

    /// Sets a timer, or with `None` takes it away.
    pub fn put_timer(&mut self, subject: &Subject, kind: TimerKind, due_at: Option<Timestamp>) {
        let key = Key::Timers(subject.clone());
        let Some(Record::Timers(timers)) = self.lately.get_mut(&key) else {
            unreachable!("timers of {subject} were not fetched")
        };
        let known = match due_at {
            Some(due_at) => timers.insert(kind, due_at),
            None => timers.remove(&kind),
        };
        if known == due_at {
            return;
        }
        let subject = subject.clone();
        self.writes.push(match due_at {
            Some(due_at) => Write::SetTimer { subject, kind, due_at },
            None => Write::DeleteTimer { subject, kind },
        });
    }

    /// Enqueues a task, or writes it as it is now.
    pub fn put_task(&mut self, task: Task) {
        let key = Key::Task(task.payload.name());
        let known = matches!(self.record(&key), Some(Record::Task(Some(_))));
        let task = Arc::new(task);
        self.replace(key, Record::Task(Some(Arc::clone(&task))), 512);
        self.writes.push(if known { Write::UpdateTask(task) } else { Write::InsertTask(task) });
    }

    /// Takes a task off, done or void.
    pub fn drop_task(&mut self, name: &TaskName) {
        if self.task(name).is_some() {
            self.replace(Key::Task(name.clone()), Record::Task(None), 0);
            self.writes.push(Write::DeleteTask(name.clone()));
        }
    }

    /// Notes down what a project has spent.
    pub fn put_budget(&mut self, project: &ProjectId, budget: Budget) {
        self.replace(Key::Budget(project.clone()), Record::Budget(Some(budget)), 0);
        self.writes.push(Write::SetBudget { project: project.clone(), budget });
    }

    /// Writes a row. Where this observation has written it before, that write says what it is now.
    fn write_row(&mut self, write: Write) {
        for known in &mut self.writes {
            match (known, &write) {
                (
                    Write::InsertProject(old) | Write::UpdateProject(old),
                    Write::UpdateProject(new),
                ) if old.id == new.id => {
                    old.clone_from(new);
                    return;
                }
                (
                    Write::InsertSession(old) | Write::UpdateSession(old),
                    Write::UpdateSession(new),
                ) if old.id == new.id => {
                    old.clone_from(new);
                    return;
                }
                (Write::InsertPull(old) | Write::UpdatePull(old), Write::UpdatePull(new))
                    if old.id == new.id =>
                {
                    old.clone_from(new);
                    return;
                }
                _ => {}
            }
        }
        self.writes.push(write);
    }

    /// A subject of which nothing is stored yet.
    fn begin(&mut self, subject: Subject) {
        self.learn(Key::OpenNudges(subject.clone()), Record::Nudges(BTreeSet::new()));
        self.learn(Key::Timers(subject), Record::Timers(BTreeMap::new()));
    }

    /// Has a row leave the sets it belonged to and join those it belongs to now, as far as they are
    /// here. Where they are not, the store will say.
    fn reindex(
        &mut self,
        before: impl IntoIterator<Item = Key>,
        now: impl IntoIterator<Item = Key>,
        toggle: impl Fn(&mut Record, bool) -> bool,
    ) {
        let leaves = before.into_iter().map(|key| (key, false));
        for (key, joins) in leaves.chain(now.into_iter().map(|key| (key, true))) {
            if self.whole && self.record(&key).is_none() {
                self.lately.insert(key.clone(), Record::absent(&key));
            }
            let set = self.lately.get_mut(&key).or_else(|| self.before.get_mut(&key));
            let is_set = set.is_none_or(|set| toggle(set, joins));
            debug_assert!(is_set, "{key:?} is no set of that kind");
        }
    }
}

fn joins_pulls(id: PullId) -> impl Fn(&mut Record, bool) -> bool {
    move |set, joins| {
        if let Record::Pulls(ids) = set { toggle(ids, &id, joins) } else { false }
    }
}

fn toggle<T: Ord + Clone>(ids: &mut BTreeSet<T>, id: &T, joins: bool) -> bool {
    if joins {
        ids.insert(id.clone());
    } else {
        ids.remove(id);
    }
    true
}
