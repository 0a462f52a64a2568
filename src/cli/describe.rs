//! A change of the log as a line for people.

use serde_json::Value;

use super::output::line;
use crate::api::ChangeJson;

/// The longest text of a change that is not known here.
const LONGEST: usize = 120;

/// The head of the table that [`row`] fills.
pub(super) const HEAD: &str =
    "   SEQ  TIME                  TYPE                 SESSION       WHAT";

pub(super) fn row(change: &ChangeJson) -> String {
    let time = line(&change.created_at);
    let seconds = time.split('.').next().unwrap_or_default().trim_end_matches('Z');
    format!(
        "{:>6}  {:<20}  {:<19}  {:<12}  {}",
        change.seq,
        format!("{seconds}Z"),
        line(&change.event_type),
        line(change.session_id.as_deref().unwrap_or("-")),
        what(change)
    )
}

/// What happened, in a few words made of the payload.
pub(super) fn what(change: &ChangeJson) -> String {
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
        assert_eq!(row(&change), expect);
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
