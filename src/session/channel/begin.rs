//! After a start: the agent is there, or a dialog stands before it; and it gets the prompt that could be no part of
//! its command line.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::opencode::Server;
use super::paste::{Paste, one_line};
use super::{Addressee, Told, claude, word_of};
use crate::session::harness::composer::{self, Composer};
use crate::session::harness::{Family, dialogs};
use crate::session::runtime::{Foreground, Runtime, View};

const STEP: Duration = Duration::from_millis(100);
/// A screen that has not changed for so long is drawn; an empty one takes longer to believe.
const SETTLED: Duration = Duration::from_millis(600);
const EMPTY: Duration = Duration::from_secs(2);
/// A longer prompt is left in a file of the worktree, and the agent told where.
const MOST: usize = 700;
/// aider reads no file by itself.
const MOST_AIDER: usize = 20_000;
/// By so much of its beginning a prompt is known again in the composer.
const PIECE: usize = 60;

/// A start that is to be brought to its first turn.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// What could be no part of the command line.
    pub prompt: Option<&'a str>,
    /// Which start it is.
    pub launch_id: &'a str,
    /// How long is waited for the agent.
    pub patience: Duration,
}

/// How a start went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The agent is there and has its prompt.
    Started { agent_session_id: Option<String> },
    /// It waits for a person; nothing was given to it. `shown`: what its terminal shows.
    Waiting { shown: String },
    /// It is not there any more, or whether it has its prompt is not known; with what its terminal shows.
    Failed { reason: String },
}

/// What is to be seen before a first prompt.
enum Seen {
    There,
    Not(Begun),
}

pub(super) async fn begin(
    runtime: &Arc<dyn Runtime>,
    to: &Addressee<'_>,
    beginning: Beginning<'_>,
) -> Begun {
    let until = Instant::now() + beginning.patience;
    let known = || to.agent_session_id.map(str::to_owned);
    if to.harness.family == Family::Opencode {
        return begin_opencode(runtime, to, beginning, until).await;
    }
    let prompt = beginning.prompt.filter(|prompt| !prompt.trim().is_empty());
    if prompt.is_none() && to.harness.family == Family::Other {
        return match runtime.look(to.handle).await {
            Ok(view) if is_over(&view) => ended(&view),
            Ok(_) => Begun::Started { agent_session_id: known() },
            Err(error) => Begun::Failed { reason: error.to_string() },
        };
    }
    if let Seen::Not(begun) = wait(runtime, to, until, prompt.is_some()).await {
        return begun;
    }
    let Some(prompt) = prompt else { return Begun::Started { agent_session_id: known() } };
    let line = match line(to, prompt) {
        Ok(line) => line,
        Err(error) => {
            return Begun::Failed { reason: format!("the prompt cannot be written: {error}") };
        }
    };
    let mark: String = line.chars().take(PIECE).collect();
    let paste = Paste { runtime: Arc::clone(runtime) };
    match paste.tell(to, &line, &mark, &|| async { true }).await {
        Told::Handed | Told::Delivered => Begun::Started { agent_session_id: known() },
        Told::NotNow { reason, .. } => Begun::Waiting { shown: reason },
        Told::Unconfirmed { reason } => Begun::Failed { reason },
        Told::Refused => Begun::Failed { reason: "it was refused".to_owned() },
    }
}

/// Waits until the agent can take a prompt, or works at the one it has.
async fn wait(
    runtime: &Arc<dyn Runtime>,
    to: &Addressee<'_>,
    until: Instant,
    is_first: bool,
) -> Seen {
    let mut last: Option<(View, Instant)> = None;
    loop {
        let view = match runtime.look(to.handle).await {
            Ok(view) => view,
            Err(error) => return Seen::Not(Begun::Failed { reason: error.to_string() }),
        };
        let shown = dialogs::end_of(&view.screen);
        if is_over(&view) {
            return Seen::Not(ended(&view));
        }
        if !is_first && to.harness.family == Family::ClaudeCode && claude::running(to).is_some() {
            return Seen::There;
        }
        let is_same = |(before, _): &(View, Instant)| before.screen == view.screen;
        let since =
            last.as_ref().filter(|it| is_same(it)).map_or_else(Instant::now, |(_, since)| *since);
        let settled = since.elapsed();
        match composer::judge(to.harness.family, &view.screen) {
            Composer::Ready { .. } => return Seen::There,
            Composer::Draft { .. } if !is_first => return Seen::There,
            Composer::Unknowable => {
                let wait = if view.screen.lines().is_empty() { EMPTY } else { SETTLED };
                if settled >= wait {
                    return Seen::There;
                }
            }
            // One that is half drawn looks like another.
            Composer::Dialog { shown } if settled >= SETTLED => {
                return Seen::Not(Begun::Waiting { shown });
            }
            Composer::Dialog { .. }
            | Composer::Draft { .. }
            | Composer::Shell
            | Composer::NotThere => {}
        }
        if Instant::now() >= until {
            return Seen::Not(Begun::Waiting { shown });
        }
        last = Some((view, since));
        sleep(STEP).await;
    }
}

fn is_over(view: &View) -> bool {
    view.foreground == Foreground::Other("nothing".to_owned())
}

fn ended(view: &View) -> Begun {
    Begun::Failed { reason: format!("the agent ended at once:\n{}", dialogs::end_of(&view.screen)) }
}

/// A prompt as one line; a long one is left in a file that git does not see.
fn line(to: &Addressee<'_>, prompt: &str) -> std::io::Result<String> {
    let line = one_line(prompt);
    let most = if to.harness.family == Family::Aider { MOST_AIDER } else { MOST };
    if line.chars().count() <= most {
        return Ok(line);
    }
    let folder = to.workspace.join(".nudged");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("prompt.md"), prompt)?;
    Ok("Your task is in the file .nudged/prompt.md of this folder: read it and do what it says."
        .to_owned())
}

async fn begin_opencode(
    runtime: &Arc<dyn Runtime>,
    to: &Addressee<'_>,
    beginning: Beginning<'_>,
    until: Instant,
) -> Begun {
    let Some(server) = Server::of(to) else {
        return Begun::Failed { reason: "no port was noted for opencode's server".to_owned() };
    };
    loop {
        let view = match runtime.look(to.handle).await {
            Ok(view) => view,
            Err(error) => return Begun::Failed { reason: error.to_string() },
        };
        let shown = dialogs::end_of(&view.screen);
        if is_over(&view) {
            return ended(&view);
        }
        // Its terminal shows no session before it has drawn itself.
        let composer = composer::judge(Family::Opencode, &view.screen);
        let is_drawn = matches!(composer, Composer::Ready { .. } | Composer::Draft { .. });
        if is_drawn && server.is_up().await {
            break;
        }
        if Instant::now() >= until {
            return Begun::Waiting { shown: format!("opencode's server does not answer\n{shown}") };
        }
        sleep(STEP).await;
    }
    let session = match to.agent_session_id {
        Some(known) => known.to_owned(),
        None => match server.open_session().await {
            Ok(made) => made,
            Err(error) => return Begun::Failed { reason: error.to_string() },
        },
    };
    if let Some(prompt) = beginning.prompt.filter(|prompt| !prompt.trim().is_empty()) {
        let word = format!("start{}", word_of(beginning.launch_id).replace('-', ""));
        if let Err(error) = server.prompt_once(&session, &word, prompt).await {
            return Begun::Failed { reason: error.to_string() };
        }
    }
    Begun::Started { agent_session_id: Some(session) }
}
