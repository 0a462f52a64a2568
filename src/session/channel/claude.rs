//! What Claude Code's own files say: which conversation runs in a pane, what it does, and where its transcript is.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::transcript::{self, Trace};
use super::{Addressee, Doing};
use crate::session::runtime::procfs::Process;

/// One line of its list of running sessions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Running {
    pid: i32,
    session_id: String,
    #[serde(default)]
    proc_start: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    waiting_for: String,
}

/// The agent's own entry. It is there from the composer on, and stays after a crash: so it counts only while its
/// process is the pane's, or lives and has the conversation.
pub(super) fn running(to: &Addressee<'_>) -> Option<Running> {
    let folder = to.notes().claude_folder?.join("sessions");
    let pane = to.handle.pane.as_ref()?.process;
    let mut other = None;
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let Ok(text) = fs::read(&path) else { continue };
        let Ok(found) = serde_json::from_slice::<Running>(&text) else { continue };
        let started = found.proc_start.parse().unwrap_or(0);
        if !(Process { pid: found.pid, started }).is_alive() {
            continue;
        }
        if found.pid == pane.pid {
            return Some(found);
        }
        if Some(found.session_id.as_str()) == to.agent_session_id {
            other = Some(found);
        }
    }
    other
}

impl Running {
    /// What it does by its own word; `shown`: what its terminal shows.
    pub(super) fn doing(&self, shown: String) -> Doing {
        match self.status.as_str() {
            "busy" | "shell" => Doing::Working,
            "idle" => Doing::Idle,
            "waiting" => {
                let why =
                    if self.waiting_for.is_empty() { "a question" } else { &self.waiting_for };
                Doing::Waiting { shown: format!("{why}\n{shown}") }
            }
            _ => Doing::Unknown { shown },
        }
    }

    /// It can be given a prompt.
    pub(super) fn is_open(&self) -> bool {
        self.status != "waiting"
    }

    pub(super) fn is_idle(&self) -> bool {
        self.status == "idle"
    }
}

/// What its transcript says of a mark. After `/clear` the conversation has another file: that of a running one is
/// looked at, too.
pub(super) fn trace(to: &Addressee<'_>, mark: &str) -> Trace {
    let mut best = Trace::Unreadable;
    for path in transcripts(to) {
        match transcript::claude(&path, mark) {
            Trace::Unreadable => {}
            Trace::None if best != Trace::Unreadable => {}
            Trace::Begun => return Trace::Begun,
            trace @ (Trace::Queued | Trace::Removed | Trace::None) => best = trace,
        }
    }
    best
}

fn transcripts(to: &Addressee<'_>) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = to.transcript.map(Path::to_owned).into_iter().collect();
    if let Some(folder) = to.notes().claude_folder {
        let running = running(to).map(|it| it.session_id);
        let ids = running.iter().map(String::as_str).chain(to.agent_session_id);
        for id in ids {
            let path =
                folder.join("projects").join(mangled(to.workspace)).join(format!("{id}.jsonl"));
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths
}

/// A folder's name among its projects: every character that is no letter and no digit is `-`.
fn mangled(path: &Path) -> String {
    path.to_string_lossy()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}
