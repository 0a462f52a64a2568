//! Recorded webhooks: from files to signed deliveries, as GitHub sends them.
//!
//! A delivery is a bare body `X.json` with its headers, `Name: value` a line, in `X.headers`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use include_dir::Dir;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};
use serde_json::Value;
use sha2::Sha256;

use super::client::{http, root_cause};
use crate::config::Secret;

/// How often a server that is busy is asked again, and how long it is waited for at most.
const RETRIES: u32 = 5;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// GitHub gives up after ten seconds; a test may be slower.
const PATIENCE: Duration = Duration::from_secs(60);

/// A webhook ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct RecordedDelivery {
    /// The file it came from.
    pub(super) name: String,
    pub(super) event: String,
    /// The payload's `action`, where it has one.
    pub(super) action: String,
    pub(super) guid: String,
    headers: HeaderMap,
    body: Bytes,
}

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
}

/// Reads files, and folders with all their `*.json`, in lexical order. `event` stands in where a
/// `.headers` file is missing.
pub(super) fn read_paths(
    paths: &[PathBuf],
    event: Option<&str>,
) -> anyhow::Result<Vec<RecordedDelivery>> {
    let mut files = Vec::new();
    for path in paths {
        let found = files.len();
        collect(path, &mut files)?;
        ensure!(files.len() > found, "{} holds no *.json file", path.display());
    }
    files.iter().map(|file| read_file(file, event)).collect()
}

/// The deliveries of a folder that was built in.
pub(super) fn read_embedded(folder: &Dir<'_>) -> anyhow::Result<Vec<RecordedDelivery>> {
    let mut bodies: Vec<_> = folder
        .files()
        .filter(|file| file.path().extension().is_some_and(|e| e == "json"))
        .collect();
    bodies.sort_by_key(|file| file.path());
    let read = |file: &&include_dir::File<'_>| {
        let headers = folder
            .get_file(file.path().with_extension("headers"))
            .and_then(include_dir::File::contents_utf8);
        recorded(file.path(), file.contents().to_vec(), headers, None)
    };
    bodies.iter().map(read).collect()
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
        } else if entry.path().extension().is_some_and(|extension| extension == "json") {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn read_file(path: &Path, event: Option<&str>) -> anyhow::Result<RecordedDelivery> {
    let body = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let beside = path.with_extension("headers");
    let headers = match std::fs::read_to_string(&beside) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", beside.display()));
        }
    };
    recorded(path, body, headers.as_deref(), event)
}

fn recorded(
    path: &Path,
    body: Vec<u8>,
    headers: Option<&str>,
    event: Option<&str>,
) -> anyhow::Result<RecordedDelivery> {
    let name = path.display().to_string();
    let mut headers = match (headers, event) {
        (Some(text), _) => parse_headers(text).with_context(|| format!("the headers of {name}"))?,
        (None, Some(event)) => {
            let mut headers = HeaderMap::new();
            let event = event.parse().with_context(|| format!("--event {event:?}"))?;
            headers.insert("x-github-event", event);
            headers.insert("x-github-delivery", random_guid().parse()?);
            headers
        }
        (None, None) => bail!(
            "{name} has no headers beside it: write {} with the lines `X-GitHub-Event: …` and \
             `X-GitHub-Delivery: …`, or name the event with --event",
            path.with_extension("headers").display()
        ),
    };
    headers.entry("content-type").or_insert(HeaderValue::from_static("application/json"));
    let text =
        |header: &str| headers.get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (Some(event), Some(guid)) = (text("x-github-event"), text("x-github-delivery")) else {
        bail!("the headers of {name} lack X-GitHub-Event or X-GitHub-Delivery");
    };
    let payload: Value = serde_json::from_slice(&body).unwrap_or_default();
    let action = payload["action"].as_str().unwrap_or_default().to_owned();
    Ok(RecordedDelivery { name, event, action, guid, headers, body: body.into() })
}

fn parse_headers(text: &str) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) =
            line.split_once(':').with_context(|| format!("{line:?} is no `Name: value`"))?;
        let name: HeaderName =
            name.trim().parse().with_context(|| format!("{name:?} is no header's name"))?;
        let value: HeaderValue =
            value.trim().parse().with_context(|| format!("{name}: not a header's value"))?;
        headers.insert(name, value);
    }
    // These belong to the connection and the secret of the day they were recorded.
    for name in ["host", "content-length", "connection", "transfer-encoding", "expect"] {
        headers.remove(name);
    }
    headers.remove("x-hub-signature");
    headers.remove("x-hub-signature-256");
    Ok(headers)
}

fn random_guid() -> String {
    let hex = hex::encode(rand::random::<[u8; 16]>());
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
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
        let error = read_paths(&all, None).unwrap_err().to_string();
        assert!(error.contains("a.headers") && error.contains("--event"), "{error}");
        let read = read_paths(&all, Some("pull_request")).unwrap();
        let names: Vec<_> = read.iter().map(|r| r.name.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a.json", "1.json", "2.json"]);
        assert_eq!((read[0].event.as_str(), read[0].action.as_str()), ("pull_request", "opened"));
        assert_ne!(read[0].guid, read[1].guid);
    }

    #[test]
    fn recorded_signatures_and_lengths_are_not_sent_again() {
        let headers = parse_headers("X-GitHub-Event: a\r\nX-Hub-Signature: x\nContent-Length: 3\n");
        assert_eq!(headers.unwrap().len(), 1);
        assert!(parse_headers("nonsense").is_err());
    }
}
