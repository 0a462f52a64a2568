//! The hooks that agents are given for one start: all of them call our own executable, return at once, and do
//! nothing outside a session of ours.

use std::path::Path;

use serde_json::{Value, json};

use super::Family;

/// The variable that names the session's folder; hooks find there what waits for the agent.
pub const FOLDER: &str = "NUDGED_FOLDER";

/// Seconds that an agent gives a hook that reports. Ours gives itself less.
const REPORT_LIMIT: u32 = 5;
/// Seconds that a hook may wait for something to be told: agents keep the time in a signed 32-bit number of
/// milliseconds, which this is well below.
const WAIT_LIMIT: u32 = 1_000_000;

impl Family {
    /// As hooks name it on our command line. `None`: it has no hooks.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode => Some("claude-code"),
            Self::Codex => Some("codex"),
            Self::Opencode => Some("opencode"),
            Self::Aider => Some("aider"),
            Self::Other => None,
        }
    }

    /// The one that [`Family::word`] names so.
    pub fn named(word: &str) -> Option<Self> {
        [Self::ClaudeCode, Self::Codex, Self::Opencode, Self::Aider]
            .into_iter()
            .find(|family| family.word() == Some(word))
    }
}

/// A word as a shell reads it back.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The command, for a shell, that reports an event. Outside a session of ours it starts nothing, and where our
/// executable is gone nobody is bothered.
pub(super) fn report(nudged: &Path, family: Family) -> String {
    // aider gives its own terminal as stdin.
    let end = if family == Family::Aider { " </dev/null" } else { "" };
    let words = format!("activity --harness {}{end}", family.word().unwrap_or_default());
    guarded(nudged, &words)
}

/// The command that waits for something to be told. `exec`: its parent has to be the agent itself.
fn wait(nudged: &Path) -> String {
    guarded(nudged, "hooks wait")
}

fn guarded(nudged: &Path, words: &str) -> String {
    let nudged = quoted(&nudged.to_string_lossy());
    format!("test -n \"$NUDGED_SESSION_ID\" && test -x {nudged} || exit 0; exec {nudged} {words}")
}

/// The events that tell what Claude Code does. Those of tools come often, and are needed for the tools that ask and
/// for the end of a wait for permission.
const CLAUDE_EVENTS: &[&str] = &[
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "PostToolUseFailure",
    "Notification",
    "Stop",
    "StopFailure",
    "SessionEnd",
];
/// At these a hook begins to wait.
const CLAUDE_ARMS: &[&str] = &["SessionStart", "UserPromptSubmit", "Stop"];

/// The `hooks` object of Claude Code's settings.
pub fn claude(nudged: &Path) -> Value {
    claude_calling(&report(nudged, Family::ClaudeCode), &wait(nudged))
}

/// The same for sessions that people start themselves. `target`: the options that say which server to tell.
pub fn claude_of_others(nudged: &Path, target: &[String]) -> Value {
    let nudged = quoted(&nudged.to_string_lossy());
    let target: String = target.iter().map(|word| format!(" {}", quoted(word))).collect();
    let call = |verb: &str| {
        format!(
            "test -z \"$NUDGED_SESSION_ID\" && test -x {nudged} || exit 0; exec {nudged} hooks {verb}{target}"
        )
    };
    claude_calling(&call("tell"), &call("listen"))
}

fn claude_calling(report: &str, wait: &str) -> Value {
    let report = json!({"type": "command", "command": report, "timeout": REPORT_LIMIT});
    let wait = json!({
        "type": "command",
        "command": wait,
        "timeout": WAIT_LIMIT,
        "asyncRewake": true,
        "rewakeSummary": "nudged has news",
        "rewakeMessage": "From nudged, which watches this session's pull request:",
    });
    let group = |event: &str| {
        let mut hooks = vec![report.clone()];
        if CLAUDE_ARMS.contains(&event) {
            hooks.push(wait.clone());
        }
        let mut group = json!({ "hooks": hooks });
        // Of the tools that only ask, the beginning is of interest, too.
        if event == "PreToolUse" {
            group["matcher"] = json!("AskUserQuestion|ExitPlanMode");
        }
        json!([group])
    };
    CLAUDE_EVENTS
        .iter()
        .map(|event| ((*event).to_owned(), group(event)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Whether an entry of an agent's hooks is one of ours, of whatever release.
pub(super) fn is_ours(command: &str) -> bool {
    let calls = [" activity --harness ", " hooks wait"];
    command.contains("NUDGED_SESSION_ID") && calls.iter().any(|call| command.contains(call))
}

/// The same of those that a person has installed.
pub fn is_of_others(command: &str) -> bool {
    let calls = [" hooks tell", " hooks listen"];
    command.contains("NUDGED_SESSION_ID") && calls.iter().any(|call| command.contains(call))
}

/// Events of Codex, as its flags name them.
const CODEX_EVENTS: &[&str] = &[
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "Stop",
    "SessionEnd",
    "Interrupt",
];

/// Codex's `-c` flags: one for each event.
pub(super) fn codex(nudged: &Path) -> Vec<String> {
    let command = toml(&report(nudged, Family::Codex));
    CODEX_EVENTS
        .iter()
        .map(|event| {
            format!("hooks.{event}=[{{hooks=[{{type=\"command\",command={command},timeout={REPORT_LIMIT}}}]}}]")
        })
        .collect()
}

/// A text as TOML writes it; its escapes for what a JSON string escapes are the same.
pub(super) fn toml(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// The plugin that opencode loads: it hands on those events that tell what the agent does.
pub(super) fn opencode(nudged: &Path) -> String {
    let nudged = Value::from(nudged.to_string_lossy().as_ref());
    format!(
        r#"// Written by nudged at each start of the agent.
import {{ spawn }} from "node:child_process"

const TOLD = /^(session\.(created|idle|status|error)|permission\.(asked|replied)|question\.(asked|replied|rejected))$/
let last = Promise.resolve()

// One after the other, so that they arrive in their order; none holds up the agent.
const tell = (event) => new Promise((done) => {{
  try {{
    const child = spawn({nudged}, ["activity", "--harness", "opencode"], {{ stdio: ["pipe", "ignore", "ignore"] }})
    child.on("error", done)
    child.on("close", done)
    child.stdin.on("error", () => {{}})
    child.stdin.end(JSON.stringify(event))
  }} catch {{ done() }}
}})

export const nudged = async () => ({{
  event: async ({{ event }}) => {{
    if (process.env.NUDGED_SESSION_ID && TOLD.test(event?.type ?? "")) last = last.then(() => tell(event))
  }},
}})
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_guarded_and_known_again() {
        let hooks = claude(Path::new("/opt/it's/nudged"));
        let stop = &hooks["Stop"][0]["hooks"];
        let command = |at: usize| stop[at]["command"].as_str().expect("a command").to_owned();
        assert!(command(0).ends_with(r"exec '/opt/it'\''s/nudged' activity --harness claude-code"));
        assert!(command(1).ends_with("hooks wait") && stop[1]["asyncRewake"] == true);
        assert!(is_ours(&command(0)) && is_ours(&command(1)) && !is_ours("nudged hooks wait"));
        assert_eq!(hooks["PreToolUse"][0]["matcher"], "AskUserQuestion|ExitPlanMode");
        assert_eq!(hooks["PostToolUse"][0]["hooks"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn flags_of_codex_are_toml() {
        let flags = codex(Path::new("/a \"b\"/nudged"));
        assert_eq!(flags.len(), CODEX_EVENTS.len());
        assert!(flags[5].starts_with("hooks.Stop=[{hooks=[{type=\"command\",command=\"test -n"));
        assert!(flags[5].contains(r#"exec '/a \"b\"/nudged' activity"#), "{}", flags[5]);
    }
}
