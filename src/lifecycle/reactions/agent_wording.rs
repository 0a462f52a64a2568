//! The words of what is said about an agent itself. What it asks for, and why it ended, is text of strangers.

use crate::domain::{Session, TerminationReason};
use crate::excerpt::{excerpt_text, one_line};

const NAME_CHARS: usize = 100;
/// Of what an agent asks for, in bytes.
const REASON_BYTES: usize = 2_000;

/// `mer-1 (claude-code on nudged/mer-1)`.
fn name(session: &Session) -> String {
    let id = one_line(&session.id.0, NAME_CHARS);
    let harness = one_line(&session.harness, NAME_CHARS);
    match session.branch.as_deref().map(|branch| one_line(branch, NAME_CHARS)) {
        Some(branch) if !harness.is_empty() => format!("{id} ({harness} on {branch})"),
        Some(branch) => format!("{id} (on {branch})"),
        None if !harness.is_empty() => format!("{id} ({harness})"),
        None => id,
    }
}

/// What an agent said, as a quotation: each line is marked, so that none of it passes for ours.
fn quoted(text: &str) -> String {
    let plain = excerpt_text(text, REASON_BYTES);
    plain.lines().map(|line| format!("> {line}\n")).collect()
}

/// To the agent: go on, or say why not.
pub(super) fn idle(session: &Session) -> String {
    format!(
        "You stopped, and session {} has no open pull request. If the task is not finished, go on with it and open \
         a pull request from this branch when it is. If it needs none, or you cannot go on, say so in one sentence.\n",
        one_line(&session.id.0, NAME_CHARS),
    )
}

/// To the human: it stopped again right after it was told to go on.
pub(super) fn stopped_again(session: &Session) -> String {
    format!(
        "The agent of session {} was told to go on, did something, and stopped again without a pull request. It is \
         not told another time; see what it says, or give it something else to do.\n",
        name(session),
    )
}

/// To the human: it was told to go on, and did not.
pub(super) fn still_idle(session: &Session) -> String {
    format!(
        "The agent of session {} has been idle for 15 minutes since it was told to go on, and has no open pull \
         request.\n",
        name(session),
    )
}

/// To the human: it is stuck, and why, as far as that is known.
pub(super) fn stuck(session: &Session) -> String {
    let name = name(session);
    let Some(block) = &session.memory.block else {
        return format!(
            "It cannot be found out whether the agent of session {name} still runs: looking at it has failed again \
             and again, or what was found contradicts itself. Nudges to it are held back.\n"
        );
    };
    let mut body = format!("The agent of session {name} is blocked. Nudges to it are held back.\n");
    if let Some(at) = block.resets_at {
        body.push_str(&format!("Its limit is reset at {at}; after that it is told what waits.\n"));
    }
    if let Some(reason) = &block.reason {
        body.push_str(&format!("\nIt says:\n{}", quoted(reason)));
    }
    body
}

/// To the human: it waits for an answer.
pub(super) fn needs_input(session: &Session) -> String {
    let mut body = format!(
        "The agent of session {} waits for you. Nudges to it are held back.\n",
        name(session)
    );
    let wait = session.memory.wait.as_ref();
    if let Some(tool) = wait.and_then(|wait| wait.tool.as_deref()) {
        body.push_str(&format!("It asks on behalf of `{}`.\n", one_line(tool, NAME_CHARS)));
    }
    if let Some(reason) = wait.and_then(|wait| wait.reason.as_deref()) {
        body.push_str(&format!("\nIt says:\n{}", quoted(reason)));
    }
    body
}

/// To the human: it has ended, and nobody asked it to.
pub(super) fn exited(session: &Session) -> String {
    let name = name(session);
    let what = match session.termination_reason {
        Some(TerminationReason::ErrorInProcess) => "could not be started",
        Some(TerminationReason::AgentProcessExited) => "has ended by itself",
        Some(
            TerminationReason::RuntimeLost
            | TerminationReason::ProbeFailure
            | TerminationReason::ManuallyKilled
            | TerminationReason::AutoCleanup
            | TerminationReason::PrMerged,
        )
        | None => "is gone, with the runtime it ran in",
    };
    let mut body = format!("The agent of session {name} {what}.\n");
    if let Some(reason) = &session.failure {
        body.push_str(&format!("\nThe reason:\n{}", quoted(reason)));
    }
    body.push_str(&format!(
        "\n`nudged restore {}` lets it go on where it was.\n",
        one_line(&session.id.0, NAME_CHARS)
    ));
    body
}
