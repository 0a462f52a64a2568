//! What is wrong with a setting.

use std::fmt;

/// A setting is wrong or missing, or a file that belongs to one cannot be used. Says which, where it
/// came from and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    message: String,
    misuse: bool,
}

impl ConfigError {
    /// A setting is wrong or missing.
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), misuse: true }
    }

    /// A setting that others understand is wrong.
    pub fn misuse(message: impl fmt::Display) -> Self {
        Self::new(message)
    }

    /// The settings are right, but what they name cannot be read or written.
    pub(super) fn failed(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), misuse: false }
    }

    /// It does not mend by itself: somebody has to change a setting.
    pub fn is_misuse(&self) -> bool {
        self.misuse
    }
}
