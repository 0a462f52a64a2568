//! A change of the log as a line for people.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::output::line;
use super::table::{Colour, Screen, cut};
use crate::api::ChangeJson;

/// The longest text of a change that is not known here.
const LONGEST: usize = 120;

/// How changes are shown as a table, line by line as they come.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangeTable {
    pub(super) screen: Screen,
    /// Whether changes are shown as they happen: then with the time of day, as ages would not stay true.
    pub(super) live: bool,
}

impl ChangeTable {
    /// The head.
    pub(super) fn head(self) -> String {
        let row = self.compose("SEQ", self.when("TIME", "TIME", "AGE"), "TYPE", "SESSION", "WHAT");
        let width = self.screen.width.unwrap_or(usize::MAX);
        self.screen.paint(&cut(&row, width), Colour::Faint)
    }

    /// A change, within the width of the terminal.
    pub(super) fn row(self, change: &ChangeJson) -> String {
        let time = line(&change.created_at);
        let seconds = time.split('.').next().unwrap_or_default().trim_end_matches('Z');
        let full = format!("{seconds}Z");
        let clock = full.split_once('T').map_or(full.as_str(), |(_, clock)| clock);
        let before = self.compose(
            &change.seq.to_string(),
            self.when(&full, clock, &self.screen.age(&change.created_at)),
            &line(&change.event_type),
            &line(change.session_id.as_deref().unwrap_or("-")),
            "",
        );
        after(&before, change, self.screen)
    }

    /// The form of a time that suits, with the width of its column.
    fn when<'t>(self, full: &'t str, clock: &'t str, age: &'t str) -> (&'t str, usize) {
        match (self.screen.now, self.live) {
            (None, _) => (full, 20),
            (Some(_), true) => (clock, 9),
            (Some(_), false) => (age, 4),
        }
    }

    fn compose(
        self,
        seq: &str,
        (when, width): (&str, usize),
        kind: &str,
        session: &str,
        what: &str,
    ) -> String {
        // A terminal has less room for names than a file.
        let names = if self.screen.now.is_some() { 7 } else { 12 };
        format!("{seq:>6}  {when:<width$}  {kind:<19}  {session:<names$}  {what}")
    }
}

/// A line that tells what happened after what already stands there, within the width of the terminal.
pub(super) fn after(before: &str, change: &ChangeJson, screen: Screen) -> String {
    let width = screen.width.unwrap_or(usize::MAX);
    let whole = format!("{before}{}", what(change));
    screen.paint_words(&match whole.width() <= width {
        true => whole,
        false => cut(&format!("{before}{}", briefly(change)), width),
    })
}

/// What happened, in a few words made of the payload.
fn what(change: &ChangeJson) -> String {
    let payload: Value = serde_json::from_str(change.payload.get()).unwrap_or_default();
    let text = |key: &str| line(payload[key].as_str().unwrap_or_default());
    match change.event_type.as_str() {
        "project_registered" => format!("{} watches {}", text("id"), text("repo")),
        "session_created" | "session_updated" => {
            let mut words = vec![text("id"), text("state")];
            words.extend(
                payload["terminationReason"].is_string().then(|| text("terminationReason")),
            );
            words.push(format!("agent {}", text("activity")));
            words.join(" · ")
        }
        "pr_created" | "pr_updated" => format!(
            "{} · {} · ci {} · review {} · {} · head {}",
            short_pull(&text("url")),
            text("state"),
            text("ci"),
            text("review"),
            text("mergeability"),
            short_sha(&text("headSha"))
        ),
        "pr_check_recorded" => format!(
            "{} · {} {} at {}",
            short_pull(&text("pr")),
            text("name"),
            text("status"),
            short_sha(&text("commit"))
        ),
        "nudge_created" | "nudge_updated" => format!(
            "nudge {} to the {} · {} · {}",
            payload["id"],
            text("audience"),
            text("kind"),
            text("state")
        ),
        _ => line(&payload.to_string()).chars().take(LONGEST).collect(),
    }
}

/// The same for narrow terminals: what matters most comes first, and what is not known is left out.
fn briefly(change: &ChangeJson) -> String {
    let payload: Value = serde_json::from_str(change.payload.get()).unwrap_or_default();
    let text = |key: &str| line(payload[key].as_str().unwrap_or_default());
    let pull = |key: &str| {
        let name = short_pull(&text(key));
        name.rsplit_once('/').map_or(name.clone(), |(_, name)| name.to_owned())
    };
    match change.event_type.as_str() {
        "pr_created" | "pr_updated" => {
            let mut words = vec![pull("url"), text("state"), format!("ci {}", text("ci"))];
            let more = [text("mergeability"), text("review")];
            words.extend(more.into_iter().filter(|word| !matches!(&**word, "none" | "unknown")));
            words.join(" · ")
        }
        "pr_check_recorded" => format!("{} · {} {}", pull("pr"), text("name"), text("status")),
        "nudge_created" | "nudge_updated" => {
            format!("{} · {} · {}", payload["id"], text("kind"), text("state"))
        }
        _ => what(change),
    }
}

/// `https://github.com/owner/name/pull/7` as `owner/name#7`.
pub(super) fn short_pull(url: &str) -> String {
    let mut parts = url.rsplit('/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(number), Some("pull"), Some(name), Some(owner)) => format!("{owner}/{name}#{number}"),
        _ => url.to_owned(),
    }
}

pub(super) fn short_sha(sha: &str) -> &str {
    sha.get(..7).unwrap_or(sha)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: &str, expect: &str) {
        let change: ChangeJson = serde_json::from_str(change).unwrap();
        let pipe = Screen { width: None, colours: false, now: None };
        assert_eq!(ChangeTable { screen: pipe, live: false }.row(&change), expect);
        let now = Some("2026-03-12T09:03:20Z".parse().unwrap());
        for (width, live) in [(80, true), (80, false), (30, false), (1, true)] {
            let screen = Screen { width: Some(width), colours: false, now };
            let row = ChangeTable { screen, live }.row(&change);
            assert!(row.chars().count() <= width, "{width}: {row}");
        }
    }

    #[test]
    fn a_terminal_is_told_ages_and_colours() {
        let change = r#"{"seq":7,"projectId":"mer","sessionId":"mer-1","cause":"probe","type":"pr_updated",
            "createdAt":"2026-03-12T09:00:17.123Z","payload":{"url":"https://github.com/o/r/pull/231",
            "state":"open","ci":"failing","review":"none","mergeability":"mergeable","headSha":"0"}}"#;
        let change: ChangeJson = serde_json::from_str(change).unwrap();
        let now = Some("2026-03-12T09:03:20Z".parse().unwrap());
        let screen = Screen { width: Some(70), colours: true, now };
        assert_eq!(
            ChangeTable { screen, live: false }.row(&change),
            "     7  3m    pr_updated           mer-1    r#231 · open · ci \u{1b}[31mfailing\u{1b}[0m…"
        );
        let row = ChangeTable { screen, live: true }.row(&change);
        assert!(row.starts_with("     7  09:00:17Z  pr_updated "), "{row}");
    }

    #[test]
    fn a_pull_request_is_told_in_a_line() {
        check(
            r#"{"seq":7,"projectId":"mer","sessionId":"mer-1","cause":"probe","type":"pr_updated","createdAt":"2026-03-12T09:00:17.123Z",
                "payload":{"url":"https://github.com/o/r/pull/231","state":"open","ci":"failing",
                "review":"none","mergeability":"mergeable","headSha":"0123456789"}}"#,
            "     7  2026-03-12T09:00:17Z  pr_updated           mer-1         \
             o/r#231 · open · ci failing · review none · mergeable · head 0123456",
        );
    }

    #[test]
    fn a_stranger_s_text_cannot_steer_the_terminal_and_an_unknown_change_is_shown() {
        check(
            r#"{"seq":8,"projectId":"mer","sessionId":null,"cause":"probe","type":"new\u001b[2J","createdAt":"","payload":{"a":"\u009bx"}}"#,
            "     8  Z                     new [2J              -             {\"a\":\" x\"}",
        );
    }
}
