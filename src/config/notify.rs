//! Where nudges to the human are sent, in which form, and the secret they are signed with.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::ConfigError;
use super::layer::Found;
use super::secret::Secret;
use super::token;

const PREFIX: &str = "whsec_";

/// How a nudge looks to its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyFormat {
    /// Slack's for Slack's incoming webhooks, else Standard Webhooks'.
    Auto,
    /// A signed event, as Standard Webhooks say.
    Standard,
    /// `{"text": …}`, unsigned.
    Slack,
}

impl FromStr for NotifyFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "auto" => Ok(Self::Auto),
            "standard" => Ok(Self::Standard),
            "slack" => Ok(Self::Slack),
            _ => Err(()),
        }
    }
}

/// The key that nudges are signed with. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// Takes `whsec_` and the base64 of 24 to 64 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim().strip_prefix(PREFIX)?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The key itself.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn random() -> Self {
        Self(rand::random::<[u8; 32]>().to_vec())
    }

    fn text(&self) -> Secret {
        Secret::new(format!("{PREFIX}{}", STANDARD.encode(&self.0)))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// An address is a secret too: whoever has Slack's can write there.
pub(super) fn url(found: Found) -> Result<Secret, ConfigError> {
    let wrong = || found.wrong_secret("an http:// or https:// address");
    let url = reqwest::Url::parse(found.text().trim()).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong());
    }
    Ok(Secret::new(url.as_str()))
}

pub(super) fn secret(found: Found) -> Result<SigningSecret, ConfigError> {
    SigningSecret::parse(found.text()).ok_or_else(|| {
        found.wrong_secret(
            "whsec_ and the base64 of 24 to 64 bytes; make one with \
             echo \"whsec_$(openssl rand -base64 32)\"",
        )
    })
}

pub(super) fn file_beside(db: &Path) -> PathBuf {
    db.with_file_name("notify-secret")
}

pub(super) fn read_or_make(file: &Path) -> Result<SigningSecret, ConfigError> {
    let error = |what: &str, error: &dyn fmt::Display| {
        ConfigError::failed(format_args!(
            "cannot {what} the secret that notifications are signed with in {}: {error}; mend that, \
             or set NUDGED_NOTIFY_SECRET",
            file.display()
        ))
    };
    match std::fs::read_to_string(file) {
        Ok(text) => SigningSecret::parse(&text)
            .ok_or_else(|| error("read", &"it is not whsec_ and base64 (remove it for a new one)")),
        Err(missing) if missing.kind() == ErrorKind::NotFound => {
            let secret = SigningSecret::random();
            token::make(file, &secret.text()).map_err(|cause| error("keep", &cause))?;
            Ok(secret)
        }
        Err(cause) => Err(error("read", &cause)),
    }
}
