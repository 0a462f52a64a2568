//! The table of hooks: what each agent's events say of its session.
//!
//! Facts about the events are those of the agents' own documentation and of trials with the real ones.

use crate::domain::{ActivityState, HookEvent};

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookReading {
    pub state: ActivityState,
    /// The tool that asks, or whose end answers.
    pub tool: Option<String>,
    /// What it asks for, why it is blocked, how a session began.
    pub reason: Option<String>,
}

/// Tools whose whole purpose is to ask: they wait for a human from their beginning, in every mode.
const ASKING_TOOLS: &[&str] = &["AskUserQuestion", "ExitPlanMode"];

/// Reads an event of an agent's hooks. `None`: it says nothing of the session.
pub fn read_hook(harness: &str, event: &HookEvent) -> Option<HookReading> {
    if event.of_subagent {
        return None;
    }
    match harness {
        "opencode" => of_opencode(event),
        // It runs a command after each answer, when it waits for the next line.
        "aider" => Some(reading(ActivityState::Idle, event)),
        _ => of_hooks(event),
    }
}

/// Claude Code and Codex, and all that took over their form.
fn of_hooks(event: &HookEvent) -> Option<HookReading> {
    use ActivityState::{Active, Blocked, Exited, Idle, Ready, WaitingInput};
    let state = match &*event.name {
        // A compaction begins no conversation.
        "SessionStart" if event.detail == "compact" => return None,
        "SessionStart" => Ready,
        "UserPromptSubmit" => Active,
        "PreToolUse" if ASKING_TOOLS.contains(&&*event.tool) => WaitingInput,
        "PreToolUse" | "PostToolUse" | "PostToolUseFailure" => Active,
        "PermissionRequest" => WaitingInput,
        "Notification" => match &*event.detail {
            "permission_prompt" | "elicitation_dialog" | "agent_needs_input" => WaitingInput,
            // A minute after the end of a turn: it is idle, and that is known.
            "idle_prompt" => Idle,
            _ => return None,
        },
        // The end of a background task makes a turn by itself.
        "Stop" if event.background_tasks > 0 => Active,
        "Stop" | "Interrupt" => Idle,
        // The turn ended by an error of the API: it will not go on by itself.
        "StopFailure" => Blocked,
        "SubagentStart" | "SubagentStop" | "PreCompact" | "PostCompact" => Active,
        // Another conversation follows in the same process.
        "SessionEnd" if matches!(&*event.detail, "clear" | "resume") => return None,
        "SessionEnd" => Exited,
        _ => return None,
    };
    Some(reading(state, event))
}

fn of_opencode(event: &HookEvent) -> Option<HookReading> {
    use ActivityState::{Active, Blocked, Idle, Ready, WaitingInput};
    let state = match (&*event.name, &*event.detail) {
        ("session.created", _) => Ready,
        ("session.idle", _) | ("session.status", "idle") => Idle,
        ("session.status", "busy") => Active,
        // It waits for the model's server and tries again; `message` says until when.
        ("session.status", "retry") => Blocked,
        ("permission.asked" | "question.asked", _) => WaitingInput,
        ("permission.replied" | "question.replied" | "question.rejected", _) => Active,
        // A turn that somebody ended.
        ("session.error", "MessageAbortedError") => Idle,
        ("session.error", _) => Blocked,
        _ => return None,
    };
    Some(reading(state, event))
}

fn reading(state: ActivityState, event: &HookEvent) -> HookReading {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let reason = match state {
        ActivityState::WaitingInput => some(&event.message),
        ActivityState::Blocked => match (&*event.detail, &*event.message) {
            ("", message) => some(message),
            (error, "") => some(error),
            (error, message) => Some(format!("{error}: {message}")),
        },
        ActivityState::Ready | ActivityState::Exited => some(&event.detail),
        ActivityState::Active | ActivityState::Idle => None,
    };
    HookReading { state, tool: some(&event.tool), reason }
}
