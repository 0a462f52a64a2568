//! Plain texts cut to a length: a check's output, a line for a list.

use super::LogReader;
use super::lines::{Line, clean};

/// Cuts `text` to at most `limit` bytes of plain lines: whole if it fits (but for the runner's
/// clean-up), else as the excerpt of a log.
pub fn excerpt_text(text: &str, limit: usize) -> String {
    let lines: Vec<Line<'_>> = text.lines().map(|line| Line::read(line.as_bytes())).collect();
    let clean_up = lines.iter().position(|line| {
        line.text.starts_with("Post job cleanup.")
            || line.text.starts_with("Cleaning up orphan processes")
    });
    let end = clean_up.filter(|&at| at > 0).unwrap_or(lines.len());
    let whole = lines[..end].iter().map(|line| line.text.len() + 1).sum::<usize>();
    if whole <= limit {
        let lines: Vec<&str> = lines[..end].iter().map(|line| &*line.text).collect();
        return lines.join("\n").trim_matches('\n').to_owned();
    }
    let mut reader = LogReader::with_limit(limit);
    reader.push(text.as_bytes());
    reader.finish().excerpt
}

/// One line for a list: no control characters, at most `limit` characters, no back-ticks.
pub fn one_line(text: &str, limit: usize) -> String {
    let plain: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain: String = clean(plain.as_bytes()).replace('`', "'");
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

/// The longest suffix of at most `limit` bytes that begins between characters.
pub fn tail(text: &str, limit: usize) -> &str {
    let from = text.len().saturating_sub(limit);
    let from = (from..=text.len()).find(|&index| text.is_char_boundary(index));
    &text[from.unwrap_or(text.len())..]
}
