//! When a usage limit is reset, as far as an agent's words say so.

use jiff::Timestamp;

/// A time farther away is no reset of a limit.
const FARTHEST: jiff::SignedDuration = jiff::SignedDuration::from_hours(31 * 24);

/// The first time in the future that the words name: as RFC 3339, or in seconds since 1970 as in
/// `usage limit reached|1764061200`. A time of day alone is not enough: of which day and zone, it does not say.
pub fn reset_time(words: &str, now: Timestamp) -> Option<Timestamp> {
    let between = |c: char| c.is_whitespace() || matches!(c, '|' | '(' | ')' | ',' | ';' | '"');
    let words = words.split(between).map(|word| word.trim_end_matches(['.', ':']));
    let times = words.filter_map(|word| match word.parse::<i64>() {
        Ok(seconds) if word.len() >= 10 => Timestamp::from_second(seconds).ok(),
        _ => word.parse().ok(),
    });
    times.into_iter().find(|at| *at > now && at.duration_since(now) <= FARTHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_time_is_found_and_a_vague_one_is_not() {
        let now: Timestamp = "2026-11-25T07:00:00Z".parse().unwrap();
        for (words, at) in [
            ("rate_limit: usage limit reached|1795600800", Some("2026-11-25T10:00:00Z")),
            ("rate_limit until 2026-11-25T10:00:00Z.", Some("2026-11-25T10:00:00Z")),
            ("limit (resets 2026-11-25T11:00:00+01:00)", Some("2026-11-25T10:00:00Z")),
            ("your limit resets at 3pm (Europe/Berlin)", None),
            ("failed at 2026-11-25T06:00:00Z", None),
            ("request 1795600800999", None),
            ("", None),
        ] {
            assert_eq!(reset_time(words, now).map(|at| at.to_string()).as_deref(), at, "{words}");
        }
    }
}
