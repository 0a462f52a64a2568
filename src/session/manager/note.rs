//! The note on a start that is under way, so that a server that was cut off goes on where it stopped, and gives no
//! prompt twice.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::session::harness::notes::{make_folder, replace};

const FILE: &str = "start.json";
const BASE: &str = "base";

/// How far a start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// The agent is about to be started. Nothing was given to it.
    Prepared,
    /// It is being given its prompt: after a crash nobody knows whether it got it.
    Beginning,
    /// It shows a dialog: nothing was given to it yet.
    Waiting,
    /// It has got what it was to get.
    Begun,
}

/// One start of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    pub(super) launch_id: String,
    /// How its conversation is called, where that was known before the start.
    pub(super) agent_session_id: Option<String>,
    /// What could not be part of the command line.
    pub(super) prompt_left: Option<String>,
    /// It was given something to do by its command line.
    pub(super) has_prompt: bool,
    pub(super) stage: Stage,
}

impl Note {
    /// The note in a session's folder; `None` where there is none of this start.
    pub(super) fn read(folder: &Path, launch_id: &str) -> Option<Self> {
        let text = fs::read(folder.join(FILE)).ok()?;
        let note: Self = serde_json::from_slice(&text).ok()?;
        (note.launch_id == launch_id).then_some(note)
    }

    /// Replaces the note.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        make_folder(folder)?;
        replace(&folder.join(FILE), &serde_json::to_vec(self)?, 0o600)
    }

    /// The same at another stage, written.
    pub(super) fn at(mut self, stage: Stage, folder: &Path) -> io::Result<Self> {
        self.stage = stage;
        self.write(folder)?;
        Ok(self)
    }
}

/// Keeps the commit from which a session's branch was made: the branch may go again only while it still is there.
pub(super) fn keep_base(folder: &Path, commit: &str) -> io::Result<()> {
    make_folder(folder)?;
    replace(&folder.join(BASE), commit.as_bytes(), 0o600)
}

/// The commit from which a session's branch was made, where that is known.
pub(super) fn base(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(BASE)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_of_one_start() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("mer-1");
        let note = Note {
            launch_id: "l-1".into(),
            agent_session_id: Some("a".into()),
            prompt_left: None,
            has_prompt: true,
            stage: Stage::Prepared,
        };
        note.write(&folder).expect("written");
        let note = note.at(Stage::Begun, &folder).expect("written");
        assert_eq!(Note::read(&folder, "l-1"), Some(note));
        assert_eq!(Note::read(&folder, "l-2"), None);
        assert_eq!(Note::read(home.path(), "l-1"), None);
    }
}
