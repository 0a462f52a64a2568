//! What agents keep of a conversation in files: whether a text with a mark became part of it.
//!
//! The forms are internal to the agents and can change; what is not understood says nothing.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

/// Of a long file its end is read.
const MOST: u64 = 16 << 20;

/// What a file says of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// It begins a turn, or joined one.
    Begun,
    /// It was taken, and waits for the end of the turn.
    Queued,
    /// It was taken out again before its turn.
    Removed,
    /// The file was read, and has it not.
    None,
    /// There is no such file, or it cannot be read.
    Unreadable,
}

/// In Claude Code's transcript: lines of JSON. A text that was given while a turn ran is in `queue-operation` lines.
pub fn claude(path: &Path, mark: &str) -> Trace {
    let Some(text) = end_of(path) else { return Trace::Unreadable };
    let mut queue: VecDeque<bool> = VecDeque::new();
    let mut removed = false;
    for line in text.lines() {
        let is_operation = line.contains("\"queue-operation\"");
        if !is_operation && !line.contains(mark) {
            continue;
        }
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        if line["isSidechain"] == true {
            continue;
        }
        let has = |value: &Value| texts(value).any(|text| text.contains(mark));
        match line["type"].as_str() {
            Some("user") if has(&line["message"]["content"]) => return Trace::Begun,
            Some("attachment") if has(&line["attachment"]["prompt"]) => return Trace::Begun,
            Some("attachment") if is_context(&line["attachment"], mark) => return Trace::Begun,
            Some("queue-operation") => match line["operation"].as_str() {
                Some("enqueue") => queue.push_back(has(&line["content"])),
                Some("dequeue") if queue.pop_front() == Some(true) => return Trace::Begun,
                Some("remove") if has(&line["content"]) => match line["reason"].as_str() {
                    Some("absorbed_mid_turn") => return Trace::Begun,
                    _ => removed = true,
                },
                Some("remove") => {
                    if let Some(at) = queue.iter().position(|ours| !ours) {
                        queue.remove(at);
                    }
                }
                Some("popAll") => {
                    removed |= queue.contains(&true);
                    queue.clear();
                }
                _ => {}
            },
            _ => {}
        }
    }
    match () {
        () if removed => Trace::Removed,
        () if queue.contains(&true) => Trace::Queued,
        () => Trace::None,
    }
}

/// What the answer to a `Stop` has become.
fn is_context(attachment: &Value, mark: &str) -> bool {
    attachment["type"].as_str().is_some_and(|it| it.starts_with("hook_"))
        && attachment["hookEvent"] == "Stop"
        && attachment["content"].to_string().contains(mark)
}

/// In Codex's record of a conversation: lines of JSON.
pub fn codex(path: &Path, mark: &str) -> Trace {
    let Some(text) = end_of(path) else { return Trace::Unreadable };
    let is_prompt = |line: &str| {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return false };
        let told = &line["payload"];
        let is_message = told["type"] == "message" && told["role"] == "user";
        (told["type"] == "user_message" && texts(&told["message"]).any(|it| it.contains(mark)))
            || (is_message && texts(&told["content"]).any(|it| it.contains(mark)))
    };
    match text.lines().filter(|line| line.contains(mark)).any(is_prompt) {
        true => Trace::Begun,
        false => Trace::None,
    }
}

/// In aider's chat history: `#### TEXT` is written in the moment in which the line is read.
pub fn aider(path: &Path, mark: &str) -> Trace {
    let Some(text) = end_of(path) else { return Trace::Unreadable };
    let is_prompt = |line: &str| line.starts_with("#### ") && line.contains(mark);
    if text.lines().any(is_prompt) { Trace::Begun } else { Trace::None }
}

/// A text, or the texts of a message's parts.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let parts = value.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str());
    value.as_str().into_iter().chain(parts)
}

fn end_of(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MOST))).ok()?;
    let mut text = Vec::new();
    file.take(MOST).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(read: fn(&Path, &str) -> Trace, lines: &[&str]) -> Trace {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), lines.join("\n")).expect("written");
        read(file.path(), "[nudge 17]")
    }

    const ENQUEUE: &str =
        r#"{"type":"queue-operation","operation":"enqueue","content":"[nudge 17] x"}"#;
    const OTHER: &str = r#"{"type":"queue-operation","operation":"enqueue","content":"mine"}"#;
    const DEQUEUE: &str = r#"{"type":"queue-operation","operation":"dequeue"}"#;

    #[test]
    fn a_queue_is_followed_to_its_end() {
        let remove = |why: &str| {
            format!(
                r#"{{"type":"queue-operation","operation":"remove","content":"[nudge 17] x","reason":"{why}"}}"#
            )
        };
        assert_eq!(traced(claude, &[]), Trace::None);
        assert_eq!(traced(claude, &[ENQUEUE]), Trace::Queued);
        assert_eq!(traced(claude, &[ENQUEUE, DEQUEUE]), Trace::Begun);
        assert_eq!(traced(claude, &[OTHER, ENQUEUE, DEQUEUE]), Trace::Queued);
        assert_eq!(traced(claude, &[OTHER, ENQUEUE, DEQUEUE, DEQUEUE]), Trace::Begun);
        assert_eq!(traced(claude, &[ENQUEUE, &remove("absorbed_mid_turn")]), Trace::Begun);
        assert_eq!(traced(claude, &[ENQUEUE, &remove("edited")]), Trace::Removed);
        assert_eq!(
            traced(claude, &[ENQUEUE, r#"{"type":"queue-operation","operation":"popAll"}"#]),
            Trace::Removed
        );
        assert_eq!(claude(Path::new("/no/such/file"), "x"), Trace::Unreadable);
    }

    #[test]
    fn only_what_was_said_to_the_agent_counts() {
        let user = r#"{"type":"user","message":{"role":"user","content":"[nudge 17] x"}}"#;
        let parts =
            r#"{"type":"user","message":{"content":[{"type":"text","text":"a [nudge 17]"}]}}"#;
        let result = r#"{"type":"user","message":{"content":[{"type":"tool_result","content":"[nudge 17]"}]}}"#;
        let beside = r#"{"type":"user","isSidechain":true,"message":{"content":"[nudge 17]"}}"#;
        let agent =
            r#"{"type":"assistant","message":{"content":[{"type":"text","text":"[nudge 17]"}]}}"#;
        let last = r#"{"type":"last-prompt","lastPrompt":"[nudge 17]"}"#;
        assert_eq!(traced(claude, &[user]), Trace::Begun);
        assert_eq!(traced(claude, &["{broken [nudge 17]", parts]), Trace::Begun);
        assert_eq!(traced(claude, &[result, beside, agent, last]), Trace::None);
        let said =
            r#"{"type":"event_msg","payload":{"type":"user_message","message":"[nudge 17] x"}}"#;
        let answer =
            r#"{"type":"event_msg","payload":{"type":"agent_message","message":"[nudge 17] x"}}"#;
        assert_eq!((traced(codex, &[said]), traced(codex, &[answer])), (Trace::Begun, Trace::None));
        assert_eq!(traced(aider, &["#### [nudge 17] x", ""]), Trace::Begun);
        assert_eq!(traced(aider, &["I read [nudge 17]", "> [nudge 17]"]), Trace::None);
    }
}
