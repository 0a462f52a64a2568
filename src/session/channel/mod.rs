//! Telling agents: each way of doing it behind one trait, and what proves that it was heard.
//!
//! A channel answers what it knows and no more. Before the step after which it cannot be taken back it asks
//! [`Leave`], so that `handed` is written before anything leaves; after a crash the record of the channel itself is
//! asked ([`Channel::look`]), and what cannot be known is said to be unknown, never told again.

mod app_server;
pub mod begin;
mod channels;
mod claude;
mod journal;
mod opencode;
mod paste;
mod record;
mod rpc;
pub mod transcript;
pub mod waiter;
pub mod wake;
mod waking;

use std::future::Future;
use std::path::Path;

pub use channels::Channels;

use super::Later;
use super::harness::{Harness, Notes};
use super::runtime::Handle;
use crate::domain::NudgeId;

/// Whom something is told: one session's agent.
#[derive(Debug, Clone, Copy)]
pub struct Addressee<'a> {
    pub session_id: &'a str,
    pub harness: &'a Harness,
    pub handle: &'a Handle,
    pub workspace: &'a Path,
    /// The session's own folder, as it stood in its assignment.
    pub folder: &'a Path,
    /// How the agent calls the conversation now, as far as it is known.
    pub agent_session_id: Option<&'a str>,
    /// The file in which it keeps the conversation, where a hook has named it.
    pub transcript: Option<&'a Path>,
}

impl Addressee<'_> {
    /// What its start has left in the folder.
    pub(crate) fn notes(&self) -> Notes {
        Notes::read(self.folder)
    }
}

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `[nudge 17]`: by it what became of it is found again. What a person says has one, too, such as
    /// `[message 4]`, which is not shown.
    pub mark: String,
    pub voice: Voice,
    /// One line that says what it is about.
    pub summary: String,
    /// All of it.
    pub text: String,
    /// Where the whole text is to be read, as it is told the agent: `nudged nudges show 17`.
    pub place: String,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// nudged does: an event.
    Nudged,
    /// A person does: never by a way whose words are labelled as not the user's.
    Person,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was given to the channel; the proof that it began a turn is still to come.
    Handed,
    /// The channel proves that it began a turn.
    Delivered,
    /// Whether it arrived cannot be known.
    Unconfirmed { reason: String },
    /// Nothing was given: the agent cannot take it now. `retry_after`: seconds.
    NotNow { reason: String, retry_after: u32 },
    /// [`Leave`] did not let it go: nothing was given.
    Refused,
}

/// What one channel made of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    Told(Told),
    /// This way is not open, or was not taken; nothing was given, and the next can be tried.
    Closed(String),
}

/// What a channel's own record says of an earlier message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// It has begun a turn, or joined one.
    Begun,
    /// It was taken, or may still be: the turn is to come. To be looked at again.
    Waiting,
    /// It is certain that it was not taken, nor will be: it can be told anew.
    Absent,
    /// That cannot be known.
    Unknown { reason: String },
}

/// What an agent does, as its own record or its terminal shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// A turn runs.
    Working,
    /// It waits for a prompt.
    Idle,
    /// It waits for a person's answer: what it shows, for a person to read.
    Waiting { shown: String },
    /// Nothing can be said.
    Unknown { shown: String },
}

/// Asked right before a message leaves for good: writes that it was handed. `false`: it is not to be told any more,
/// and nothing leaves.
pub trait Leave: Send + Sync {
    fn leave(&self) -> Later<'_, bool>;
}

impl<F, Answer> Leave for F
where
    F: Fn() -> Answer + Send + Sync,
    Answer: Future<Output = bool> + Send + 'static,
{
    fn leave(&self) -> Later<'_, bool> {
        Box::pin(self())
    }
}

/// A way of telling an agent. All futures end by themselves.
pub trait Channel: Send + Sync {
    /// Tells it, if it can take it now. `leave` is asked at most once.
    fn deliver<'a>(
        &'a self,
        to: &'a Addressee<'a>,
        message: &'a Message,
        leave: &'a dyn Leave,
    ) -> Later<'a, Tried>;

    /// What its record says of what was told by it before.
    fn look<'a>(&'a self, to: &'a Addressee<'a>, mark: &'a str) -> Later<'a, Record>;
}

/// The most characters of [`Message::summary`].
const SUMMARY: usize = 160;

/// The first line, as far as it is short.
pub(crate) fn summary(body: &str) -> String {
    let first = body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    crate::excerpt::one_line(first, SUMMARY)
}

impl Message {
    /// A nudge, as it is told.
    pub(crate) fn of_nudge(id: i64, body: &str) -> Self {
        Self {
            mark: NudgeId(id).mark(),
            voice: Voice::Nudged,
            summary: summary(body),
            text: body.to_owned(),
            place: format!("nudged nudges show {id}"),
        }
    }

    /// Of it all, as much as can be told at once, with its mark before it: never more than `most` characters.
    pub(crate) fn whole(&self, most: usize) -> String {
        let text = match self.voice {
            Voice::Nudged => format!("{} {}\n\n{}", self.mark, self.summary, self.text),
            Voice::Person => self.text.clone(),
        };
        let rest = format!("\n… the rest: {}\n", self.place);
        let room = most.saturating_sub(rest.chars().count());
        if text.chars().count() <= most {
            return plain(&text, true);
        }
        let mut text: String = plain(&text, true).chars().take(room).collect();
        text.push_str(&rest);
        text
    }
}

/// Text without control characters (C0 and C1); line ends and tabs stay where `lines` says so.
pub(crate) fn plain(text: &str, lines: bool) -> String {
    let text = text.replace("\r\n", "\n");
    let kept = text.chars().filter_map(|c| match c {
        '\n' | '\t' if lines => Some(c),
        '\n' | '\t' | '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => None,
        c => Some(c),
    });
    kept.collect()
}

/// A mark as a word of letters, digits and `-`: `[nudge 17]` is `nudge-17`.
pub(crate) fn word_of(mark: &str) -> String {
    let mut word = String::new();
    for c in mark.chars().take(100) {
        match c {
            c if c.is_ascii_alphanumeric() => word.push(c),
            _ if word.is_empty() || word.ends_with('-') => {}
            _ => word.push('-'),
        }
    }
    word.trim_end_matches('-').to_owned()
}
