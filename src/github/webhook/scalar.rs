//! The smallest parts of payloads: texts and times.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::domain::Timestamp;

/// A text of the body, borrowed where it has no escapes.
///
/// A `Cow` would be copied at once wherever it is not a field's whole type: in an `Option`, or under
/// a name of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyText;
        impl<'de> Visitor<'de> for AnyText {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(AnyText)
    }
}

/// A time as GitHub writes it: RFC 3339 in most payloads, Unix seconds in some. `null`, absent or
/// unreadable is `None`: whoever needs it says so.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Time(pub(super) Option<Timestamp>);

impl Time {
    /// Whole milliseconds, as the store keeps them, in years of four digits, so that text sorts.
    fn sane(at: Timestamp) -> Self {
        let millis = at.as_millisecond();
        let four_digits = (0..253_402_300_800_000).contains(&millis);
        Self(four_digits.then(|| Timestamp::from_millisecond(millis).ok()).flatten())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyTime;
        impl<'de> Visitor<'de> for AnyTime {
            type Value = Time;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time, Unix seconds, or null")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
                Ok(text.parse().map_or(Time(None), Time::sane))
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Time, E> {
                Ok(Timestamp::from_second(seconds).map_or(Time(None), Time::sane))
            }
            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Time, E> {
                i64::try_from(seconds).map_or(Ok(Time(None)), |seconds| self.visit_i64(seconds))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Time, E> {
                Ok(Time(None))
            }
            fn visit_none<E: de::Error>(self) -> Result<Time, E> {
                Ok(Time(None))
            }
            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Time, D::Error> {
                inner.deserialize_any(self)
            }
        }
        deserializer.deserialize_any(AnyTime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Part<'a> {
        #[serde(borrow, default)]
        text: Option<Text<'a>>,
        #[serde(default)]
        time: Time,
    }

    fn time(written: &str) -> Option<String> {
        let body = format!(r#"{{"time":{written}}}"#);
        let part: Part<'_> = serde_json::from_str(&body).unwrap();
        part.time.0.map(|at| at.to_string())
    }

    #[test]
    fn a_text_is_copied_only_where_it_has_escapes() {
        let body = br#"{"text":"plain \u00e9"}"#;
        let part: Part<'_> = serde_json::from_slice(body).unwrap();
        assert_eq!(part.text, Some(Text(Cow::Owned("plain é".to_owned()))));
        let body = "{\"text\":\"plain é\"}".as_bytes();
        let text = serde_json::from_slice::<Part<'_>>(body).unwrap().text.unwrap();
        assert!(matches!(text.0, Cow::Borrowed("plain é")));
        for nothing in ["{}", r#"{"text":null}"#] {
            assert_eq!(serde_json::from_str::<Part<'_>>(nothing).unwrap().text, None);
        }
        assert!(serde_json::from_str::<Part<'_>>(r#"{"text":1}"#).is_err());
    }

    #[test]
    fn times_come_in_two_forms_and_what_is_none_is_absent() {
        let noon = Some("2026-05-01T12:00:00Z".to_owned());
        for written in ["\"2026-05-01T12:00:00Z\"", "\"2026-05-01T14:00:00+02:00\"", "1777636800"] {
            assert_eq!(time(written), noon, "{written}");
        }
        assert_eq!(time("\"2026-05-01T12:00:00.0009Z\""), noon, "whole milliseconds");
        let strange = ["null", "\"\"", "\"soon\"", "-1", "99999999999999", "18446744073709551615"];
        for written in strange {
            assert_eq!(time(written), None, "{written}");
        }
        assert_eq!(serde_json::from_str::<Part<'_>>("{}").unwrap().time, Time(None));
    }
}
