//! The ways of telling agents, tried in the order that a harness names.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::app_server::{self, AppServer};
use super::begin::{Beginning, Begun};
use super::journal::{self, Noted};
use super::opencode::{self, Http};
use super::paste::Paste;
use super::waking::Waking;
use super::{Addressee, Channel, Doing, Leave, Message, Record, Told, Tried, begin, claude};
use crate::session::harness::composer::{self, Composer};
use crate::session::harness::{ChannelName, Family, dialogs};
use crate::session::runtime::{Foreground, Runtime};

/// Records are written a moment after the fact: before, what they do not know may still come.
const GRACE: Duration = Duration::from_secs(30);
/// What waits for so long beside an agent that does nothing is not taken any more.
const LONGEST: Duration = Duration::from_secs(180);
/// Where no way is open. In seconds.
const RETRY: u32 = 30;

/// All ways of telling agents.
#[derive(Clone)]
pub struct Channels {
    runtime: Arc<dyn Runtime>,
    paste: Paste,
}

impl Channels {
    /// Agents run in `runtime`.
    pub fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self { paste: Paste { runtime: Arc::clone(&runtime) }, runtime }
    }

    /// Brings a start to its first turn.
    pub async fn begin(&self, to: &Addressee<'_>, beginning: Beginning<'_>) -> Begun {
        begin::begin(&self.runtime, to, beginning).await
    }

    /// Tells it, by the first way that is open. Right before it leaves for good `leave` is asked, once.
    pub async fn deliver(&self, to: &Addressee<'_>, message: &Message, leave: &dyn Leave) -> Told {
        let mut closed = Vec::new();
        let has_left = AtomicBool::new(false);
        for name in &to.harness.deliver {
            let noted = Noted {
                folder: to.folder,
                mark: &message.mark,
                channel: *name,
                leave,
                has_left: &has_left,
            };
            match self.channel(*name).deliver(to, message, &noted).await {
                Tried::Told(told) => {
                    if matches!(told, Told::NotNow { .. }) {
                        journal::forget(to.folder, &message.mark);
                    }
                    return told;
                }
                Tried::Closed(why) => {
                    journal::forget(to.folder, &message.mark);
                    closed.push(why);
                }
            }
        }
        let reason = if closed.is_empty() {
            "no way of telling it is set".to_owned()
        } else {
            closed.join("; ")
        };
        Told::NotNow { reason, retry_after: RETRY }
    }

    /// What the channel by which something left knows of it, `handed_for` after that.
    pub async fn look(&self, to: &Addressee<'_>, mark: &str, handed_for: Duration) -> Record {
        let Some(name) = journal::channel_of(to.folder, mark) else { return Record::Absent };
        let record = self.channel(name).look(to, mark).await;
        if matches!(record, Record::Unknown { .. }) && handed_for < GRACE {
            return Record::Waiting;
        }
        if record == Record::Waiting && handed_for > LONGEST && self.doing(to).await == Doing::Idle
        {
            let reason = "the agent does nothing, and has not taken it".to_owned();
            return Record::Unknown { reason };
        }
        record
    }

    /// What it does now, by its own record where it has one, else by what its terminal shows.
    pub async fn doing(&self, to: &Addressee<'_>) -> Doing {
        let view = match self.runtime.look(to.handle).await {
            Ok(view) => view,
            Err(error) => return Doing::Unknown { shown: error.to_string() },
        };
        let shown = dialogs::end_of(&view.screen);
        let own = match to.harness.family {
            Family::ClaudeCode => claude::running(to).map(|it| it.doing(shown.clone())),
            Family::Codex => app_server::doing(to, &shown).await,
            Family::Opencode => opencode::doing(to, &shown).await,
            Family::Aider | Family::Other => None,
        };
        if let Some(own) = own {
            return own;
        }
        if view.foreground != Foreground::Agent {
            return Doing::Unknown { shown };
        }
        match composer::judge(to.harness.family, &view.screen) {
            Composer::Ready { is_busy: false } => Doing::Idle,
            Composer::Ready { is_busy: true } | Composer::Draft { is_busy: true, .. } => {
                Doing::Working
            }
            Composer::Dialog { shown } => Doing::Waiting { shown },
            Composer::Draft { .. }
            | Composer::Shell
            | Composer::NotThere
            | Composer::Unknowable => Doing::Unknown { shown },
        }
    }

    fn channel(&self, name: ChannelName) -> &dyn Channel {
        match name {
            ChannelName::AppServer => &AppServer,
            ChannelName::Http => &Http,
            ChannelName::Hook => &Waking,
            ChannelName::Paste => &self.paste,
        }
    }
}
