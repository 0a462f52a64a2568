//! Times in payloads.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::domain::Timestamp;

/// A time as GitHub writes it: RFC 3339 in most payloads, Unix seconds in some. `null`, absent or
/// unreadable is `None`: whoever needs it says so.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct When(pub(super) Option<Timestamp>);

impl When {
    /// Whole milliseconds, as the store keeps them, in years of four digits, so that text sorts.
    fn sane(at: Timestamp) -> Self {
        let millis = at.as_millisecond();
        let four_digits = (0..253_402_300_800_000).contains(&millis);
        Self(four_digits.then(|| Timestamp::from_millisecond(millis).ok()).flatten())
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyTime;
        impl<'de> Visitor<'de> for AnyTime {
            type Value = When;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time, Unix seconds, or null")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<When, E> {
                Ok(text.parse().map_or(When(None), When::sane))
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<When, E> {
                Ok(Timestamp::from_second(seconds).map_or(When(None), When::sane))
            }
            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<When, E> {
                i64::try_from(seconds).map_or(Ok(When(None)), |seconds| self.visit_i64(seconds))
            }
            fn visit_unit<E: de::Error>(self) -> Result<When, E> {
                Ok(When(None))
            }
            fn visit_none<E: de::Error>(self) -> Result<When, E> {
                Ok(When(None))
            }
            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<When, D::Error> {
                inner.deserialize_any(self)
            }
        }
        deserializer.deserialize_any(AnyTime)
    }
}
