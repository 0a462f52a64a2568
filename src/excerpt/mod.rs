//! The part of a CI job's log that helps, and whose failure it shows.
//!
//! The last lines of a job's log are nearly always clean-up; the cause may stand thousands of lines
//! before the runner's only error line. [`LogReader`] reads a log of any size once, holds at most
//! 64 KiB of it, and gives what a person would have copied: the failing step, the failed tests'
//! names and messages, places in files, the tool's summary. [`LogFilter`] gives parts of a log as
//! they are. No control character and no text direction comes through either: the text goes into an
//! agent's prompt, where a bare CR submits the line and ESC sequences run.
//!
//! All here is pure. The rules are tables: `failures.rs` and `noise.rs` (what says what), `judge.rs` (whose failure).

mod annotations;
mod automaton;
mod class;
mod compose;
mod failures;
mod filter;
mod fold;
mod frame;
mod judge;
mod lines;
mod marks;
mod noise;
mod place;
mod plain;
mod reader;
mod shapes;
mod steps;
mod text;
mod windows;

pub use annotations::{Annotation, with_annotations};
pub use class::audience_of;
pub use filter::{LogFilter, Selection};
pub use plain::excerpt_text;
pub use reader::{EXCERPT_LIMIT, LogReader, Verdict};
pub use text::{one_line, truncate};

#[cfg(test)]
mod tests;
