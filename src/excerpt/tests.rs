//! The reader as a whole: bounds, bad input, forms of logs.

use super::*;
use crate::domain::{Audience, FailureClass};

fn read(log: &str) -> Verdict {
    let mut reader = LogReader::new();
    reader.push(log.as_bytes());
    reader.finish()
}

#[test]
fn the_middle_of_a_long_log_survives_and_the_clean_up_does_not() {
    let noise =
        |n: usize| (0..n).map(|i| format!("   Compiling crate-{i} v1.0.{i}\n")).collect::<String>();
    let log = format!(
        "{}2024-01-01T00:00:00.0000000Z \u{1b}[31mthread 'main' panicked at src/lib.rs:7\u{1b}[0m\n\
         left: 4\n right: 5\n{}##[error]Process completed with exit code 101.\nPost job cleanup.\n{}",
        noise(300),
        noise(300),
        "git config --local --unset\n".repeat(20),
    );
    let cut = excerpt_text(&log, 2_000);
    assert!(cut.len() <= 2_000, "{}", cut.len());
    assert!(cut.contains("thread 'main' panicked at src/lib.rs:7\nleft: 4\n right: 5\n"), "{cut}");
    assert!(cut.contains("Process completed with exit code 101."), "{cut}");
    assert!(
        !cut.contains("git config") && !cut.contains('\u{1b}') && !cut.contains("2024"),
        "{cut}"
    );
}

#[test]
fn control_characters_never_come_through() {
    assert_eq!(one_line("a\nb `c`\r\u{1b}[2Jd", 9), "a b 'c' d");
    assert_eq!(one_line("abcdefghijkl", 5), "abcd…");
    let verdict = read("error: a\u{1b}]0;title\u{7}c\u{9b}31md\u{0}\u{202e}e\n\tf ```\n");
    assert_eq!(verdict.excerpt, "error: acde\n\tf ```");
}

#[test]
fn a_limit_holds_whatever_the_text() {
    for text in ["x".repeat(10_000), "é".repeat(10_000), "error: \n".repeat(5_000), String::new()]
    {
        for limit in [0, 1, 7, 100, 4_096] {
            assert!(excerpt_text(&text, limit).len() <= limit, "limit {limit}");
        }
    }
}

#[test]
fn no_log_is_too_large_or_too_odd() {
    let mut reader = LogReader::new();
    let mut seed = 1_u64;
    for round in 0..3_000_u64 {
        let line: Vec<u8> = (0..1_000)
            .map(|_| {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (seed >> 56) as u8
            })
            .collect();
        reader.push(&line);
        reader.push(format!("\n{round}) error: test_{round} failed at src/a{round}.rs:{round}:1: error: no\nFAILED {round}\n").as_bytes());
        assert!(reader.held() < 60_000, "{}", reader.held());
    }
    let verdict = reader.finish();
    assert!(verdict.excerpt.len() <= EXCERPT_LIMIT);
    assert!(!verdict.excerpt.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    assert!(verdict.truncated);
}

#[test]
fn what_repeats_for_ever_is_not_piled_up() {
    let mut reader = LogReader::new();
    for round in 0..40_000 {
        reader.push(format!("waiting for the database, {round} s\n").as_bytes());
        reader.push(format!("waiting for the database, {round} s and more\n").as_bytes());
        if round % 7 == 0 {
            reader.push(b"ERROR it is not there, again\n test a ... ok\n");
        }
        assert!(reader.held() < 60_000, "{} in round {round}", reader.held());
    }
}

#[test]
fn an_empty_log_is_for_a_human() {
    let verdict = read("");
    assert_eq!((verdict.class, verdict.audience()), (FailureClass::Unknown, Audience::Human));
}

#[test]
fn annotations_come_first_where_they_say_more() {
    let verdict = read(
        "##[group]Run x\n##[endgroup]\nerror: known\n##[error]Process completed with exit code 1.\n",
    );
    let note =
        |message| Annotation { path: "src/a.rs", line: 3, level: "failure", title: "", message };
    let same = with_annotations(
        verdict.clone(),
        &[note("Process completed with exit code 1."), note("error: known")],
    );
    assert_eq!(same, verdict);
    let more = with_annotations(verdict, &[note("it\u{1b}[2J broke"), note("it broke")]);
    assert!(more.excerpt.starts_with("src/a.rs:3: it broke\nRun x\n"), "{}", more.excerpt);
}

#[test]
fn it_is_known_whose_the_failure_is() {
    use FailureClass::{Cancelled, Code, Infrastructure, Permission, Unknown};
    let cases: &[(&str, FailureClass)] = &[
        // the machine and the network
        (
            "fatal: unable to access 'https://github.com/a/b/': Could not resolve host: github.com",
            Infrastructure,
        ),
        (
            "error: RPC failed; curl 56 GnuTLS recv error (-54): Error in the pull function.\nfatal: early EOF",
            Infrastructure,
        ),
        (
            "fatal: unable to access 'https://github.com/a/b/': The requested URL returned error: 503",
            Infrastructure,
        ),
        ("npm error code ETIMEDOUT\nnpm error errno ETIMEDOUT", Infrastructure),
        (
            "npm ERR! code EAI_AGAIN\nnpm ERR! request to https://x.example/react failed, reason: getaddrinfo EAI_AGAIN x.example",
            Infrastructure,
        ),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(': Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/flask/\nERROR: Could not find a version that satisfies the requirement flask (from versions: none)\nERROR: No matching distribution found for flask",
            Infrastructure,
        ),
        (
            "go: github.com/a/b@v1.2.0: Get \"https://proxy.example/github.com/a/b/@v/v1.2.0.zip\": dial tcp: lookup proxy.example: i/o timeout",
            Infrastructure,
        ),
        (
            "E: Failed to fetch http://azure.archive.ubuntu.com/ubuntu/pool/a.deb  Connection failed [IP: 1.2.3.4 80]\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?",
            Infrastructure,
        ),
        (
            "* What went wrong:\nCould not resolve all files for configuration ':classpath'.\n> Could not GET 'https://repo.example/a.pom'. Received status code 503 from server: Service Unavailable",
            Infrastructure,
        ),
        (
            "[ERROR] Failed to execute goal on project a: Could not resolve dependencies: Could not transfer artifact a:b:jar:1 from/to central (https://repo.example): Connect timed out",
            Infrastructure,
        ),
        (
            "Error: Failed to query available provider packages\n\nCould not retrieve the list of available versions for provider hashicorp/aws: could not connect to registry.terraform.io",
            Infrastructure,
        ),
        (
            "ERROR: failed to solve: python:3.12: failed to resolve source metadata for docker.io/library/python:3.12: failed to do request: Head \"https://registry-1.docker.io/v2/\": dial tcp: i/o timeout",
            Infrastructure,
        ),
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            Infrastructure,
        ),
        (
            "System.IO.IOException: No space left on device : '/home/runner/_diag/Worker.log'",
            Infrastructure,
        ),
        (
            "curl: (28) Failed to connect to example.org port 443 after 130000 ms: Connection timed out",
            Infrastructure,
        ),
        (
            "error: failed to download from `https://static.example/crates/a/1.0/download`\n\nCaused by:\n  [35] SSL connect error (Recv failure: Connection reset by peer)",
            Infrastructure,
        ),
        // what is not allowed
        ("##[error]HttpError: Resource not accessible by integration", Permission),
        ("##[error]Bad credentials", Permission),
        (
            "HTTP 403: Resource not accessible by integration (https://api.github.com/repos/a/b/pulls)",
            Permission,
        ),
        ("denied: installation not allowed to Create organization package", Permission),
        (
            "gh: To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.",
            Permission,
        ),
        (
            "fatal: could not read Username for 'https://github.com': terminal prompts disabled",
            Permission,
        ),
        (
            "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.",
            Permission,
        ),
        (
            "##[error]Credentials could not be loaded, please check your action inputs: Could not load credentials from any providers",
            Permission,
        ),
        ("##[error]The action acme/deploy@v1 is not allowed to be used in acme/app.", Permission),
        ("npm error code E401\nnpm error Incorrect or missing password.", Permission),
        (
            "npm error code E403\nnpm error 403 403 Forbidden - PUT https://registry.example/a",
            Permission,
        ),
        (
            "##[error]google-github-actions/auth failed with: the GitHub Action workflow must specify exactly one of \"workload_identity_provider\" or \"credentials_json\"!",
            Permission,
        ),
        (
            "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
            Permission,
        ),
        ("Error: Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable", Permission),
        (
            "##[error]Codecov: Failed to properly create commit: Token required - not valid tokenless upload",
            Permission,
        ),
        // stopped
        ("##[error]The operation was canceled.", Cancelled),
        ("##[error]The run was canceled by @acme.", Cancelled),
        // the change
        (
            "FAIL src/net.test.ts\n  ● client › retries\n    Error: connect ECONNREFUSED 10.0.0.1:80",
            Code,
        ),
        ("src/auth.rs:3:5: error: Unauthorized is not a variant", Code),
        ("E   requests.exceptions.ConnectionError: Max retries exceeded with url: /v1", Code),
        ("--- FAIL: TestTimeout (5.00s)\n    a_test.go:9: context deadline exceeded", Code),
        ("bash: ./gradlew: Permission denied", Code),
        ("Error: connect ECONNREFUSED 127.0.0.1:5432", Code),
        ("ci/run.sh: line 9: unexpected EOF while looking for matching `\"'", Code),
        ("npm error code E404\nnpm error 404 Not Found - GET https://registry.example/nope", Code),
        (
            "##[error]The job running on runner X has exceeded the maximum execution time of 10 minutes.\n##[error]The operation was canceled.",
            Code,
        ),
        (
            "##[error]This request has been automatically failed because it uses a deprecated version of `actions/upload-artifact: v3`.",
            Code,
        ),
        ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", Code),
        ("two fields were renamed", Unknown),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(lines, class)| {
            let exit = if lines.contains("##[error]") { "" } else { EXIT };
            let log = format!(
                "##[group]Run ci\n##[endgroup]\nstarting\n{lines}{exit}\nPost job cleanup.\n"
            );
            let verdict = read(&log);
            (verdict.class != *class).then(|| format!("{class:?}: {lines}\n  {}", verdict.evidence))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const EXIT: &str = "\n##[error]Process completed with exit code 1.";
