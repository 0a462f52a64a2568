//! A log's bytes into lines: cut where they are too long, cleaned, the runner's prefixes taken off.

use std::borrow::Cow;
use std::io::BufRead;

/// Of a longer line only this much of its beginning and end is looked at.
const LINE_HEAD: usize = 3 * 1_024;
const LINE_TAIL: usize = 512;

/// Stands in a line, or between lines, where something was left out.
pub const GAP: &str = "[…]";

/// Splits a stream at line feeds, holding at most some 4 KiB of a line.
#[derive(Default)]
pub struct LineSplitter {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl LineSplitter {
    /// Calls `each` for every line that ends in `bytes`; the rest waits for what follows.
    pub fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let mut rest = bytes;
            // Reading from memory cannot fail.
            let taken = rest.skip_until(b'\n').unwrap_or(bytes.len());
            let (line, ended) = match bytes[..taken].strip_suffix(b"\n") {
                Some(line) => (line, true),
                None => (&bytes[..taken], false),
            };
            bytes = rest;
            if ended && self.head.is_empty() && line.len() <= LINE_HEAD + LINE_TAIL {
                each(line);
                continue;
            }
            self.hold(line);
            if ended {
                self.finish(&mut each);
            }
        }
    }

    /// Calls `each` for the last line if it has no line feed.
    pub fn finish(&mut self, mut each: impl FnMut(&[u8])) {
        if self.head.is_empty() {
            return;
        }
        if self.tail.len() > LINE_TAIL {
            let from = self.tail.len() - LINE_TAIL;
            self.head.extend_from_slice(GAP.as_bytes());
            self.head.extend_from_slice(&self.tail[from..]);
        } else {
            self.head.extend_from_slice(&self.tail);
        }
        each(&self.head);
        self.head.clear();
        self.tail.clear();
    }

    /// What is held of an unfinished line, in bytes.
    pub fn held(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    fn hold(&mut self, part: &[u8]) {
        let (head, tail) =
            part.split_at(part.len().min(LINE_HEAD - self.head.len().min(LINE_HEAD)));
        self.head.extend_from_slice(head);
        let tail = &tail[tail.len().saturating_sub(2 * LINE_TAIL)..];
        self.tail.extend_from_slice(tail);
        if self.tail.len() > 4 * LINE_TAIL {
            self.tail.drain(..self.tail.len() - 2 * LINE_TAIL);
        }
    }
}

/// What the runner or a tool says a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    Plain,
    Error,
    Warning,
    Group,
    EndGroup,
    /// A command that an action echoes.
    Command,
    Debug,
}

const MARKERS: &[(&str, Marker)] = &[
    ("##[error]", Marker::Error),
    ("##[warning]", Marker::Warning),
    ("##[group]", Marker::Group),
    ("##[endgroup]", Marker::EndGroup),
    ("##[command]", Marker::Command),
    ("##[debug]", Marker::Debug),
    ("##[notice]", Marker::Plain),
    ("##[section]", Marker::Plain),
    ("[command]", Marker::Command),
    ("::group::", Marker::Group),
    ("::endgroup::", Marker::EndGroup),
    ("::debug::", Marker::Debug),
];

/// A line as it goes through the rules.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub marker: Marker,
    /// Clean text without marker or timestamp, its end trimmed.
    pub text: Cow<'a, str>,
    /// The step that `gh run view --log` names before the line.
    pub step: Option<Cow<'a, str>>,
    /// Whether it was coloured as the runner colours the commands of a step's header.
    pub echoed: bool,
}

/// What `gh run view --log` put before the last line: the job's and the step's name.
#[derive(Default)]
pub struct Names(Vec<u8>);

impl<'a> Line<'a> {
    /// Reads one raw line (without its line feed) of the log whose lines so far gave `names`.
    pub fn read(raw: &'a [u8], names: &mut Names) -> Self {
        let (step, raw) = names.strip(strip_mark(raw));
        let raw = strip_timestamp(strip_mark(raw));
        let echoed = raw.starts_with(b"\x1b[36;1m") || raw.starts_with(b"^[[36;1m");
        let text = clean(raw);
        let (marker, text) = match text {
            Cow::Borrowed(text) => match marked(text) {
                (marker, Cow::Borrowed(text)) => (marker, Cow::Borrowed(text.trim_end())),
                (marker, Cow::Owned(text)) => (marker, Cow::Owned(text)),
            },
            Cow::Owned(text) => {
                let (marker, text) = marked(&text);
                (marker, text.trim_end().to_owned().into())
            }
        };
        let step = step.map(|name| clean(name).trim().to_owned().into());
        Line { marker, text, step, echoed }
    }

    /// Cleans again a plain line in which the remains of colours were found (a copied log).
    pub fn without_remains(text: &str) -> String {
        without_escapes(text, true)
    }
}

/// The marker before a text, and the text; workflow commands (`::error file=a,line=1::b`) are
/// written out as the runner shows them, with their place.
fn marked(text: &str) -> (Marker, Cow<'_, str>) {
    if !text.starts_with(['#', '[', ':', 'E']) {
        return (Marker::Plain, text.into());
    }
    if let Some((marker, rest)) =
        MARKERS.iter().find_map(|(mark, marker)| Some((*marker, text.strip_prefix(mark)?)))
    {
        return (marker, rest.into());
    }
    // As the log's page shows the runner's own error lines.
    if let Some(rest) = text.strip_prefix("Error: ")
        && rest.starts_with("Process completed with exit code")
    {
        return (Marker::Error, rest.into());
    }
    for (word, marker) in
        [("error", Marker::Error), ("warning", Marker::Warning), ("notice", Marker::Plain)]
    {
        let command = text.strip_prefix("::").and_then(|text| text.strip_prefix(word));
        let Some((place, message)) = command.and_then(|text| text.split_once("::")) else {
            continue;
        };
        let field = |name: &str| {
            place
                .split([',', ' '])
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let message = message.replace("%0A", " ").replace("%0D", "").replace("%25", "%");
        return (
            marker,
            match (field("file"), field("line")) {
                (Some(file), Some(line)) => format!("{file}:{line}: {message}").into(),
                (Some(file), None) => format!("{file}: {message}").into(),
                (None, _) => message.into(),
            },
        );
    }
    (Marker::Plain, text.into())
}

/// Takes ANSI sequences, control characters and text directions out of a line, and what a carriage
/// return has overwritten.
pub fn clean(raw: &[u8]) -> Cow<'_, str> {
    let odd = raw.iter().fold(false, |odd, &b| odd | !matches!(b, b' '..=b'~' | b'\t'));
    if !odd && let Ok(text) = str::from_utf8(raw) {
        return text.into();
    }
    let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
    let shown = raw.split(|&b| b == b'\r').rev().find(|part| part.iter().any(|b| *b > b' '));
    without_escapes(&String::from_utf8_lossy(shown.unwrap_or_default()), false).into()
}

/// `remains`: colour sequences count although their escape character is lost.
pub fn without_escapes(text: &str, remains: bool) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_sequence(&mut chars),
            '^' if chars.as_str().starts_with("[[") && colour(&chars.as_str()[2..]).is_some() => {
                chars.next();
                chars.next();
                skip_sequence(&mut chars);
            }
            '[' if remains && colour(chars.as_str()).is_some() => skip_sequence(&mut chars),
            '\t' => plain.push('\t'),
            c if unsafe_to_show(c) => {}
            c => plain.push(c),
        }
    }
    plain
}

/// Control characters, and what can make a line read as what it is not.
pub fn unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The length of a colour's numbers with their final `m`.
fn colour(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    (text[end..].starts_with('m') && !text[end + 1..].starts_with(']') && end <= 24)
        .then_some(end + 1)
}

/// Skips what follows ESC: a CSI sequence, an OSC to BEL or ESC, else one character.
fn skip_escape(chars: &mut std::str::Chars<'_>) {
    match chars.next() {
        Some('[') => skip_sequence(chars),
        Some(']') => {
            chars.find(|c| matches!(c, '\u{7}' | '\u{1b}'));
        }
        // A character set follows.
        Some('(' | ')') => {
            chars.next();
        }
        _ => {}
    }
}

/// Skips a control sequence to its final character.
fn skip_sequence(chars: &mut std::str::Chars<'_>) {
    chars.find(|c| ('\u{40}'..='\u{7e}').contains(c));
}

fn strip_mark(raw: &[u8]) -> &[u8] {
    raw.strip_prefix("\u{feff}".as_bytes()).unwrap_or(raw)
}

impl Names {
    /// Takes the names off a line. Of a message of several lines only the first has a timestamp.
    fn strip<'a>(&mut self, raw: &'a [u8]) -> (Option<&'a [u8]>, &'a [u8]) {
        let step = |end: usize| {
            let names = &raw[..end - 1];
            names.iter().rposition(|&b| b == b'\t').map(|tab| &names[tab + 1..])
        };
        if !self.0.is_empty() && raw.starts_with(&self.0) {
            return (step(self.0.len()), &raw[self.0.len()..]);
        }
        if timestamp(raw).is_some() {
            return (None, raw);
        }
        let window = &raw[..raw.len().min(400)];
        let mut tabs = window.iter().enumerate().filter(|(_, b)| **b == b'\t').map(|(at, _)| at);
        let (Some(_), Some(second)) = (tabs.next(), tabs.next()) else {
            return (None, raw);
        };
        if timestamp(strip_mark(&raw[second + 1..])).is_none() {
            return (None, raw);
        }
        self.0 = raw[..=second].to_vec();
        (step(second + 1), &raw[second + 1..])
    }
}

/// Takes off the `2024-01-01T00:00:00.0000000Z ` that the runner puts before each line.
fn strip_timestamp(raw: &[u8]) -> &[u8] {
    timestamp(raw).map_or(raw, |end| &raw[end..])
}

/// The length of the runner's timestamp with the space that follows.
fn timestamp(raw: &[u8]) -> Option<usize> {
    let stamped = raw.len() >= 20
        && raw[4] == b'-'
        && raw[7] == b'-'
        && raw[10] == b'T'
        && raw[13] == b':'
        && raw[..4].iter().all(u8::is_ascii_digit);
    if !stamped {
        return None;
    }
    let end = 19 + raw[19..raw.len().min(32)].iter().position(|&b| b == b'Z')?;
    let fraction = &raw[19..end];
    if !fraction.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
        return None;
    }
    match raw.get(end + 1) {
        None => Some(end + 1),
        Some(b' ') => Some(end + 2),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> (Marker, String) {
        let line = Line::read(raw.as_bytes(), &mut Names::default());
        (line.marker, line.text.into_owned())
    }

    #[test]
    fn prefixes_and_markers_come_off() {
        let cases = [
            ("2025-09-11T08:14:02.0000881Z hello", Marker::Plain, "hello"),
            ("\u{feff}2025-09-11T08:14:02.0000881Z ##[error]no", Marker::Error, "no"),
            ("2025-09-11T08:14:02.0000881Z", Marker::Plain, ""),
            (
                "build\tRun tests\t2025-09-11T08:14:02.0000881Z ##[group]Run x",
                Marker::Group,
                "Run x",
            ),
            ("::error file=a.py,line=3,col=1::bad%0Athing", Marker::Error, "a.py:3: bad thing"),
            (
                "Error: Process completed with exit code 2.",
                Marker::Error,
                "Process completed with exit code 2.",
            ),
            ("Error: other", Marker::Plain, "Error: other"),
            ("\u{1b}[36;1m::group::x\u{1b}[0m", Marker::Group, "x"),
            ("10%\r 50%\r100% done\r", Marker::Plain, "100% done"),
            (
                "2025-09-11T08:14:02+00:00 own time",
                Marker::Plain,
                "2025-09-11T08:14:02+00:00 own time",
            ),
            ("a\u{202e}b\u{0}\u{1b}]0;t\u{7}c\u{9b}31md", Marker::Plain, "abcd"),
        ];
        for (raw, marker, text) in cases {
            assert_eq!(read(raw), (marker, text.to_owned()), "{raw}");
        }
        let mut names = Names::default();
        for raw in ["build\tRun tests\t2025-09-11T08:14:02.0000881Z x", "build\tRun tests\tx"] {
            let line = Line::read(raw.as_bytes(), &mut names);
            assert_eq!((line.step.as_deref(), &*line.text), (Some("Run tests"), "x"));
        }
        for remains in ["[31;1mred[0m rate(x[5m])", "^[[31;1mred^[[0m rate(x[5m])"] {
            assert_eq!(Line::without_remains(remains), "red rate(x[5m])");
        }
    }

    #[test]
    fn a_line_without_end_is_held_by_both_ends() {
        let mut splitter = LineSplitter::default();
        let mut lines = Vec::new();
        splitter.push(b"a\n\nfirst ", |line| lines.push(line.to_vec()));
        for _ in 0..2_000 {
            splitter.push(&[b'x'; 1_000], |line| lines.push(line.to_vec()));
            assert!(splitter.head.len() + splitter.tail.len() < 8_000);
        }
        splitter.push(b" last\nb", |line| lines.push(line.to_vec()));
        splitter.finish(|line| lines.push(line.to_vec()));
        assert_eq!(lines.len(), 4);
        assert!(lines[2].starts_with(b"first x") && lines[2].ends_with(b"x last"));
        assert!(lines[2].len() < 4_000);
        assert_eq!(lines[3], b"b");
    }
}
