//! What a program said last, where it ended at once: that is the reason that people are told.

use std::time::Duration;

use super::{Handle, Runtime};

/// A terminal shows the end a moment after the process is gone: it is looked at so often, and so long each time.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// More lines than a terminal has: what was said may stand at its top, and the end at its bottom.
const LINES: u32 = 60;
/// The lines that are told.
const MOST: usize = 10;
/// What tmux writes below all else when a program has ended.
const END: &str = "Pane is dead";

/// The last lines of a program that has ended, once all that it wrote is shown; empty where it said nothing.
pub async fn last_words(runtime: &dyn Runtime, handle: &Handle) -> String {
    let mut shown = String::new();
    for _ in 0..LOOKS {
        shown = runtime.scrollback(handle, LINES).await.unwrap_or_default();
        if shown.lines().any(|line| line.starts_with(END)) {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    said(&shown)
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
        assert_eq!(said(&shown), "No conversation found");
        assert_eq!(said("Pane is dead (status 1, now)"), "");
        let many: Vec<String> = (0..30).map(|number| number.to_string()).collect();
        assert_eq!(said(&many.join("\n")), many[20..].join("\n"));
    }
}
