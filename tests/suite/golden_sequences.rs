//! `reaction_sequences.jsonl`: what was said at each step of a session's life, and the session after.
//!
//! Steps of activity, probes and kills wait for the rules of liveness.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::golden::table;
use crate::payloads::{at, check, pull};
use crate::world::World;

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
    told: Vec<String>,
    state: String,
    status: String,
    is_alive: bool,
    termination_reason: String,
}

/// What the rules written so far cover.
fn is_covered(sequence: &Sequence) -> bool {
    let covered =
        |step: &Step| matches!(step.what.as_str(), "pr" | "tick" | "pr_closed" | "pr_merged");
    sequence.steps.iter().all(covered)
}

const SESSION: &str = "
    INSERT INTO projects (id, repo_id, repo, repo_origin_url, display_name, next_session, ci_seen, registered_at)
    VALUES ('roc', 41, 'acme/rocket', 'https://github.com/acme/rocket', 'rocket', 2, 1, '2026-05-01T08:00:00.000Z');
    INSERT INTO sessions (id, project_id, num, kind, session_state, is_alive, activity_state,
        activity_last_at, branch, created_at, updated_at)
    VALUES ('roc-1', 'roc', 1, 'worker', 'working', 1, 'active', '2026-05-01T08:00:00.000Z',
        'branch-1', '2026-05-01T08:00:00.000Z', '2026-05-01T08:00:00.000Z');";

struct Player {
    world: World,
    now: i64,
    sent: i64,
    head: String,
}

impl Player {
    async fn apply(&mut self, event: &str, payload: Value) {
        self.sent += 1;
        self.world.apply(event, &format!("d{}", self.sent), &payload).await;
    }

    async fn play(&mut self, step: &Step) {
        // In the table, only a tick runs the timers.
        self.world.pass(step.at_s - self.now);
        self.now = step.at_s;
        match step.what.as_str() {
            "pr" => {
                let commit = step.commit.clone().expect("a commit");
                let passed = step.check.as_deref() == Some("passed");
                let conclusion = json!(if passed { "success" } else { "failure" });
                // The check comes first, so that the pull request is never seen without it.
                let run = 1_000 + self.sent;
                self.apply("check_run", check("ci/build", &commit, run, conclusion, step.at_s))
                    .await;
                let answer = match step.mergeability.as_deref() {
                    Some("mergeable") => json!({"mergeable": true, "mergeable_state": "clean"}),
                    Some("unstable") => json!({"mergeable": true, "mergeable_state": "unstable"}),
                    Some("conflicting") => json!({"mergeable": false, "mergeable_state": "dirty"}),
                    other => panic!("mergeability {other:?}"),
                };
                let mut event = pull("synchronize", 1, &commit, step.at_s, answer);
                if !self.head.is_empty() && self.head != commit {
                    event["before"] = json!(self.head);
                }
                self.head = commit;
                self.apply("pull_request", event).await;
            }
            "pr_closed" => {
                let closed = json!({"state": "closed"});
                self.apply(
                    "pull_request",
                    pull("closed", 1, &self.head.clone(), step.at_s, closed),
                )
                .await;
            }
            "pr_merged" => {
                let merged = json!({"state": "closed", "merged": true, "merged_at": at(step.at_s)});
                self.apply(
                    "pull_request",
                    pull("closed", 1, &self.head.clone(), step.at_s, merged),
                )
                .await;
            }
            "tick" => self.world.advance(0).await,
            other => panic!("{other} is not covered"),
        }
    }

    /// What was said so far, in the table's words.
    async fn told(&self) -> Vec<String> {
        let nudges = self.world.items("/v1/nudges?limit=1000").await;
        let told = nudges.iter().map(|nudge| {
            let word = |key: &str| nudge[key].as_str().expect("a word").to_owned();
            match word("audience").as_str() {
                "agent" => format!("agent:{}", word("kind")),
                _ => format!("human:reaction.{}:{}", word("kind"), word("priority")),
            }
        });
        told.collect()
    }
}

async fn play(sequence: &Sequence) -> Result<(), String> {
    let world = World::new().await;
    world.execute(SESSION);
    let mut player = Player { world, now: 0, sent: 0, head: String::new() };
    let mut heard = 0;
    for (index, step) in sequence.steps.iter().enumerate() {
        player.play(step).await;
        let told = player.told().await;
        let session = player.world.get("/v1/sessions/roc-1").await;
        let word = |key: &str| session[key].as_str().unwrap_or_default();
        let found = (
            &told[heard..],
            word("state"),
            word("status"),
            session["isAlive"] == json!(true),
            word("terminationReason"),
        );
        let wanted = (
            &step.told[..],
            step.state.as_str(),
            step.status.as_str(),
            step.is_alive,
            step.termination_reason.as_str(),
        );
        if found != wanted {
            return Err(format!(
                "sequence {} step {index} ({} at {}): found {found:?}, wanted {wanted:?}",
                sequence.id, step.what, step.at_s
            ));
        }
        heard = told.len();
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "how many rows wait is worth knowing")]
#[tokio::test]
async fn reactions_are_as_the_table_says() {
    let table = table("reaction_sequences.jsonl");
    let sequences: Vec<Sequence> =
        table.lines().map(|line| serde_json::from_str(line).expect("a sequence")).collect();
    let covered: Vec<&Sequence> = sequences.iter().filter(|s| is_covered(s)).collect();
    assert!(!covered.is_empty(), "no sequence is covered");
    let mut wrong = Vec::new();
    for sequence in &covered {
        wrong.extend(play(sequence).await.err());
    }
    println!(
        "{} of {} sequences played, {} wait for liveness",
        covered.len(),
        sequences.len(),
        sequences.len() - covered.len()
    );
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), covered.len());
}
