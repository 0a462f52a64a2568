//! Which rows an observation wants: all that the rules may look at while they reduce it.
//!
//! A row names further rows, so it goes in rounds: whoever asks fetches what is missing and asks again,
//! until nothing is.

mod answers;
mod session;

use crate::domain::{
    Audience, Budget, CheckStatus, CommandObservation, CommitFacts, CommitSha, Nudge, NudgeId,
    NudgeState, Observation, Paused, Project, ProjectId, PullCore, PullId, PullRequest, PullSeen,
    QueueEvent, RepoId, RepoSeen, Report, RunState, ScmObservation, Session, SessionId, Subject,
    TaskName, TaskPayload, Text, TimerKind,
};

use super::history::history_of;
use super::scm::{names_of, opens_or_closes, slug_stem, touches_names};
use super::working_set::{Key, PullRecord, Record, WorkingSet};

/// The keys that `reduce` may read for `observation`, as far as `known` tells. Where all of them are
/// known, there are no others.
pub fn needs(known: &WorkingSet, observation: &Observation) -> Vec<Key> {
    let mut wants = Wants { known, keys: vec![Key::Counters] };
    match observation {
        Observation::Scm(seen) => wants.scm(seen),
        Observation::Command(asked) => wants.command(asked),
        Observation::Report(
            Report::NudgeSent { nudge, .. } | Report::NudgeNotSent { nudge, .. },
        ) => {
            wants.nudge_sent(*nudge);
            wants.want(Key::Task(TaskName::notify(*nudge)));
        }
        Observation::Report(Report::NudgeTold { nudge, .. }) => wants.nudge_told(*nudge),
        Observation::Report(Report::Log { of, .. }) => wants.log(of),
        Observation::Report(Report::Pull { repo, number, answer }) => {
            wants.refreshed(*repo, *number, answer);
        }
        Observation::Report(Report::Rerun { of, .. }) => {
            wants.want(Key::Task(TaskPayload::RerunChecks(of.clone()).name()));
            wants.number(of.repo_id, of.number, &[]);
        }
        Observation::Report(Report::Permission { of, .. }) => wants.permission(of),
        Observation::Session(seen) => wants.session_fact(seen),
        Observation::Timer(due) => match &due.subject {
            Subject::Pull(id) => {
                if let Some(pull) = wants.pull(*id) {
                    wants.project(&pull.row.project_id);
                    wants.follow(pull, &[], false);
                }
            }
            Subject::Session(id) => {
                // The end of a wait or of a limit lets nudges out.
                let ends = matches!(due.kind, TimerKind::WaitOver | TimerKind::LimitReset);
                wants.life(id, |_| ends);
            }
        },
    }
    wants.keys
}

struct Wants<'k> {
    known: &'k WorkingSet,
    keys: Vec<Key>,
}

impl<'k> Wants<'k> {
    fn want(&mut self, key: Key) -> Option<&'k Record> {
        let record = self.known.record(&key);
        self.keys.push(key);
        record
    }

    fn project(&mut self, id: &ProjectId) -> Option<&'k Project> {
        match self.want(Key::Project(id.clone())) {
            Some(Record::Project(project)) => project.as_deref(),
            _ => None,
        }
    }

    /// All projects of a set; the set.
    fn projects(&mut self, of: Key) -> Vec<&'k Project> {
        let Some(Record::Projects(ids)) = self.want(of) else { return Vec::new() };
        ids.iter().filter_map(|id| self.project(id)).collect()
    }

    fn pull(&mut self, id: PullId) -> Option<&'k PullRecord> {
        match self.want(Key::Pull(id)) {
            Some(Record::Pull(pull)) => pull.as_ref(),
            _ => None,
        }
    }

    /// All pull requests of a set.
    fn pulls(&mut self, of: Key) -> Vec<&'k PullRecord> {
        let Some(Record::Pulls(ids)) = self.want(of) else { return Vec::new() };
        ids.iter().filter_map(|id| self.pull(*id)).collect()
    }

    fn facts(&mut self, repo: RepoId, sha: &CommitSha) -> Option<&'k CommitFacts> {
        match self.want(Key::Commit(repo, sha.clone())) {
            Some(Record::Commit(commit)) => Some(&commit.facts),
            _ => None,
        }
    }

    fn nudge(&mut self, id: NudgeId) -> Option<&'k Nudge> {
        match self.want(Key::Nudge(id)) {
            Some(Record::Nudge(nudge)) => nudge.as_deref(),
            _ => None,
        }
    }

    /// A nudge, and the task that brings it to whom it is for.
    fn nudge_to_send(&mut self, id: NudgeId) -> Option<&'k Nudge> {
        let nudge = self.nudge(id);
        match nudge.map(|nudge| nudge.kind.audience()) {
            Some(Audience::Agent) => self.want(Key::Task(TaskName::deliver(id))),
            Some(Audience::Human) | None => self.want(Key::Task(TaskName::notify(id))),
        };
        nudge
    }

    /// A nudge that was sent. What was taken back while it was on its way was heard all the same.
    fn nudge_sent(&mut self, id: NudgeId) {
        if let Some(Nudge { subject, state: NudgeState::Superseded, .. }) = self.nudge_to_send(id) {
            if let Subject::Pull(pull) = subject {
                self.pull(*pull);
            }
            self.spoken(subject.clone());
        }
    }

    /// A nudge of which something is known on its way to the agent.
    fn nudge_told(&mut self, id: NudgeId) {
        self.want(Key::Task(TaskName::deliver(id)));
        if let Some(nudge) = self.nudge_to_send(id) {
            self.spoken(nudge.subject.clone());
            self.spending(&nudge.project_id);
            if let Some(session) = &nudge.session_id {
                self.session(session);
            }
        }
    }

    /// A project, and what of its budget is spent.
    fn spending(&mut self, id: &ProjectId) {
        self.project(id);
        if let Some(Record::Budget(Some(Budget { told: Some(told), .. }))) =
            self.want(Key::Budget(id.clone()))
        {
            self.nudge_to_send(*told);
        }
    }

    fn session(&mut self, id: &SessionId) -> Option<&'k Session> {
        match self.want(Key::Session(id.clone())) {
            Some(Record::Session(session)) => session.as_deref(),
            _ => None,
        }
    }

    /// What was said about a subject and can still be taken back, and what rings for it.
    fn spoken(&mut self, subject: Subject) {
        self.want(Key::Timers(subject.clone()));
        let Some(Record::Nudges(ids)) = self.want(Key::OpenNudges(subject)) else { return };
        for id in ids {
            self.nudge_to_send(*id);
        }
    }

    fn scm(&mut self, seen: &ScmObservation) {
        if let ScmObservation::Access { repos, account, .. } = seen {
            for repo in repos {
                self.projects(Key::ProjectOfRepo(*repo));
            }
            if let Some(account) = account {
                self.projects(Key::of_account(account));
            }
            return;
        }
        let Some(repo) = seen.repo() else { return };
        let project = self.watched(repo);
        if let Some(known) = project.filter(|known| opens_or_closes(known, repo)) {
            for pull in self.pulls(Key::OpenPulls(known.id.clone())) {
                self.follow(pull, &[], false);
            }
        }
        match seen {
            ScmObservation::Pull { pull, .. }
            | ScmObservation::Review { pull, .. }
            | ScmObservation::Queued { pull, .. }
            | ScmObservation::Comment { pull: Some(pull), .. }
            | ScmObservation::Thread { pull, .. } => self.seen(repo, project, pull),
            ScmObservation::MergeGroup { number, fact, .. } => {
                if let QueueEvent::Group { sha } = &fact.event {
                    self.facts(repo.id, sha);
                }
                self.want(Key::Conversation(repo.id, *number));
                for pull in self.pulls(Key::PullOfNumber(repo.id, *number)) {
                    self.follow(pull, &[], false);
                }
            }
            ScmObservation::Comment { pull: None, number, .. } => {
                self.want(Key::Conversation(repo.id, *number));
                for pull in self.pulls(Key::PullOfNumber(repo.id, *number)) {
                    self.follow(pull, &[], false);
                }
            }
            ScmObservation::CheckRun { sha, run, .. } => self.fact(repo, sha, failed(&run.state)),
            ScmObservation::WorkflowRun { sha, run, .. } => {
                self.fact(repo, sha, failed(&run.state));
            }
            ScmObservation::Status { sha, status, .. } => {
                self.fact(repo, sha, &*status.state != "success");
            }
            ScmObservation::SuiteCompleted { sha, .. } => self.fact(repo, sha, false),
            ScmObservation::Push { branch, .. } => {
                self.want(Key::BasePush(repo.id, branch.clone()));
                for pull in self.pulls(Key::PullsInto(repo.id, branch.clone())) {
                    self.follow(pull, &[], false);
                }
            }
            ScmObservation::Repository { .. } | ScmObservation::Access { .. } => {}
        }
    }

    /// The project that watches a repository, and those whose names it may touch.
    fn watched(&mut self, repo: &RepoSeen) -> Option<&'k Project> {
        let own = self.projects(Key::ProjectOfRepo(repo.id)).pop();
        if let Some(known) = own {
            if touches_names(known, repo) {
                for name in names_of(repo, known) {
                    self.projects(Key::named(&name));
                }
            }
            return own;
        }
        self.want(Key::ProjectsOfStem(slug_stem(&repo.name)));
        let named = self.projects(Key::named(&repo.name));
        named.into_iter().find(|project| project.repo_id.is_none())
    }

    /// A pull request that a payload shows.
    fn seen(&mut self, repo: &RepoSeen, project: Option<&'k Project>, seen: &PullSeen) {
        self.queue(repo.id, seen.number);
        let shown: Vec<&CommitSha> = seen.before.iter().chain([&seen.core.head_sha]).collect();
        for sha in &shown {
            self.facts(repo.id, sha);
        }
        self.want(Key::BasePush(repo.id, seen.core.base_ref.clone()));
        match self.pulls(Key::PullOfNumber(repo.id, seen.number)).pop() {
            Some(pull) => {
                for sha in shown {
                    self.want(Key::CheckRows(pull.row.id, sha.clone()));
                }
                self.follow(pull, &[&seen.core], false);
            }
            None => {
                self.base_of(repo.id, &seen.core);
                if let Some(project) = project {
                    self.spending(&project.id);
                    let of = Key::SessionsOfBranch(project.id.clone(), seen.core.head_ref.clone());
                    if let Some(Record::Sessions(ids)) = self.want(of) {
                        for id in ids {
                            if self.session(id).is_some_and(|it| !it.memory.is_empty()) {
                                self.about_session(id);
                            }
                            self.pulls(Key::PullsOfSession(id.clone()));
                        }
                    }
                }
            }
        }
    }

    /// A fact at a commit.
    fn fact(&mut self, repo: &RepoSeen, sha: &CommitSha, fails: bool) {
        self.facts(repo.id, sha);
        for pull in self.pulls(Key::PullsWithCommit(repo.id, sha.clone())) {
            self.want(Key::CheckRows(pull.row.id, sha.clone()));
            if pull.row.core.head_sha == *sha {
                self.follow_checks(pull, &[], fails);
            }
        }
    }

    /// What is looked at whenever something of a pull request may have changed. `seen`: groups of facts that
    /// may become its own. `fails`: the observation itself tells of a failure.
    fn follow(&mut self, pull: &'k PullRecord, seen: &[&PullCore], fails: bool) {
        let row: &PullRequest = &pull.row;
        self.queue(row.repo_id, row.number);
        self.want(Key::CommentRows(row.id));
        if let Some(id) = &row.session_id
            && self.session(id).is_some_and(|session| !session.memory.is_empty())
        {
            self.about_session(id);
        }
        self.follow_checks(pull, seen, fails);
    }

    /// What is said about a pull request, and the commits at which the merge queue tried it.
    fn queue(&mut self, repo: RepoId, number: i64) {
        let said = self.want(Key::Conversation(repo, number));
        let Some(Record::Conversation(said)) = said else { return };
        for fact in &said.queue {
            if let QueueEvent::Group { sha } = &fact.event {
                self.facts(repo, sha);
            }
        }
    }

    /// The same where nothing but a check has changed.
    fn follow_checks(&mut self, pull: &'k PullRecord, seen: &[&PullCore], fails: bool) {
        let row: &PullRequest = &pull.row;
        self.spoken(Subject::Pull(row.id));
        self.spending(&row.project_id);
        if let Some(id) = &row.session_id {
            self.session(id);
            self.pulls(Key::PullsOfSession(id.clone()));
        }
        let candidates = row.candidates.iter().map(|core| &**core);
        let cores: Vec<&PullCore> =
            candidates.chain([&*row.core]).chain(seen.iter().copied()).collect();
        let mut fails = fails;
        for core in &cores {
            self.want(Key::CheckRows(row.id, core.head_sha.clone()));
            fails |= self.facts(row.repo_id, &core.head_sha).is_some_and(any_failed);
            let base: Text = core.base_ref.clone();
            self.want(Key::BasePush(row.repo_id, base));
        }
        if row.memory.refresh.as_ref().is_some_and(|mark| mark.is_open) {
            self.want(Key::Task(TaskName::refresh(row.repo_id, row.number)));
        }
        if fails {
            for core in cores {
                self.facts(row.repo_id, &core.base_sha);
            }
            for commit in history_of(pull) {
                self.want(Key::CheckRows(row.id, commit.sha.clone()));
            }
        }
    }

    /// The same of a pull request that is not known yet.
    fn base_of(&mut self, repo: RepoId, core: &PullCore) {
        if self.facts(repo, &core.head_sha).is_some_and(any_failed) {
            self.facts(repo, &core.base_sha);
        }
    }

    fn command(&mut self, asked: &CommandObservation) {
        match asked {
            CommandObservation::AcknowledgeNudge { nudge } => drop(self.nudge_to_send(*nudge)),
            CommandObservation::Session(asked) => self.session_command(asked),
            CommandObservation::ConfigureProject { id, config } => {
                let known = self.project(id);
                let names = known.map(|project| &project.repo).into_iter().chain(&config.repo);
                for name in names {
                    self.projects(Key::named(name));
                }
                self.open_nudges(id);
                if config.changes_what_counts() {
                    for pull in self.pulls(Key::OpenPulls(id.clone())) {
                        self.follow(pull, &[], false);
                    }
                }
            }
            CommandObservation::ArchiveProject { id } => drop(self.project(id)),
            CommandObservation::PauseNudges { whom: Paused::Project(id), .. } => {
                self.project(id);
                self.open_nudges(id);
            }
            CommandObservation::PauseNudges { whom: Paused::Session(id), .. } => {
                if let Some(Record::Session(Some(session))) = self.want(Key::Session(id.clone())) {
                    self.project(&session.project_id);
                    self.open_nudges(&session.project_id);
                }
            }
        }
    }

    /// What a project's agents were told and can still be taken back, with whom it was told.
    fn open_nudges(&mut self, project: &ProjectId) {
        self.spending(project);
        let of = Key::OpenNudgesOfProject(project.clone());
        let Some(Record::Nudges(ids)) = self.want(of) else { return };
        for id in ids {
            let Some(nudge) = self.nudge_to_send(*id) else { continue };
            self.want(Key::Timers(nudge.subject.clone()));
            if let Some(session) = &nudge.session_id {
                self.session(session);
            }
        }
    }
}

fn failed(state: &RunState) -> bool {
    state.check_status() == CheckStatus::Failed
}

/// Whether the brake and the base commit can matter: only where something has failed.
fn any_failed(facts: &CommitFacts) -> bool {
    facts.check_runs.values().any(|run| failed(&run.state))
        || facts.workflow_runs.values().any(|run| failed(&run.state))
        || facts.statuses.values().any(|s| matches!(&*s.state, "failure" | "error"))
        // Something that was stopped may count as failed by its log.
        || !facts.logs.is_empty()
}
