//! What the log says: all of it JSON where that is set, whom it warns of what, and what it leaves out.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::tidy::sources;
use crate::world::{SECRET, TOKEN, sign};

/// Nothing here takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that logs JSON.
struct Server {
    child: Child,
    lines: mpsc::Receiver<String>,
    said: Vec<Value>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn nudged(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nudged"));
    command
        .args(arguments)
        .env_clear()
        .env("NUDGED_WEBHOOK_SECRET", SECRET)
        .env("NUDGED_API_TOKEN", TOKEN)
        .env("NUDGED_LISTEN", "127.0.0.1:0")
        .env("NUDGED_LOG_FORMAT", "json")
        .envs(settings.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

impl Server {
    fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = nudged(folder, &["serve"], settings);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a server");
        let (send, lines) = mpsc::channel();
        let outputs: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("stdout")),
            Box::new(child.stderr.take().expect("stderr")),
        ];
        for output in outputs {
            let send = send.clone();
            std::thread::spawn(move || {
                for line in std::io::BufRead::lines(std::io::BufReader::new(output)) {
                    let _ = send.send(line.expect("UTF-8"));
                }
            });
        }
        Self { child, lines, said: Vec::new() }
    }

    /// Reads on until a line that is wanted; every line has to be JSON.
    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("it never came: {:?}", self.said));
            let object: Value =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
            self.said.push(object.clone());
            if wanted(&object) {
                return object;
            }
        }
    }

    /// The event with that message.
    fn event(&mut self, message: &str) -> Value {
        self.until(|line| line["fields"]["message"].as_str().is_some_and(|it| it.contains(message)))
    }

    /// Ends it; all that it said.
    fn stop(mut self) -> Vec<Value> {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, Signal::SIGTERM).expect("signalled");
        self.event("stopped");
        assert!(self.child.wait().expect("ended").success());
        std::mem::take(&mut self.said)
    }
}

/// Asks, and answers the status line.
fn ask(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: nudged\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).expect("said");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_json_log_is_json_from_the_first_line_to_the_last() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(folder.path(), &[]);
    let started = server.event("the server has started");
    let fields = &started["fields"];
    assert_eq!(fields["version"], env!("CARGO_PKG_VERSION"));
    let address = fields["address"].as_str().expect("an address").to_owned();
    assert!(address.starts_with("127.0.0.1:"), "{started}");

    let long = format!("/v1/projects/{}", "x".repeat(40_000));
    for (path, token, status) in
        [("/v1/nudges/99/ack", TOKEN, "404"), (&long, "another-token", "401")]
    {
        let bearer = format!("Bearer {token}");
        let answer = ask(&address, "POST", path, &[("Authorization", &bearer)], "");
        assert!(answer.contains(status), "{path}: {answer}");
        let line = server.event("answered");
        let logged = line["span"]["path"].as_str().expect("a path");
        assert!(path.starts_with(logged) && logged.starts_with("/v1/"), "{line}");
        assert!(line.to_string().len() < 1_000, "{line}");
    }
    for line in server.stop() {
        let text = line.to_string();
        assert!(
            !text.contains("/registry/") && !text.contains(env!("CARGO_MANIFEST_DIR")),
            "{text}"
        );
    }

    // Why it does not start is JSON too, whatever is wrong.
    let occupied = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let occupied = occupied.local_addr().expect("an address").to_string();
    for (setting, part) in [
        (("NUDGED_LISTEN", occupied.as_str()), "cannot listen on"),
        (("NUDGED_SETTLE", "soon"), "NUDGED_SETTLE"),
        (("NUDGED_LOG", "nudged=loud"), "log filter"),
        (("NUDGED_WEBHOOK_SECRET", ""), "openssl rand"),
    ] {
        let output = nudged(folder.path(), &["serve"], &[setting]).output().expect("run");
        assert!(!output.status.success(), "{setting:?}");
        let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
        let lines: Vec<Value> = text
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|_| panic!("{setting:?}: {line}"))
            })
            .collect();
        let last = lines.last().unwrap_or_else(|| panic!("{setting:?}: nothing is said"));
        assert_eq!(last["level"], "ERROR", "{setting:?}: {last}");
        assert!(last.to_string().contains(part), "{setting:?}: {last}");
    }
}

#[test]
fn wrong_signatures_are_warned_of_counted_and_found_by_doctor() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(folder.path(), &[]);
    let started = server.event("the server has started");
    let address = started["fields"]["address"].as_str().expect("an address").to_owned();
    let deliver = |signature: &str| {
        let mut headers = vec![
            ("Content-Type", "application/json"),
            ("X-GitHub-Event", "ping"),
            ("X-GitHub-Delivery", "1"),
        ];
        if !signature.is_empty() {
            headers.push(("X-Hub-Signature-256", signature));
        }
        ask(&address, "POST", "/webhooks/github", &headers, "{}")
    };
    let doctor = || {
        let url = format!("http://{address}");
        let output = nudged(folder.path(), &["doctor", "--json", "--url", &url], &[]).output();
        let text = String::from_utf8(output.expect("run").stdout).expect("UTF-8");
        let findings = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let of_signatures = findings.filter(|finding| finding["check"] == "signatures");
        of_signatures
            .map(|finding| finding["message"].as_str().expect("a text").to_owned())
            .collect()
    };
    assert!(deliver(&sign(SECRET, b"{}")).contains("200"));
    let found: Vec<String> = doctor();
    assert_eq!(found, ["nothing was refused for its signature in the last hour"]);
    for _ in 0..12 {
        assert!(deliver(&sign("another secret", b"{}")).contains("401"));
    }
    assert!(deliver("").contains("401"));
    let found: Vec<String> = doctor();
    assert_eq!(
        found,
        [
            "12 deliveries with a wrong signature in the last hour: refused with 401",
            "1 delivery without a signature in the last hour: refused with 401"
        ]
    );
    let warned = server.event("a webhook was refused");
    assert_eq!(
        (&warned["level"], &warned["fields"]["code"]),
        (&json!("WARN"), &json!("signature_wrong"))
    );
    let said = server.stop();
    let warnings = said.iter().filter(|line| line["level"] == "WARN").count();
    assert!((1..=5).contains(&warnings), "{warnings} lines for 13 deliveries: {said:?}");
}

#[test]
fn weak_secrets_are_warned_of_where_others_reach_them() {
    let folder = tempfile::tempdir().expect("a folder");
    for (listen, secret, token, warned) in [
        ("0.0.0.0:0", "short", TOKEN, &["NUDGED_WEBHOOK_SECRET"][..]),
        ("0.0.0.0:0", SECRET, "1111111111111111111111", &["NUDGED_API_TOKEN"]),
        ("0.0.0.0:0", SECRET, TOKEN, &[]),
        ("127.0.0.1:0", "short", "short", &[]),
    ] {
        let settings = [
            ("NUDGED_LISTEN", listen),
            ("NUDGED_WEBHOOK_SECRET", secret),
            ("NUDGED_API_TOKEN", token),
        ];
        let mut server = Server::start(folder.path(), &settings);
        server.until(|line| line["url"].is_string());
        let said = server.stop();
        let warnings = said.iter().filter(|line| line["level"] == "WARN");
        let named: Vec<&str> =
            warnings.filter_map(|line| line["fields"]["setting"].as_str()).collect();
        assert_eq!(named, warned, "{settings:?}: {said:?}");
    }
}

/// A field of that name would stand in a JSON event beside its own message, twice.
#[test]
fn no_event_has_a_message_beside_its_message() {
    for (name, text) in sources() {
        for event in text.split("tracing::").skip(1) {
            let arguments = event.split(';').next().unwrap_or_default();
            let doubled = arguments.split([',', '(']).any(|field| {
                let field = field.trim();
                field == "message" || field.starts_with("message =") || field == "%message"
            });
            assert!(!doubled, "{name}: {arguments}");
        }
    }
}
