//! What bots and people change through the API, cases as data.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::payloads::{check, pull, sha};
use crate::world::{World, answer};

/// An answer with the headers that matter here.
struct Told {
    status: u16,
    again: bool,
    id: String,
    body: Value,
}

async fn ask(world: &World, method: &str, path: &str, key: Option<&str>, body: &Value) -> Told {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = world.request(method, path);
    if !body.is_null() {
        request = request.json(body);
    }
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let response = request.send().await.expect("an answer");
    let header = |name: &str| {
        response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
    };
    let (again, id) = (header("idempotent-replayed") == "true", header("x-request-id"));
    let status = response.status().as_u16();
    Told { status, again, id, body: response.json().await.unwrap_or(Value::Null) }
}

async fn opened(world: &World) {
    world.apply("pull_request", "1", &pull("opened", 1, &sha(1), 0, json!({}))).await;
}

#[tokio::test]
async fn projects_are_registered_changed_refused_and_archived() {
    let world = World::new().await;
    opened(&world).await;
    let bound = world.items("/v1/projects").await[0]["id"].as_str().expect("an id").to_owned();
    let bound = format!("/v1/projects/{bound}");
    let long = format!("/v1/projects/{}", "a".repeat(41));
    for (path, body, status, says) in [
        ("/v1/projects/moon", json!({}), 400, "repo"),
        ("/v1/projects/moon", json!({"repo": "acme"}), 400, "owner/name"),
        ("/v1/projects/moon", json!({"repo": "acme/moon", "colour": 1}), 400, "`colour`"),
        ("/v1/projects/moon", json!({"repo": "acme/moon", "nudges": {"x": 1}}), 400, "`x`"),
        ("/v1/projects/moon", json!({"repo": "acme/moon", "adopt": "some"}), 400, "`some`"),
        ("/v1/projects/moon", json!({"repo": "acme/moon", "id": "mars"}), 400, "`id`"),
        ("/v1/projects/moon", json!([]), 400, "body"),
        ("/v1/projects/Moon", json!({"repo": "acme/moon"}), 400, "a-z"),
        (&long, json!({"repo": "acme/moon"}), 400, "40"),
        ("/v1/projects/moon", json!({"repo": "ACME/rocket"}), 409, "another project"),
        (&bound, json!({"repo": "acme/moon"}), 409, "bound"),
        (&bound, json!({"repo": "Acme/Rocket"}), 200, ""),
        ("/v1/projects/moon", json!({"repo": "acme/moon", "path": "/src/moon"}), 200, ""),
        ("/v1/projects/moon", json!({"displayName": "Moon", "adopt": "none"}), 200, ""),
        ("/v1/projects/mars", json!({"repo": "acme/moon"}), 409, "another project"),
        (
            "/v1/projects/moon",
            json!({"nudges": {"paused": true, "checks": {"only": ["ci/*"], "except": ["ci/x"]}}}),
            200,
            "",
        ),
        ("/v1/projects/moon", json!({"nudges": {"trust": {"users": ["mira"]}}}), 200, "mira"),
        ("/v1/projects/moon", json!({"nudges": {"rerun": "once"}}), 200, "once"),
        ("/v1/projects/moon", json!({"nudges": {"rerun": "twice"}}), 400, "once"),
        ("/v1/projects/moon", json!({"nudges": {"trust": {"user": ["mira"]}}}), 400, "user"),
        ("/v1/projects/moon", json!({"nudges": {"trust": {"bots": ["a\u{7}"]}}}), 400, "trust"),
    ] {
        let told = ask(&world, "PUT", path, None, &body).await;
        assert_eq!(told.status, status, "{path} {body}: {}", told.body);
        assert!(told.body.to_string().contains(says), "{path} {body}: {}", told.body);
        assert!(!told.id.is_empty(), "{path} {body}: no request id");
    }
    let moon = world.get("/v1/projects/moon").await;
    let checks = json!({"only": ["ci/*"], "except": ["ci/x"]});
    let budget = json!({"burst": 30, "perMinute": 1});
    let trust = json!({"associations": null, "users": ["mira"], "bots": null});
    let nudges = json!({
        "paused": true, "checks": checks, "trust": trust, "budget": budget, "rerun": "once",
    });
    assert_eq!(moon["nudges"], nudges);
    let words = json!([moon["repo"], moon["path"], moon["displayName"], moon["adopt"]]);
    assert_eq!(words, json!(["acme/moon", "/src/moon", "Moon", "none"]));

    let archived = ask(&world, "DELETE", "/v1/projects/moon", None, &Value::Null).await;
    assert_eq!(archived.status, 200);
    assert!(archived.body["archivedAt"].is_string(), "{}", archived.body);
    assert_eq!(world.items("/v1/projects").await.len(), 1);
    let gone = ask(&world, "DELETE", "/v1/projects/venus", None, &Value::Null).await;
    assert_eq!(gone.status, 404);
    let back = ask(&world, "PUT", "/v1/projects/moon", None, &json!({})).await;
    assert_eq!((back.status, &back.body["archivedAt"]), (200, &Value::Null));
}

#[tokio::test]
async fn paused_sessions_hold_their_nudges_and_the_change_names_the_request() {
    let world = World::new().await;
    opened(&world).await;
    let session = world.items("/v1/sessions").await[0]["id"].as_str().expect("an id").to_owned();
    let path = |what: &str| format!("/v1/sessions/{session}/{what}");
    let paused = ask(&world, "POST", &path("pause"), None, &Value::Null).await;
    assert_eq!((paused.status, &paused.body["nudges"]["paused"]), (200, &json!(true)));
    world.apply("check_run", "2", &check("build", &sha(1), 11, json!("failure"), 10)).await;
    world.advance(1).await;
    assert_eq!(world.nudges().await, ["ci-failed held"]);
    let resumed = ask(&world, "POST", &path("resume"), None, &Value::Null).await;
    assert_eq!((resumed.status, &resumed.body["nudges"]["paused"]), (200, &json!(false)));
    assert_eq!(world.nudges().await, ["ci-failed pending"]);
    let last = world.changes().await.pop().expect("a change");
    assert_eq!(last["cause"], format!("api:{}", resumed.id));
    let nudge = world.items("/v1/nudges").await[0]["id"].clone();
    let acked = ask(&world, "POST", &format!("/v1/nudges/{nudge}/ack"), None, &Value::Null).await;
    assert_eq!(acked.body["state"], "acknowledged");
    let last = world.changes().await.pop().expect("a change");
    assert_eq!(last["cause"], format!("api:{}", acked.id));
    for path in ["/v1/sessions/none-1/pause", "/v1/nudges/99/ack", "/v1/deliveries/99/replay"] {
        assert_eq!(ask(&world, "POST", path, None, &Value::Null).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_the_first_one_was_to_the_byte() {
    let world = World::new().await;
    opened(&world).await;
    let session = world.items("/v1/sessions").await[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/sessions/{session}/pause");
    let told = async || {
        let request = world.request(Method::POST, &path).header("Idempotency-Key", "k");
        let response = request.send().await.expect("an answer");
        let again = response.headers().contains_key("idempotent-replayed");
        (again, response.text().await.expect("a body"))
    };
    let (again, first) = told().await;
    assert!(!again && first.contains("\"status\":\"pr_open\""), "{first}");
    // Whatever became of the session meanwhile.
    world.apply("check_run", "2", &check("build", &sha(1), 11, json!("failure"), 10)).await;
    assert_eq!(told().await, (true, first.clone()));
    // What a build before kept was the JSON itself: that key is free again.
    world.execute("UPDATE idempotency SET answer = '{\"id\":\"x-1\",\"status\":\"pr_open\"}'");
    let (again, anew) = told().await;
    assert!(!again && anew.contains("\"status\":\"ci_failed\""), "{anew}");
}

#[tokio::test]
async fn a_key_is_good_for_one_effect() {
    let world = World::new().await;
    let (moon, mars) = (json!({"repo": "acme/moon"}), json!({"repo": "acme/mars"}));
    let first = ask(&world, "PUT", "/v1/projects/moon", Some("k1"), &moon).await;
    assert_eq!((first.status, first.again), (200, false));
    let head = world.changes().await.len();
    world.pass(3_600);
    for (path, key, body, status, again) in [
        ("/v1/projects/moon", "k1", &moon, 200, true),
        ("/v1/projects/moon", "k1", &mars, 409, false),
        ("/v1/projects/mars", "k1", &moon, 409, false),
        ("/v1/projects/mars", "", &mars, 400, false),
    ] {
        let told = ask(&world, "PUT", path, Some(key), body).await;
        assert_eq!((told.status, told.again), (status, again), "{path} {key}: {}", told.body);
        if again {
            assert_eq!(told.body, first.body);
        }
    }
    assert_eq!(world.changes().await.len(), head);
    // What was refused has used no key up.
    assert_eq!(ask(&world, "PUT", "/v1/projects/x", Some("k2"), &json!({})).await.status, 400);
    assert_eq!(ask(&world, "PUT", "/v1/projects/x", Some("k2"), &mars).await.status, 200);
    // A day later the key is free again.
    world.pass(24 * 3_600);
    let later = ask(&world, "PUT", "/v1/projects/moon", Some("k1"), &moon).await;
    assert_eq!((later.status, later.again), (200, false));
}

#[tokio::test]
async fn one_key_used_at_once_has_one_effect_and_survives_a_restart() {
    let mut world = World::new().await;
    let body = json!({"repo": "acme/moon"});
    let asked = (0..8).map(|_| ask(&world, "PUT", "/v1/projects/moon", Some("k"), &body));
    let told = futures_util::future::join_all(asked).await;
    assert!(told.iter().all(|told| told.status == 200 && told.body["id"] == "moon"));
    assert_eq!(told.iter().filter(|told| !told.again).count(), 1);
    assert_eq!(world.changes().await.len(), 1);
    world.restart().await;
    assert!(ask(&world, "PUT", "/v1/projects/moon", Some("k"), &body).await.again);
}

#[tokio::test]
async fn deliveries_are_done_again() {
    let world = World::with(|settings| settings.auto_register = false).await;
    let payload = pull("opened", 1, &sha(1), 0, json!({})).to_string();
    for (event, id, body, outcome) in [
        ("pull_request", "early", payload.as_str(), "ignored"),
        ("ping", "ping", "{}", "ignored"),
        ("pull_request", "odd", r#"{"action": "opened"}"#, "quarantined"),
    ] {
        let (status, told) = world.send(event, id, body.as_bytes()).await;
        assert_eq!((status, &told["outcome"]), (StatusCode::OK, &json!(outcome)), "{id}");
    }
    let put = ask(&world, "PUT", "/v1/projects/roc", None, &json!({"repo": "acme/rocket"})).await;
    assert_eq!(put.status, 200);
    for (row, status, outcome) in [
        (1, 200, json!("applied")),
        (1, 200, json!("applied")),
        (2, 409, Value::Null),
        (3, 200, json!("quarantined")),
    ] {
        let before = world.changes().await.len();
        let path = format!("/v1/deliveries/{row}/replay");
        let told = ask(&world, "POST", &path, None, &Value::Null).await;
        assert_eq!((told.status, &told.body["outcome"]), (status, &outcome), "{row}");
        let first = row == 1 && before == 1;
        assert_eq!(world.changes().await.len() > before, first, "{row}: {}", told.body);
    }
    assert_eq!(world.items("/v1/pulls").await.len(), 1);
}

#[tokio::test]
async fn keys_are_swept_away_after_a_day() {
    const DAY: i64 = 24 * 3_600;
    let world = World::new().await;
    let moon = json!({"repo": "acme/moon"});
    ask(&world, "PUT", "/v1/projects/moon", Some("old"), &moon).await;
    world.pass(DAY);
    ask(&world, "PUT", "/v1/projects/moon", Some("new"), &moon).await;
    assert_eq!(world.sweep().await, 0);
    assert!(ask(&world, "PUT", "/v1/projects/moon", Some("old"), &moon).await.again);
    world.pass(1);
    assert_eq!(world.sweep().await, 1);
    assert_eq!(world.sql("SELECT key FROM idempotency"), [["new"]]);
}

/// Such as a newer version that reads what an older one could not.
#[tokio::test]
async fn a_quarantined_delivery_that_can_be_read_by_now_is_applied() {
    let world = World::new().await;
    let body = pull("opened", 1, &sha(1), 0, json!({})).to_string();
    let packed = zstd::bulk::compress(body.as_bytes(), 3).expect("compressed");
    rusqlite::Connection::open(world.db())
        .expect("the database")
        .execute(
            "INSERT INTO deliveries (id, hook, guid, event, outcome, reason, body, received_at)
             VALUES (7, '', 'q', 'pull_request', 'quarantined', 'not known then', ?1, '')",
            [packed],
        )
        .expect("a row");
    let told = ask(&world, "POST", "/v1/deliveries/7/replay", None, &Value::Null).await;
    assert_eq!((told.status, &told.body["outcome"]), (200, &json!("applied")), "{}", told.body);
    assert_eq!(told.body["reason"], Value::Null);
    assert_eq!(world.get("/v1/pulls/acme/rocket/1").await["headSha"], sha(1));
    // What it said is kept from now on, in place of its body.
    let row = "SELECT body IS NULL, observation IS NULL, reason FROM deliveries";
    assert_eq!(world.sql(row), [["1", "0", "null"]]);
    let changes = world.changes().await;
    assert_eq!(changes.last().expect("a change")["cause"], format!("api:{}", told.id));
    // Its redelivery is a duplicate now, and done again it changes nothing.
    let (_, again) = world.send("pull_request", "q", body.as_bytes()).await;
    assert_eq!(again["outcome"], "duplicate");
    let told = ask(&world, "POST", "/v1/deliveries/7/replay", None, &Value::Null).await;
    assert_eq!((told.status, &told.body["outcome"]), (200, &json!("applied")));
    assert_eq!(world.changes().await, changes);
}

#[tokio::test]
async fn a_pull_request_shows_its_comments() {
    let world = World::new().await;
    opened(&world).await;
    let url = "https://github.com/acme/rocket/pull/1#issuecomment-5";
    world.apply("issue_comment", "c", &json!({
        "action": "created",
        "issue": {"number": 1, "pull_request": {"url": url}, "user": {"id": 7, "login": "ada-agent"}},
        "comment": {"id": 5, "user": {"id": 8, "login": "grace"}, "body": "Why?", "html_url": url,
            "created_at": crate::payloads::at(5), "updated_at": crate::payloads::at(5)},
        "repository": crate::payloads::repository(crate::payloads::REPO, "acme/rocket"),
    })).await;
    let comments = world.get("/v1/pulls/acme/rocket/1").await["comments"].clone();
    let first = &comments[0];
    let words = json!([first["id"], first["kind"], first["author"], first["body"], first["url"]]);
    assert_eq!(words, json!([5, "issue", "grace", "Why?", url]));
    assert!(world.items("/v1/pulls").await[0].get("comments").is_none());
}

#[tokio::test]
async fn bodies_have_a_form_and_a_limit() {
    let world = World::new().await;
    let put = || world.request(Method::PUT, "/v1/projects/moon");
    let json = "application/json";
    for (request, status) in [
        (put().body("{}"), 415),
        (put().header("Content-Type", json).body("{"), 400),
        (put().header("Content-Type", json).body(vec![b' '; 70_000]), 413),
        (
            world
                .request(Method::PUT, "/v1/projects/moon?dry=1")
                .json(&json!({"repo": "acme/moon"})),
            400,
        ),
        (put().header("Origin", "https://evil.example").json(&json!({})), 403),
        (reqwest::Client::new().put(world.url("/v1/projects/moon")).bearer_auth("wrong"), 401),
    ] {
        let (told, body) = answer(request).await;
        assert_eq!(told.as_u16(), status, "{body}");
    }
}

/// The routes of the contract that are there.
const ROUTES: &[(&str, &str)] = &[
    ("/healthz", "get"),
    ("/metrics", "get"),
    ("/openapi.json", "get"),
    ("/readyz", "get"),
    ("/v1/changes", "get"),
    ("/v1/deliveries", "get"),
    ("/v1/deliveries/recover", "post"),
    ("/v1/deliveries/{id}", "get"),
    ("/v1/deliveries/{id}/replay", "post"),
    ("/v1/github", "get"),
    ("/v1/nudges", "get"),
    ("/v1/nudges/{id}", "get"),
    ("/v1/nudges/{id}/ack", "post"),
    ("/v1/projects", "get"),
    ("/v1/projects/{id}", "delete get put"),
    ("/v1/pulls", "get"),
    ("/v1/pulls/{owner}/{repo}/{number}", "get"),
    ("/v1/pulls/{owner}/{repo}/{number}/checks/{id}/log", "get"),
    ("/v1/sessions", "get post"),
    ("/v1/sessions/{id}", "get"),
    ("/v1/sessions/{id}/activity", "post"),
    ("/v1/sessions/{id}/cleanup", "post"),
    ("/v1/sessions/{id}/kill", "post"),
    ("/v1/sessions/{id}/messages", "post"),
    ("/v1/sessions/{id}/pause", "post"),
    ("/v1/sessions/{id}/restore", "post"),
    ("/v1/sessions/{id}/resume", "post"),
    ("/v1/sessions/{id}/terminal", "get"),
    ("/webhooks/github", "post"),
];

#[tokio::test]
async fn the_document_and_the_router_name_the_same_routes() {
    let world = World::new().await;
    let document = reqwest::get(world.url("/openapi.json")).await.expect("an answer");
    let document: Value = document.json().await.expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let methods = |item: &Value| {
        let mut names: Vec<_> = item.as_object().expect("methods").keys().cloned().collect();
        names.sort();
        names.join(" ")
    };
    let mut described: Vec<(String, String)> =
        paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect();
    described.sort();
    let known = ROUTES.iter().map(|(path, methods)| ((*path).to_owned(), (*methods).to_owned()));
    assert_eq!(described, known.collect::<Vec<_>>());
    for (path, methods) in described {
        let path = path.replace("{number}", "1").replace("{id}", "1");
        let patch = world.request(Method::PATCH, &path).send().await.expect("an answer");
        assert_eq!(patch.status(), 405, "{path}");
        let allow = patch.headers()["allow"].to_str().expect("text").to_lowercase();
        let mut allowed: Vec<&str> = allow.split(',').map(str::trim).collect();
        allowed.retain(|method| *method != "head");
        allowed.sort_unstable();
        assert_eq!(allowed.join(" "), methods, "{path}");
    }
}

#[tokio::test]
async fn the_document_tells_the_stream_and_what_parameters_take() {
    let world = World::new().await;
    let document = reqwest::get(world.url("/openapi.json")).await.expect("an answer");
    let document: Value = document.json().await.expect("JSON");
    let changes = &document["paths"]["/v1/changes"]["get"];
    let mut forms: Vec<_> =
        changes["responses"]["200"]["content"].as_object().expect("forms").keys().collect();
    forms.sort();
    assert_eq!(forms, ["application/json", "text/event-stream"]);
    for (path, methods) in ROUTES {
        for method in methods.split(' ') {
            let parameters = &document["paths"][path][method]["parameters"];
            for parameter in parameters.as_array().into_iter().flatten() {
                let name = format!("{method} {path} {}", parameter["name"]);
                let schema = &parameter["schema"];
                assert!(!schema.to_string().contains("null"), "{name}: {schema}");
                let value = if schema["type"] == "array" { &schema["items"] } else { schema };
                let free = value["type"] == "string" && value["enum"].is_null();
                let query = parameter["in"] == "query";
                assert!(!query || !free || value["minLength"] == 1, "{name}: {schema}");
            }
        }
    }
}
