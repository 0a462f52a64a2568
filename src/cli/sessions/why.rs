//! Why a session stands as it does, and since when, in a few words.

use crate::api::{PullJson, SessionJson};
use crate::cli::table::Screen;
use crate::domain::{PrState, SessionState};

/// Hooks are heard of within moments; after so many seconds their silence is told.
const SILENCE: i64 = 60;

/// The pull request that says most of the session: the newest open one, else the newest.
pub(super) fn driver(item: &SessionJson) -> Option<&PullJson> {
    let open = |pull: &&PullJson| matches!(pull.state, PrState::Open | PrState::Draft);
    item.pulls.iter().rev().find(open).or(item.pulls.last())
}

/// `#7`, or `#7 +2` where there are more.
pub(super) fn numbers(item: &SessionJson) -> String {
    match (driver(item), item.pulls.len()) {
        (None, _) => String::new(),
        (Some(pull), 1) => format!("#{}", pull.number),
        (Some(pull), count) => format!("#{} +{}", pull.number, count - 1),
    }
}

/// Since when it stands so, as far as that is known.
pub(super) fn since(item: &SessionJson) -> &str {
    let detecting = item.detecting.as_ref().and_then(|it| it.started_at.as_deref());
    match item.state {
        SessionState::Done | SessionState::Terminated => &item.updated_at,
        SessionState::Detecting => detecting.unwrap_or(&item.updated_at),
        SessionState::NotStarted => &item.created_at,
        SessionState::Working
        | SessionState::Idle
        | SessionState::NeedsInput
        | SessionState::Stuck => &item.activity.last_activity_at,
    }
}

/// What its agent has still to be told: `2 held`, `1 waits`, `paused`.
pub(super) fn nudges(item: &SessionJson) -> String {
    let nudges = &item.nudges;
    match (nudges.paused, nudges.waiting, nudges.held_because) {
        (true, 0, _) => "paused".to_owned(),
        (_, 0, _) => String::new(),
        (_, count, Some(_)) => format!("{count} held"),
        (_, 1, None) => "1 waits".to_owned(),
        (_, count, None) => format!("{count} wait"),
    }
}

/// What somebody who looks for the ones that need help wants to know. `None`: its status says it all.
pub(super) fn why(item: &SessionJson, screen: Screen) -> Option<String> {
    if let Some(operation) = item.operation {
        return Some(format!("{} is under way", operation.as_str().replace('_', " ")));
    }
    if let Some(failure) = &item.failure {
        return Some(failure.clone());
    }
    if let Some(wait) = &item.waits_for {
        let asks = wait.reason.as_deref().unwrap_or("it waits for an answer");
        let tool = wait.tool.as_ref().map(|tool| format!("{tool}: "));
        return Some(format!("{}{asks}", tool.unwrap_or_default()));
    }
    if let Some(block) = &item.blocked {
        let reason = block.reason.as_deref().unwrap_or("its turn ended by an error");
        let until = block.resets_at.as_ref().map(|at| format!("until {at}: "));
        return Some(format!("{}{reason}", until.unwrap_or_default()));
    }
    if let Some(detecting) = &item.detecting {
        return Some(format!("no sign of life, looked {} times", detecting.attempts));
    }
    if let Some(since) = &item.unheard_since
        && screen.seconds_since(since).is_none_or(|seconds| seconds >= SILENCE)
    {
        return Some("no hook of it spoke since its start: see `nudged logs`".to_owned());
    }
    if let Some(reason) = item.nudges.held_because {
        return Some(format!("nudges are held: {}", reason.as_str().replace('_', " ")));
    }
    item.termination_reason.map(|reason| reason.as_str().replace('_', " "))
}
