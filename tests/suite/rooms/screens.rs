//! Composers of the real agents, as their terminals showed them.

use nudged::session::harness::Family;
use nudged::session::harness::composer::{Composer, judge};
use nudged::session::runtime::Screen;

#[test]
fn composers_are_judged_as_they_were_seen() {
    let ready = |is_busy| format!("{:?}", Composer::Ready { is_busy });
    let draft =
        |text: &str| format!("{:?}", Composer::Draft { text: text.to_owned(), is_busy: false });
    let half = draft("half a thought");
    let table: [(Family, &str, &str); 20] = [
        (Family::ClaudeCode, "claude-empty", &ready(false)),
        (Family::ClaudeCode, "claude-draft", &half),
        (Family::ClaudeCode, "claude-busy", &ready(true)),
        (Family::ClaudeCode, "claude-shell", "Shell"),
        (Family::ClaudeCode, "claude-permission", "Dialog"),
        (Family::ClaudeCode, "claude-question", "Dialog"),
        (Family::Codex, "codex-empty", &ready(false)),
        (Family::Codex, "codex-draft", &half),
        // While its answer streams it looks idle.
        (Family::Codex, "codex-busy", &ready(false)),
        (Family::Codex, "codex-shell", "Shell"),
        (Family::Codex, "codex-permission", "Dialog"),
        (Family::Opencode, "opencode-empty", &ready(false)),
        (Family::Opencode, "opencode-draft", &half),
        (Family::Opencode, "opencode-busy", &ready(true)),
        (Family::Opencode, "opencode-shell", "Shell"),
        (Family::Opencode, "opencode-permission", "Dialog"),
        (Family::Aider, "aider-empty", &ready(false)),
        (Family::Aider, "aider-draft", &half),
        // Its last line is the prompt that it works at.
        (Family::Aider, "aider-busy", &draft("SLOW:10 please")),
        // Of an agent that looks like a known one as much is known.
        (Family::Other, "claude-draft", &half),
    ];
    for (family, name, expected) in table {
        let path = format!("{}/tests/screens/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        let screen = Screen::parse(&std::fs::read_to_string(path).expect(name));
        let found = format!("{:?}", judge(family, &screen));
        assert!(found.starts_with(expected), "{name}: {found}, not {expected}\n{screen}");
    }
    let unknown = judge(Family::Other, &Screen::parse("working on it\n"));
    assert_eq!(unknown, Composer::Unknowable);
    let asks = judge(Family::Other, &Screen::parse("Overwrite it? [y/N] "));
    assert!(matches!(asks, Composer::Dialog { .. }), "{asks:?}");
    assert_eq!(judge(Family::ClaudeCode, &Screen::parse("$ claude\n")), Composer::NotThere);
    assert!(matches!(
        judge(Family::Aider, &Screen::parse("Add it? (Y)es/(N)o [Yes]: ")),
        Composer::Dialog { .. }
    ));
}
