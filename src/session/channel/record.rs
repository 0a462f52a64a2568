//! What an agent keeps of a conversation, asked for a text that was typed into its terminal.

use super::transcript::{self, Trace};
use super::{Addressee, Record, app_server, claude, opencode};
use crate::session::harness::Family;
use crate::session::harness::composer::{self, Composer};
use crate::session::runtime::Runtime;

/// Whether and how the agent's own record knows a mark.
pub(super) async fn trace(to: &Addressee<'_>, mark: &str) -> Trace {
    match to.harness.family {
        Family::ClaudeCode => claude::trace(to, mark),
        Family::Codex => match to.transcript.map(|path| transcript::codex(path, mark)) {
            Some(trace) if trace != Trace::Unreadable => trace,
            _ => app_server::trace(to, mark).await,
        },
        Family::Opencode => opencode::trace(to, mark).await,
        Family::Aider => match to.notes().chat_history {
            Some(path) => transcript::aider(&path, mark),
            None => Trace::Unreadable,
        },
        Family::Other => Trace::Unreadable,
    }
}

/// What became of a text that was typed, or was about to be. That it was never taken is certain only where the
/// record can be read and has it not, and the composer is there and empty: then nothing of it waits anywhere.
pub(super) async fn of_paste(runtime: &dyn Runtime, to: &Addressee<'_>, mark: &str) -> Record {
    let unknown = |reason: &str| Record::Unknown { reason: reason.to_owned() };
    let found = trace(to, mark).await;
    match found {
        Trace::Begun => return Record::Begun,
        Trace::Queued => return Record::Waiting,
        Trace::Removed => return unknown("somebody took it out of the agent's queue"),
        Trace::None | Trace::Unreadable => {}
    }
    let Ok(view) = runtime.look(to.handle).await else {
        return unknown("the agent keeps no record of it, and its terminal is gone");
    };
    match (composer::judge(to.harness.family, &view.screen), found) {
        (Composer::Draft { text, .. }, _) if text.contains(mark) => {
            unknown("it stands in the agent's composer and was not submitted")
        }
        (Composer::Ready { is_busy: false }, Trace::None) => {
            // Read again: it may have been taken between the two looks.
            match trace(to, mark).await {
                Trace::None => Record::Absent,
                Trace::Begun => Record::Begun,
                Trace::Queued | Trace::Removed | Trace::Unreadable => Record::Waiting,
            }
        }
        (_, Trace::None) => Record::Waiting,
        (_, _) => unknown("the agent keeps no record that could be asked"),
    }
}
