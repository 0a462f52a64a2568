//! What a mark in a line can say: the words of the rules.
//!
//! The rules are tables of texts, `failures.rs`, `noise.rs` and `judge.rs`. A mark with a capital
//! letter is found in just that spelling, one without in any. The tables name what tools write,
//! tool by tool; what they have in common (a place `file:line`, a row of a linter, a numbered list)
//! is read in `shapes.rs`.

use crate::domain::FailureClass;

/// What a line is to the excerpt; the first are the surest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The head of one failed test's details.
    Test,
    /// An error with its message.
    Content,
    /// An error with its place in a file.
    Located,
    /// A tool's own way of saying that it failed.
    Tool,
    /// A failed test's name without details.
    Name,
    /// How many failed.
    Summary,
    /// Speaks of an error in some way.
    Generic,
    /// Has the word.
    Bare,
}

/// All ranks, surest first.
pub const RANKS: [Rank; 8] = [
    Rank::Test,
    Rank::Content,
    Rank::Located,
    Rank::Tool,
    Rank::Name,
    Rank::Summary,
    Rank::Generic,
    Rank::Bare,
];

/// What a mark says of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Hit(Rank),
    /// As [`Role::Hit`], unless it is counted as zero (`0 failed`, `errors: 0`).
    Count(Rank),
    /// Something passed: whatever else the line says, it is no failure, and details end here.
    Pass,
    /// Says nothing that anyone would copy.
    Noise,
    /// The line is no more than news or a warning: only sure marks count in it.
    Mild,
    /// A step or process ended badly: weight, but no content.
    Exit,
    /// Tells whose the failure is.
    Judge(FailureClass, Weight),
    /// What a program printed meanwhile begins here: no failure in itself. `true` if it ends at the
    /// next empty line, else with the next failed test.
    Aside(bool),
    /// A stack frame of a library.
    Library,
    /// Colours that lost their escape character.
    Remains,
}

/// How much a judging mark outweighs failures of the code in the same step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Only where no test or compiler error is seen, or on the runner's own error line.
    Usual,
    /// Whatever else failed.
    Decisive,
}

/// Where in a line a mark must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At the line's beginning.
    Line,
    /// As [`At::Line`], indented or not.
    Start,
    /// At the end of the line's first word.
    First,
    Word,
    /// Anywhere, but not within a word.
    Any,
    Inside,
    End,
}

/// Marks of one kind.
pub type Group = (Role, At, &'static [&'static str]);
