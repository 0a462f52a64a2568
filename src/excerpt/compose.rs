//! Chooses what of a step's windows comes into the excerpt.

use std::collections::BTreeMap;

use super::lines::GAP;
use super::marks::Rank;
use super::text::truncate;
use super::windows::{Collector, Kept, Window};

/// The lines chosen so far, in the log's order, and the bytes left.
struct Page<'a> {
    lines: BTreeMap<u64, &'a str>,
    left: usize,
    complete: bool,
}

impl<'a> Page<'a> {
    /// Adds a line if there is room for it; says whether it is there now.
    fn add(&mut self, line: &'a Kept) -> bool {
        if line.text.is_empty() || self.lines.contains_key(&line.number) {
            return true;
        }
        let near = |number: u64| self.lines.contains_key(&number);
        let joined = near(line.number + 1) || line.number.checked_sub(1).is_some_and(near);
        let size = line.text.len() + 1 + if joined { 0 } else { GAP.len() + 1 };
        if size > self.left {
            self.complete = false;
            return false;
        }
        self.left -= size;
        self.lines.insert(line.number, &line.text);
        true
    }

    /// Adds lines until they take more than `most` bytes.
    fn add_some(&mut self, lines: impl IntoIterator<Item = &'a Kept>, most: usize) {
        let floor = self.left.saturating_sub(most);
        for line in lines {
            if self.left.saturating_sub(line.text.len()) < floor || !self.add(line) {
                break;
            }
        }
    }
}

/// The excerpt of `main` and, behind it, of what else failed; at most `limit` bytes, and whether
/// something was left out.
pub fn compose(main: &Collector, others: &[String], limit: usize) -> (String, bool) {
    let others = others_text(others, limit / 5);
    let title = main.name.as_deref().filter(|_| limit >= 512).map(|name| format!("{name}\n"));
    let title = title.unwrap_or_default();
    let left = limit.saturating_sub(title.len() + others.len() + 2 * (GAP.len() + 1));
    let mut page = Page { lines: BTreeMap::new(), left, complete: true };
    let of = |rank: Rank| main.windows.iter().filter(move |window| window.rank == rank);
    let sure = [Rank::Test, Rank::Content, Rank::Located, Rank::Tool];
    let part = |share: usize| left * share / 100;

    // The first of the surest kind whole, then the first of each other kind. Where tests failed,
    // other errors are mostly what they printed.
    let tested = of(Rank::Test).next().is_some();
    let mut share = 38;
    for rank in sure {
        if let Some(window) = of(rank).next() {
            page.add_some(&window.lines, part(share));
            share = if tested { 6 } else { 14 };
        }
    }
    page.add_some(main.tail.iter().rev(), part(9));
    // Each failure named, with the line that follows.
    for rank in sure {
        let share = match rank {
            Rank::Test => 40,
            Rank::Content | Rank::Located if tested => 10,
            Rank::Content | Rank::Located => 26,
            Rank::Tool | Rank::Name | Rank::Summary | Rank::Generic | Rank::Bare => 8,
        };
        let heads = from_both_ends(of(rank).collect()).flat_map(heads);
        page.add_some(heads, part(share));
    }
    for (rank, share) in [(Rank::Name, if tested { 8 } else { 24 }), (Rank::Summary, 8)] {
        let hits =
            of(rank).flat_map(|window| window.lines.iter().filter(|line| line.rank.is_some()));
        page.add_some(hits, part(share));
    }
    let better = main.best().is_some_and(|best| best < Rank::Generic);
    if !better {
        for rank in [Rank::Generic, Rank::Bare] {
            for window in of(rank) {
                page.add_some(&window.lines, part(25));
            }
        }
    }
    page.add_some(main.tail.iter().rev(), part(if better { 18 } else { 36 }));
    for rank in sure {
        for window in from_both_ends(of(rank).collect()) {
            page.add_some(&window.lines, window.lines.iter().map(|line| line.text.len() + 7).sum());
        }
    }
    page.add_some(of(Rank::Generic).flat_map(|window| &window.lines), part(12));
    let text = written(&page.lines, &title, &others);
    let cut = !page.complete || main.overflowed;
    (truncate(&text, limit).trim_end().to_owned(), cut)
}

/// The first, the last, the second, the last but one, and so on: what began it and what came of it
/// say more than what lies between.
fn from_both_ends(windows: Vec<&Window>) -> impl Iterator<Item = &Window> {
    let count = windows.len();
    (0..count).map(move |n| windows[if n % 2 == 0 { n / 2 } else { count - n.div_ceil(2) }])
}

/// A window's lines that speak of a failure, each with the one that follows; of several messages
/// one below the other the first.
fn heads(window: &Window) -> impl Iterator<Item = &Kept> {
    let mut follow = 0_usize;
    let mut running = false;
    let rank_of_window = window.rank;
    window.lines.iter().filter(move |line| {
        let rank = line.rank.filter(|&rank| rank <= rank_of_window.max(Rank::Located));
        let begins =
            rank.is_some() && line.text.len() > 2 && !(running && rank == Some(Rank::Content));
        running = rank.is_some();
        if begins {
            follow = 1;
            return true;
        }
        if follow > 0 && line.text.contains(|c: char| c.is_alphanumeric()) {
            follow -= 1;
            return true;
        }
        false
    })
}

fn written(lines: &BTreeMap<u64, &str>, title: &str, others: &str) -> String {
    let mut text = title.to_owned();
    let mut last = None;
    for (&number, line) in lines {
        if last.map_or(number > 1, |last| last + 1 < number) {
            text.push_str(GAP);
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
        last = Some(number);
    }
    if !others.is_empty() {
        text.push_str(GAP);
        text.push('\n');
        text.push_str(others);
    }
    text
}

fn others_text(others: &[String], most: usize) -> String {
    let mut text = String::new();
    for line in others {
        if text.len() + line.len() < most {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// What a second failing step adds to the excerpt: its name and its surest lines.
pub fn brief(step: &Collector, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = step.name.iter().cloned().collect();
    let mut windows: Vec<&Window> = step.windows.iter().collect();
    windows.sort_by_key(|window| window.rank);
    let hits =
        windows.iter().flat_map(|window| window.lines.iter().filter(|line| line.rank.is_some()));
    let mut left = most;
    for line in hits.chain(step.tail.back()) {
        let Some(rest) = left.checked_sub(line.text.len() + 1) else { break };
        left = rest;
        lines.push(line.text.clone());
    }
    lines
}
