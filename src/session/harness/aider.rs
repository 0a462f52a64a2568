//! aider: where its conversation is kept, outside the repository, and the command that it runs when it waits.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Family, hooks};

/// The file of the conversation.
pub(super) fn chat_history(folder: &Path) -> PathBuf {
    folder.join("aider.chat.md")
}

/// The arguments that name its files and our command.
pub(super) fn arguments(folder: &Path, nudged: &Path) -> Vec<OsString> {
    vec![
        "--chat-history-file".into(),
        chat_history(folder).into(),
        "--input-history-file".into(),
        folder.join("aider.input").into(),
        "--notifications".into(),
        "--notifications-command".into(),
        hooks::report(nudged, Family::Aider).into(),
    ]
}
