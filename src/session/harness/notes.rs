//! What a start leaves for those who later talk to the agent: ports, sockets, files. Kept in the session's folder,
//! since a later server needs it, too.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Notes on one start of an agent.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Notes {
    /// Which start they are of.
    pub launch_id: String,
    /// Claude Code's folder of settings, transcripts and running sessions.
    pub claude_folder: Option<PathBuf>,
    /// The socket of Codex's server.
    pub socket: Option<PathBuf>,
    /// The port of opencode's server, on loopback, and what opens it.
    pub port: Option<u16>,
    pub password: Option<String>,
    /// The file in which aider keeps the conversation.
    pub chat_history: Option<PathBuf>,
}

impl std::fmt::Debug for Notes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notes").field("launch_id", &self.launch_id).finish_non_exhaustive()
    }
}

impl Notes {
    /// The notes on the last start of a session's agent; empty where there are none.
    pub fn read(folder: &Path) -> Self {
        let text = fs::read(folder.join("notes.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Replaces the notes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        replace(&folder.join("notes.json"), &serde_json::to_vec(self)?, 0o600)
    }
}

/// Makes a folder that nobody else may look into.
///
/// # Errors
/// It cannot be made.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file so that a reader finds the old text or the new one.
///
/// # Errors
/// It cannot be written.
pub fn replace(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:08x}.new", rand::random::<u32>()));
    let new = path.with_file_name(name);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    let written = file.write_all(text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // It is of no use to anybody.
        let _ = fs::remove_file(&new);
    }
    written
}
