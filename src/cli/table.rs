//! Tables that fit the terminal: one line a row. Where it is narrow, prose is cut with `…` first, then
//! columns that can be spared are left out; names are cut last.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::output::line;
use crate::domain::Timestamp;

const GAP: &str = "  ";
/// Prose is not cut below this while columns can be spared.
const READABLE: usize = 12;
/// No column is cut below this while another one is wider.
const NARROWEST: usize = 4;

/// What the standard output is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    /// Columns; `None` where nothing needs to fit.
    pub(super) width: Option<usize>,
    /// Whether colours are shown.
    pub(super) colours: bool,
    /// The instant that ages count from; `None` shows times as they are.
    pub(super) now: Option<Timestamp>,
}

impl Screen {
    /// The terminal, or a pipe or file that takes everything as it is.
    pub(super) fn detect() -> Self {
        let out = io::stdout();
        if !out.is_terminal() {
            return Self { width: None, colours: false, now: None };
        }
        let width = terminal_size::terminal_size_of(&out).map(|(width, _)| usize::from(width.0));
        Self {
            width: width.filter(|width| *width > 0),
            colours: !crate::config::no_color(),
            now: Some(crate::clock::now()),
        }
    }

    /// A time of the API: its age for people, itself for pipes.
    pub(super) fn age(&self, time: &str) -> String {
        match (self.now, time.parse::<Timestamp>()) {
            (Some(now), Ok(time)) => age(now.duration_since(time).as_secs()),
            _ => line(time),
        }
    }

    /// The seconds since a time of the API; `None` where times are shown as they are.
    pub(super) fn seconds_since(&self, time: &str) -> Option<i64> {
        let time = time.parse::<Timestamp>().ok()?;
        Some(self.now?.duration_since(time).as_secs())
    }

    /// The text in that colour where colours are shown.
    pub(super) fn paint(&self, text: &str, colour: Colour) -> String {
        if !self.colours || colour == Colour::Plain || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{}m{text}\u{1b}[0m", colour.code())
    }

    /// A line whose words of the API's enumerations are coloured where they are good, busy or bad.
    pub(super) fn paint_words(&self, line: &str) -> String {
        if !self.colours {
            return line.to_owned();
        }
        let words = line.split(' ').map(|word| {
            let (bare, dots) = match word.strip_suffix('…') {
                Some(bare) => (bare, "…"),
                None => (word, ""),
            };
            match Colour::of(bare) {
                Colour::Plain | Colour::Faint => word.to_owned(),
                colour @ (Colour::Good | Colour::Busy | Colour::Bad) => {
                    format!("{}{dots}", self.paint(bare, colour))
                }
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// `3m`, `2h`, `5d`: one unit is enough.
pub(super) fn age(seconds: i64) -> String {
    match seconds {
        ..0 => "now".to_owned(),
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// What a cell's word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    Plain,
    Good,
    Busy,
    Bad,
    Faint,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Good => "32",
            Self::Busy => "33",
            Self::Bad => "31",
            Self::Faint => "2",
        }
    }

    /// The colour of a word of the API's enumerations.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "passing" | "passed" | "approved" | "mergeable" | "merged" | "applied"
            | "acknowledged" | "delivered" | "approved-and-green" | "pr-merged" => Self::Good,
            "pending" | "held" | "queued" | "in_progress" | "review_pending" | "blocked"
            | "needs_input" | "detecting" | "spawning" | "review_required" | "paused" => Self::Busy,
            "failing" | "failed" | "ci_failed" | "conflicting" | "changes_requested"
            | "quarantined" | "stuck" | "errored" | "urgent" | "ci-failed"
            | "merge-queue-failed" | "merge-conflicts" | "escalated" => Self::Bad,
            "closed" | "superseded" | "done" | "terminated" | "killed" | "idle" | "ignored"
            | "skipped" | "cancelled" | "unknown" | "none" | "-" => Self::Faint,
            _ => Self::Plain,
        }
    }
}

/// A column's head, and what may be done to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    head: &'static str,
    coloured: bool,
    loose: bool,
    spare: bool,
}

impl Column {
    /// The last such columns are left out where they do not fit.
    pub(super) const fn spare(mut self) -> Self {
        self.spare = true;
        self
    }
}

/// A column of names and numbers.
pub(super) const fn text(head: &'static str) -> Column {
    Column { head, coloured: false, loose: false, spare: false }
}

/// A column of words that have colours.
pub(super) const fn word(head: &'static str) -> Column {
    Column { coloured: true, ..text(head) }
}

/// A column of prose: the first to be cut.
pub(super) const fn prose(head: &'static str) -> Column {
    Column { loose: true, ..text(head) }
}

/// Rows under heads.
#[derive(Debug)]
pub(super) struct Table<'a> {
    columns: &'a [Column],
    rows: Vec<Vec<String>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(columns: &'a [Column]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// A row; a cell that is missing or empty shows as `-`. Strangers' control characters go.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<_> = cells.into_iter().map(|cell| line(&cell)).collect();
        cells.resize(self.columns.len(), String::new());
        for cell in cells.iter_mut().filter(|cell| cell.is_empty()) {
            cell.push('-');
        }
        self.rows.push(cells);
    }

    /// Prints it; nothing where there are no rows.
    pub(super) fn print(&self, screen: Screen) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        io::stdout().lock().write_all(self.show(screen).as_bytes())
    }

    fn show(&self, screen: Screen) -> String {
        let widths = self.widths(screen.width);
        let mut text = String::new();
        let heads: Vec<_> = self.columns.iter().map(|column| column.head.to_owned()).collect();
        let rows = std::iter::once((&heads, true)).chain(self.rows.iter().map(|row| (row, false)));
        for (row, is_head) in rows {
            let mut left = screen.width.unwrap_or(usize::MAX);
            for (index, width) in &widths {
                let width = (*width).min(left);
                let cut = cut(&row[*index], width);
                let colour = match self.columns[*index].coloured {
                    _ if is_head => Colour::Faint,
                    true => Colour::of(&row[*index]),
                    false => Colour::Plain,
                };
                text.push_str(&screen.paint(&cut, colour));
                left = left.saturating_sub(width + GAP.len());
                if left == 0 {
                    break;
                }
                let pad = width - cut.width();
                let _ = write!(text, "{:pad$}{GAP}", "");
            }
            let end = text.trim_end_matches(' ').len();
            text.truncate(end);
            text.push('\n');
        }
        text
    }

    /// The columns that are shown, by number, each with its width.
    fn widths(&self, limit: Option<usize>) -> Vec<(usize, usize)> {
        let widest = |index: usize| {
            let cells = self.rows.iter().map(|row| row[index].width());
            cells.chain([self.columns[index].head.width()]).max().unwrap_or(0)
        };
        let full: Vec<_> = (0..self.columns.len()).map(|index| (index, widest(index))).collect();
        let Some(limit) = limit else { return full };
        let mut shown = full;
        loop {
            let mut widths = shown.clone();
            if self.narrow(&mut widths, limit, READABLE, |column| column.loose) {
                return widths;
            }
            match shown.iter().rposition(|(index, _)| self.columns[*index].spare) {
                Some(last) => drop(shown.remove(last)),
                None => break,
            }
        }
        if !self.narrow(&mut shown, limit, NARROWEST, |column| column.loose) {
            self.narrow(&mut shown, limit, NARROWEST, |_| true);
        }
        shown
    }

    /// Takes from the widest of these columns until all fit; whether they do.
    fn narrow(
        &self,
        widths: &mut [(usize, usize)],
        limit: usize,
        least: usize,
        of: fn(&Column) -> bool,
    ) -> bool {
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        while widths.iter().map(|(_, width)| width).sum::<usize>() + gaps > limit {
            let mine = widths.iter_mut().filter(|(index, _)| of(&self.columns[*index]));
            match mine.max_by_key(|(_, width)| *width) {
                Some((_, width)) if *width > least => *width -= 1,
                _ => return false,
            }
        }
        true
    }
}

/// At most that many columns of the text, the last one `…` where something is left out.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        cut.push(c);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(width: Option<usize>, rows: &[[&str; 3]]) -> String {
        let columns = [text("ID"), word("STATE").spare(), prose("TITLE")];
        let mut table = Table::new(&columns);
        for row in rows {
            table.row(row.iter().map(|cell| (*cell).to_owned()));
        }
        table.show(Screen { width, colours: false, now: None })
    }

    #[test]
    fn the_widest_text_gives_way_and_nothing_wraps() {
        let rows =
            [["a-1", "open", "A very long title that goes on"], ["b-22", "", "Short\u{1b}[2J"]];
        assert_eq!(
            show(None, &rows),
            "ID    STATE  TITLE\na-1   open   A very long title that goes on\nb-22  -      Short [2J\n"
        );
        assert_eq!(
            show(Some(25), &rows),
            "ID    STATE  TITLE\na-1   open   A very long…\nb-22  -      Short [2J\n"
        );
        assert_eq!(show(Some(16), &rows), "ID    TITLE\na-1   A very lo…\nb-22  Short [2J\n");
        for width in 1..60 {
            let shown = show(Some(width), &rows);
            assert!(shown.lines().all(|line| line.width() <= width), "{width}: {shown}");
            assert_eq!(shown.lines().count(), 3);
        }
    }

    #[test]
    fn wide_characters_count_as_two() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("abc", 1), "…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn ages_take_one_unit() {
        let shown = [-5, 0, 59, 60, 3_599, 7_200, 86_400 * 3].map(age);
        assert_eq!(shown, ["now", "0s", "59s", "1m", "59m", "2h", "3d"]);
    }
}
