//! RecordedDelivery webhooks: from files to signed deliveries, as GitHub sends them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{StatusCode, Url};
use serde_json::Value;
use sha2::Sha256;

use super::client::{http, root_cause};
use super::recording::{self, Origin, RecordedDelivery};
use crate::config::Secret;

/// How often a server that is busy is asked again, and how long it is waited for at most.
const RETRIES: u32 = 5;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// GitHub gives up after ten seconds; a test may be slower.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of it.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) status: Option<StatusCode>,
    /// The server's word, or the reason that there is none.
    pub(super) outcome: String,
    pub(super) took: Duration,
    pub(super) retries: u32,
}

impl Sent {
    /// Acknowledged with a 2xx.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.status.is_some_and(|status| status.is_success())
    }

    /// Acknowledged, but nothing came of it.
    pub(super) fn is_unused(&self) -> bool {
        self.is_acknowledged() && matches!(&*self.outcome, "ignored" | "quarantined")
    }
}

/// Reads files, folders with all that they hold of [`KINDS`], in lexical order, and standard input
/// where a path is `-`. `event` is that of bodies that do not say their own.
pub(super) fn read_paths(
    paths: &[PathBuf],
    event: Option<&str>,
) -> anyhow::Result<Vec<RecordedDelivery>> {
    let mut all = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut text)
                .context("cannot read standard input")?;
            let origin = Origin { path: Path::new("stdin"), headers: None, event };
            all.extend(recording::read(&origin, text)?);
            continue;
        }
        // As the shell expands `story/*`: they are read with what they belong to.
        if path.extension().is_some_and(|extension| extension == "headers") {
            continue;
        }
        let mut files = Vec::new();
        collect(path, &mut files)?;
        ensure!(!files.is_empty(), "{} holds no *.json file", path.display());
        for file in files {
            all.extend(read_file(&file, event)?);
        }
    }
    ensure!(!all.is_empty(), "there is nothing to send: name the bodies, not their .headers");
    Ok(all)
}

/// What of a folder is read.
const KINDS: [&str; 3] = ["json", "jsonl", "ndjson"];

fn is_recording(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| KINDS.contains(&extension))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    if !std::fs::metadata(path).with_context(unreadable)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        // A link to a folder is not followed: it may lead back here.
        let kind = entry.file_type().with_context(unreadable)?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if is_recording(&entry.path()) {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn read_file(path: &Path, event: Option<&str>) -> anyhow::Result<Vec<RecordedDelivery>> {
    let body = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let beside = path.with_extension("headers");
    let headers = match std::fs::read_to_string(&beside) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", beside.display()));
        }
    };
    recording::read(&Origin { path, headers: headers.as_deref(), event }, body)
}

/// Signs and posts; clones share their connections.
#[derive(Debug, Clone)]
pub(super) struct Poster {
    http: reqwest::Client,
    url: Url,
    secret: Secret,
}

impl Poster {
    pub(super) fn new(base: &Url, secret: Secret) -> anyhow::Result<Self> {
        Ok(Self { http: http(base)?, url: base.join("/webhooks/github")?, secret })
    }

    /// Sends one delivery; a busy server is asked again, as it says when.
    pub(super) async fn send(&self, delivery: &RecordedDelivery) -> Sent {
        let start = Instant::now();
        let mut retries = 0;
        loop {
            let (status, outcome, pause) = self.post(delivery).await;
            if status != Some(StatusCode::SERVICE_UNAVAILABLE) || retries == RETRIES {
                return Sent { status, outcome, took: start.elapsed(), retries };
            }
            retries += 1;
            tokio::time::sleep(pause).await;
        }
    }

    async fn post(&self, delivery: &RecordedDelivery) -> (Option<StatusCode>, String, Duration) {
        let pause = Duration::from_secs(1);
        let request = self
            .http
            .post(self.url.clone())
            .headers(delivery.headers.clone())
            .header("x-hub-signature-256", sign(&self.secret, &delivery.body))
            .body(delivery.body.clone())
            .timeout(PATIENCE);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return (None, root_cause(&error.without_url()), pause),
        };
        let status = response.status();
        let pause = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map_or(pause, |seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE));
        let body: Value = match response.bytes().await {
            Ok(body) => serde_json::from_slice(&body).unwrap_or_default(),
            Err(error) => return (None, root_cause(&error.without_url()), pause),
        };
        let word = body["outcome"].as_str().or_else(|| body["error"]["code"].as_str());
        (Some(status), word.unwrap_or("no word").to_owned(), pause)
    }
}

/// `X-Hub-Signature-256` of a body.
fn sign(secret: &Secret, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        unreachable!("HMAC takes a key of any length");
    };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in GitHub's documentation on validating webhook deliveries.
    #[test]
    fn signature_is_the_one_that_github_documents() {
        assert_eq!(
            sign(&Secret::new("It's a Secret to Everybody"), b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    #[test]
    fn a_folder_is_read_in_lexical_order_and_a_body_without_headers_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/2", "b/1", "a"] {
            let body = folder.path().join(format!("{name}.json"));
            std::fs::create_dir_all(body.parent().unwrap()).unwrap();
            std::fs::write(&body, "{\"action\":\"opened\"}").unwrap();
        }
        let all = [folder.path().to_owned()];
        let error = format!("{:#}", read_paths(&all, None).unwrap_err());
        assert!(error.contains("a.headers") && error.contains("--event"), "{error}");
        std::fs::write(folder.path().join("a.headers"), "X-GitHub-Event: ping").unwrap();
        let headers_only = [folder.path().join("a.headers")];
        assert!(read_paths(&headers_only, None).is_err());
        std::fs::remove_file(&headers_only[0]).unwrap();
        let read = read_paths(&all, Some("pull_request")).unwrap();
        let names: Vec<_> = read.iter().map(|r| r.name.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a.json", "1.json", "2.json"]);
        assert_eq!((read[0].event.as_str(), read[0].action.as_str()), ("pull_request", "opened"));
        assert_ne!(read[0].guid, read[1].guid);
    }
}
