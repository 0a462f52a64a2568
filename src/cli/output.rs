//! What reaches the terminal. Text of strangers loses its control characters here.

use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write};

use serde_json::Value;

/// Whether a command did what it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Failed,
}

/// An argument is wrong in a way that only shows when it is used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct Misuse(pub(super) String);

/// Standard output, either for people or as one JSON object a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
}

impl Output {
    /// A line for people; nothing where JSON was asked for.
    pub(super) fn text(self, line: impl Display) -> io::Result<()> {
        if self.json { Ok(()) } else { writeln!(io::stdout().lock(), "{line}") }
    }

    /// An object for scripts; nothing where it was not asked for.
    pub(super) fn object(self, object: &Value) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        writeln!(io::stdout().lock(), "{}", escaped(&object.to_string()))
    }
}

/// A text that is printed as it comes, cut anywhere: without control characters, and characters whole.
#[derive(Debug, Default)]
pub(super) struct Printer {
    /// The beginning of a character whose end has not come yet.
    begun: Vec<u8>,
}

impl Printer {
    pub(super) fn print(&mut self, piece: &[u8]) -> io::Result<()> {
        self.begun.extend_from_slice(piece);
        // A character is four bytes at most.
        let whole = match str::from_utf8(&self.begun) {
            Err(error) if self.begun.len() - error.valid_up_to() < 4 => error.valid_up_to(),
            Ok(_) | Err(_) => self.begun.len(),
        };
        let rest = self.begun.split_off(whole);
        let text = std::mem::replace(&mut self.begun, rest);
        write!(io::stdout().lock(), "{}", block(&String::from_utf8_lossy(&text)))
    }

    pub(super) fn finish(self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "{}", block(&String::from_utf8_lossy(&self.begun)))?;
        out.flush()
    }
}

/// Something for a program that reads our output.
pub(super) fn print(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// A line on stderr. There is nobody left to tell when that fails.
pub(super) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", block(line));
}

pub(super) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// One line: every run of control characters and line breaks becomes a space.
pub(super) fn line(text: &str) -> String {
    let words = text.split(|c: char| is_unsafe(c) || c.is_whitespace());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Several lines: breaks and tabs stay, all other control characters go.
pub(super) fn block(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_unsafe(*c)).collect()
}

/// Control characters run or submit things in a terminal; marks of direction make a line look like another.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same JSON without such characters: they stand within strings only, where `\uXXXX` means the same.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

/// `512 B`, `3.4 MiB`.
pub(super) fn bytes(count: u64) -> String {
    let mut size = count as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter().peekable();
    let mut unit = units.next().unwrap_or_default();
    while size >= 1024.0 && units.peek().is_some() {
        size /= 1024.0;
        unit = units.next().unwrap_or_default();
    }
    if unit == "B" { format!("{count} B") } else { format!("{size:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_gets_through() {
        let text = "a\u{1b}[31mb\rc\u{9b}2J\nd\te\u{202e}f\u{0}";
        assert_eq!(line(text), "a [31mb c 2J d e f");
        assert_eq!(block(text), "a[31mbc2J\nd\tef");
    }

    #[test]
    fn json_means_the_same_and_steers_no_terminal() {
        let value =
            serde_json::json!({ "a": "\u{9b}2J\u{202e}\u{2066}\u{61c}\u{200f}\u{7f}\u{1b}ü😀" });
        let text = escaped(&value.to_string());
        assert!(text.contains("\\u009b2J\\u202e\\u2066\\u061c\\u200f\\u007f\\u001bü😀"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn sizes_are_for_people() {
        let shown = [0, 1_023, 1_536, 5 << 30].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.5 KiB", "5.0 GiB"]);
    }
}
