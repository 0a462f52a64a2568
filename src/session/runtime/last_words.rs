//! What a program said last, where it ended at once: that is the reason that people are told.

use std::time::Duration;

use tokio::time::Instant;

use super::Screen;
use super::server::Client;
use crate::session::tool::ToolError;

/// tmux may take so long until it shows the end of a process that is gone.
const PATIENCE: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(5);
/// More lines than a terminal has: what was said may stand at its top, and the end at its bottom.
const LINES: u32 = 60;
/// The lines that are told.
const MOST: usize = 10;
/// What tmux writes below all else when a program has ended.
const END: &str = "Pane is dead";

/// The last lines of a pane, with what has scrolled away.
pub(super) async fn capture(client: &Client, pane: &str, most: u32) -> Result<String, ToolError> {
    let from = format!("-{most}");
    let words = ["capture-pane", "-p", "-J", "-t", pane, "-S", &from];
    let text = client.ask(words, b"").await?.text();
    let plain = Screen::parse(&text).to_string();
    let lines: Vec<&str> = plain.lines().collect();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    Ok(lines[lines.len().saturating_sub(most)..].join("\n"))
}

/// What was said last in a pane whose process is gone, once all that it wrote is shown.
pub(super) async fn of(client: &Client, pane: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let shown = capture(client, pane, LINES).await.unwrap_or_default();
        if is_whole(&shown) || Instant::now() >= until {
            return said(&shown);
        }
        tokio::time::sleep(STEP).await;
    }
}

/// The same as a reason.
pub(super) async fn end_of(client: &Client, pane: &str) -> String {
    match of(client, pane).await {
        words if words.is_empty() => "it ended at once".to_owned(),
        words => format!("it ended at once: {words}"),
    }
}

/// What tmux says of the end comes last.
fn is_whole(shown: &str) -> bool {
    shown.lines().any(|line| line.starts_with(END))
}

/// The last lines with something in them, without what tmux itself says of the end.
fn said(shown: &str) -> String {
    let is_said = |line: &&str| !line.is_empty() && !line.starts_with(END);
    let lines: Vec<&str> = shown.lines().map(str::trim).filter(is_said).collect();
    lines[lines.len().saturating_sub(MOST)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_far_above_the_end_is_said() {
        let shown =
            format!("No conversation found\n{}Pane is dead (status 1, now)", "\n".repeat(48));
        assert!(is_whole(&shown) && !is_whole("No conversation found"));
        assert_eq!(said(&shown), "No conversation found");
        assert_eq!(said("Pane is dead (status 1, now)"), "");
        let many: Vec<String> = (0..30).map(|number| number.to_string()).collect();
        assert_eq!(said(&many.join("\n")), many[20..].join("\n"));
    }
}
