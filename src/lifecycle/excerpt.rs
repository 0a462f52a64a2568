//! The part of a log or output that helps.
//!
//! The last lines of a CI log are nearly always clean-up; what helps stands around the error
//! lines. Control characters, ANSI sequences and the runner's own markers never come through: the
//! text goes into an agent's prompt, where a bare CR submits the line and ESC sequences run.

use std::borrow::Cow;

/// Lines kept before and after a line that speaks of an error.
const BEFORE: usize = 4;
const AFTER: usize = 12;

/// Stands where lines were left out.
const GAP: &str = "[…]";

/// Words that mark a line as being about the failure, with how surely they do.
const MARKS: &[(&str, u8)] = &[
    ("##[error]", 3),
    ("panicked at", 3),
    ("traceback (most recent call last)", 3),
    ("assertionerror", 3),
    ("error[", 3),
    ("assertion", 2),
    ("error:", 2),
    ("exception", 2),
    ("not ok", 2),
    ("expected", 1),
    ("failed", 1),
    ("failure", 1),
    ("fail", 1),
    ("error", 1),
    ("✗", 1),
    ("✕", 1),
];

/// Cuts `text` to at most `limit` bytes of plain lines, preferring those around errors.
pub fn excerpt(text: &str, limit: usize) -> String {
    let raw: Vec<&str> = text.lines().collect();
    let end = end_of_work(&raw);
    let lines: Vec<Cow<'_, str>> = raw[..end].iter().map(|line| clean_line(line)).collect();
    let whole = lines.iter().map(|line| line.len() + 1).sum::<usize>();
    if whole <= limit {
        return joined(lines.iter().map(|line| &**line));
    }
    let weights: Vec<u8> = raw[..end].iter().map(|line| weight(line)).collect();
    let keep = choose(&weights, &lines, limit);
    let mut kept = Vec::new();
    let mut last = None;
    for (index, line) in lines.iter().enumerate().filter(|(index, _)| keep[*index]) {
        if last.map_or(index > 0, |last| last + 1 < index) {
            kept.push(GAP);
        }
        kept.push(&**line);
        last = Some(index);
    }
    if last.is_none_or(|last| last + 1 < lines.len()) {
        kept.push(GAP);
    }
    truncate(&joined(kept.into_iter()), limit).to_owned()
}

/// One line for a list: no control characters, at most `limit` characters, no back-ticks.
pub fn one_line(text: &str, limit: usize) -> String {
    let plain: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain: String = clean_line(&plain).replace('`', "'");
    if plain.chars().count() <= limit {
        return plain;
    }
    plain.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// The longest prefix of at most `limit` bytes that ends between characters.
pub fn truncate(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0);
    &text[..end]
}

fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
}

/// Everything from the runner's clean-up on is noise, unless it is all there is.
fn end_of_work(lines: &[&str]) -> usize {
    let cleanup = lines.iter().position(|line| {
        let line = strip_timestamp(line);
        line.starts_with("Post job cleanup.") || line.starts_with("Cleaning up orphan processes")
    });
    cleanup.filter(|&at| at > 0).unwrap_or(lines.len())
}

fn weight(line: &str) -> u8 {
    let line = line.to_lowercase();
    MARKS
        .iter()
        .filter(|(mark, _)| line.contains(mark))
        .map(|(_, weight)| *weight)
        .max()
        .unwrap_or(0)
}

/// Marks the lines to keep: windows around the surest lines first, else the beginning.
fn choose(weights: &[u8], lines: &[Cow<'_, str>], limit: usize) -> Vec<bool> {
    let mut keep = vec![false; lines.len()];
    let mut left = limit.saturating_sub(4 * (GAP.len() + 1));
    let mut hits: Vec<usize> = (0..lines.len()).filter(|&index| weights[index] > 0).collect();
    hits.sort_by_key(|&index| (std::cmp::Reverse(weights[index]), index));
    let windows = hits.iter().map(|&hit| (hit.saturating_sub(BEFORE), hit + AFTER));
    for (from, to) in windows.chain([(0, lines.len())]) {
        for index in from..=to.min(lines.len() - 1) {
            if keep[index] {
                continue;
            }
            let Some(rest) = left.checked_sub(lines[index].len() + 1 + GAP.len()) else {
                // Not even its first line fits: keep what does, cut off at the end.
                if !keep.contains(&true) {
                    keep[index] = true;
                }
                return keep;
            };
            left = rest;
            keep[index] = true;
        }
    }
    keep
}

/// Takes a line's timestamp, markers, ANSI sequences and control characters off.
fn clean_line(line: &str) -> Cow<'_, str> {
    let line = strip_timestamp(line);
    // Nearly all lines are plain as they stand.
    if line.bytes().all(|b| matches!(b, b'\t' | b' '..=b'~')) {
        return without_marker(line).into();
    }
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\t' => plain.push('\t'),
            // Directional overrides can make a line read as what it is not.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {}
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    without_marker(&plain).to_owned().into()
}

fn without_marker(line: &str) -> &str {
    ["##[group]", "##[endgroup]", "##[error]", "##[warning]", "##[command]", "##[debug]"]
        .into_iter()
        .find_map(|marker| line.strip_prefix(marker))
        .unwrap_or(line)
}

/// Skips what follows ESC: a CSI sequence to its final byte, an OSC to BEL or ESC, else one byte.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            chars.find(|c| ('\u{40}'..='\u{7e}').contains(c));
        }
        Some(']') => {
            chars.find(|c| matches!(c, '\u{7}' | '\u{1b}'));
        }
        _ => {}
    }
}

/// Takes off the `2024-01-01T00:00:00.0000000Z ` that the runner puts before each line.
fn strip_timestamp(line: &str) -> &str {
    let line = line.trim_start_matches('\u{feff}');
    let bytes = line.as_bytes();
    let stamped = bytes.len() >= 20
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b'T'
        && bytes[13] == b':';
    if !stamped {
        return line;
    }
    match bytes[..bytes.len().min(32)].windows(2).position(|pair| pair == b"Z ") {
        Some(at) => &line[at + 2..],
        _ if line.len() <= 31 && line.ends_with('Z') => "",
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_log_survives_and_the_clean_up_does_not() {
        let noise = |n: usize| {
            (0..n).map(|i| format!("   Compiling crate-{i} v1.0.{i}\n")).collect::<String>()
        };
        let log = format!(
            "{}2024-01-01T00:00:00.0000000Z \u{1b}[31mthread 'main' panicked at src/lib.rs:7\u{1b}[0m\n\
             left: 4\n right: 5\n{}##[error]Process completed with exit code 101.\nPost job cleanup.\n{}",
            noise(300),
            noise(300),
            "git config --local --unset\n".repeat(20),
        );
        let cut = excerpt(&log, 2_000);
        assert!(cut.len() <= 2_000, "{}", cut.len());
        assert!(
            cut.contains("\nthread 'main' panicked at src/lib.rs:7\nleft: 4\n right: 5\n"),
            "{cut}"
        );
        assert!(cut.contains("Process completed with exit code 101."), "{cut}");
        assert!(
            !cut.contains("git config") && !cut.contains('\u{1b}') && !cut.contains("2024"),
            "{cut}"
        );
    }

    #[test]
    fn control_characters_never_come_through() {
        let cut = excerpt("a\rb\u{1b}]0;title\u{7}c\u{9b}31md\u{0}\u{202e}e\n\tf", 1_000);
        assert_eq!(cut, "abc31mde\n\tf");
        assert_eq!(one_line("a\nb `c`\r\u{1b}[2Jd", 9), "a b 'c' d");
        assert_eq!(one_line("abcdefghijkl", 5), "abcd…");
    }

    #[test]
    fn a_limit_holds_whatever_the_text() {
        for text in
            ["x".repeat(10_000), "é".repeat(10_000), "error: \n".repeat(5_000), String::new()]
        {
            for limit in [0, 1, 7, 100, 4_096] {
                assert!(excerpt(&text, limit).len() <= limit, "limit {limit}");
            }
        }
    }
}
