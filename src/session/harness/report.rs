//! What an agent's hook tells, read from what the agent gives it on stdin.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{Family, notes};
use crate::domain::HookEvent;

/// A mark looks so: `[nudge 17]`.
const MARK: &str = "[nudge ";
/// In the session's folder, while the answer to a `Stop` has not begun its part of the turn: the mark in it.
const ANSWERED: &str = "answered";

/// One call of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub event: HookEvent,
    /// How the agent calls the conversation.
    pub agent_session_id: Option<String>,
    /// The file in which it keeps it.
    pub transcript_path: Option<String>,
    /// `[nudge 17]`: the event shows that this nudge has begun a turn, or joined one.
    pub mark: Option<String>,
}

/// What agents with Claude Code's form of hooks tell.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Told {
    hook_event_name: String,
    session_id: String,
    transcript_path: Option<String>,
    agent_id: Option<String>,
    source: String,
    reason: String,
    notification_type: String,
    message: String,
    error: Value,
    tool_name: String,
    tool_input: Value,
    prompt: String,
    background_tasks: Vec<Value>,
    stop_hook_active: bool,
}

impl Hook {
    /// Reads what a hook of that family was given. `None`: nothing of the session.
    pub fn read(family: Family, stdin: &str, folder: Option<&Path>) -> Option<Self> {
        match family {
            Family::ClaudeCode | Family::Codex => {
                of_hooks(serde_json::from_str(stdin).ok()?, folder)
            }
            Family::Opencode => of_opencode(&serde_json::from_str(stdin).ok()?),
            // Its command is run when it waits for the next line, and told nothing.
            Family::Aider => Some(Self {
                event: HookEvent { name: "waits".to_owned(), ..HookEvent::default() },
                agent_session_id: None,
                transcript_path: None,
                mark: None,
            }),
            Family::Other => None,
        }
    }
}

fn of_hooks(told: Told, folder: Option<&Path>) -> Option<Hook> {
    let of_subagent = told.agent_id.as_ref().is_some_and(|id| !id.is_empty());
    let name = told.hook_event_name;
    if name.is_empty() {
        return None;
    }
    let mark = match name.as_str() {
        _ if of_subagent => None,
        "UserPromptSubmit" => mark_in(&told.prompt),
        // The part of the turn that an answer of ours began has ended.
        "Stop" if told.stop_hook_active => folder.and_then(answered),
        _ => None,
    };
    let detail = match name.as_str() {
        "SessionStart" => told.source,
        "SessionEnd" => told.reason,
        "Notification" => told.notification_type,
        "StopFailure" => word(&told.error),
        _ => String::new(),
    };
    let message = match name.as_str() {
        "PermissionRequest" | "PreToolUse" => question(&told.tool_name, &told.tool_input),
        _ => told.message,
    };
    Some(Hook {
        event: HookEvent {
            name,
            of_subagent,
            detail,
            tool: told.tool_name,
            background_tasks: told.background_tasks.len(),
            message,
        },
        agent_session_id: Some(told.session_id).filter(|id| !id.is_empty() && !of_subagent),
        transcript_path: told.transcript_path.filter(|path| !path.is_empty() && !of_subagent),
        mark,
    })
}

fn of_opencode(event: &Value) -> Option<Hook> {
    let name = event["type"].as_str()?.to_owned();
    let told = &event["properties"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // What a subagent does says nothing of the session's own state.
    let of_subagent = !text(&told["info"]["parentID"]).is_empty();
    let session = [&told["sessionID"], &told["info"]["id"]].into_iter().find_map(Value::as_str);
    let (detail, message) = match name.as_str() {
        "session.status" => (text(&told["status"]["type"]), text(&told["status"]["message"])),
        "session.error" => (text(&told["error"]["name"]), text(&told["error"]["data"]["message"])),
        "permission.asked" => {
            (String::new(), question(&text(&told["permission"]), &told["patterns"]))
        }
        "question.asked" => (String::new(), text(&told["questions"][0]["question"])),
        _ => (String::new(), String::new()),
    };
    let event = HookEvent { name, of_subagent, detail, message, ..HookEvent::default() };
    let agent_session_id = session.filter(|_| !of_subagent).map(str::to_owned);
    Some(Hook { event, agent_session_id, transcript_path: None, mark: None })
}

/// The first mark in a prompt.
pub fn mark_in(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let number = &rest[at + MARK.len()..];
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        if (1..=19).contains(&digits) && number[digits..].starts_with(']') {
            return Some(format!("{MARK}{}]", &number[..digits]));
        }
        rest = number;
    }
    None
}

/// Remembers that a `Stop` was answered with this mark: the next one proves that the agent took it.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn remember_answer(folder: &Path, mark: &str) -> std::io::Result<()> {
    notes::replace(&folder.join(ANSWERED), mark.as_bytes(), 0o600)
}

fn answered(folder: &Path) -> Option<String> {
    let path = folder.join(ANSWERED);
    let mark = std::fs::read_to_string(&path).ok()?;
    std::fs::remove_file(&path).ok()?;
    mark_in(&mark)
}

/// What a tool asks for, for a person to read.
fn question(tool: &str, input: &Value) -> String {
    let of = ["question", "command", "file_path", "url", "plan"];
    let first = &input["questions"][0]["question"];
    let said = of.iter().find_map(|key| input[*key].as_str()).or_else(|| first.as_str());
    let all = |input: &Value| {
        let all = input.as_array()?.iter().filter_map(Value::as_str);
        Some(all.collect::<Vec<_>>().join(", "))
    };
    let said = said.map(str::to_owned).or_else(|| all(input));
    match said.filter(|said| !said.is_empty()) {
        Some(said) => format!("{tool}: {}", said.chars().take(500).collect::<String>()),
        None => tool.to_owned(),
    }
}

/// An error's word: a text, or an object with a `type`.
fn word(value: &Value) -> String {
    value.as_str().or_else(|| value["type"].as_str()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(family: Family, json: &Value) -> Hook {
        Hook::read(family, &json.to_string(), None).expect("a hook")
    }

    #[test]
    fn the_mark_is_the_first_of_its_form() {
        assert_eq!(
            mark_in("x [nudge ] [nudge a] [nudge 17]. [nudge 18]").as_deref(),
            Some("[nudge 17]")
        );
        assert_eq!(mark_in("[nudge 17"), None);
        assert_eq!(mark_in("[nudge 99999999999999999999]"), None);
    }

    #[test]
    fn hooks_are_read() {
        let json = serde_json::json!({"hook_event_name": "UserPromptSubmit", "session_id": "u", "prompt": "hi [nudge 3] x",
            "transcript_path": null, "new_field": {}});
        let hook = read(Family::ClaudeCode, &json);
        assert_eq!(
            (hook.mark.as_deref(), hook.agent_session_id.as_deref()),
            (Some("[nudge 3]"), Some("u"))
        );
        let json = serde_json::json!({"hook_event_name": "UserPromptSubmit", "session_id": "u", "agent_id": "s", "prompt": "[nudge 3]"});
        let hook = read(Family::ClaudeCode, &json);
        assert!(hook.event.of_subagent && hook.mark.is_none() && hook.agent_session_id.is_none());
        let json = serde_json::json!({"hook_event_name": "PermissionRequest", "session_id": "u", "tool_name": "Bash", "tool_input": {"command": "rm x"}});
        assert_eq!(read(Family::Codex, &json).event.message, "Bash: rm x");
        let json = serde_json::json!({"hook_event_name": "StopFailure", "session_id": "u", "error": "rate_limit"});
        assert_eq!(read(Family::ClaudeCode, &json).event.detail, "rate_limit");
        let json = serde_json::json!({"hook_event_name": "Stop", "session_id": "u", "background_tasks": [{"id": "1"}]});
        assert_eq!(read(Family::ClaudeCode, &json).event.background_tasks, 1);
        assert_eq!(Hook::read(Family::ClaudeCode, "", None), None);
        assert_eq!(Hook::read(Family::ClaudeCode, "{}", None), None);
        let json = serde_json::json!({"type": "session.status", "properties": {"sessionID": "ses_1", "status": {"type": "busy"}}});
        let hook = read(Family::Opencode, &json);
        assert_eq!(
            (&*hook.event.detail, hook.agent_session_id.as_deref()),
            ("busy", Some("ses_1"))
        );
    }

    #[test]
    fn the_next_stop_proves_an_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        remember_answer(folder.path(), "[nudge 8]").expect("written");
        let stop = |active: bool| {
            let json = serde_json::json!({"hook_event_name": "Stop", "session_id": "u", "stop_hook_active": active});
            Hook::read(Family::ClaudeCode, &json.to_string(), Some(folder.path()))
                .expect("a hook")
                .mark
        };
        assert_eq!(stop(false), None);
        assert_eq!(stop(true).as_deref(), Some("[nudge 8]"));
        assert_eq!(stop(true), None);
    }
}
