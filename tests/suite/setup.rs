//! `nudged setup` beside the fake GitHub, with a plain HTTP client for the browser; what `doctor` says then.

mod browser;
mod doctor;
mod registration;
mod rotation;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nudged::clock;
use nudged::fake_github::FakeGitHub;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::github_api::command_line::nudged;

/// A fake GitHub whose pages and API are at one address, as an Enterprise Server's, by the machine's clock.
pub async fn enterprise() -> FakeGitHub {
    let github = FakeGitHub::start(Arc::new(clock::now)).await.expect("a fake");
    github.set_html_url(github.url());
    github
}

/// A command at work that prints JSON. It is ended when this is dropped.
pub struct Running {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Running {
    pub fn start(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = nudged(folder, args, env);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let (tell, lines) = mpsc::unbounded_channel();
        let out = BufReader::new(child.stdout.take().expect("stdout"));
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Self { child, lines }
    }

    /// The next object that it prints; `None` where it has ended.
    pub async fn next(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(Duration::from_secs(60), self.lines.recv()).await;
        let line = line.expect("a line within a minute")?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// Asks it to end.
    pub fn stop(&self) {
        let pid = Pid::from_raw(self.child.id().try_into().expect("a process id"));
        kill(pid, Signal::SIGTERM).expect("it runs");
    }

    /// Its exit code and what it complained of, once it has ended.
    pub async fn ended(mut self) -> (i32, String) {
        while self.lines.recv().await.is_some() {}
        let mut told = String::new();
        let mut stderr = self.child.stderr.take().expect("stderr");
        stderr.read_to_string(&mut told).expect("text");
        (self.child.wait().expect("it ended").code().expect("an exit code"), told)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that `doctor` says, by check: level, message and mend of each.
pub async fn diagnosis(folder: &Path, env: &[(&str, &str)]) -> Vec<[String; 4]> {
    let run = crate::github_api::command_line::run(folder, &["doctor", "--json"], env).await;
    let (_, out, told) = run;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = out.lines().map(|line| {
        let finding: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line} {told}"));
        ["check", "level", "message", "mend"].map(|key| text(&finding[key]))
    });
    found.collect()
}

/// One of those, by its check and a part of its message.
pub fn found<'a>(all: &'a [[String; 4]], check: &str, part: &str) -> (&'a str, &'a str) {
    let one = all.iter().find(|it| it[0] == check && it[2].contains(part));
    let one = one.unwrap_or_else(|| panic!("no {check} with {part:?} in {all:#?}"));
    (&one[1], &one[3])
}
