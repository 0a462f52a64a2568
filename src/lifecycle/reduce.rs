//! The one rule that all observations go through: facts in, rows and effects out.

use std::collections::BTreeMap;

use crate::domain::{
    Check, CheckStatus, CiState, CommandObservation, Comment, CommitFacts, CommitSha, Memory,
    Mergeability, Observation, Project, PullCommit, PullRequest, PullSeen, RepoSeen, Report,
    Review, ReviewDecision, RunState, ScmObservation, Thread, TimerKind, Timestamp,
};

use super::facts::{self, Merged};
use super::reactions::{self, Scene, gathered};
use super::rollup::{derive_checks, roll_up};
use super::snapshot::{
    BranchSession, CommitFact, Effect, Outcome, Policy, ProjectChange, PullFacts, PullOutcome,
    PullSnapshot, SessionChange, Snapshot, Talk,
};
use super::{commands, compare, globs, ownership, sending};

/// What `observation` makes of `snapshot`. Pure: the same arguments give the same answer.
///
/// Applied twice, the second time changes nothing; in any order, the same observations end in the
/// same pull request and check rows.
pub fn reduce(
    policy: &Policy,
    snapshot: Snapshot,
    observation: &Observation,
    now: Timestamp,
) -> Outcome {
    let reducer = Reducer { policy, now };
    let outcome = match observation {
        Observation::Scm(seen) => reducer.scm(snapshot, seen),
        Observation::Command(CommandObservation::AcknowledgeNudge { .. }) => {
            commands::acknowledge(&snapshot)
        }
        Observation::Command(CommandObservation::ConfigureProject { id, config }) => {
            commands::configure(snapshot, id, config, policy, now)
        }
        Observation::Command(CommandObservation::ArchiveProject { .. }) => {
            commands::archive(snapshot, now)
        }
        Observation::Command(CommandObservation::PauseNudges { whom, paused }) => {
            commands::pause(snapshot, whom, *paused)
        }
        Observation::Report(Report::NudgeSent { nudge, attempt }) => {
            Ok(sending::sent(&snapshot, *nudge, *attempt))
        }
        Observation::Report(Report::NudgeNotSent { nudge, attempt, failure }) => {
            Ok(sending::not_sent(&snapshot, *nudge, *attempt, failure, now))
        }
        Observation::Timer(due) => reducer.timer(snapshot, due.kind),
    };
    outcome.unwrap_or_else(|reason| Outcome { ignored: Some(reason), ..Outcome::default() })
}

/// Whether the brake and the base commit can matter: only where something has failed.
pub fn needs_history(facts: &BTreeMap<CommitSha, CommitFacts>, observation: &Observation) -> bool {
    let failed = |state: &RunState| state.check_status() == CheckStatus::Failed;
    let at_any = || {
        facts.values().any(|facts| {
            facts.check_runs.iter().any(|run| failed(&run.state))
                || facts.workflow_runs.iter().any(|run| failed(&run.state))
                || facts.statuses.iter().any(|s| matches!(s.state.as_str(), "failure" | "error"))
        })
    };
    let Observation::Scm(told) = observation else { return at_any() };
    let seen = match told {
        ScmObservation::CheckRun { run, .. } => failed(&run.state),
        ScmObservation::WorkflowRun { run, .. } => failed(&run.state),
        ScmObservation::Status { status, .. } => status.state != "success",
        ScmObservation::Pull { .. }
        | ScmObservation::Review { .. }
        | ScmObservation::Comment { .. }
        | ScmObservation::Thread { .. }
        | ScmObservation::SuiteCompleted { .. }
        | ScmObservation::Push { .. }
        | ScmObservation::Repository { .. }
        | ScmObservation::Access { .. } => false,
    };
    seen || at_any()
}

struct Reducer<'a> {
    policy: &'a Policy,
    now: Timestamp,
}

/// What a payload says about a pull request beside showing it.
#[derive(Clone, Copy, Default)]
struct Said<'a> {
    review: Option<&'a Review>,
    comments: &'a [Comment],
    thread: Option<&'a Thread>,
}

impl Reducer<'_> {
    /// What source control tells.
    fn scm(
        &self,
        snapshot: Snapshot,
        observation: &ScmObservation,
    ) -> Result<Outcome, &'static str> {
        match observation {
            ScmObservation::Pull { repo, pull } => self.pull(snapshot, repo, pull, Said::default()),
            ScmObservation::Review { repo, pull, review } => {
                self.pull(snapshot, repo, pull, Said { review: Some(review), ..Said::default() })
            }
            ScmObservation::Comment { repo, pull: Some(pull), comment, .. } => {
                let comments = std::slice::from_ref(comment);
                self.pull(snapshot, repo, pull, Said { comments, ..Said::default() })
            }
            ScmObservation::Comment { repo, pull: None, number, comment } => {
                self.comment(snapshot, repo, *number, comment)
            }
            ScmObservation::Thread { repo, pull, thread, comments } => {
                let said = Said { comments, thread: Some(thread), ..Said::default() };
                self.pull(snapshot, repo, pull, said)
            }
            ScmObservation::CheckRun { repo, sha, run } => {
                self.fact(snapshot, repo, sha, |facts| {
                    facts::merge_check_run(facts, run).map(CommitFact::CheckRun)
                })
            }
            ScmObservation::Status { repo, sha, status } => {
                self.fact(snapshot, repo, sha, |facts| {
                    facts::merge_status(facts, status).map(CommitFact::Status)
                })
            }
            ScmObservation::WorkflowRun { repo, sha, run } => {
                self.fact(snapshot, repo, sha, |facts| {
                    facts::merge_workflow_run(facts, run).map(CommitFact::WorkflowRun)
                })
            }
            ScmObservation::SuiteCompleted { repo, sha, suite_id } => {
                self.fact(snapshot, repo, sha, |facts| {
                    facts::merge_suite(facts, *suite_id).map(CommitFact::SuiteCompleted)
                })
            }
            ScmObservation::Push { repo, branch, pushed_at } => {
                self.push(snapshot, repo, branch, *pushed_at)
            }
            ScmObservation::Repository { repo } => self.repository(&snapshot, repo),
            ScmObservation::Access { granted, at, .. } => {
                Ok(commands::access(snapshot, *granted, *at))
            }
        }
    }

    /// A pull request as a payload shows it, with what else the payload says.
    fn pull(
        &self,
        mut snapshot: Snapshot,
        repo: &RepoSeen,
        seen: &PullSeen,
        said: Said<'_>,
    ) -> Result<Outcome, &'static str> {
        let (mut project, mut projects) =
            ownership::project_of(&snapshot, repo, self.policy, self.now, false)?;
        let known = snapshot.pulls.pop();
        let is_new = known.is_none();
        let mut adopted = false;
        let before = match known {
            Some(known) => known,
            None => {
                let owner =
                    ownership::owner_of(&mut project, &snapshot.branch_sessions, seen, self.now);
                let (owner, created) =
                    owner.ok_or("no session owns it, and the project adopts none")?;
                adopted = created;
                if adopted {
                    write_project(&mut projects, &project);
                }
                first_sight(&project, repo, seen, &mut snapshot, owner)
            }
        };
        let mut pull = before.pull.clone();
        let mut registers = before.facts.clone().unwrap_or_default();
        let merged = facts::merge_pull(&mut pull, &mut registers, seen);
        let review = said.review.and_then(|review| facts::merge_review(&mut registers, review));
        let talk = merge_said(&mut registers.talk, said);
        pull.review = facts::decide_reviews(&registers.reviews);
        pull.mergeability =
            facts::derive_mergeability(&pull, &registers.answers, &snapshot.base_pushes);
        if is_new && !pull.core.state.is_open() {
            pull.memory.closing_told = Some(pull.core.state);
        }

        let change =
            Change { is_new, adopted, merged, review, rang: None, registers: Some(registers) };
        let pulls = vec![self.finish(&project, before, pull, &snapshot.facts, change)];
        let talk = talk.map(|talk| (seen.number, talk));
        Ok(Outcome { projects, pulls, talk, ..Outcome::default() })
    }

    /// A comment whose payload does not show the pull request: it may come first.
    fn comment(
        &self,
        mut snapshot: Snapshot,
        repo: &RepoSeen,
        number: i64,
        comment: &Comment,
    ) -> Result<Outcome, &'static str> {
        let (project, projects) =
            ownership::project_of(&snapshot, repo, self.policy, self.now, false)?;
        let said = Said { comments: std::slice::from_ref(comment), ..Said::default() };
        let (talk, pulls) = match snapshot.pulls.pop() {
            Some(before) => {
                let pull = before.pull.clone();
                let mut registers = before.facts.clone().unwrap_or_default();
                let talk = merge_said(&mut registers.talk, said);
                let change = Change { registers: Some(registers), ..Change::default() };
                let pull = self.finish(&project, before, pull, &snapshot.facts, change);
                (talk, vec![pull])
            }
            None => (merge_said(&mut snapshot.talk, said), Vec::new()),
        };
        let talk = talk.map(|talk| (number, talk));
        Ok(Outcome { projects, pulls, talk, ..Outcome::default() })
    }

    /// A fact at a commit, for every pull request that has the commit.
    fn fact(
        &self,
        mut snapshot: Snapshot,
        repo: &RepoSeen,
        sha: &CommitSha,
        merge: impl FnOnce(&mut CommitFacts) -> Option<CommitFact>,
    ) -> Result<Outcome, &'static str> {
        let (project, projects) =
            ownership::project_of(&snapshot, repo, self.policy, self.now, true)?;
        let fact = merge(snapshot.facts.entry(sha.clone()).or_default());
        let changed = fact.is_some();
        let pulls = std::mem::take(&mut snapshot.pulls).into_iter().filter(|_| changed);
        let pulls = pulls
            .map(|before| {
                let pull = before.pull.clone();
                self.finish(&project, before, pull, &snapshot.facts, Change::default())
            })
            .collect();
        let fact = fact.map(|fact| (sha.clone(), fact));
        Ok(Outcome { projects, fact, pulls, ..Outcome::default() })
    }

    /// A push to a branch voids what was known of merging into it. It never moves a head.
    fn push(
        &self,
        mut snapshot: Snapshot,
        repo: &RepoSeen,
        branch: &str,
        pushed_at: Timestamp,
    ) -> Result<Outcome, &'static str> {
        let (project, projects) =
            ownership::project_of(&snapshot, repo, self.policy, self.now, false)?;
        if snapshot.base_pushes.get(branch).is_some_and(|known| *known >= pushed_at) {
            return Ok(Outcome { projects, ..Outcome::default() });
        }
        snapshot.base_pushes.insert(branch.to_owned(), pushed_at);
        let pulls = std::mem::take(&mut snapshot.pulls).into_iter().map(|before| {
            let mut pull = before.pull.clone();
            let answers = before.facts.as_ref().map_or(&[][..], |facts| &facts.answers);
            pull.mergeability = facts::derive_mergeability(&pull, answers, &snapshot.base_pushes);
            self.finish(&project, before, pull, &snapshot.facts, Change::default())
        });
        let pulls = pulls.collect();
        let base_push = Some((branch.to_owned(), pushed_at));
        Ok(Outcome { projects, pulls, base_push, ..Outcome::default() })
    }

    /// A repository's own event: its name.
    fn repository(&self, snapshot: &Snapshot, repo: &RepoSeen) -> Result<Outcome, &'static str> {
        let (_, projects) = ownership::project_of(snapshot, repo, self.policy, self.now, false)?;
        Ok(Outcome { projects, ..Outcome::default() })
    }

    fn timer(&self, mut snapshot: Snapshot, kind: TimerKind) -> Result<Outcome, &'static str> {
        let (Some(project), Some(before)) = (snapshot.project, snapshot.pulls.pop()) else {
            return Err("the timer's pull request is gone");
        };
        let pull = before.pull.clone();
        let change = Change { rang: Some(kind), ..Change::default() };
        let mut outcome = self.finish(&project, before, pull, &snapshot.facts, change);
        // It has rung: whatever came of it, it must not ring again by itself.
        let cancel = Effect::CancelTimer(kind);
        let armed =
            |effect: &Effect| matches!(effect, Effect::ArmTimer(armed, _) if *armed == kind);
        if !outcome.effects.contains(&cancel) && !outcome.effects.iter().any(armed) {
            outcome.effects.push(cancel);
        }
        Ok(Outcome { pulls: vec![outcome], ..Outcome::default() })
    }

    /// Derives what hangs on the facts, and reacts to what the pull request has become.
    fn finish(
        &self,
        project: &Project,
        before: PullSnapshot,
        mut pull: PullRequest,
        facts: &BTreeMap<CommitSha, CommitFacts>,
        change: Change,
    ) -> PullOutcome {
        let head = pull.core.head_sha.clone();
        let head_facts = facts.get(&head);
        let mut checks_at = BTreeMap::<&CommitSha, Vec<Check>>::new();
        for (sha, rows) in facts.iter().filter(|(sha, _)| has_commit(&before, &change, sha)) {
            checks_at.insert(sha, derive_checks(rows));
        }
        let at_head = checks_at.get(&head).cloned().unwrap_or_default();
        if let Some(head_facts) = head_facts {
            pull.ci = roll_up(&at_head, head_facts);
        }
        let registers = change.registers.as_ref().or(before.facts.as_ref());
        if let Some(registers) = registers {
            let open = registers.talk.open_feedback(&pull.core.author).count();
            pull.unresolved_comments = i64::try_from(open).unwrap_or(i64::MAX);
        }

        let followed = before
            .session
            .as_ref()
            .map(|session| ownership::follow_pulls(session, pull.core.state, &before.siblings));
        let session = match &followed {
            Some(followed) if change.adopted => Some(SessionChange::Create(followed.clone())),
            Some(followed) if before.session.as_ref() != Some(followed) => {
                Some(SessionChange::Update(followed.clone()))
            }
            _ => None,
        };

        // Facts of an old head alone are history: nothing is said about them.
        let effects = head_facts.map(|head_facts| {
            let counting: Vec<Check> =
                at_head.iter().filter(|check| globs::counts(project, check)).cloned().collect();
            let ci = if globs::chooses(project) {
                roll_up(&counting, &CommitFacts::default())
            } else {
                pull.ci
            };
            let scene = Scene {
                policy: self.policy,
                now: self.now,
                project,
                before: &before,
                before_facts: registers,
                gathered: gathered(head_facts, &counting),
                checks: &counting,
                ci,
                rang: change.rang,
                head_moved: before.pull.core.head_sha != head,
                session: followed.as_ref(),
                effects: Vec::new(),
            };
            reactions::react(scene, &mut pull)
        });

        let mut outcome = PullOutcome {
            is_new: change.is_new,
            changed: change.is_new || pull != before.pull,
            session,
            commits: change.merged.commits,
            answer: change.merged.answer,
            review: change.review,
            checks: Vec::new(),
            gone_checks: Vec::new(),
            comments: Vec::new(),
            gone_comments: Vec::new(),
            effects: effects.unwrap_or_default(),
            pull,
        };
        for (sha, derived) in checks_at {
            compare::check_rows(&mut outcome, sha, before.rows.get(sha), derived);
        }
        if let Some(registers) = registers {
            compare::comment_rows(&mut outcome, registers);
        }
        outcome
    }
}

/// Sees to it that the project's row is written as it is now.
fn write_project(changes: &mut Vec<ProjectChange>, project: &Project) {
    let own = changes.iter_mut().find(|change| match change {
        ProjectChange::Register(known) | ProjectChange::Update(known) => known.id == project.id,
    });
    match own {
        Some(ProjectChange::Register(known) | ProjectChange::Update(known)) => {
            known.clone_from(project);
        }
        None => changes.push(ProjectChange::Update(project.clone())),
    }
}

/// Merges comments and a thread's state; answers the registers that changed.
fn merge_said(talk: &mut Talk, said: Said<'_>) -> Option<Talk> {
    let mut comments: Vec<Comment> = Vec::new();
    for comment in said.comments {
        comments.extend(facts::merge_comment(talk, comment));
    }
    let thread = said.thread.and_then(|thread| facts::merge_thread(talk, thread));
    let threads: Vec<Thread> = thread.into_iter().collect();
    (!comments.is_empty() || !threads.is_empty()).then_some(Talk { comments, threads })
}

/// What the observation itself changed, beside what is derived.
#[derive(Default)]
struct Change {
    is_new: bool,
    /// Its session is new as well.
    adopted: bool,
    merged: Merged,
    review: Option<Review>,
    /// The timer that came due.
    rang: Option<TimerKind>,
    /// The registers after it, where it is about the pull request itself.
    registers: Option<PullFacts>,
}

fn has_commit(before: &PullSnapshot, change: &Change, sha: &CommitSha) -> bool {
    let known = match &before.facts {
        Some(facts) => facts.commits.contains_key(sha),
        // Loaded by that very commit, or as a head.
        None => before.rows.contains_key(sha) || before.pull.core.head_sha == *sha,
    };
    known || change.merged.commits.iter().any(|commit: &PullCommit| commit.sha == *sha)
}

/// The snapshot of a pull request that nothing was known of.
fn first_sight(
    project: &Project,
    repo: &RepoSeen,
    seen: &PullSeen,
    snapshot: &mut Snapshot,
    owner: BranchSession,
) -> PullSnapshot {
    let pull = PullRequest {
        id: snapshot.fresh_pull,
        project_id: project.id.clone(),
        repo_id: repo.id,
        number: seen.number,
        url: format!("{}/pull/{}", project.repo_origin_url, seen.number),
        session_id: Some(owner.session.id.clone()),
        core: seen.core.clone(),
        core_at: seen.updated_at,
        candidates: [seen.core.clone()].into(),
        ci: CiState::Unknown,
        review: ReviewDecision::None,
        mergeability: Mergeability::Unknown,
        unresolved_comments: 0,
        updated_at: seen.updated_at,
        memory: Memory::default(),
    };
    PullSnapshot {
        pull,
        facts: Some(PullFacts { talk: std::mem::take(&mut snapshot.talk), ..PullFacts::default() }),
        rows: BTreeMap::new(),
        history: Vec::new(),
        base: std::mem::take(&mut snapshot.fresh_base),
        session: Some(owner.session),
        siblings: owner.pulls,
        nudges: Vec::new(),
        timers: Vec::new(),
    }
}
