//! `reaction_sequences.jsonl`: what was said at each step of a session's life, and the session after.

use nudged::domain::{ActivityState, Audience, CommitSha, ProbeAnswer, SessionCommand, SessionId};
use serde::Deserialize;

use crate::core::Core;
use crate::core::live::FIRST;
use crate::core::tell::{Pull, check, pull};
use crate::golden::table;

#[derive(Deserialize)]
struct Sequence {
    id: i64,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    at_s: i64,
    #[serde(rename = "do")]
    what: String,
    commit: Option<String>,
    check: Option<String>,
    mergeability: Option<String>,
    activity: Option<ActivityState>,
    runtime: Option<ProbeAnswer>,
    process: Option<ProbeAnswer>,
    told: Vec<String>,
    state: String,
    status: String,
    is_alive: bool,
    termination_reason: String,
}

struct Player {
    core: Core,
    now: i64,
    runs: i64,
    head: Option<CommitSha>,
}

impl Player {
    /// The project is there, its CI was seen, and the session works on `branch-1`.
    fn new() -> Self {
        let mut core = Core::new();
        core.spawned("branch-1");
        Self { core, now: 0, runs: 0, head: None }
    }

    fn play(&mut self, step: &Step) {
        // In the table, only a tick runs the timers.
        self.core.pass(step.at_s - self.now);
        self.now = step.at_s;
        match step.what.as_str() {
            "pr" => self.pull_request(step),
            "pr_closed" => drop(self.core.see(self.ended(step).closed())),
            "pr_merged" => drop(self.core.see(self.ended(step).merged())),
            "tick" => self.core.advance(0),
            "activity" => drop(self.core.does(step.activity.expect("an activity"))),
            "probe" => {
                let (runtime, process) = (step.runtime.expect("one"), step.process.expect("one"));
                self.core.probed(runtime, process);
            }
            "kill" => {
                let session = SessionId(FIRST.into());
                self.core.command(SessionCommand::Kill { session }).expect("it is done");
            }
            other => panic!("{other} is no step"),
        }
    }

    fn pull_request(&mut self, step: &Step) {
        let commit = step.commit.as_deref().and_then(CommitSha::parse).expect("a commit");
        // The check comes first, so that the pull request is never seen without it.
        self.runs += 1;
        let run = check("ci/build").at_sha(&commit).run(self.runs);
        let run = if step.check.as_deref() == Some("passed") { run.passed() } else { run.failed() };
        self.core.see(run.at(step.at_s));
        let mergeability = step.mergeability.as_deref().expect("a mergeability");
        let answer = mergeability.parse().expect("a mergeability");
        let seen = pull(1).at(step.at_s).answered(answer).head_sha(&commit);
        let before = self.head.replace(commit.clone()).filter(|head| *head != commit);
        self.core.see(match before {
            Some(before) => seen.replaces(&before),
            None => seen,
        });
    }

    fn ended(&self, step: &Step) -> Pull {
        pull(1).at(step.at_s).head_sha(self.head.as_ref().expect("a head"))
    }

    /// What was said since the `heard` nudges before, in the table's words.
    fn told(&self, heard: usize) -> Vec<String> {
        let nudges = self.core.nudges();
        let told = nudges[heard..].iter().map(|nudge| match nudge.kind.audience() {
            Audience::Agent => format!("agent:{}", nudge.kind),
            Audience::Human => format!("human:reaction.{}:{}", nudge.kind, nudge.kind.priority()),
        });
        told.collect()
    }

    /// The reference's messenger delivers in the same call: what is told to the agent is heard.
    fn hear(&mut self, heard: usize) {
        for index in heard..self.core.nudges().len() {
            let nudge = self.core.nudges()[index];
            if nudge.kind.audience() == Audience::Agent && nudge.state.is_open() {
                self.core.acknowledge(index);
            }
        }
    }
}

fn play(sequence: &Sequence) -> Result<(), String> {
    let mut player = Player::new();
    let mut heard = 0;
    for (index, step) in sequence.steps.iter().enumerate() {
        player.play(step);
        let life = if step.is_alive { "alive" } else { "dead" };
        let reason = &step.termination_reason;
        let wanted = format!("{} {} {life} {reason}", step.state, step.status);
        let found = (player.told(heard), player.core.session("roc-1"));
        let wanted = (step.told.clone(), wanted.trim_end().to_owned());
        if found != wanted {
            return Err(format!(
                "sequence {} step {index} ({} at {}): found {found:?}, wanted {wanted:?}",
                sequence.id, step.what, step.at_s
            ));
        }
        player.hear(heard);
        heard = player.core.nudges().len();
    }
    Ok(())
}

#[test]
fn reactions_are_as_the_table_says() {
    let table = table("reaction_sequences.jsonl");
    let sequences: Vec<Sequence> =
        table.lines().map(|line| serde_json::from_str(line).expect("a sequence")).collect();
    assert!(!sequences.is_empty(), "the table is empty");
    let wrong: Vec<String> = sequences.iter().filter_map(|it| play(it).err()).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), sequences.len());
}
