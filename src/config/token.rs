//! The API token, and its file: made once, readable by its owner only.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::layer::Found;
use super::secret::Secret;

/// Where the API token came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// A setting.
    Set,
    /// The file, from an earlier start.
    Kept(PathBuf),
    /// The file, made just now.
    Made(PathBuf),
}

pub(super) fn file_beside(db: &Path) -> PathBuf {
    db.with_file_name("api-token")
}

pub(super) fn read_or_make(file: &Path) -> Result<(Secret, TokenSource), ConfigError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok((usable(file, &text)?, TokenSource::Kept(file.to_owned()))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let token = Secret::random();
            make(file, &token).map_err(|error| {
                ConfigError::failed(format_args!(
                    "cannot keep the API token in {}: {error}; make the folder writable, or set \
                     NUDGED_API_TOKEN",
                    file.display()
                ))
            })?;
            Ok((token, TokenSource::Made(file.to_owned())))
        }
        Err(error) => Err(unreadable(file, &error)),
    }
}

pub(super) fn read(file: &Path) -> Result<Secret, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    usable(file, &text)
}

fn usable(file: &Path, text: &str) -> Result<Secret, ConfigError> {
    let token = text.trim();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(ConfigError::failed(format_args!(
            "{} holds no usable API token; remove it and start `nudged serve`, which makes a new one",
            file.display()
        )));
    }
    Ok(Secret::new(token))
}

/// A temporary file has mode 0600; it gets its name only when it is whole.
pub(super) fn make(file: &Path, token: &Secret) -> std::io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(temporary, "{}", token.expose())?;
    temporary.as_file().sync_all()?;
    temporary.persist_noclobber(file).map(drop).map_err(|error| error.error)
}

fn unreadable(file: &Path, error: &std::io::Error) -> ConfigError {
    ConfigError::failed(format_args!(
        "no API token: {} cannot be read ({error}). Give --token, set NUDGED_API_TOKEN, or say \
         with --db which database the server uses: its token is kept beside it",
        file.display()
    ))
}

/// The token that a setting names.
pub(super) fn given(found: Found) -> Result<Secret, ConfigError> {
    let token = found.text().trim();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(found.wrong_secret("printable ASCII without spaces: it goes into a header"));
    }
    Ok(Secret::new(token))
}
