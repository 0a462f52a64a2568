//! Sessions through the front door: what hooks report, what is seen of them, and all of it after a restart.

use nudged::domain::{
    ActivityState, CommandObservation, NudgeId, Observation, OperationKind, Probe, ProbeAnswer,
    ProjectId, Receipt, Report, Runtime, SessionCommand, SessionFact, SessionId,
    SessionObservation, SessionWanted, TaskKind, TaskPayload,
};
use nudged::lifecycle::Refusal;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::payloads::{check, pull, sha};
use crate::world::{World, answer};

const SESSION: &str = "/v1/sessions/roc-1";

/// Pull request 1 of `acme/rocket` is open, and adopted by `roc-1`.
async fn adopted() -> World {
    let world = World::new().await;
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
    world
}

async fn report(world: &World, body: Value) -> (StatusCode, Value) {
    let request = world.request(Method::POST, &format!("{SESSION}/activity"));
    answer(request.json(&body)).await
}

async fn observe(world: &World, fact: SessionFact) -> Result<(), Refusal> {
    let seen = SessionObservation { session: SessionId("roc-1".into()), fact };
    let engine = &world.running().engine;
    engine.observe(Observation::Session(seen), "probe".to_owned()).await.expect("stored")
}

fn probe(runtime: ProbeAnswer, process: ProbeAnswer, evidence: &str) -> SessionFact {
    let probe = Probe { runtime, process, evidence: evidence.into(), is_proof: false };
    SessionFact::Probed { launch_id: None, probe }
}

#[tokio::test]
async fn hooks_report_what_an_agent_does_and_the_human_hears() {
    let world = adopted().await;
    let asks = json!({"state": "waiting_input", "source": "hook", "event": "PermissionRequest",
        "agentSessionId": "a-1", "transcriptPath": "/it/a-1.jsonl", "tool": "Bash",
        "reason": "rm -rf build", "launchId": "", "fromALaterRelease": {"deep": []}});
    let (status, session) = report(&world, asks).await;
    assert_eq!((status, &session["state"]), (StatusCode::OK, &json!("needs_input")));
    assert_eq!(session["activity"]["state"], "waiting_input");
    assert_eq!(
        (&session["status"], &session["agentSessionId"]),
        (&json!("needs_input"), &json!("a-1"))
    );
    assert_eq!(session["waitsFor"], json!({"tool": "Bash", "reason": "rm -rf build"}));
    assert_eq!(world.get(SESSION).await, session);
    world.apply("check_run", "2", &check("build", &sha(1), 11, json!("failure"), 10)).await;
    assert_eq!(world.nudges().await, ["agent-needs-input pending", "ci-failed held"]);
    assert_eq!(world.sql("SELECT held_because FROM nudges WHERE id = 2"), [["needs_input"]]);
    let done = json!({"state": "active", "source": "hook", "event": "PostToolUse", "tool": "Bash"});
    let (_, session) = report(&world, done).await;
    assert_eq!((&session["state"], &session["waitsFor"]), (&json!("working"), &Value::Null));
    assert_eq!(world.nudges().await, ["agent-needs-input superseded", "ci-failed pending"]);
    let marked = json!({"state": "active", "source": "hook", "event": "UserPromptSubmit",
        "mark": "[nudge 2]"});
    report(&world, marked).await;
    assert_eq!(world.nudges().await[1], "ci-failed delivered");
    let limit = json!({"state": "blocked", "source": "hook", "event": "StopFailure",
        "reason": "rate_limit: resets 2027-01-15T12:00:00Z"});
    let (_, session) = report(&world, limit).await;
    assert_eq!(session["blocked"]["resetsAt"], "2027-01-15T12:00:00Z");
    let types: Vec<String> = world
        .changes()
        .await
        .iter()
        .filter(|change| change["type"] == "session_updated")
        .map(|change| format!("{} {}", change["payload"]["state"], change["payload"]["activity"]))
        .collect();
    let expected =
        ["\"needs_input\" \"waiting_input\"", "\"working\" \"active\"", "\"stuck\" \"blocked\""];
    assert_eq!(types, expected, "one change for each");
}

#[tokio::test]
async fn reports_that_cannot_be_taken_are_told_why() {
    let world = adopted().await;
    for (path, body, status, code) in [
        ("roc-9", json!({"state": "active", "source": "hook"}), 404, "not_found"),
        ("roc-1", json!({"state": "asleep", "source": "hook"}), 400, "bad_body"),
        ("roc-1", json!({"state": "active"}), 400, "bad_body"),
        ("roc-1", json!({"state": "active", "source": "gossip"}), 400, "bad_body"),
    ] {
        let request = world.request(Method::POST, &format!("/v1/sessions/{path}/activity"));
        let (found, error) = answer(request.json(&body)).await;
        assert_eq!((found.as_u16(), &error["error"]["code"]), (status, &json!(code)), "{body}");
    }
    let closed = pull("closed", 1, &sha(1), 10, json!({"state": "closed", "merged": true}));
    world.apply("pull_request", "2", &closed).await;
    let (status, error) = report(&world, json!({"state": "active", "source": "hook"})).await;
    assert_eq!((status.as_u16(), &error["error"]["code"]), (409, &json!("session_ended")));
    assert!(error["error"]["message"].as_str().expect("words").contains("restore"), "{error}");
}

#[tokio::test]
async fn a_quarantine_survives_a_restart_and_an_alive_probe_clears_it() {
    let mut world = adopted().await;
    for at in ["07:00:00", "07:00:05"] {
        let evidence = format!("{at}: the server does not answer");
        observe(&world, probe(ProbeAnswer::Failed, ProbeAnswer::Unknown, &evidence))
            .await
            .expect("taken");
        world.pass(5);
    }
    let columns = "SELECT session_state, detecting_attempts, detecting_started_at,
        detecting_evidence_hash FROM sessions";
    let before = world.sql(columns);
    assert_eq!(before[0][..2], ["detecting".to_owned(), "2".to_owned()]);
    world.restart().await;
    assert_eq!(world.sql(columns), before);
    let shown = world.get(SESSION).await;
    assert_eq!(shown["detecting"]["attempts"], 2);
    let alive = probe(ProbeAnswer::Alive, ProbeAnswer::Alive, "there");
    observe(&world, alive.clone()).await.expect("taken");
    assert_eq!(world.sql(columns), [["working", "null", "null", "null"]]);
    let head = world.changes().await.len();
    observe(&world, alive).await.expect("taken");
    assert_eq!(world.changes().await.len(), head, "the same again is no change");
    assert_eq!(world.changes().await[head - 1]["cause"], "probe");
}

/// Asks for a session whose agent is started here, as the session manager does.
async fn spawned(world: &World) {
    let wanted = SessionWanted {
        project: ProjectId("roc".into()),
        launch_id: "l-1".into(),
        prompt: "Mend it.".into(),
        harness: "codex".into(),
        branch: Some("branch-2".into()),
        issue_id: Some("R-7".into()),
        is_external: false,
    };
    let asked = CommandObservation::Session(SessionCommand::Spawn(wanted));
    let engine = &world.running().engine;
    let done = engine.observe(Observation::Command(asked), "api:1".to_owned()).await;
    done.expect("stored").expect("taken in");
}

/// The agent of launch `l-1` runs.
fn launched() -> SessionFact {
    SessionFact::Launched {
        launch_id: "l-1".into(),
        runtime: Runtime { name: "tmux".into(), handle: "{}".into() },
        agent_session_id: None,
        activity: ActivityState::Active,
        speaks: true,
    }
}

async fn live(world: &World, session: &str, fact: SessionFact) {
    let seen = SessionObservation { session: SessionId(session.into()), fact };
    let engine = &world.running().engine;
    let done = engine.observe(Observation::Session(seen), "spawn".to_owned()).await;
    done.expect("stored").expect("taken in");
}

#[tokio::test]
async fn what_is_being_done_is_found_again_after_a_restart() {
    let mut world = adopted().await;
    spawned(&world).await;
    let store =
        async |world: &World| nudged::store::Store::open(&world.db()).await.expect("a store");
    world.restart().await;
    let [cut_off] = &store(&world).await.sessions_at_work().await.expect("a read")[..] else {
        panic!("one session is being started")
    };
    assert_eq!((cut_off.id.as_str(), cut_off.launch_id.as_deref()), ("roc-2", Some("l-1")));
    assert_eq!(cut_off.operation, Some(OperationKind::Spawn));
    assert_eq!(cut_off.prompt, "Mend it.");
    live(&world, "roc-2", launched()).await;
    let shown = world.get("/v1/sessions/roc-2").await;
    assert_eq!((&shown["state"], &shown["operation"]), (&json!("working"), &Value::Null));
    assert_eq!(shown["runtime"], json!({"name": "tmux", "handle": "{}"}));
    let at_work = store(&world).await.sessions_at_work().await.expect("a read");
    assert_eq!(at_work.len(), 1, "it is to be probed");
    live(&world, "roc-2", SessionFact::Killed).await;
    let at_work = store(&world).await.sessions_at_work().await.expect("a read");
    assert_eq!(at_work, [], "nothing is left to do");
}

#[tokio::test]
async fn a_nudge_to_an_agent_of_ours_is_a_task_until_it_is_known_what_became_of_it() {
    let mut world = adopted().await;
    spawned(&world).await;
    live(&world, "roc-2", launched()).await;
    world.apply("pull_request", "2", &pull("opened", 2, &sha(2), 0, json!({}))).await;
    world.apply("check_run", "3", &check("build", &sha(2), 12, json!("failure"), 10)).await;
    world.restart().await;
    let tasks = async |world: &World| {
        let store = nudged::store::Store::open(&world.db()).await.expect("a store");
        let now = "2100-01-01T00:00:00Z".parse().expect("an instant");
        store.due_tasks(TaskKind::DeliverNudge, now, 10).await.expect("a read").0
    };
    let [task] = &tasks(&world).await[..] else { panic!("one task") };
    let wanted = TaskPayload::DeliverNudge { nudge: NudgeId(1), mark: "[nudge 1]".into() };
    assert_eq!((&task.payload, task.lane.as_ref().map(|it| &*it.0)), (&wanted, Some("roc-2")));
    let told = async |world: &World, receipt| {
        let report = Observation::Report(Report::NudgeTold { nudge: NudgeId(1), receipt });
        world.running().engine.observe(report, "deliver:1".to_owned()).await.expect("stored")
    };
    assert_eq!(told(&world, Receipt::Handed).await, Ok(()));
    world.restart().await;
    assert_eq!(world.nudges().await, ["ci-failed handed"]);
    assert_eq!(told(&world, Receipt::Handed).await, Err(Refusal::NudgeNotWaiting));
    assert_eq!(tasks(&world).await[0].attempts, 1, "its fate is still to be found out");
    let unknown = Receipt::Unconfirmed { reason: "no record".into() };
    assert_eq!(told(&world, unknown).await, Ok(()));
    assert_eq!(world.nudges().await, ["ci-failed unconfirmed", "escalated pending"]);
    assert_eq!(tasks(&world).await, []);
}

#[tokio::test]
async fn a_projects_budget_is_a_setting() {
    let world = adopted().await;
    let put = async |nudges: Value| {
        let request = world.request(Method::PUT, "/v1/projects/roc");
        answer(request.json(&json!({"nudges": nudges}))).await
    };
    let shown = world.get("/v1/projects/roc").await;
    assert_eq!(shown["nudges"]["budget"], json!({"burst": 30, "perMinute": 1}));
    let (status, project) = put(json!({"budget": {"burst": 2, "perMinute": 60}})).await;
    assert_eq!((status, &project["nudges"]["budget"]["burst"]), (StatusCode::OK, &json!(2)));
    put(json!({"paused": false})).await;
    let shown = world.get("/v1/projects/roc").await;
    assert_eq!(shown["nudges"]["budget"], json!({"burst": 2, "perMinute": 60}));
    for wrong in [
        json!({"burst": 0, "perMinute": 1}),
        json!({"burst": 1}),
        json!({"burst": 1, "perMinute": 0}),
    ] {
        assert_eq!(put(json!({"budget": wrong})).await.0, StatusCode::BAD_REQUEST);
    }
}
