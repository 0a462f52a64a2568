//! The one rule that all observations go through: facts in, rows and effects out.

use std::collections::BTreeMap;

use crate::domain::{
    Check, CheckStatus, CiState, CommitFacts, CommitSha, Memory, Mergeability, NudgeState,
    Observation, Project, PullCommit, PullRequest, PullSeen, RepoSeen, Review, ReviewDecision,
    RunState, TimerKind, Timestamp,
};

use super::facts::{self, Merged};
use super::ownership;
use super::reactions::{self, Scene, runs_completed};
use super::rollup::{derive_checks, roll_up};
use super::snapshot::{
    BranchSession, CommitFact, Effect, Outcome, Policy, ProjectChange, PullFacts, PullOutcome,
    PullSnapshot, SessionChange, Snapshot,
};

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
        Observation::Pull { repo, pull } => reducer.pull(snapshot, repo, pull, None),
        Observation::Review { repo, pull, review } => {
            reducer.pull(snapshot, repo, pull, Some(review))
        }
        Observation::CheckRun { repo, sha, run } => reducer.fact(snapshot, repo, sha, |facts| {
            facts::merge_check_run(facts, run).map(CommitFact::CheckRun)
        }),
        Observation::Status { repo, sha, status } => reducer.fact(snapshot, repo, sha, |facts| {
            facts::merge_status(facts, status).map(CommitFact::Status)
        }),
        Observation::WorkflowRun { repo, sha, run } => reducer.fact(snapshot, repo, sha, |facts| {
            facts::merge_workflow_run(facts, run).map(CommitFact::WorkflowRun)
        }),
        Observation::TimerDue { kind, .. } => reducer.timer(snapshot, *kind),
        Observation::NudgeAcknowledged { .. } => return acknowledge(&snapshot),
    };
    outcome.unwrap_or_else(|reason| Outcome { ignored: Some(reason), ..Outcome::default() })
}

/// Whether the brake and the base commit can matter: only where something has failed.
pub fn needs_history(facts: &BTreeMap<CommitSha, CommitFacts>, observation: &Observation) -> bool {
    let failed = |state: &RunState| state.check_status() == CheckStatus::Failed;
    let seen = match observation {
        Observation::CheckRun { run, .. } => failed(&run.state),
        Observation::WorkflowRun { run, .. } => failed(&run.state),
        Observation::Status { status, .. } => status.state != "success",
        Observation::Pull { .. }
        | Observation::Review { .. }
        | Observation::TimerDue { .. }
        | Observation::NudgeAcknowledged { .. } => false,
    };
    seen || facts.values().any(|facts| {
        facts.check_runs.iter().any(|run| failed(&run.state))
            || facts.workflow_runs.iter().any(|run| failed(&run.state))
            || facts.statuses.iter().any(|s| matches!(s.state.as_str(), "failure" | "error"))
    })
}

fn acknowledge(snapshot: &Snapshot) -> Outcome {
    let open = |state| match state {
        NudgeState::Pending | NudgeState::Held | NudgeState::Delivered | NudgeState::Failed => true,
        NudgeState::Acknowledged | NudgeState::Superseded => false,
    };
    let nudge = snapshot.nudge.iter().filter(|nudge| open(nudge.state));
    Outcome {
        nudges: nudge.map(|nudge| (nudge.id, NudgeState::Acknowledged)).collect(),
        ..Outcome::default()
    }
}

struct Reducer<'a> {
    policy: &'a Policy,
    now: Timestamp,
}

impl Reducer<'_> {
    /// A pull request as a payload shows it, with a review if the payload is about one.
    fn pull(
        &self,
        mut snapshot: Snapshot,
        repo: &RepoSeen,
        seen: &PullSeen,
        review: Option<&Review>,
    ) -> Result<Outcome, &'static str> {
        let (mut project, mut change) =
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
                    change = Some(match change {
                        Some(ProjectChange::Register(_)) => {
                            ProjectChange::Register(project.clone())
                        }
                        _ => ProjectChange::Update(project.clone()),
                    });
                }
                first_sight(&project, repo, seen, &mut snapshot, owner)
            }
        };
        let mut pull = before.pull.clone();
        let mut registers = before.facts.clone().unwrap_or_default();
        let merged = facts::merge_pull(&mut pull, &mut registers, seen);
        let review = review.and_then(|review| facts::merge_review(&mut registers, review));
        pull.review = facts::decide_reviews(&registers.reviews);
        if is_new && !pull.core.state.is_open() {
            pull.memory.closing_told = Some(pull.core.state);
        }

        let change_of = Change { is_new, adopted, merged, review };
        let pulls = vec![self.finish(&project, before, pull, &snapshot.facts, change_of)];
        Ok(Outcome { project: change, pulls, ..Outcome::default() })
    }

    /// A fact at a commit, for every pull request that has the commit.
    fn fact(
        &self,
        mut snapshot: Snapshot,
        repo: &RepoSeen,
        sha: &CommitSha,
        merge: impl FnOnce(&mut CommitFacts) -> Option<CommitFact>,
    ) -> Result<Outcome, &'static str> {
        let (project, change) =
            ownership::project_of(&snapshot, repo, self.policy, self.now, true)?;
        let fact = merge(snapshot.facts.entry(sha.clone()).or_default());
        let pulls = if fact.is_some() {
            let finish = |before: PullSnapshot| {
                let pull = before.pull.clone();
                self.finish(&project, before, pull, &snapshot.facts, Change::default())
            };
            std::mem::take(&mut snapshot.pulls).into_iter().map(finish).collect()
        } else {
            Vec::new()
        };
        let fact = fact.map(|fact| (sha.clone(), fact));
        Ok(Outcome { project: change, fact, pulls, ..Outcome::default() })
    }

    fn timer(&self, mut snapshot: Snapshot, kind: TimerKind) -> Result<Outcome, &'static str> {
        let (Some(project), Some(before)) = (snapshot.project, snapshot.pulls.pop()) else {
            return Err("the timer's pull request is gone");
        };
        let pull = before.pull.clone();
        let mut outcome = self.finish(&project, before, pull, &snapshot.facts, Change::default());
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
        let none = CommitFacts::default();
        let head_facts = facts.get(&head);
        let mut checks_at = BTreeMap::<&CommitSha, Vec<Check>>::new();
        for (sha, rows) in facts.iter().filter(|(sha, _)| has_commit(&before, &change, sha)) {
            checks_at.insert(sha, derive_checks(rows));
        }
        let at_head = checks_at.get(&head).cloned().unwrap_or_default();
        if let Some(head_facts) = head_facts {
            pull.ci = roll_up(&at_head, head_facts);
        }

        let followed = before
            .session
            .as_ref()
            .map(|session| ownership::follow_pulls(session, pull.core.state, &before.siblings));
        let session_change = match &followed {
            Some(followed) if change.adopted => Some(SessionChange::Create(followed.clone())),
            Some(followed) if before.session.as_ref() != Some(followed) => {
                Some(SessionChange::Update(followed.clone()))
            }
            _ => None,
        };

        // Facts of an old head alone are history: nothing is said about them.
        let effects = if head_facts.is_some() {
            let scene = Scene {
                policy: self.policy,
                now: self.now,
                project,
                before: &before,
                checks: &at_head,
                runs_completed: runs_completed(head_facts.unwrap_or(&none), &at_head),
                head_moved: before.pull.core.head_sha != head,
                session: followed.as_ref(),
                effects: Vec::new(),
            };
            reactions::react(scene, &mut pull)
        } else {
            Vec::new()
        };

        let mut outcome = PullOutcome {
            is_new: change.is_new,
            changed: change.is_new || pull != before.pull,
            session: session_change,
            commits: change.merged.commits,
            answer: change.merged.answer,
            review: change.review,
            checks: Vec::new(),
            gone_checks: Vec::new(),
            effects,
            pull,
        };
        for (sha, derived) in checks_at {
            compare_rows(&mut outcome, sha, before.rows.get(sha), derived);
        }
        outcome
    }
}

/// What the observation itself changed, beside what is derived.
#[derive(Default)]
struct Change {
    is_new: bool,
    /// Its session is new as well.
    adopted: bool,
    merged: Merged,
    review: Option<Review>,
}

fn has_commit(before: &PullSnapshot, change: &Change, sha: &CommitSha) -> bool {
    let known = match &before.facts {
        Some(facts) => facts.commits.contains_key(sha),
        // Loaded by that very commit, or as a head.
        None => before.rows.contains_key(sha) || before.pull.core.head_sha == *sha,
    };
    known || change.merged.commits.iter().any(|commit: &PullCommit| commit.sha == *sha)
}

fn compare_rows(
    outcome: &mut PullOutcome,
    sha: &CommitSha,
    rows: Option<&Vec<Check>>,
    derived: Vec<Check>,
) {
    let rows = rows.map_or(&[][..], Vec::as_slice);
    for gone in rows.iter().filter(|row| !derived.iter().any(|check| check.key == row.key)) {
        outcome.gone_checks.push((sha.clone(), gone.key.clone()));
    }
    for check in derived {
        let stored = rows.iter().find(|row| row.key == check.key);
        if stored.is_none_or(|row| !same_row(row, &check)) {
            outcome.checks.push((sha.clone(), check));
        }
    }
}

/// Whether the columns that are stored agree.
fn same_row(row: &Check, check: &Check) -> bool {
    row.status == check.status
        && row.conclusion == check.conclusion
        && row.run_id == check.run_id
        && row.url == check.url
        && row.log_tail == check.log_tail
        && row.workflow_name == check.workflow_name
        && row.started_at == check.started_at
        && row.completed_at == check.completed_at
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
        facts: Some(PullFacts::default()),
        rows: BTreeMap::new(),
        history: Vec::new(),
        base: std::mem::take(&mut snapshot.fresh_base),
        session: Some(owner.session),
        siblings: owner.pulls,
        nudges: Vec::new(),
        timers: Vec::new(),
    }
}
