//! The rules alone: `reduce` over a working set behind which there is no store.
//!
//! [`Core`] takes what [`tell`] builds, or what a payload says ([`read`]); `show` tells what came of it.

mod github;
pub mod live;
mod show;
pub mod tell;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use nudged::domain::{
    Activity, ActivitySource, ActivityState, Adopt, CommandObservation, CommitSha, Nudge, NudgeId,
    Observation, ProjectConfig, ProjectId, PullId, ScmObservation, Session, SessionId, SessionKind,
    SessionMemory, SessionState, Subject, Task, TaskName, TimerDue, Timestamp, Verdict,
};
use nudged::lifecycle::{
    Key, Policy, PullRecord, Record, Refusal, WorkingSet, Write, needs, reduce,
};
use serde_json::Value;

use tell::pull;

/// The clock's first instant: after all fixtures.
const BEGINNING: i64 = 1_800_000_000;

/// All that is known, the settings, and the time.
pub struct Core {
    pub known: WorkingSet,
    pub policy: Policy,
    pub now: Timestamp,
    /// Tasks that wait, by the writes that were made of them.
    tasks: BTreeMap<TaskName, Task>,
}

/// What a payload tells, or the reason for which it is ignored.
pub fn read(event: &str, payload: &Value) -> Result<ScmObservation, String> {
    match nudged::github::webhook::understand(event, payload.to_string().as_bytes()).verdict {
        Verdict::Observed(seen) => Ok(*seen.observation),
        Verdict::Ignored(reason) => Err(reason),
        Verdict::Quarantined(reason) => panic!("{event} is not understood: {reason}"),
    }
}

/// Failures settle at once, every pull request is adopted, nothing is sent out.
pub fn policy() -> Policy {
    Policy {
        settle: SignedDuration::ZERO,
        cancel_wait: SignedDuration::from_mins(10),
        quiet_after: SignedDuration::from_mins(10),
        adopt: Adopt::All,
        auto_register: true,
        notify: false,
        github: false,
    }
}

impl Core {
    /// Nothing is known; failures settle at once, every pull request is adopted.
    pub fn new() -> Self {
        let now = Timestamp::from_second(BEGINNING).expect("an instant");
        let (known, tasks) = (WorkingSet::whole(), BTreeMap::new());
        Self { known, policy: policy(), now, tasks }
    }

    /// The same, and pull request 1 is open at commit 1.
    pub fn opened() -> Self {
        let mut core = Self::new();
        core.see(pull(1));
        core
    }

    /// What is known stays, but from now on things settle for so many seconds.
    pub fn settling(mut self, seconds: i64) -> Self {
        self.policy.settle = SignedDuration::from_secs(seconds);
        self
    }

    /// What is known stays, but nudges to the human are sent out from now on.
    pub fn notifying(mut self) -> Self {
        self.policy.notify = true;
        self
    }

    /// Reduces an observation; the writes that came of it.
    pub fn observe(&mut self, observation: &Observation) -> Result<Vec<Write>, Refusal> {
        while !self.known.missing(needs(&self.known, observation)).is_empty() {}
        reduce(&self.policy, &mut self.known, observation, self.now)?;
        let writes = self.known.take_writes();
        self.note_tasks(&writes);
        Ok(writes)
    }

    /// The same with a working set that is empty before, and learns from this one what `needs` names and
    /// nothing else.
    pub fn observe_cold(&self, observation: &Observation) -> Result<Vec<Write>, Refusal> {
        let mut cold = WorkingSet::new(usize::MAX);
        loop {
            let missing = cold.missing(needs(&cold, observation));
            if missing.is_empty() {
                break;
            }
            for key in missing {
                let record = self.known.record(&key).cloned();
                let record = record.unwrap_or_else(|| Record::absent(&key));
                cold.learn(key, record);
            }
        }
        reduce(&self.policy, &mut cold, observation, self.now)?;
        Ok(cold.take_writes())
    }

    /// Reduces an observation, and checks what must hold of each: what `needs` names is enough.
    fn checked(&mut self, observation: &Observation) -> Result<Vec<Write>, Refusal> {
        let from_rows = self.observe_cold(observation);
        let writes = self.observe(observation);
        assert_eq!(writes, from_rows, "what was fetched is not enough for {observation:?}");
        writes
    }

    /// Whether a fact is taken in. One that is told again changes nothing.
    pub fn try_see(&mut self, seen: impl Into<ScmObservation>) -> Result<Vec<Write>, Refusal> {
        let observation = Observation::Scm(seen.into());
        let writes = self.checked(&observation)?;
        assert_eq!(self.observe(&observation), Ok(Vec::new()), "told again: {observation:?}");
        Ok(writes)
    }

    /// Takes in a fact that must not be refused.
    pub fn see(&mut self, seen: impl Into<ScmObservation>) -> Vec<Write> {
        self.try_see(seen).expect("it is taken in")
    }

    /// Takes in what a payload tells.
    pub fn apply(&mut self, event: &str, payload: &Value) {
        self.see(read(event, payload).expect("it tells something"));
    }

    /// Does what somebody asks for.
    pub fn ask(&mut self, asked: CommandObservation) {
        self.checked(&Observation::Command(asked)).expect("it is done");
    }

    /// Changes the settings of the project `roc`.
    pub fn configure(&mut self, config: ProjectConfig) {
        self.ask(CommandObservation::ConfigureProject { id: ProjectId("roc".into()), config });
    }

    /// Archives the project `roc`.
    pub fn archive(&mut self) {
        self.ask(CommandObservation::ArchiveProject { id: ProjectId("roc".into()) });
    }

    /// Acknowledges the nudge that was said as the `index`th, counted from 0.
    pub fn acknowledge(&mut self, index: usize) {
        let nudge = self.nudges()[index].id;
        self.ask(CommandObservation::AcknowledgeNudge { nudge });
    }

    /// Moves the clock alone.
    pub fn pass(&mut self, seconds: i64) {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).expect("an instant");
    }

    /// Moves the clock, and rings the timers that came due.
    pub fn advance(&mut self, seconds: i64) {
        self.pass(seconds);
        for (at, due) in self.timers() {
            let rings = Observation::Timer(due.clone());
            if at <= self.now && self.checked(&rings).is_err() {
                self.known.put_timer(&due.subject, due.kind, None);
            }
        }
    }

    /// A session of ours on a branch of `acme/rocket`, which is registered with it.
    pub fn spawned(&mut self, branch: &str) -> SessionId {
        self.see(tell::check("build").at_commit(9_000));
        let id = ProjectId("roc".into());
        let mut project = (**self.known.project(&id).expect("a project")).clone();
        let num = project.next_session;
        project.next_session += 1;
        let session = Session {
            id: SessionId::new(&id, num),
            project_id: id.clone(),
            num,
            issue_id: None,
            kind: SessionKind::Worker,
            harness: "claude-code".into(),
            state: SessionState::Working,
            termination_reason: None,
            is_alive: true,
            activity: Activity {
                state: ActivityState::Active,
                last_at: self.now,
                source: ActivitySource::Hook,
            },
            detecting: None,
            nudges_paused: false,
            branch: Some(branch.into()),
            workspace_path: None,
            runtime: None,
            agent_session_id: None,
            transcript_path: None,
            launch_id: None,
            operation: None,
            failure: None,
            token_hash: None,
            freed_bytes: None,
            prompt: "".into(),
            memory: SessionMemory::default(),
            created_at: self.now,
            updated_at: self.now,
        };
        self.known.put_project(project);
        self.known.put_session(session);
        self.known.take_writes();
        SessionId::new(&id, num)
    }

    /// Changes a session of `acme/rocket`, as activity or a probe would.
    pub fn change_session(&mut self, id: &str, change: impl FnOnce(&mut Session)) {
        let mut session = (**self.known.session(&SessionId(id.into())).expect("a session")).clone();
        change(&mut session);
        self.known.put_session(session);
        self.known.take_writes();
    }

    /// The timers that are set, the next one first.
    pub fn timers(&self) -> Vec<(Timestamp, TimerDue)> {
        let mut timers = Vec::new();
        let pulls = self.pull_ids().map(Subject::Pull);
        for subject in pulls.chain(self.session_ids().map(Subject::Session)) {
            if let Some(Record::Timers(set)) = self.known.record(&Key::Timers(subject.clone())) {
                let due = |kind| TimerDue { subject: subject.clone(), kind };
                timers.extend(set.iter().map(|(kind, at)| (*at, due(*kind))));
            }
        }
        timers.sort_by_key(|(at, _)| *at);
        timers
    }

    /// The sessions of `acme/rocket`.
    pub fn session_ids(&self) -> impl Iterator<Item = SessionId> + use<> {
        let id = ProjectId("roc".into());
        let next = match self.known.record(&Key::Project(id.clone())) {
            Some(Record::Project(Some(project))) => project.next_session,
            _ => 1,
        };
        (1..next).map(move |num| SessionId::new(&id, num))
    }

    fn pull_ids(&self) -> impl Iterator<Item = PullId> + use<> {
        let most = match self.known.record(&Key::Counters) {
            Some(Record::Counters(counters)) => counters.pull,
            _ => 1,
        };
        (1..most).map(PullId)
    }

    /// Every nudge that was ever said, in the order of creation.
    pub fn nudges(&self) -> Vec<&Nudge> {
        let Some(Record::Counters(counters)) = self.known.record(&Key::Counters) else {
            return Vec::new();
        };
        let ids = (1..counters.nudge).map(NudgeId);
        ids.filter_map(|id| self.known.nudge(id)).map(|nudge| &**nudge).collect()
    }

    /// All that must not depend on the order of arrival, as text.
    pub fn rows(&self) -> BTreeMap<String, String> {
        let mut rows = BTreeMap::new();
        for id in self.pull_ids() {
            let Some(PullRecord { row, registers }) = self.known.pull(id) else { continue };
            let mut pull = (**row).clone();
            // What was said, and to whom it belongs, may depend on it.
            pull.memory = Default::default();
            (pull.session_id, pull.id) = (None, PullId(0));
            pull.project_id = ProjectId("any".into());
            let name = format!("{}#{}", pull.repo_id.0, pull.number);
            rows.insert(name.clone(), format!("{pull:?}"));
            rows.insert(format!("{name} registers"), format!("{registers:?}"));
            for sha in registers.commits.keys() {
                let checks = self.known.check_rows(id, sha);
                rows.insert(format!("{name} {}", CommitSha::short(sha)), format!("{checks:?}"));
            }
            rows.insert(format!("{name} comments"), format!("{:?}", self.known.comment_rows(id)));
        }
        rows
    }
}
