//! Random stories: what source control tells about a few pull requests, and what people, timers and tasks
//! do meanwhile.

use nudged::domain::{
    CommandObservation, Failure, NudgeId, Observation, Paused, ProjectConfig, ProjectId, Report,
    ScmObservation, SessionId, TaskName, Verdict,
};
use nudged::github::webhook::understand;
use nudged::lifecycle::{Key, Record};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};

use super::play::Play;
use crate::conversation::{comment, thread};
use crate::payloads::{
    REPO, at, check, merge, merge_group, pull, repository, review, sha, status, workflow_run,
};

/// Observations drawn from a seed.
pub struct Random {
    rng: TestRng,
    seconds: i64,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut seeded = [0; 32];
        seeded[..8].copy_from_slice(&seed.to_le_bytes());
        Self { rng: TestRng::from_seed(RngAlgorithm::ChaCha, &seeded), seconds: 0 }
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// The next observation. It may be about what there is in the play by now.
    pub fn next(&mut self, play: &Play) -> Observation {
        self.seconds += self.below(20) as i64;
        match self.below(12) {
            0..8 => self.source_control(),
            8 | 9 => Observation::Command(self.command(play)),
            10 => self.timer(play).unwrap_or_else(|| self.source_control()),
            _ => Observation::Report(self.report(play)),
        }
    }

    fn source_control(&mut self) -> Observation {
        let number = 1 + self.below(3) as i64;
        let head = sha(10 * number.unsigned_abs() + self.below(3));
        let seconds = self.seconds;
        let id = 1 + self.below(12) as i64;
        let done = self.one_of(&["success", "failure", "cancelled", "skipped", ""]);
        let conclusion = if done.is_empty() { Value::Null } else { json!(done) };
        let clean = self.one_of(&["clean", "dirty", "blocked", "unknown"]);
        let mergeable = match clean {
            "unknown" => Value::Null,
            word => json!(word != "dirty"),
        };
        let shown = json!({"mergeable": mergeable, "mergeable_state": clean});
        let (event, payload) = match self.below(16) {
            0..2 => ("pull_request", pull("opened", number, &head, seconds, shown)),
            2 => {
                let mut moved = pull("synchronize", number, &head, seconds, shown);
                moved["before"] = json!(sha(10 * number.unsigned_abs() + self.below(3)));
                ("pull_request", moved)
            }
            3 => {
                let merged = self.below(2) == 0;
                let closed = json!({"state": "closed", "merged": merged});
                let action = self.one_of(&["closed", "closed", "reopened"]);
                let with = if action == "closed" { closed } else { shown };
                ("pull_request", pull(action, number, &head, seconds, with))
            }
            4..7 => (
                "check_run",
                check(self.one_of(&["build", "lint"]), &head, id, conclusion, seconds),
            ),
            7 => ("workflow_run", workflow_run(&head, id, 900, conclusion, seconds)),
            8 => {
                let state = self.one_of(&["success", "failure", "pending"]);
                ("status", status("ci/other", &head, id, state, seconds))
            }
            9 => {
                let state =
                    self.one_of(&["approved", "changes_requested", "commented", "dismissed"]);
                ("pull_request_review", review(number, &head, id, 50 + id % 2, state, seconds))
            }
            10 => {
                let action = self.one_of(&["created", "edited", "deleted"]);
                ("pull_request_review_comment", comment(action, 70 + id % 4, seconds, json!({})))
            }
            11 => {
                let action = self.one_of(&["resolved", "unresolved"]);
                ("pull_request_review_thread", thread(action, 70 + id % 4, seconds))
            }
            12 => {
                let left = json!({"reason": self.one_of(&["CI_FAILURE", "MANUAL"])});
                let action = self.one_of(&["dequeued", "dequeued", "enqueued"]);
                let mut queued = pull(action, number, &head, seconds, shown);
                merge(&mut queued, left);
                ("pull_request", queued)
            }
            13 => ("merge_group", merge_group(number, &sha(500 + self.below(3)), seconds)),
            14 => {
                let name = self.one_of(&["acme/rocket", "acme/rocket2", "apex/rocket"]);
                let mut pushed =
                    json!({"ref": "refs/heads/main", "repository": repository(REPO, name)});
                let newer = json!({"pushed_at": at(seconds), "updated_at": at(seconds)});
                merge(&mut pushed["repository"], newer);
                ("push", pushed)
            }
            _ => {
                let granted = self.below(2) == 0;
                let at = at(seconds).parse().expect("an instant");
                let account = Some(self.one_of(&["acme", "apex"]).into());
                let access = ScmObservation::Access { repos: Vec::new(), account, granted, at };
                return Observation::Scm(access);
            }
        };
        match understand(event, payload.to_string().as_bytes()).verdict {
            Verdict::Observed(seen) => Observation::Scm(*seen.observation),
            other @ (Verdict::Ignored(_) | Verdict::Quarantined(_)) => {
                panic!("{event} {payload} is {other:?}")
            }
        }
    }

    fn nudge(&mut self, play: &Play) -> NudgeId {
        let next = match play.model.record(&Key::Counters) {
            Some(Record::Counters(counters)) => counters.nudge,
            _ => 1,
        };
        NudgeId(1 + self.below(next.unsigned_abs()) as i64)
    }

    fn command(&mut self, play: &Play) -> CommandObservation {
        let project = ProjectId(self.one_of(&["roc", "other"]).into());
        let paused = self.below(2) == 0;
        match self.below(6) {
            0..2 => CommandObservation::AcknowledgeNudge { nudge: self.nudge(play) },
            2 => {
                let repo = nudged::domain::RepoName::parse("acme/other").expect("a name");
                let other = project.0.as_ref() == "other";
                let config = ProjectConfig {
                    repo: other.then_some(repo),
                    display_name: Some("A name".into()),
                    path: Some(self.one_of(&["", "/srv/it"]).into()),
                    nudges_paused: Some(paused),
                    checks_only: Some(vec!["*".to_owned()]),
                    ..ProjectConfig::default()
                };
                CommandObservation::ConfigureProject { id: project, config }
            }
            3 if self.below(4) == 0 => CommandObservation::ArchiveProject { id: project },
            4 => {
                let session = SessionId(format!("roc-{}", 1 + self.below(3)).into());
                CommandObservation::PauseNudges { whom: Paused::Session(session), paused }
            }
            _ => CommandObservation::PauseNudges { whom: Paused::Project(project), paused },
        }
    }

    fn timer(&mut self, play: &Play) -> Option<Observation> {
        let due = play.writer.due_timers(play.now, 8).expect("timers");
        let at = self.below(8) as usize;
        due.get(at % due.len().max(1)).cloned().map(Observation::Timer)
    }

    fn report(&mut self, play: &Play) -> Report {
        let any = self.nudge(play);
        let told = |id: &NudgeId| {
            let task = play.model.record(&Key::Task(TaskName::notify(*id)));
            matches!(task, Some(Record::Task(Some(_))))
        };
        let nudge = (1..=any.0).map(NudgeId).rfind(told).unwrap_or(any);
        let attempt = 1 + self.below(3) as u32;
        if self.below(2) == 0 {
            return Report::NudgeSent { nudge, attempt };
        }
        let for_good = self.below(3) == 0;
        let error = "nobody answers".to_owned();
        let failure = Failure { error, retry_after: None, for_good, jitter: 500 };
        Report::NudgeNotSent { nudge, attempt, failure }
    }
}
