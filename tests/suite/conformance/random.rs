//! Random stories: what source control tells about a few pull requests, and what people, timers and tasks
//! do meanwhile.

use nudged::domain::{
    ActivitySeen, ActivitySource, ActivityState, Blame, CommandObservation, CommitSha, Failure,
    FailureClass, LogAbsence, LogAnswer, LogExcerpt, LogName, NudgeId, Observation, Paused, Probe,
    ProbeAnswer, ProjectConfig, ProjectId, PullRead, Receipt, Refreshed, RepoId, Report, Rerun,
    RerunAnswer, RerunChecks, ReviewDecision, Runtime, ScmObservation, SessionCommand, SessionFact,
    SessionId, SessionObservation, SessionWanted, TaskName, Text, Verdict,
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
            _ if self.below(2) == 0 => Observation::Report(self.of_github(play)),
            _ => Observation::Report(self.report(play)),
        }
    }

    /// What came of asking GitHub, asked or not.
    fn of_github(&mut self, play: &Play) -> Report {
        let failure = Failure {
            error: "nobody answers".to_owned(),
            retry_after: None,
            for_good: self.below(4) == 0,
            jitter: 500,
        };
        let number = 1 + self.below(3) as i64;
        let repo = RepoId(REPO);
        let sha = sha(10 * number.unsigned_abs() + self.below(3));
        let sha = CommitSha::parse(&sha).expect("a hash");
        let run_id = 1 + self.below(12) as i64;
        match self.below(6) {
            0..3 => {
                let class = self.one_of(FailureClass::ALL);
                let text = self.one_of(&["", "error: 42", "error: 43"]).into();
                let said = LogExcerpt { text, class, evidence: "it".into(), truncated: false };
                let behind = Some(self.below(3));
                let blame = Blame { behind, ..Blame::default() };
                let answer = match self.below(6) {
                    0 => LogAnswer::NotYet,
                    1 => LogAnswer::Failed(failure),
                    2 => LogAnswer::Absent(self.one_of(LogAbsence::ALL), blame),
                    _ => LogAnswer::Read(said, blame),
                };
                Report::Log { of: LogName { repo, sha, run_id, number }, answer }
            }
            3 | 4 => {
                let at = play.now;
                let review = Some(self.one_of(ReviewDecision::ALL));
                let mut seen = self.source_control();
                while !matches!(seen, Observation::Scm(ScmObservation::Pull { .. })) {
                    seen = self.source_control();
                }
                let Observation::Scm(mut seen) = seen else {
                    unreachable!("it shows a pull request")
                };
                let ScmObservation::Pull { pull, .. } = &mut seen else {
                    unreachable!("it shows a pull request")
                };
                pull.read = Some(PullRead { at, review });
                let (number, is_computed) = (pull.number, pull.mergeability.is_some());
                let answer = match self.below(4) {
                    0 => Refreshed::Hidden,
                    1 => Refreshed::Failed(failure),
                    _ => Refreshed::Shown { found: vec![seen], is_computed },
                };
                Report::Pull { repo, number, answer }
            }
            _ => {
                let name = repo_name();
                let jobs = vec![run_id];
                let of = RerunChecks {
                    repo_id: repo,
                    repo: name,
                    number,
                    sha,
                    jobs,
                    workflow_run_id: None,
                };
                let reason = "it may not".into();
                let answer = match self.below(4) {
                    0 => RerunAnswer::NotYet,
                    1 => RerunAnswer::Refused { reason },
                    2 => RerunAnswer::Failed(failure),
                    _ => RerunAnswer::Started,
                };
                Report::Rerun { of, answer }
            }
        }
    }

    /// What is seen of sessions and asked of them.
    pub fn of_sessions(&mut self, play: &Play) -> Observation {
        let session = SessionId(format!("roc-{}", 1 + self.below(6)).into());
        let launch = |this: &mut Self| -> Text { format!("l-{}", 1 + this.below(4)).into() };
        let known = match play.model.record(&Key::Session(session.clone())) {
            Some(Record::Session(Some(known))) => known.launch_id.clone(),
            _ => None,
        };
        let launch_id = known.filter(|_| self.below(5) > 0).unwrap_or_else(|| launch(self));
        let reason: Text = self.one_of(&["it broke", "resets 2027-01-15T09:00:00Z", ""]).into();
        let fact = match self.below(16) {
            0..2 => {
                let is_external = self.below(4) == 0;
                let branch = self.one_of(&["branch-1", "branch-2", ""]);
                return Observation::Command(CommandObservation::Session(SessionCommand::Spawn(
                    SessionWanted {
                        project: ProjectId("roc".into()),
                        launch_id,
                        prompt: "Mend it.".into(),
                        harness: "claude-code".into(),
                        branch: (!branch.is_empty()).then(|| branch.into()),
                        issue_id: None,
                        is_external,
                    },
                )));
            }
            2 => {
                let is_fresh = self.below(2) == 0;
                let asked = match self.below(4) {
                    0 => SessionCommand::Kill { session },
                    1 => SessionCommand::Cleanup { session },
                    _ => SessionCommand::Restore { session, launch_id, is_fresh },
                };
                return Observation::Command(CommandObservation::Session(asked));
            }
            3 => {
                let nudge = self.nudge(play);
                let receipt = match self.below(6) {
                    0 => Receipt::Delivered,
                    1 => Receipt::Unconfirmed { reason },
                    2 => Receipt::NotNow { reason, retry_after: 20 },
                    3 => Receipt::Failed { reason },
                    _ => Receipt::Handed,
                };
                return Observation::Report(Report::NudgeTold { nudge, receipt });
            }
            4..7 => SessionFact::Launched {
                launch_id,
                runtime: Runtime { name: "tmux".into(), handle: "it".into() },
                agent_session_id: None,
                activity: self.one_of(&[ActivityState::Active, ActivityState::Ready]),
                speaks: self.below(2) == 0,
            },
            7 => match self.below(5) {
                0 => SessionFact::LaunchFailed { launch_id, reason },
                1 => SessionFact::OperationFailed { reason },
                2 => SessionFact::CleanedUp { freed_bytes: 7 },
                3 => SessionFact::WorkspaceMade {
                    launch_id,
                    path: "/w".into(),
                    token_hash: "h".into(),
                },
                _ => SessionFact::Killed,
            },
            8..11 => {
                let runtime = self.one_of(ProbeAnswer::ALL);
                let process = self.one_of(&[ProbeAnswer::Alive, runtime, ProbeAnswer::Failed]);
                let evidence = reason;
                let is_proof = self.below(8) == 0;
                let launch_id = (self.below(2) == 0).then_some(launch_id);
                let probe = Probe { runtime, process, evidence, is_proof };
                SessionFact::Probed { launch_id, probe }
            }
            drawn => {
                let event = self.one_of(&[
                    "Stop",
                    "UserPromptSubmit",
                    "PreToolUse",
                    "PostToolUse",
                    "Notification",
                    "",
                ]);
                let mark = self.nudge(play).mark();
                let seen = ActivitySeen {
                    event: (!event.is_empty()).then(|| event.into()),
                    mark: (self.below(3) == 0).then(|| mark.into()),
                    tool: (self.below(2) == 0).then(|| self.one_of(&["Bash", "Read"]).into()),
                    reason: Some(reason),
                    launch_id: (self.below(2) == 0).then_some(launch_id),
                    transcript_path: (self.below(4) == 0).then(|| "/it/a.jsonl".into()),
                    ..ActivitySeen::new(self.one_of(ActivityState::ALL), ActivitySource::Hook)
                };
                match drawn {
                    11 => SessionFact::LookedAt(Some(seen).filter(|_| self.below(2) == 0)),
                    _ => SessionFact::Active(seen),
                }
            }
        };
        Observation::Session(SessionObservation { session, fact })
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
            4..7 => ("check_run", {
                let mut run =
                    check(self.one_of(&["build", "lint"]), &head, id, conclusion, seconds);
                if self.below(2) == 0 {
                    run["check_run"]["app"]["slug"] = json!("github-actions");
                }
                run
            }),
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
                let (granted, suspended) = (self.below(2) == 0, number == 1);
                let at = at(seconds).parse().expect("an instant");
                let account = Some(self.one_of(&["acme", "apex"]).into());
                let repos = Vec::new();
                let access = ScmObservation::Access { repos, account, granted, suspended, at };
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
                    rerun: Some(Rerun::Once),
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

fn repo_name() -> nudged::domain::RepoName {
    nudged::domain::RepoName::parse("acme/rocket").expect("a name")
}
