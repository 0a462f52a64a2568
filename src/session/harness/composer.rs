//! The place in an agent's terminal where prompts are typed: whether it is there, empty, and nothing else would
//! take what is typed. Pure functions of the text that is seen, as the agents drew it in trials.

use super::{Family, dialogs};
use crate::session::runtime::{Foreground, Line, Screen, View};

/// A person who pressed a key so lately may still be typing. In seconds.
const TYPING: u64 = 8;

/// What stands where prompts are typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Composer {
    /// It is empty. `is_busy`: a turn runs; what is typed waits for its end or joins it.
    Ready { is_busy: bool },
    /// Somebody has written in it.
    Draft { text: String, is_busy: bool },
    /// What is typed would be run as a command.
    Shell,
    /// It asks something.
    Dialog { shown: String },
    /// It is not there: not yet, or something hides it.
    NotThere,
    /// Of this agent it is not known how its composer looks.
    Unknowable,
}

/// Why nothing may be typed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub reason: String,
    /// Seconds after which it is worth another look.
    pub retry_after: u32,
}

/// Judges what a terminal shows.
pub fn judge(family: Family, screen: &Screen) -> Composer {
    let found = match family {
        Family::ClaudeCode => ruled(screen),
        Family::Codex => marked(screen, "›"),
        Family::Opencode => boxed(screen),
        Family::Aider => return aider(screen),
        Family::Other => ruled(screen),
    };
    match found {
        Some(composer) => composer,
        None => match dialogs::shown(family, screen) {
            Some(shown) => Composer::Dialog { shown },
            None if family == Family::Other => Composer::Unknowable,
            None => Composer::NotThere,
        },
    }
}

/// Whether something may be typed into a terminal now: the agent reads it, its composer is there and empty, and
/// nobody else types.
///
/// # Errors
/// Why not.
pub fn is_open(family: Family, view: &View) -> Result<Composer, Obstacle> {
    let no = |retry_after: u32, reason: String| Err(Obstacle { reason, retry_after });
    match &view.foreground {
        Foreground::Agent => {}
        Foreground::Shell(name) => {
            return no(60, format!("a shell (`{name}`) is in the agent's terminal"));
        }
        Foreground::Other(name) => return no(30, format!("`{name}` is in the agent's terminal")),
    }
    if view.last_key.is_some_and(|ago| ago < TYPING) {
        return no(10, "a person is typing in the agent's terminal".to_owned());
    }
    match judge(family, &view.screen) {
        open @ (Composer::Ready { .. } | Composer::Unknowable) => Ok(open),
        Composer::Draft { .. } => {
            no(30, "somebody's draft stands in the agent's composer".to_owned())
        }
        Composer::Shell => no(30, "the agent's composer is in shell mode".to_owned()),
        Composer::Dialog { .. } => no(30, "the agent shows a dialog".to_owned()),
        Composer::NotThere => no(5, "the agent's composer is not there".to_owned()),
    }
}

/// Of Claude Code: between two rules, after `❯`.
fn ruled(screen: &Screen) -> Option<Composer> {
    let lines = screen.lines();
    let is_rule = |line: &Line| {
        let text = line.text.trim_end();
        text.starts_with("────") && text.chars().filter(|c| *c == '─').count() >= 10
    };
    let bottom = lines.iter().rposition(is_rule)?;
    let top = lines[..bottom].iter().rposition(is_rule)?;
    let inside = &lines[top + 1..bottom];
    let first = inside.first()?;
    if first.text.starts_with('!') {
        return Some(Composer::Shell);
    }
    if !first.text.starts_with('❯') || is_choice(&first.text) {
        return None;
    }
    let text = written(inside, "❯");
    let is_busy = interruptible(lines);
    Some(if text.is_empty() {
        Composer::Ready { is_busy }
    } else {
        Composer::Draft { text, is_busy }
    })
}

/// Of Codex: the last line that begins with its mark, and what is indented below, down to an empty line.
fn marked(screen: &Screen, mark: &str) -> Option<Composer> {
    let lines = screen.lines();
    let at = lines.iter().rposition(|line| line.text.starts_with(mark))?;
    if is_choice(&lines[at].text) {
        return None;
    }
    if lines[at + 1..].iter().any(|line| line.text.starts_with('!')) {
        return Some(Composer::Shell);
    }
    let below = lines[at + 1..].iter().take_while(|line| line.text.starts_with("  ")).count();
    let after = lines.get(at + 1 + below);
    // Without the empty line the footer follows at once: it is no part of a draft.
    let below = if after.is_some_and(|line| line.text.is_empty()) { below } else { 0 };
    let text = written(&lines[at..=at + below], mark);
    let is_busy = interruptible(lines);
    Some(if text.is_empty() {
        Composer::Ready { is_busy }
    } else {
        Composer::Draft { text, is_busy }
    })
}

/// Of opencode: a box with a bar at its left, closed below by `╹▀▀▀`; its last line names the agent and the model.
fn boxed(screen: &Screen) -> Option<Composer> {
    let lines: Vec<Vec<char>> =
        screen.lines().iter().map(|line| line.text.chars().collect()).collect();
    let bottom = lines.iter().rposition(|line| line.contains(&'╹'))?;
    let bar = lines[bottom].iter().position(|c| *c == '╹')?;
    let width = lines[bottom][bar + 1..].iter().take_while(|c| **c == '▀').count();
    let mut inside: Vec<String> = lines[..bottom]
        .iter()
        .rev()
        .take_while(|line| line.get(bar) == Some(&'┃'))
        .map(|line| line[bar + 1..].iter().take(width).collect::<String>().trim().to_owned())
        .collect();
    inside.reverse();
    let label = inside.pop()?;
    if label.starts_with("Shell") {
        return Some(Composer::Shell);
    }
    // An earlier message of the person's has such a bar, too, with an empty line between.
    let text = inside.join("\n").trim().to_owned();
    let is_busy = interruptible(screen.lines());
    let is_suggestion = text.starts_with("Ask anything");
    Some(if text.is_empty() || is_suggestion {
        Composer::Ready { is_busy }
    } else {
        Composer::Draft { text, is_busy }
    })
}

/// Of aider: the last line, `>` with a mode's name before it perhaps. While it works the line is not there.
fn aider(screen: &Screen) -> Composer {
    let Some(last) = screen.last(1).first().map(|line| line.trim_end().to_owned()) else {
        return Composer::NotThere;
    };
    let Some((mode, text)) = last.split_once('>') else {
        return match dialogs::shown(Family::Aider, screen) {
            Some(shown) if last.contains("(Y)es/(N)o") => Composer::Dialog { shown },
            _ => Composer::NotThere,
        };
    };
    if !mode.chars().all(|c| c.is_ascii_lowercase() || c == ' ' || c == '-') || mode.len() > 20 {
        return Composer::NotThere;
    }
    match text.trim() {
        "" => Composer::Ready { is_busy: false },
        text => Composer::Draft { text: text.to_owned(), is_busy: false },
    }
}

/// The bright text of a composer's lines, without its mark.
fn written(lines: &[Line], mark: &str) -> String {
    let clean = |line: &Line| line.bright.replace('\u{a0}', " ").trim().to_owned();
    let texts = lines.iter().map(clean).enumerate().map(|(at, text)| match at {
        0 => text.strip_prefix(mark).unwrap_or(&text).trim().to_owned(),
        _ => text,
    });
    texts.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// `❯ 1. Yes` is a choice of a dialog.
fn is_choice(line: &str) -> bool {
    let rest = line.trim_start_matches(['❯', '›', ' ', '\u{a0}']);
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    (1..=2).contains(&digits) && rest[digits..].starts_with(". ")
}

fn interruptible(lines: &[Line]) -> bool {
    let last = lines.iter().rev().filter(|line| !line.text.is_empty()).take(12);
    last.into_iter()
        .any(|line| line.text.contains("esc to interrupt") || line.text.contains("esc interrupt"))
}
