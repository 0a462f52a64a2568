//! Told by the hook that waits beside Claude Code, or by the answer to its next `Stop`.
//!
//! What is said so is labelled as not the user's words: right for events, never for what a person says.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::transcript::Trace;
use super::wake::{self, Offer};
use super::{Addressee, Channel, Leave, Message, Record, Told, Tried, Voice, claude};
use crate::session::Later;

/// A hook that waits takes what is offered at once; one that has to be started first takes longer.
const TAKING: Duration = Duration::from_secs(5);
/// So long a turn that runs is waited for where no hook waits.
const STOPPING: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(20);

/// The channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waking;

impl Channel for Waking {
    fn deliver<'a>(
        &'a self,
        to: &'a Addressee<'a>,
        message: &'a Message,
        leave: &'a dyn Leave,
    ) -> Later<'a, Tried> {
        Box::pin(tell(to, message, leave))
    }

    fn look<'a>(&'a self, to: &'a Addressee<'a>, mark: &'a str) -> Later<'a, Record> {
        Box::pin(async move { look(to, mark) })
    }
}

async fn tell(to: &Addressee<'_>, message: &Message, leave: &dyn Leave) -> Tried {
    if message.voice == Voice::Person {
        return Tried::Closed("a hook's words are not the user's".to_owned());
    }
    let running = claude::running(to);
    let patience = match &running {
        _ if wake::is_armed(to.folder) => TAKING,
        // Its next `Stop` can be answered.
        Some(running) if running.is_open() && !running.is_idle() => STOPPING,
        _ => return Tried::Closed("no hook waits beside the agent".to_owned()),
    };
    if !leave.leave().await {
        return Tried::Told(Told::Refused);
    }
    let offer = Offer { mark: message.mark.clone(), text: message.whole(wake::MOST) };
    if let Err(error) = wake::offer(to.folder, &offer) {
        let reason = format!("nothing can be offered to the agent's hook: {error}");
        return Tried::Told(Told::NotNow { reason, retry_after: 30 });
    }
    let until = Instant::now() + patience;
    while Instant::now() < until && !wake::was_taken(to.folder, &message.mark) {
        sleep(STEP).await;
    }
    match wake::withdraw(to.folder, &message.mark) {
        true => Tried::Closed("the agent's hook did not take it".to_owned()),
        false => Tried::Told(Told::Handed),
    }
}

fn look(to: &Addressee<'_>, mark: &str) -> Record {
    if wake::withdraw(to.folder, mark) {
        return Record::Absent;
    }
    match claude::trace(to, mark) {
        Trace::Begun => Record::Begun,
        Trace::Removed => {
            Record::Unknown { reason: "it was taken out of the agent's queue".to_owned() }
        }
        Trace::Queued => Record::Waiting,
        // Written down, but never offered.
        Trace::None | Trace::Unreadable if !wake::was_taken(to.folder, mark) => Record::Absent,
        // The agent is given it at the next result of a tool, or after the turn, or after an answer.
        Trace::None => match claude::running(to) {
            Some(running) if !running.is_idle() => Record::Waiting,
            Some(_) => Record::Unknown { reason: "its hook took it, and no turn began".to_owned() },
            None => Record::Unknown { reason: "its hook took it, and the agent ended".to_owned() },
        },
        Trace::Unreadable => {
            Record::Unknown { reason: "its hook took it, and there is no transcript".to_owned() }
        }
    }
}
