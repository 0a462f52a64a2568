//! The fake GitHub behaves as GitHub does, as far as anybody relies on it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use nudged::fake_github::{App, Caller, FakeGitHub, Fault, Limit, Log, NewPull, Outcome, Trouble};
use serde_json::{Value, json};

const START: i64 = 1_800_000_000;

/// A fake, its clock, and a client that speaks for an installation of `acme`.
struct Bench {
    github: FakeGitHub,
    seconds: Arc<AtomicI64>,
    client: reqwest::Client,
    token: Mutex<String>,
}

impl Bench {
    async fn new() -> Self {
        let seconds = Arc::new(AtomicI64::new(START));
        let read = Arc::clone(&seconds);
        let now = move || Timestamp::from_second(read.load(Ordering::SeqCst)).expect("an instant");
        let github = FakeGitHub::start(Arc::new(now)).await.expect("a fake");
        let policy = reqwest::redirect::Policy::none();
        let client =
            reqwest::Client::builder().no_proxy().redirect(policy).build().expect("a client");
        Self { github, seconds, client, token: Mutex::default() }
    }

    fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    fn jwt(&self) -> String {
        jwt(&self.github.app(), self.seconds.load(Ordering::SeqCst))
    }

    async fn log_in(&self, installation: i64) {
        let path = format!("/app/installations/{installation}/access_tokens");
        let (status, answer) = self.send("POST", &path, &self.jwt()).await;
        assert_eq!(status, 201, "{answer}");
        *self.token.lock().expect("a token") = answer["token"].as_str().expect("a token").into();
    }

    fn request(&self, method: &str, path: &str, token: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.github.url())
        };
        let request = self.client.request(method, url);
        if token.is_empty() { request } else { request.bearer_auth(token) }
    }

    async fn send(&self, method: &str, path: &str, token: &str) -> (u16, Value) {
        let answer = self.request(method, path, token).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    fn token(&self) -> String {
        self.token.lock().expect("a token").clone()
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.send("GET", path, &self.token()).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn graphql(&self, query: &str, variables: Value) -> Value {
        let request = self.request("POST", "/graphql", &self.token());
        let body = json!({"query": query, "variables": variables}).to_string();
        let answer = request.body(body).send().await.expect("an answer");
        serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON")
    }
}

fn jwt(app: &App, now: i64) -> String {
    let lines: String = app.private_key.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(lines).expect("base64");
    let key = aws_lc_rs::signature::RsaKeyPair::from_der(&der).expect("a key");
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": app.id.to_string(), "iat": now - 60, "exp": now + 540});
    let signed = format!("{}.{}", part(json!({"alg": "RS256", "typ": "JWT"})), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    let random = aws_lc_rs::rand::SystemRandom::new();
    let padding = &aws_lc_rs::signature::RSA_PKCS1_SHA256;
    key.sign(padding, &random, signed.as_bytes(), &mut signature).expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A receiver of webhooks: what came in, as event, action and signature, and what it answers.
struct Receiver {
    url: String,
    came: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Receiver {
    async fn new() -> Self {
        use http_body_util::BodyExt as _;
        use hyper::{Request, Response, body::Incoming, service::service_fn};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let came: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let kept = Arc::clone(&came);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let kept = Arc::clone(&kept);
                let service = service_fn(move |request: Request<Incoming>| {
                    let kept = Arc::clone(&kept);
                    async move {
                        let event = request.headers()["x-github-event"].to_str().expect("text");
                        let event = event.to_owned();
                        let body = request.into_body().collect().await?.to_bytes();
                        let body: Value = serde_json::from_slice(&body).expect("JSON");
                        kept.lock().expect("a list").push((event, body));
                        Ok::<_, hyper::Error>(Response::new(String::new()))
                    }
                });
                let stream = hyper_util::rt::TokioIo::new(stream);
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(stream, service),
                );
            }
        });
        Self { url, came }
    }

    /// `event action` of all that came.
    fn events(&self) -> Vec<String> {
        let came = self.came.lock().expect("a list");
        let word = |(event, body): &(String, Value)| {
            format!("{event} {}", body["action"].as_str().unwrap_or_default()).trim().to_owned()
        };
        came.iter().map(word).collect()
    }
}

#[tokio::test]
async fn a_pull_requests_life_is_told_in_githubs_order() {
    let bench = Bench::new().await;
    let receiver = Receiver::new().await;
    bench.github.send_webhooks_to(&receiver.url, "a secret");
    let rocket = bench.github.repository("acme/rocket");
    let number = rocket.open_pull(NewPull::from("ada/fix"));
    bench.pass(5);
    let run = rocket.start_run(&rocket.pull(number).head_sha, "CI", "pull_request", &["test"]);
    rocket.finish_job(rocket.job(run, "test"), "failure", Some(Log::new("no\n")));
    rocket.review(number, "grace", "approved", "Good");
    let head = rocket.push(number);
    rocket.merge(number, "grace");
    bench.github.settle().await;
    let expected = [
        "pull_request opened",
        "workflow_run requested",
        "check_run created",
        "workflow_job queued",
        "workflow_run in_progress",
        "workflow_job in_progress",
        "check_run completed",
        "workflow_job completed",
        "check_suite completed",
        "workflow_run completed",
        "pull_request_review submitted",
        "push",
        "pull_request synchronize",
        "push",
        "pull_request closed",
    ];
    assert_eq!(receiver.events(), expected);
    let came = receiver.came.lock().expect("a list").clone();
    assert_eq!(came[12].1["after"], head);
    assert_eq!(came[14].1["pull_request"]["merged"], true);
    assert_eq!(came[0].1["installation"]["id"], bench.github.installation_of(&rocket).unwrap());
    let deliveries = bench.github.deliveries();
    assert_eq!(deliveries.len(), expected.len());
    assert!(deliveries.iter().all(|it| it.status_code == 200 && it.id > 1 << 53));
}

#[tokio::test]
async fn only_the_apps_own_key_opens_and_tokens_expire() {
    let bench = Bench::new().await;
    let rocket = bench.github.repository("acme/rocket");
    let id = bench.github.installation_of(&rocket).unwrap();
    let app = bench.github.app();
    assert_eq!(bench.send("GET", "/app", &bench.jwt()).await.1["id"], app.id);
    for (wrong, now) in [("late", START - 700), ("early", START + 700)] {
        let (status, answer) = bench.send("GET", "/app", &jwt(&app, now)).await;
        assert_eq!(status, 401, "{wrong}: {answer}");
    }
    let mut other = FakeGitHub::start(Arc::new(|| Timestamp::UNIX_EPOCH)).await.unwrap().app();
    other.id = app.id;
    let forged = jwt(&other, START);
    assert_eq!(bench.send("GET", "/app", &forged).await.0, 401);
    bench.log_in(id).await;
    bench.get("/installation/repositories").await;
    assert_eq!(bench.send("GET", "/app", &bench.token()).await.0, 401);
    bench.pass(3_601);
    assert_eq!(bench.send("GET", "/repos/acme/rocket", &bench.token()).await.0, 401);
    bench.log_in(id).await;
    bench.github.expire_tokens();
    assert_eq!(bench.send("GET", "/repos/acme/rocket", &bench.token()).await.0, 401);
    bench.log_in(id).await;
    bench.github.deny(id, "actions");
    let (status, answer) =
        bench.send("GET", "/repos/acme/rocket/actions/runs", &bench.token()).await;
    assert_eq!(
        (status, &answer["message"]),
        (403, &json!("Resource not accessible by integration"))
    );
    bench.github.suspend(id);
    assert_eq!(bench.send("GET", "/repos/acme/rocket", &bench.token()).await.0, 403);
}

#[tokio::test]
async fn lists_have_pages_and_what_is_known_costs_nothing() {
    let bench = Bench::new().await;
    let rocket = bench.github.repository("acme/rocket");
    bench.log_in(bench.github.installation_of(&rocket).unwrap()).await;
    for index in 0..7 {
        rocket.open_pull(NewPull::from(&format!("ada/{index}")));
    }
    let path = "/repos/acme/rocket/pulls?state=open&per_page=3&page=2";
    let answer = bench.request("GET", path, &bench.token()).send().await.unwrap();
    let link = answer.headers()["link"].to_str().unwrap().to_owned();
    assert!(link.contains("page=3&per_page=3&state=open>; rel=\"next\""), "{link}");
    let etag = answer.headers()["etag"].clone();
    let left = answer.headers()["x-ratelimit-remaining"].clone();
    let again = bench.request("GET", path, &bench.token()).header("if-none-match", etag);
    let again = again.send().await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()["x-ratelimit-remaining"]), (304, &left));
    rocket.retitle(4, "Another one");
    let third = bench.get("/repos/acme/rocket/pulls?per_page=3&page=3").await;
    assert_eq!(third.as_array().map(Vec::len), Some(1));
    assert_eq!(bench.github.count(|it| it.status == 304), 1);
}

#[tokio::test]
async fn mergeability_is_computed_when_it_is_asked_for() {
    let bench = Bench::new().await;
    let rocket = bench.github.repository("acme/rocket");
    bench.log_in(bench.github.installation_of(&rocket).unwrap()).await;
    bench.github.set_slow_mergeability(1);
    let number = rocket.open_pull(NewPull::from("ada/fix"));
    let path = format!("/repos/acme/rocket/pulls/{number}");
    let state = async || {
        let pull = bench.get(&path).await;
        (pull["mergeable"].clone(), pull["mergeable_state"].as_str().unwrap().to_owned())
    };
    assert_eq!(state().await, (Value::Null, "unknown".to_owned()));
    assert_eq!(state().await, (json!(true), "clean".to_owned()));
    rocket.conflicts(number, true);
    state().await;
    assert_eq!(state().await, (json!(false), "dirty".to_owned()));
    rocket.update_branch(number);
    rocket.require_review(true);
    state().await;
    assert_eq!(state().await, (json!(true), "blocked".to_owned()));
    let query = "query($n: Int!) { repository(owner: \"acme\", name: \"rocket\") {
        pullRequest(number: $n) { mergeable mergeStateStatus reviewDecision } } }";
    let answer = bench.graphql(query, json!({"n": number})).await;
    assert_eq!(
        answer["data"]["repository"]["pullRequest"],
        json!({"mergeable": "MERGEABLE", "mergeStateStatus": "BLOCKED", "reviewDecision": "REVIEW_REQUIRED"})
    );
}

#[tokio::test]
async fn one_query_asks_for_many_pull_requests() {
    let bench = Bench::new().await;
    let rocket = bench.github.repository("acme/rocket");
    bench.log_in(bench.github.installation_of(&rocket).unwrap()).await;
    let number = rocket.open_pull(NewPull::from("ada/fix"));
    let first = rocket.comment(number, "grace", "src/lib.rs", 3, "Why?");
    rocket.reply(number, first, "ada-agent", "Because");
    rocket.comment(number, "grace", "src/lib.rs", 9, "And here?");
    rocket.resolve(number, first, "grace");
    let head = rocket.pull(number).head_sha;
    rocket.status(&head, "ci/harbor", "success");
    let check = rocket.start_check(&head, "harbor", "lint");
    rocket.finish_check(check, Outcome::new("failure").noting("src/lib.rs", 3, "failure", "no"));
    let pull = bench.get(&format!("/repos/acme/rocket/pulls/{number}")).await;
    let query = "
        query($ids: [ID!]!) {
            rateLimit { cost remaining }
            nodes(ids: $ids) { __typename ...P }
            again: repository(owner: \"acme\", name: \"rocket\") {
                open: pullRequests(states: OPEN, first: 5) { totalCount nodes { number } }
            }
        }
        fragment P on PullRequest {
            number isDraft updatedAt headRefOid
            reviewThreads(first: 50) { nodes { isResolved comments(first: 1) { nodes { databaseId } } } }
            commits(last: 1) { nodes { commit { statusCheckRollup { state contexts(first: 10) { nodes {
                ... on CheckRun { name conclusion } ... on StatusContext { context state } } } } } } }
        }";
    let answer = bench.graphql(query, json!({"ids": [pull["node_id"], "PR_wrong"]})).await;
    let node = &answer["data"]["nodes"][0];
    assert_eq!(node["headRefOid"], head);
    let threads = node["reviewThreads"]["nodes"].as_array().unwrap();
    let resolved: Vec<_> = threads.iter().map(|it| it["isResolved"].as_bool().unwrap()).collect();
    assert_eq!(resolved, [true, false]);
    assert_eq!(threads[0]["comments"]["nodes"][0]["databaseId"], first);
    let rollup = &node["commits"]["nodes"][0]["commit"]["statusCheckRollup"];
    assert_eq!(rollup["state"], "FAILURE");
    assert_eq!(
        rollup["contexts"]["nodes"],
        json!([{"name": "lint", "conclusion": "FAILURE"}, {"context": "ci/harbor", "state": "SUCCESS"}])
    );
    assert_eq!(answer["data"]["again"]["open"], json!({"totalCount": 1, "nodes": [{"number": 1}]}));
    assert_eq!(
        (&answer["errors"][0]["type"], &answer["data"]["nodes"][1]),
        (&json!("NOT_FOUND"), &Value::Null)
    );
    assert_eq!(answer["data"]["rateLimit"]["cost"], 1);
    let wrong = bench
        .graphql("{ repository(owner: \"acme\", name: \"rocket\") { nonsense } }", json!({}))
        .await;
    assert_eq!(
        wrong["errors"][0]["message"],
        "Field 'nonsense' doesn't exist on type 'Repository'"
    );
    let notes = bench.get(&format!("/repos/acme/rocket/check-runs/{check}/annotations")).await;
    assert_eq!(notes[0]["start_line"], 3);
}

#[tokio::test]
async fn a_log_is_at_another_host_that_wants_no_credentials() {
    let bench = Bench::new().await;
    let rocket = bench.github.repository("acme/rocket");
    bench.log_in(bench.github.installation_of(&rocket).unwrap()).await;
    let number = rocket.open_pull(NewPull::from("ada/fix"));
    let run = rocket.start_run(&rocket.pull(number).head_sha, "CI", "pull_request", &["test"]);
    let job = rocket.job(run, "test");
    let path = format!("/repos/acme/rocket/actions/jobs/{job}/logs");
    assert_eq!(bench.send("GET", &path, &bench.token()).await.0, 404);
    let log = Log::large("begin\n", 3 << 20, "##[error]no\n");
    let length = log.len().unwrap();
    rocket.finish_job(job, "failure", Some(log));
    let redirect = bench.request("GET", &path, &bench.token()).send().await.unwrap();
    assert_eq!(redirect.status().as_u16(), 302);
    let place = redirect.headers()["location"].to_str().unwrap().to_owned();
    assert!(!place.starts_with(bench.github.url()));
    assert_eq!(bench.send("GET", &place, &bench.token()).await.0, 400);
    assert_eq!(bench.github.count(|it| it.other_host && it.credentials), 1);
    let body = bench.request("GET", &place, "").send().await.unwrap().bytes().await.unwrap();
    assert_eq!(body.len() as u64, length);
    assert!(body.ends_with(b"##[error]no\n"));
    let place_fault = format!("/logs/{}", rocket.id());
    bench.github.fault(&place_fault, 1, Fault::CutInHalf);
    assert!(bench.request("GET", &place, "").send().await.unwrap().bytes().await.is_err());
    bench.pass(61);
    assert_eq!(bench.send("GET", &place, "").await.0, 403);
    rocket.expire_log(job);
    assert_eq!(bench.send("GET", &path, &bench.token()).await.0, 410);
}

#[tokio::test]
async fn checks_runs_and_jobs_are_listed_and_run_again() {
    let bench = Bench::new().await;
    let rocket = bench.github.repository("acme/rocket");
    bench.log_in(bench.github.installation_of(&rocket).unwrap()).await;
    let number = rocket.open_pull(NewPull::from("ada/fix"));
    let head = rocket.pull(number).head_sha;
    let run = rocket.start_run(&head, "CI", "pull_request", &["build", "test"]);
    rocket.finish_job(rocket.job(run, "build"), "success", None);
    rocket.finish_job(rocket.job(run, "test"), "failure", None);
    let runs = bench.get(&format!("/repos/acme/rocket/actions/runs?head_sha={head}")).await;
    assert_eq!(
        (&runs["total_count"], &runs["workflow_runs"][0]["conclusion"]),
        (&json!(1), &json!("failure"))
    );
    let again = format!("/repos/acme/rocket/actions/runs/{run}/rerun-failed-jobs");
    assert_eq!(bench.send("POST", &again, &bench.token()).await.0, 201);
    assert_eq!(bench.send("POST", &again, &bench.token()).await.0, 403);
    rocket.finish_job(rocket.job(run, "test"), "success", None);
    let path = format!("/repos/acme/rocket/commits/{head}/check-runs");
    assert_eq!(bench.get(&path).await["total_count"], 2);
    assert_eq!(bench.get(&format!("{path}?filter=all")).await["total_count"], 3);
    let jobs = bench.get(&format!("/repos/acme/rocket/actions/runs/{run}/jobs")).await;
    let attempts: Vec<_> =
        jobs["jobs"].as_array().unwrap().iter().map(|it| it["run_attempt"].clone()).collect();
    assert_eq!(attempts, [json!(1), json!(2)]);
    let suites = bench.get(&format!("/repos/acme/rocket/commits/{head}/check-suites")).await;
    assert_eq!(suites["check_suites"][0]["conclusion"], "success");
    rocket.push_branch("main", "grace");
    let range = format!("/repos/acme/rocket/compare/main...{head}");
    let compared = bench.get(&range).await;
    assert_eq!(
        (&compared["ahead_by"], &compared["behind_by"], &compared["status"]),
        (&json!(1), &json!(1), &json!("diverged"))
    );
    assert_eq!(compared["merge_base_commit"]["sha"], rocket.pull(number).base_sha);
    rocket.role("eve", "read");
    let role = bench.get("/repos/acme/rocket/collaborators/eve/permission").await;
    assert_eq!(role["permission"], "read");
    rocket.status(&head, "ci/harbor", "pending");
    assert_eq!(
        bench.get(&format!("/repos/acme/rocket/commits/{head}/status")).await["state"],
        "pending"
    );
}

#[tokio::test]
async fn a_former_name_leads_to_the_repository() {
    let bench = Bench::new().await;
    let rocket = bench.github.repository("acme/rocket");
    bench.log_in(bench.github.installation_of(&rocket).unwrap()).await;
    rocket.rename("comet");
    let answer = bench
        .request("GET", "/repos/acme/rocket/pulls?state=all", &bench.token())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 301);
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    assert!(place.ends_with(&format!("/repositories/{}/pulls?state=all", rocket.id())), "{place}");
    bench.get(&place).await;
    bench.get("/api/v3/repos/acme/comet").await;
}

#[tokio::test]
async fn limits_are_in_force_for_as_long_as_they_say() {
    let bench = Bench::new().await;
    let rocket = bench.github.repository("acme/rocket");
    bench.log_in(bench.github.installation_of(&rocket).unwrap()).await;
    bench.github.limit(Limit::Secondary, 429, Duration::from_secs(30));
    let refused = bench.request("GET", "/repos/acme/rocket", &bench.token()).send().await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["retry-after"]),
        (429, &"30".parse().unwrap())
    );
    assert_eq!(bench.github.count(|it| it.inside_penalty), 1);
    bench.pass(30);
    bench.get("/repos/acme/rocket").await;
    bench.github.set_hourly_limit(3);
    bench.get("/repos/acme/rocket").await;
    bench.get("/repos/acme/rocket").await;
    let refused = bench.request("GET", "/repos/acme/rocket", &bench.token()).send().await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["x-ratelimit-remaining"]),
        (403, &"0".parse().unwrap())
    );
    assert!(bench.github.seen().iter().any(|it| matches!(it.caller, Caller::Installation(_))));
}

#[tokio::test]
async fn answers_can_be_wrong_in_many_ways() {
    let bench = Bench::new().await;
    bench.github.repository("acme/rocket");
    let path = "/repos/acme/rocket";
    for (fault, status) in [
        (Fault::Status(500, "no".into()), 500),
        (Fault::Status(451, "blocked".into()), 451),
        (Fault::Html, 200),
        (Fault::HtmlStatus(502), 502),
        (Fault::ToOtherHost(302), 302),
        (Fault::Forbidden("checks".into()), 403),
        (Fault::Slow(Duration::from_millis(1)), 200),
    ] {
        bench.github.fault(path, 1, fault.clone());
        assert_eq!(bench.send("GET", path, "").await.0, status, "{fault:?}");
    }
    for fault in [Fault::CutInHalf, Fault::Hangup] {
        bench.github.fault(path, 1, fault.clone());
        let answer = match bench.request("GET", path, "").send().await {
            Ok(answer) => answer.bytes().await,
            Err(error) => Err(error),
        };
        assert!(answer.is_err(), "{fault:?}");
    }
    bench.github.set_down(true);
    // A new client: the connections of the old one are still open.
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(client.get(format!("{}{path}", bench.github.url())).send().await.is_err());
    bench.github.heal();
    bench.get(path).await;
}

#[tokio::test]
async fn deliveries_are_listed_lost_failed_doubled_and_sent_again() {
    let bench = Bench::new().await;
    let receiver = Receiver::new().await;
    let rocket = bench.github.repository("acme/rocket");
    bench.github.send_webhooks_to("http://127.0.0.1:9/", "a secret");
    let number = rocket.open_pull(NewPull::from("ada/fix"));
    bench.github.settle().await;
    bench.github.send_webhooks_to(&receiver.url, "a secret");
    bench.github.trouble(Trouble {
        lose: 0.3,
        fail: 0.3,
        duplicate: 0.3,
        reorder: 4,
        seed: 7,
        ..Trouble::default()
    });
    for index in 0..40 {
        rocket.retitle(number, &format!("Title {index}"));
    }
    bench.github.settle().await;
    bench.github.trouble(Trouble::default());
    let (mut ids, mut path) = (Vec::new(), "/app/hook/deliveries?per_page=10".to_owned());
    loop {
        let answer = bench.request("GET", &path, &bench.jwt()).send().await.unwrap();
        let next = answer.headers().get("link").map(|it| it.to_str().unwrap().to_owned());
        let page: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        ids.extend(
            page.as_array()
                .unwrap()
                .iter()
                .map(|it| (it["id"].as_i64().unwrap(), it["status_code"].as_i64().unwrap())),
        );
        match next {
            Some(next) => path = next[1..next.find('>').unwrap()].to_owned(),
            None => break,
        }
    }
    assert!(ids.windows(2).all(|pair| pair[0].0 > pair[1].0), "{ids:?}");
    let failed = ids.iter().filter(|(_, code)| *code == 502).count();
    assert!((5..25).contains(&failed), "{failed}");
    assert_eq!(ids.len() - failed, receiver.events().len());
    let first = ids.last().unwrap();
    assert_eq!(first.1, 502);
    let path = format!("/app/hook/deliveries/{}", first.0);
    let whole = bench.send("GET", &path, &bench.jwt()).await.1;
    assert_eq!(whole["request"]["payload"]["action"], "opened");
    assert_eq!(whole["request"]["headers"]["X-GitHub-Event"], "pull_request");
    assert_eq!(bench.send("POST", &format!("{path}/attempts"), &bench.jwt()).await.0, 202);
    bench.github.settle().await;
    let newest = &bench.github.deliveries()[0];
    assert_eq!(
        (newest.redelivery, &newest.guid, newest.status_code),
        (true, &whole["guid"].as_str().unwrap().to_owned(), 200)
    );
    bench.pass(3 * 24 * 3_600 + 1);
    assert!(bench.github.deliveries().is_empty());
}

#[tokio::test]
async fn an_app_is_registered_from_a_manifest() {
    let bench = Bench::new().await;
    let receiver = Receiver::new().await;
    let manifest = json!({"name": "My nudged", "url": "https://nudged.example",
        "hook_attributes": {"url": receiver.url}, "redirect_url": "http://127.0.0.1:1/done",
        "default_permissions": {"checks": "read"}, "default_events": ["check_run"]});
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("manifest", &manifest.to_string())
        .finish();
    let answer = bench
        .request("POST", "/organizations/acme/settings/apps/new?state=abc", "")
        .body(form)
        .send()
        .await
        .unwrap();
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let code = place.split(['=', '&']).nth(1).unwrap();
    assert!(place.starts_with("http://127.0.0.1:1/done?code=") && place.ends_with("&state=abc"));
    let path = format!("/app-manifests/{code}/conversions");
    let (status, app) = bench.send("POST", &path, "").await;
    assert_eq!((status, &app["slug"]), (201, &json!("my-nudged")));
    assert!(app["pem"].as_str().unwrap().starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!(bench.send("POST", &path, "").await.0, 404);
    bench.github.settle().await;
    assert_eq!(receiver.events(), ["ping"]);
    assert_eq!(
        bench.send("GET", "/app", &bench.jwt()).await.1["permissions"],
        json!({"checks": "read"})
    );
    let page = format!("/apps/{}/installations/new", app["slug"].as_str().unwrap());
    assert_eq!(bench.send("GET", &page, "").await.0, 200);
    bench.github.install("acme", None);
    bench.github.settle().await;
    assert_eq!(receiver.events().last().unwrap(), "installation created");
}
