//! A folder with a tmux server of its own, and agents in it.

use std::ffi::OsString;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nudged::session::environment::Environment;
use nudged::session::runtime::{Handle, Launch, Place, Runtime, Tmux, View};
use tempfile::TempDir;
use tokio::time::Instant;

/// Waiting for an event that does not come.
const PATIENCE: Duration = Duration::from_secs(15);

pub struct Pane {
    pub home: TempDir,
    pub tmux: Tmux,
}

/// The environment that tests have, without what the server must not pass on.
pub fn environment() -> Environment {
    Environment::of(std::env::vars_os(), [])
}

pub fn agent_script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agent/agent.py")
}

impl Pane {
    pub fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let tmux = server(home.path());
        Self { home, tmux }
    }

    pub fn launch(&self, name: &str, manners: &[&str]) -> Launch {
        let log = self.log(name);
        let command = ["python3".into(), agent_script().into(), log.into()];
        let command = command.into_iter().chain(manners.iter().map(OsString::from)).collect();
        Launch {
            name: name.to_owned(),
            // As every real one it is nobody else's.
            launch_id: format!("launch-{name}-{}", rand::random::<u64>()),
            command,
            environment: environment().with("NUDGED_SESSION_ID", name),
            folder: self.home.path().to_owned(),
            beside: None,
        }
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.home.path().join(format!("{name}.log"))
    }

    /// An agent that has drawn its screen.
    pub async fn agent(&self, name: &str, manners: &[&str]) -> Handle {
        let handle = self.tmux.start(&self.launch(name, manners)).await.expect("a start");
        self.said(name, "start ").await;
        handle
    }

    /// Waits until the agent has written such a line, and gives it.
    pub async fn said(&self, name: &str, start: &str) -> String {
        let log = self.log(name);
        until(start, || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            text.lines().find(|line| line.starts_with(start)).map(str::to_owned)
        })
        .await
    }

    /// All that the agent has taken as a prompt.
    pub fn submitted(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.log(name)).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.strip_prefix("submit "));
        lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Waits until the agent's screen satisfies `is`.
    pub async fn sees(&self, handle: &Handle, is: impl Fn(&View) -> bool) -> View {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.tmux.look(handle).await.expect("a look");
            if is(&view) {
                return view;
            }
            assert!(Instant::now() < deadline, "never seen; last:\n{}", view.screen);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Asks the server something by hand.
    pub fn by_hand(&self, words: &[&str]) -> String {
        let socket = self.home.path().join("data/tmux/s");
        let mut tmux = std::process::Command::new("tmux");
        let said = tmux.arg("-S").arg(socket).args(words).output().expect("tmux");
        String::from_utf8_lossy(&said.stdout).into_owned()
    }
}

pub fn server(home: &Path) -> Tmux {
    let place = Place::choose(&home.join("data"), home).expect("a place");
    let launcher = vec![env!("CARGO_BIN_EXE_nudged").into(), "launch".into()];
    Tmux::new("tmux", place, environment(), launcher, Duration::from_secs(5))
}

impl Drop for Pane {
    fn drop(&mut self) {
        self.by_hand(&["kill-server"]);
    }
}

/// Waits until something is there.
pub async fn until<T>(what: impl Debug, mut is_there: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = is_there() {
            return found;
        }
        assert!(Instant::now() < deadline, "never came: {what:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn signal(pid: i32, signal: &str) {
    let sent = std::process::Command::new("kill").args([signal, &pid.to_string()]).status();
    assert!(sent.expect("kill").success(), "{signal} {pid}");
}
