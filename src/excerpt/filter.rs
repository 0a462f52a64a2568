//! Parts of a log as they are: one step's, the lines with a text, the last ones.

use std::collections::VecDeque;

use super::lines::{Line, LineSplitter, Marker, Names};
use super::steps::{Place, Steps};

/// The most lines and bytes that a tail holds.
const TAIL_LINES: usize = 10_000;
const TAIL_BYTES: usize = 4 * 1_024 * 1_024;

/// What of a log is wanted; all of it where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Part of a step's name (in any letter case).
    pub step: Option<String>,
    /// Part of a line (in any letter case).
    pub grep: Option<String>,
    /// Only so many of the last lines, at most 10,000 and 4 MiB.
    pub tail: Option<usize>,
}

/// Gives the chosen lines of a log as it comes, clean: without timestamps, colours, markers and
/// control characters. Lines over some 3.5 KiB are cut in their middle.
pub struct LogFilter {
    splitter: LineSplitter,
    state: State,
}

struct State {
    names: Names,
    steps: Steps,
    step: Option<String>,
    grep: Option<String>,
    tail: Option<usize>,
    inside: bool,
    held: VecDeque<String>,
    held_bytes: usize,
}

impl LogFilter {
    pub fn new(selection: &Selection) -> Self {
        let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
        let state = State {
            names: Names::default(),
            steps: Steps::new(),
            step: lower(&selection.step),
            grep: lower(&selection.grep),
            tail: selection.tail.map(|tail| tail.min(TAIL_LINES)),
            inside: selection.step.is_none(),
            held: VecDeque::new(),
            held_bytes: 0,
        };
        Self { splitter: LineSplitter::default(), state }
    }

    /// The next bytes of the log, cut anywhere; gives the chosen lines that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut out = String::new();
        let state = &mut self.state;
        self.splitter.push(bytes, |line| state.line(line, &mut out));
        out
    }

    /// The log has ended; gives what is left to say.
    pub fn finish(mut self) -> String {
        let mut out = String::new();
        let state = &mut self.state;
        self.splitter.finish(|line| state.line(line, &mut out));
        for line in state.held.drain(..) {
            out.push_str(&line);
            out.push('\n');
        }
        out
    }
}

impl State {
    fn line(&mut self, raw: &[u8], out: &mut String) {
        let line = Line::read(raw, &mut self.names);
        let place = self.steps.place(&line);
        if matches!(place, Place::Begin | Place::Finish)
            && let Some(step) = &self.step
        {
            let name = self.steps.name().unwrap_or_default().to_lowercase();
            self.inside = name.contains(step.as_str());
        }
        if !self.inside || line.marker == Marker::EndGroup {
            return;
        }
        if let Some(grep) = &self.grep
            && !line.text.to_lowercase().contains(grep.as_str())
        {
            return;
        }
        let Some(tail) = self.tail else {
            out.push_str(&line.text);
            out.push('\n');
            return;
        };
        self.held_bytes += line.text.len();
        self.held.push_back(line.text.into_owned());
        while self.held.len() > tail || self.held_bytes > TAIL_BYTES {
            let Some(old) = self.held.pop_front() else { break };
            self.held_bytes -= old.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "2025-09-11T08:14:02.0000881Z set up\n\
        2025-09-11T08:14:02.0000881Z ##[group]Run cargo build\n\
        2025-09-11T08:14:02.0000881Z ##[endgroup]\n\
        2025-09-11T08:14:02.0000881Z \u{1b}[31mbuilt\u{1b}[0m one\n\
        2025-09-11T08:14:02.0000881Z ##[group]Run cargo test\n\
        2025-09-11T08:14:02.0000881Z ##[endgroup]\n\
        2025-09-11T08:14:02.0000881Z Tested one\n\
        2025-09-11T08:14:02.0000881Z tested two";

    fn selected(step: Option<&str>, grep: Option<&str>, tail: Option<usize>) -> String {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let selection = Selection { step: owned(step), grep: owned(grep), tail };
        let mut filter = LogFilter::new(&selection);
        let mut out = String::new();
        for chunk in LOG.as_bytes().chunks(7) {
            out.push_str(&filter.push(chunk));
        }
        out + &filter.finish()
    }

    #[test]
    fn a_part_is_chosen() {
        assert_eq!(selected(Some("TEST"), None, None), "Run cargo test\nTested one\ntested two\n");
        assert_eq!(selected(None, Some("ONE"), None), "built one\nTested one\n");
        assert_eq!(selected(None, None, Some(1)), "tested two\n");
        assert_eq!(selected(Some("build"), Some("one"), Some(5)), "built one\n");
        assert_eq!(selected(Some("deploy"), None, None), "");
    }
}
