//! Figures, for whoever wants them: `cargo test --test suite figures -- --ignored --nocapture --test-threads 1`.

#![allow(clippy::print_stdout, reason = "they are what it is for")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nudged::clock;
use nudged::fake_github::{FakeGitHub, Log, NewPull, Repo, Trouble};
use reqwest::Client;
use serde_json::json;

use super::Pair;
use super::command_line::free_port;
use super::logs::failed;
use super::story::week;
use crate::setup::Running;
use crate::world::{SECRET, TOKEN, sign};

/// Open pull requests with two checks and a comment each.
fn fill(repo: &Repo, count: usize, tick: impl Fn()) {
    for n in 0..count {
        let number = repo.open_pull(NewPull::from(&format!("ada/{n}")));
        tick();
        let run =
            repo.start_run(&repo.pull(number).head_sha, "CI", "pull_request", &["build", "test"]);
        repo.finish_job(repo.job(run, "build"), "success", None);
        let verdict = if n % 3 == 0 { "failure" } else { "success" };
        repo.finish_job(repo.job(run, "test"), verdict, None);
        repo.comment(number, "grace", "src/lib.rs", 1, "Why?");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures"]
async fn passes_over_five_hundred_open_pull_requests() {
    let pair = Pair::new().await;
    pair.github.set_hourly_limit(100_000);
    pair.github.trouble(Trouble { seed: 3, lose: 0.5, ..Trouble::default() });
    fill(&pair.github.repository("acme/rocket"), 500, || pair.pass(1));
    pair.github.settle().await;
    for name in ["healing", "second", "unchanged", "unchanged, thorough"] {
        pair.github.forget_seen();
        let begun = Instant::now();
        let applied = pair.reconcile().await;
        let (took, seen) = (begun.elapsed(), pair.github.seen());
        let same = seen.iter().filter(|it| it.status == 304).count();
        let points: u32 = seen.iter().map(|it| it.points).sum();
        let paid = seen.iter().find(|it| it.status != 304).map(|it| it.path.clone());
        let share = same as f64 / seen.len() as f64 * 100.0;
        println!(
            "500 open, {name}: {:.2} s, {} requests, {same} of them 304 ({share:.1} %), {} paid, \
             {points} points, {applied} facts taken in; paid, as {paid:?}",
            took.as_secs_f64(),
            seen.len(),
            seen.len() - same,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures"]
async fn healing_a_week_of_which_half_was_dropped() {
    let whole = Pair::new().await;
    week(&whole).await;
    let pair = Pair::new().await;
    pair.github.trouble(Trouble { seed: 3, lose: 0.5, ..Trouble::default() });
    week(&pair).await;
    whole.reconcile().await;
    let (rows, told) = (pair.rows(), whole.rows());
    let missing = told.iter().filter(|row| !rows.contains(row)).count();
    let begun = Instant::now();
    let applied = pair.reconcile().await;
    let took = begun.elapsed().as_secs_f64();
    let same = pair.rows() == told;
    println!(
        "half of a week dropped: {missing} of {} rows wrong or missing; one pass of {took:.2} s and {applied} \
         facts; equal then: {same}",
        told.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures"]
async fn a_log_of_a_gibibyte_and_one_that_never_ends() {
    let head = "2026-05-01T08:00:00.0000000Z ##[group]Run cargo build\n2026-05-01T08:00:00.0000000Z ##[endgroup]\n";
    let tail = "2026-05-01T08:00:09.0000000Z error[E0308]: mismatched types\n\
                2026-05-01T08:00:09.0000000Z ##[error]Process completed with exit code 101.\n";
    for (name, log) in
        [("1 GiB", Log::large(head, 1 << 30, tail)), ("never ends", Log::endless(head))]
    {
        let failed = failed("failure", Some(log)).await;
        let before = peak();
        let begun = Instant::now();
        let outcome = failed.excerpt().await.expect("an outcome");
        println!(
            "log, {name}: {:.2} s, peak of the process (server and fake) {before} -> {} KiB; {outcome:?}",
            begun.elapsed().as_secs_f64(),
            peak(),
        );
    }
}

fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures"]
async fn the_rate_of_webhooks_with_and_without_the_api() {
    let github = FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake");
    github.set_hourly_limit(1_000_000);
    let repo = github.repository("acme/rocket");
    fill(&repo, 300, || {});
    let heads: Vec<String> = (1..=300).map(|number| repo.pull(number).head_sha).collect();
    let id = github.app().id.to_string();
    let key = github.app().private_key;
    let api = [
        ("NUDGED_GITHUB_API_URL", github.url()),
        ("NUDGED_GITHUB_APP_ID", id.as_str()),
        ("NUDGED_GITHUB_PRIVATE_KEY", key.as_str()),
    ];
    for round in 1..=3 {
        for (name, more) in [("without", &[][..]), ("with", &api[..])] {
            let folder = tempfile::tempdir().expect("a folder");
            github.forget_seen();
            let rate = rate(folder.path(), more, repo.id(), &heads).await;
            let asked = github.count(|_| true);
            println!(
                "round {round}, {name} the API: {rate:.0} webhooks/s, {asked} requests to GitHub meanwhile"
            );
        }
    }
}

/// Webhooks a second, of 32 connections within five seconds, each committed before it is answered.
async fn rate(folder: &Path, more: &[(&str, &str)], repo: i64, heads: &[String]) -> f64 {
    let listen = format!("127.0.0.1:{}", free_port());
    let mut env = vec![
        ("NUDGED_LISTEN", listen.as_str()),
        ("NUDGED_WEBHOOK_SECRET", SECRET),
        ("NUDGED_API_TOKEN", TOKEN),
        ("NUDGED_LOG", "error"),
    ];
    env.extend(more);
    let mut server = Running::start(folder, &["serve", "--json"], &env);
    let url =
        server.next().await.expect("its start")["webhooks"].as_str().expect("a URL").to_owned();
    let client = Client::builder().no_proxy().build().expect("a client");
    // With it the repository is a project, which a server that starts compares.
    send(&client, &url, repo, 0, None).await;
    server.stop();
    assert_eq!(server.ended().await.0, 0);
    let mut server = Running::start(folder, &["serve", "--json"], &env);
    server.next().await.expect("its start");
    let (begun, count) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let senders = (0..32).map(|_| {
        let (client, url, count) = (client.clone(), url.clone(), Arc::clone(&count));
        let heads = heads.to_vec();
        tokio::spawn(async move {
            while begun.elapsed() < Duration::from_secs(5) {
                let n = count.fetch_add(1, Ordering::Relaxed) + 1;
                // One in ten is a failure of Actions at a head, whose log is wanted then.
                let head = n.is_multiple_of(10).then(|| heads[n / 10 % heads.len()].as_str());
                send(&client, &url, repo, n, head).await;
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("sent");
    }
    count.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

async fn send(client: &Client, url: &str, repo: i64, n: usize, head: Option<&str>) {
    let sha = head.map_or_else(|| format!("{:040x}", n % 500), str::to_owned);
    let app = if head.is_some() { "github-actions" } else { "harbor-ci" };
    let run = json!({"id": n + 1, "name": "build", "head_sha": sha, "status": "completed",
        "conclusion": "failure", "started_at": "2026-05-01T08:00:00Z",
        "completed_at": "2026-05-01T08:00:05Z", "app": {"id": 5, "slug": app}, "pull_requests": [],
        "check_suite": {"id": n + 1}, "output": {"title": "no", "summary": "no"}});
    let body = json!({"action": "completed", "check_run": run,
        "repository": {"id": repo, "name": "rocket", "full_name": "acme/rocket", "private": false,
            "owner": {"login": "acme"}, "html_url": "https://github.com/acme/rocket",
            "updated_at": "2026-05-01T08:00:00Z"}});
    let body = body.to_string();
    let request = client
        .post(url)
        .header("Content-Type", "application/json")
        .header("X-GitHub-Event", "check_run")
        .header("X-GitHub-Delivery", format!("figure-{n}"))
        .header("X-Hub-Signature-256", sign(SECRET, body.as_bytes()));
    let answer = request.body(body).send().await.expect("an answer");
    let told = answer.text().await.expect("text");
    assert!(told.contains(r#""outcome":"applied""#), "{told}");
}
