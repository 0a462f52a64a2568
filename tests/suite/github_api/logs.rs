//! A job's log: its excerpt, and the whole of it.

use std::time::Duration;

use nudged::api::{GithubDoor, LogPart};
use nudged::domain::RepoName;
use nudged::fake_github::{Fault, Log, NewPull, Outcome};
use nudged::github::api::{Door, LogBounds, LogOutcome};
use reqwest::{Method, StatusCode};

use super::Pair;

const LOG: &str = "\u{feff}2026-05-01T08:00:00.0000000Z ##[group]Run cargo test
2026-05-01T08:00:00.0000000Z \u{1b}[36;1mcargo test\u{1b}[0m
2026-05-01T08:00:00.0000000Z ##[endgroup]
2026-05-01T08:00:01.0000000Z running 1 test
2026-05-01T08:00:01.0000000Z test nozzle::cools ... FAILED
2026-05-01T08:00:01.0000000Z ---- nozzle::cools stdout ----
2026-05-01T08:00:01.0000000Z thread 'nozzle::cools' panicked at src/nozzle.rs:42:9:
2026-05-01T08:00:01.0000000Z assertion `left == right` failed
2026-05-01T08:00:01.0000000Z ##[error]Process completed with exit code 101.
2026-05-01T08:00:02.0000000Z ##[group]Run actions/upload-artifact@v4
2026-05-01T08:00:02.0000000Z ##[endgroup]
2026-05-01T08:00:02.0000000Z nothing to upload
";

pub struct Failed {
    pub pair: Pair,
    number: i64,
    job: i64,
}

pub async fn failed(outcome: impl Into<Outcome>, log: Option<Log>) -> Failed {
    let pair = Pair::new().await;
    let rocket = pair.github.repository("acme/rocket");
    let number = rocket.open_pull(NewPull::from("ada/fix"));
    pair.pass(1);
    let head = rocket.pull(number).head_sha;
    let run = rocket.start_run(&head, "CI", "pull_request", &["test"]);
    pair.pass(1);
    let job = rocket.job(run, "test");
    rocket.finish_job(job, outcome, log);
    pair.github.settle().await;
    Failed { pair, number, job }
}

impl Failed {
    pub async fn excerpt(&self) -> Result<LogOutcome, String> {
        let repo = RepoName::parse("acme/rocket").expect("a name");
        let asked = self.pair.work().github.log_excerpt(&repo, self.job).await;
        asked.map_err(|error| error.code().to_owned())
    }

    async fn log(&self, check: &str, query: &str) -> (StatusCode, String) {
        let path = format!("/v1/pulls/acme/rocket/{}/checks/{check}/log{query}", self.number);
        let answer = self.pair.world.request(Method::GET, &path).send().await.expect("an answer");
        (answer.status(), answer.text().await.expect("text"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_fetched_without_credentials_and_excerpted() {
    let failed = failed("failure", Some(Log::new(LOG))).await;
    let Ok(LogOutcome::Excerpt(verdict)) = failed.excerpt().await else { panic!("no excerpt") };
    assert!(verdict.excerpt.contains("src/nozzle.rs:42"), "{verdict:?}");
    assert!(!verdict.excerpt.contains("nothing to upload"));
    let github = &failed.pair.github;
    assert_eq!(github.count(|it| it.other_host), 1);
    assert_eq!(github.count(|it| it.other_host && it.credentials), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn annotations_come_first_where_they_say_more() {
    let outcome = Outcome::new("failure").noting("src/nozzle.rs", 7, "failure", "unused nozzle");
    let failed =
        failed(outcome, Some(Log::new("##[error]Process completed with exit code 1.\n"))).await;
    let Ok(LogOutcome::Excerpt(verdict)) = failed.excerpt().await else { panic!("no excerpt") };
    assert!(verdict.excerpt.contains("unused nozzle"), "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_any_size_is_read_in_one_pass() {
    let tail = "2026-05-01T08:00:09.0000000Z error[E0308]: mismatched types\n\
                2026-05-01T08:00:09.0000000Z ##[error]Process completed with exit code 101.\n";
    let head = "2026-05-01T08:00:00.0000000Z ##[group]Run cargo build\n2026-05-01T08:00:00.0000000Z ##[endgroup]\n";
    let failed = failed("failure", Some(Log::large(head, 64 << 20, tail))).await;
    let Ok(LogOutcome::Excerpt(verdict)) = failed.excerpt().await else { panic!("no excerpt") };
    assert!(verdict.excerpt.contains("E0308"), "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_there_is_no_log_is_told() {
    let missing = failed("failure", None).await;
    assert_eq!(missing.excerpt().await, Ok(LogOutcome::Missing));
    let cancelled = failed("cancelled", None).await;
    assert_eq!(cancelled.excerpt().await, Ok(LogOutcome::Cancelled));
    let expired = failed("failure", Some(Log::new(LOG))).await;
    expired.pair.github.repository("acme/rocket").expire_log(expired.job);
    assert_eq!(expired.excerpt().await, Ok(LogOutcome::Expired));
    let (status, text) = expired.log("test", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{text}");

    let there = failed("failure", Some(Log::new(LOG))).await;
    let github = &there.pair.github;
    let rocket = github.repository("acme/rocket");
    let head = rocket.pull(there.number).head_sha;
    let run = rocket.start_run(&head, "Slow", "pull_request", &["slow"]);
    let slow = Failed { job: rocket.job(run, "slow"), ..there };
    assert_eq!(slow.excerpt().await, Ok(LogOutcome::NotYet));
    let github = &slow.pair.github;
    github.fault("/logs", 1, Fault::Forbidden("actions".to_owned()));
    let forbidden = LogOutcome::Forbidden(Some("actions=read".to_owned()));
    assert_eq!(slow.excerpt().await, Ok(forbidden));
    github.fault("/logs/", 1, Fault::CutInHalf);
    let cut = failed("failure", Some(Log::new(LOG))).await;
    cut.pair.github.fault("/logs/", 1, Fault::CutInHalf);
    assert_eq!(cut.excerpt().await, Err("unavailable".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_log_is_streamed_and_its_parts() {
    let failed = failed("failure", Some(Log::new(LOG))).await;
    let (status, whole) = failed.log("test", "").await;
    assert_eq!(status, StatusCode::OK, "{whole}");
    assert!(whole.contains("running 1 test") && whole.contains("nothing to upload"), "{whole}");
    assert!(!whole.contains('\u{1b}') && !whole.contains("2026-05-01T"), "{whole}");
    let (_, by_id) = failed.log(&failed.job.to_string(), "").await;
    assert_eq!(by_id, whole);
    let (_, some) = failed.log("test", "?grep=PANICKED").await;
    assert_eq!(some.lines().count(), 1, "{some}");
    let (_, some) = failed.log("test", "?step=cargo&tail=2").await;
    assert_eq!(some.lines().count(), 2, "{some}");
    assert!(!some.contains("upload"), "{some}");
    let (status, answer) = failed.log("nonsense", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
    let (status, answer) = failed.log("test", "?tail=0").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
}

/// Lines as Actions writes them.
fn stamped(lines: &[&[u8]]) -> Vec<u8> {
    let stamp = b"2026-05-01T08:00:00.0000000Z ";
    lines.iter().flat_map(|line| [&stamp[..], line, b"\n"].concat()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_reach_nobody() {
    let text = stamped(&[
        b"##[group]Run cargo test",
        b"##[endgroup]",
        b"\x00\x00\xff\xfe\xc3(\x1b]0;a title\x07\x1b[2J```\xe2\x80\xae",
        b"thread 'nozzle::cools' panicked at src/nozzle.rs:42:9:",
        b"\x1b[31massertion `left == right` failed\x1b[0m \x00\xff",
        b"```",
        b"##[error]Process completed with exit code 101.",
    ]);
    let failed = failed("failure", Some(Log::new(text))).await;
    let Ok(LogOutcome::Excerpt(verdict)) = failed.excerpt().await else { panic!("no excerpt") };
    assert!(verdict.excerpt.contains("src/nozzle.rs:42"), "{verdict:?}");
    let strange = |text: &str| text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    assert!(!strange(&verdict.excerpt), "{:?}", verdict.excerpt);
    let (status, whole) = failed.log("test", "").await;
    assert!(status == StatusCode::OK && whole.contains("src/nozzle.rs:42"), "{whole:?}");
    assert!(!strange(&whole), "{whole:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_hundred_mebibytes_is_cut_and_what_follows_is_found() {
    let head = stamped(&[b"##[group]Run cargo build", b"##[endgroup]"]);
    let tail = b"\n2026-05-01T08:00:09.0000000Z error[E0308]: mismatched types\n\
                 2026-05-01T08:00:09.0000000Z  --> src/nozzle.rs:42:9\n\
                 2026-05-01T08:00:09.0000000Z ##[error]Process completed with exit code 101.\n";
    let log = Log::Generated {
        head: head.into(),
        filler: "x".repeat(64 * 1024).into(),
        bytes: 100 << 20,
        tail: tail.to_vec().into(),
    };
    let failed = failed("failure", Some(log)).await;
    let Ok(LogOutcome::Excerpt(verdict)) = failed.excerpt().await else { panic!("no excerpt") };
    assert!(verdict.excerpt.contains("E0308") && verdict.excerpt.len() <= 4 << 10, "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_never_ends_is_read_no_further_than_its_reader_reads() {
    let head = stamped(&[b"##[group]Run make", b"##[endgroup]", b"the beginning"]);
    let failed = failed("failure", Some(Log::endless(head))).await;
    let path = format!("/v1/pulls/acme/rocket/{}/checks/test/log", failed.number);
    let mut answer = failed.pair.world.request(Method::GET, &path).send().await.expect("an answer");
    let mut read = 0;
    while read < 8 << 20 {
        read += answer.chunk().await.expect("a piece").expect("more").len();
    }
    drop(answer);
    // The server is free for others.
    let (status, _) = failed.log("nonsense", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_excerpt_of_a_log_that_never_ends_is_of_what_was_read_within_its_bounds() {
    let head = stamped(&[
        b"##[group]Run make",
        b"##[endgroup]",
        b"src/nozzle.rs:42:9: error: it leaks",
        b"##[error]Process completed with exit code 2.",
    ]);
    let failed = failed("failure", Some(Log::endless(head))).await;
    let repo = RepoName::parse("acme/rocket").expect("a name");
    let long = Duration::from_secs(600);
    for bounds in [
        LogBounds { bytes: 1 << 20, within: long },
        LogBounds { bytes: u64::MAX, within: Duration::from_millis(300) },
    ] {
        let github = failed.pair.work().github;
        let asked = github.log_excerpt_within(bounds, &repo, failed.job);
        // Far below the bounds that are not set here.
        let asked = tokio::time::timeout(Duration::from_secs(60), asked).await;
        let Ok(LogOutcome::Excerpt(verdict)) = asked.expect("an end") else { panic!("none") };
        assert!(verdict.truncated, "{bounds:?}");
        assert!(verdict.excerpt.contains("src/nozzle.rs:42:9"), "{bounds:?} {verdict:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_beyond_the_limit_says_so_before_and_where_it_is_cut() {
    // Its length is told beforehand: nothing of it need be read for that.
    let head = stamped(&[b"##[group]Run make", b"##[endgroup]", b"the beginning"]);
    let large = failed("failure", Some(Log::large(head.clone(), 600 << 20, "the end\n"))).await;
    let small = failed("failure", Some(Log::large(head, 3 << 20, "the end\n"))).await;
    for (of, truncated) in [(&large, true), (&small, false)] {
        let path = format!("/v1/pulls/acme/rocket/{}/checks/test/log", of.number);
        let answer = of.pair.world.request(Method::GET, &path).send().await.expect("an answer");
        assert_eq!(answer.headers().contains_key("x-log-truncated"), truncated);
    }

    let work = small.pair.work();
    let repo = || RepoName::parse("acme/rocket").expect("a name");
    for (limit, is_cut) in [(1 << 20, true), (64 << 20, false)] {
        let door = Door::new(work.github.clone(), work.missed.clone()).reading_at_most(limit);
        let mut log = door.log(repo(), small.job, LogPart::default()).await.expect("a log");
        assert_eq!(log.truncated, is_cut, "{limit}");
        let mut text = Vec::new();
        while let Some(piece) = log.pieces.recv().await {
            text.extend(piece.expect("a piece"));
        }
        let text = String::from_utf8(text).expect("UTF-8");
        let closing = "[the log goes on; this is where reading it ended]\n";
        assert_eq!(text.ends_with(closing), is_cut, "{limit}");
        assert_eq!(text.ends_with("the end\n"), !is_cut, "{limit}");
        assert!(text.contains("the beginning") && text.len() < 4 << 20, "{}", text.len());
    }
}
