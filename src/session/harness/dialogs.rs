//! Dialogs of agents, known by their text. In most of them Enter means yes, in some it ends the agent; so none is
//! ever answered from here, and whoever sees one says that the agent waits for a person.

use super::Family;
use crate::session::runtime::Screen;

/// How many lines of a dialog a person is shown.
const SHOWN: usize = 12;
/// A dialog stands at the end of what is seen: so many lines are looked at.
const LOOKED_AT: usize = 30;

/// Pieces of text that stand in an agent's dialogs, and in nothing that it shows while it takes prompts.
fn signs(family: Family) -> &'static [&'static str] {
    match family {
        Family::ClaudeCode => &[
            "Do you want to",
            "Do you trust",
            "Is this a project you created or one you trust",
            "Enter to confirm",
            "Enter to select",
            "Esc to cancel",
            "Esc to exit",
            "Yes, I trust this folder",
            "Select login method",
            "Choose the text style",
            "Bypass Permissions mode",
            "Do you want to use this API key",
            "New MCP server found",
            "Would you like to proceed",
            "❯ 1.",
        ],
        Family::Codex => &[
            "Press enter to confirm",
            "Press enter to continue",
            "Would you like to run",
            "Would you like to make",
            "Would you like to grant",
            "Trust this folder?",
            "Hooks need review",
            "Sign in with ChatGPT",
            "This conversation is open in another app",
            "› 1.",
        ],
        Family::Opencode => {
            &["Permission required", "Allow once", "Select provider", "enter submit"]
        }
        Family::Aider => &["(Y)es/(N)o"],
        Family::Other => &[
            "(y/n)",
            "[y/n]",
            "(Y/n)",
            "[Y/n]",
            "(y/N)",
            "[y/N]",
            "(Y)es/(N)o",
            "(yes/no)",
            "❯ 1.",
            "Enter to confirm",
            "Press enter to confirm",
            "Esc to cancel",
            "[sudo] password",
            "Do you trust",
        ],
    }
}

/// The end of the screen, where a dialog that is known stands there.
pub fn shown(family: Family, screen: &Screen) -> Option<String> {
    let last = screen.last(LOOKED_AT);
    let is_sign = |line: &&str| signs(family).iter().any(|sign| line.contains(sign));
    last.iter().any(is_sign).then(|| end_of(screen))
}

/// The last lines of a screen, for a person to read.
pub fn end_of(screen: &Screen) -> String {
    let ruled =
        |line: &&str| !line.trim().chars().all(|c| matches!(c, '─' | '╌' | '━' | '▀' | '┃' | ' '));
    screen
        .last(SHOWN)
        .into_iter()
        .filter(ruled)
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}
