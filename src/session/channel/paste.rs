//! Told by a line pasted into the agent's terminal, as a person would.
//!
//! A paste cannot be taken back, and Enter means yes in a dialog: so it is looked before each step, and where something
//! is not as it should be nothing more is pressed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::transcript::Trace;
use super::{
    Addressee, Channel, Leave, Message, Record, Told, Tried, Voice, claude, plain, record,
};
use crate::session::Later;
use crate::session::harness::Family;
use crate::session::harness::composer::{self, Composer};
use crate::session::runtime::{Foreground, Runtime, Typed, View};

/// Between paste and Enter: agents took an Enter that came sooner for part of the paste.
const BEFORE_ENTER: Duration = Duration::from_millis(300);
/// A pasted text is to be seen in the composer by then.
const SHOWING: Duration = Duration::from_secs(3);
/// After Enter the composer is empty by then.
const SUBMITTING: Duration = Duration::from_millis(1_500);
/// How long is waited for the agent's own record, after which the proof comes later.
const PROOF: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(50);
/// Enters in all.
const ENTERS: u32 = 3;
/// A longer paste is collapsed by some agents, and then not taken for the user's words.
const MOST: usize = 700;

/// The channel.
#[derive(Clone)]
pub(super) struct Paste {
    pub(super) runtime: Arc<dyn Runtime>,
}

impl Channel for Paste {
    fn deliver<'a>(
        &'a self,
        to: &'a Addressee<'a>,
        message: &'a Message,
        leave: &'a dyn Leave,
    ) -> Later<'a, Tried> {
        Box::pin(
            async move { Tried::Told(self.tell(to, &line(message), &message.mark, leave).await) },
        )
    }

    fn look<'a>(&'a self, to: &'a Addressee<'a>, mark: &'a str) -> Later<'a, Record> {
        Box::pin(record::of_paste(&*self.runtime, to, mark))
    }
}

/// One line: the mark, what it is about, and where the whole text is.
fn line(message: &Message) -> String {
    let begin = match message.voice {
        Voice::Nudged => one_line(&format!("{} {}", message.mark, message.summary)),
        Voice::Person => one_line(&message.text),
    };
    let end = format!("Read it all with: {}", one_line(&message.place));
    let room = MOST.saturating_sub(end.chars().count() + 3);
    match (message.voice, begin.chars().count() > room) {
        (Voice::Nudged, false) if begin.ends_with(['.', '!', '?']) => format!("{begin} {end}"),
        (Voice::Nudged, false) => format!("{begin}. {end}"),
        (Voice::Person, false) => begin,
        (_, true) => {
            let begin: String = begin.chars().take(room).collect();
            format!("{begin} … {end}")
        }
    }
}

/// A line that no agent takes for a command: not beginning with `/`, `!` or `#`, without control characters.
pub(super) fn one_line(text: &str) -> String {
    let words = plain(text, false);
    let words: Vec<&str> = words.split_whitespace().collect();
    let line = words.join(" ");
    if line.starts_with(['/', '!', '#', '@']) { format!("> {line}") } else { line }
}

impl Paste {
    /// Pastes a line and submits it. `mark`: a part of it by which it is found again.
    pub(super) async fn tell(
        &self,
        to: &Addressee<'_>,
        line: &str,
        mark: &str,
        leave: &dyn Leave,
    ) -> Told {
        let view = match self.runtime.look(to.handle).await {
            Ok(view) => view,
            Err(error) => {
                return not_now(format!("the agent's terminal cannot be seen: {error}"), 15);
            }
        };
        if let Err(obstacle) = composer::is_open(to.harness.family, &view) {
            return not_now(obstacle.reason, obstacle.retry_after);
        }
        if to.harness.family == Family::ClaudeCode
            && claude::running(to).is_some_and(|it| !it.is_open())
        {
            return not_now("the agent waits for an answer".to_owned(), 30);
        }
        if !leave.leave().await {
            return Told::Refused;
        }
        match self.runtime.paste(to.handle, &view, line).await {
            Ok(Typed::Yes) => {}
            Ok(Typed::No) => {
                return not_now("the agent left its terminal in this moment".to_owned(), 15);
            }
            Err(error) => {
                return unconfirmed(&format!(
                    "it was being pasted when the terminal failed: {error}"
                ));
            }
        }
        sleep(BEFORE_ENTER).await;
        self.submit(to, &view, Piece { line, mark }).await
    }

    /// Presses Enter, and once or twice more while the text still stands there.
    async fn submit(&self, to: &Addressee<'_>, before: &View, piece: Piece<'_>) -> Told {
        let mut pressed = 0;
        let mut until = Instant::now() + SHOWING;
        loop {
            let view = match self.runtime.look(to.handle).await {
                Ok(view) => view,
                Err(_) if pressed > 0 => return Told::Handed,
                Err(error) => {
                    return unconfirmed(&format!(
                        "it was pasted, and the terminal is gone: {error}"
                    ));
                }
            };
            let sight = sight(to.harness.family, before, &view, piece);
            match sight {
                Sight::Hindered(why) if pressed == 0 => return unconfirmed(why),
                Sight::Hindered(_) => return self.proven(to, piece).await,
                Sight::Standing | Sight::Blind if pressed == 0 => {}
                Sight::Gone | Sight::Blind if pressed > 0 => return self.proven(to, piece).await,
                Sight::Standing if Instant::now() < until => {
                    sleep(STEP).await;
                    continue;
                }
                Sight::Standing if pressed < ENTERS => {
                    if record::trace(to, piece.mark).await == Trace::Begun {
                        return Told::Delivered;
                    }
                }
                Sight::Standing => {
                    return unconfirmed("it stands in the agent's composer, which took no Enter");
                }
                Sight::Gone | Sight::Blind if Instant::now() < until => {
                    sleep(STEP).await;
                    continue;
                }
                Sight::Gone | Sight::Blind => {
                    return unconfirmed("it was pasted and not to be seen");
                }
            }
            match self.runtime.enter(to.handle, &view).await {
                Ok(Typed::Yes) => pressed += 1,
                Ok(Typed::No) => {
                    return unconfirmed("it was pasted, and the agent left its terminal");
                }
                Err(error) => {
                    return unconfirmed(&format!(
                        "it was pasted, and the terminal failed: {error}"
                    ));
                }
            }
            until = Instant::now() + SUBMITTING;
            sleep(STEP).await;
        }
    }

    /// It was submitted: the record is waited for a moment.
    async fn proven(&self, to: &Addressee<'_>, piece: Piece<'_>) -> Told {
        let until = Instant::now() + PROOF;
        while Instant::now() < until {
            match record::trace(to, piece.mark).await {
                Trace::Begun => return Told::Delivered,
                Trace::Unreadable | Trace::Queued | Trace::Removed => break,
                Trace::None => sleep(STEP).await,
            }
        }
        Told::Handed
    }
}

/// What was pasted, and the part by which it is known.
#[derive(Clone, Copy)]
struct Piece<'a> {
    line: &'a str,
    mark: &'a str,
}

/// What is to be seen of a pasted text.
enum Sight {
    /// It stands in the composer.
    Standing,
    /// The composer is empty.
    Gone,
    /// How this agent's composer looks is not known.
    Blind,
    /// Enter would do something else.
    Hindered(&'static str),
}

fn sight(family: Family, before: &View, now: &View, piece: Piece<'_>) -> Sight {
    if matches!(now.foreground, Foreground::Shell(_)) || now.foreground != before.foreground {
        return Sight::Hindered("it was pasted, and the agent left its terminal");
    }
    if now.last_key_at != before.last_key_at && now.last_key.is_some() {
        return Sight::Hindered("it was pasted, and a person began to type");
    }
    match composer::judge(family, &now.screen) {
        Composer::Draft { text, .. } => {
            let squeezed =
                |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            let (seen, whole) = (squeezed(&text), squeezed(piece.line));
            // What was collapsed is shown by a placeholder alone; of a long one the beginning may have scrolled away.
            let is_ours = seen == whole || whole.ends_with(&seen) || seen.starts_with("[Pasted");
            if is_ours {
                Sight::Standing
            } else {
                Sight::Hindered("it was pasted, and a draft stands beside it")
            }
        }
        Composer::Ready { .. } => Sight::Gone,
        Composer::Unknowable => Sight::Blind,
        Composer::Dialog { .. } => Sight::Hindered("it was pasted, and a dialog came up"),
        Composer::Shell => Sight::Hindered("it was pasted, and the composer is in shell mode"),
        Composer::NotThere if family == Family::Aider => Sight::Gone,
        Composer::NotThere => Sight::Hindered("it was pasted, and the composer is gone"),
    }
}

fn not_now(reason: String, retry_after: u32) -> Told {
    Told::NotNow { reason, retry_after }
}

fn unconfirmed(reason: &str) -> Told {
    Told::Unconfirmed { reason: reason.to_owned() }
}
