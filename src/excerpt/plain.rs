//! A check's output, which is no log of a job.

use super::lines::{Line, Names};
use super::reader::LogReader;

/// Cuts `text` to at most `limit` bytes of plain lines: whole if it fits (but for the runner's
/// clean-up), else as the excerpt of a log.
pub fn excerpt_text(text: &str, limit: usize) -> String {
    let mut names = Names::default();
    let lines: Vec<Line<'_>> =
        text.lines().map(|line| Line::read(line.as_bytes(), &mut names)).collect();
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
