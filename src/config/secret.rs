//! Text that must not be shown.

use std::collections::BTreeSet;
use std::fmt;

/// A secret that is shorter can be guessed by trying.
const SHORTEST: usize = 16;
/// So are long ones of few different characters.
const FEWEST: usize = 6;

/// A secret. Neither `Debug` nor an error shows it; [`Secret::expose`] is where it gets out.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// 32 random bytes in hex.
    pub fn random() -> Self {
        Self(hex::encode(rand::random::<[u8; 32]>()))
    }

    /// Why it can be guessed, if so, as words that follow its name.
    pub fn weakness(&self) -> Option<String> {
        let different = self.0.chars().collect::<BTreeSet<_>>().len();
        match self.0.chars().count() {
            length if length < SHORTEST => Some(format!("has only {length} characters")),
            _ if different < FEWEST => Some(format!("has only {different} different characters")),
            _ => None,
        }
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
