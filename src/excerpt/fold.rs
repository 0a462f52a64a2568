//! What is shortened in a log's lines: long ones, repeats, deep stack traces.

use super::lines::GAP;
use super::shapes::Sign;
use super::text::{tail, truncate};

/// A longer line keeps this much of its beginning and end: enough for a place and a message.
const CUT_HEAD: usize = 320;
const CUT_TAIL: usize = 100;

/// Frames of one stack trace that are shown: the project's own, and one where it began.
const OWN_FRAMES: u32 = 4;
const ANY_FRAMES: u32 = 1;

/// Of a drawn rule this many characters are kept.
const RULE: usize = 12;

/// Cuts the middle out of a long line, and drawn rules short.
pub fn shortened(text: &str) -> String {
    let mut unruled = String::new();
    if text.contains(['─', '━', '═', '⎯']) {
        let mut run = 0;
        let mut last = ' ';
        for c in text.chars() {
            run = if c == last { run + 1 } else { 0 };
            last = c;
            if run < RULE || !matches!(c, '─' | '━' | '═' | '⎯') {
                unruled.push(c);
            }
        }
    }
    let text = if unruled.is_empty() { text } else { &unruled };
    if text.len() <= CUT_HEAD + CUT_TAIL + GAP.len() {
        return text.to_owned();
    }
    format!("{}{GAP}{}", truncate(text, CUT_HEAD), tail(text, CUT_TAIL))
}

/// Folds the frames of the stack traces of one step.
#[derive(Default)]
pub struct Frames {
    own: u32,
    any: u32,
    /// The last frame was left out; so much of the code that some traces show below it goes with it.
    hidden: u32,
}

impl Frames {
    /// Whether this line of a trace is left out.
    pub fn hides(&mut self, sign: &Sign, text: &str) -> bool {
        match sign.frame {
            Some(own) => {
                let shown =
                    if own { self.own < OWN_FRAMES } else { self.own + self.any < ANY_FRAMES };
                if shown && own {
                    self.own += 1;
                } else if shown {
                    self.any += 1;
                }
                self.hidden = if shown { 0 } else { 2 };
                !shown
            }
            None if self.hidden > 0 && sign.rank.is_none() && text.starts_with("    ") => {
                self.hidden -= 1;
                true
            }
            None => {
                if !text.starts_with("    ") {
                    self.end();
                }
                self.hidden = 0;
                false
            }
        }
    }

    /// The trace is over.
    pub fn end(&mut self) {
        *self = Self::default();
    }
}

/// Counts lines that say what the line before said.
#[derive(Default)]
pub struct Repeats {
    exact: u64,
    alike: u64,
    times: u32,
}

/// What [`Repeats`] says of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Says something new; so many lines repeated what was before.
    New(u32),
    Again,
}

impl Repeats {
    /// Whether `text` repeats the line before; `loosely` when numbers may differ (what counts up).
    pub fn see(&mut self, text: &str, loosely: bool) -> Repeat {
        let mut exact = 0xcbf2_9ce4_8422_2325_u64;
        let mut alike = exact;
        let mut letters = 0;
        for byte in text.bytes() {
            exact = (exact ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            if !byte.is_ascii_digit() {
                alike = (alike ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                letters += usize::from(byte.is_ascii_alphabetic());
            }
        }
        if exact == self.exact || (loosely && alike == self.alike && letters > 12) {
            self.times += 1;
            return Repeat::Again;
        }
        self.exact = exact;
        self.alike = alike;
        Repeat::New(std::mem::take(&mut self.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_counted() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.see("waiting for the database 1", true), Repeat::New(0));
        assert_eq!(repeats.see("waiting for the database 2", true), Repeat::Again);
        assert_eq!(repeats.see("waiting for the database 3", false), Repeat::New(1));
    }

    #[test]
    fn long_lines_keep_both_ends() {
        let cut = shortened(&format!("a.rs:1: {} end é", "é".repeat(1_000)));
        assert!(
            cut.starts_with("a.rs:1: é") && cut.ends_with(" end é") && cut.len() < 440,
            "{cut}"
        );
    }
}
