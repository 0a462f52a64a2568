//! `github-app.toml`: the App that `nudged setup` registered, kept beside the database with mode 0600.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Toml};
use serde::Deserialize;

use super::error::ConfigError;
use super::github::GithubApp;
use super::secret::Secret;

/// What GitHub said when the App was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppFile {
    /// Who the server is at GitHub.
    pub app: GithubApp,
    /// What GitHub signs webhooks with.
    pub webhook_secret: Secret,
    /// Where GitHub's REST API is, without a slash at its end.
    pub api_url: String,
    /// The App's page at GitHub.
    pub page: String,
    /// Where GitHub was told to send webhooks.
    pub webhook_url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    app_id: i64,
    private_key: String,
    webhook_secret: String,
    api_url: String,
    page: String,
    webhook_url: String,
}

impl AppFile {
    /// Where it is kept for a database.
    pub fn beside(db: &Path) -> PathBuf {
        db.with_file_name("github-app.toml")
    }

    /// Reads it; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is not what `setup` writes.
    pub fn read(file: &Path) -> Result<Option<Self>, ConfigError> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(ConfigError::failed(format_args!(
                    "the App's file {} cannot be read: {error}",
                    file.display()
                )));
            }
        };
        // What the parser says would quote the file, which holds secrets.
        let fields: Fields = Figment::from(Toml::string(&text)).extract().map_err(|_| {
            ConfigError::failed(format_args!(
                "{} is not what `nudged setup` writes; mend it, or remove it and set \
                 NUDGED_GITHUB_APP_ID, NUDGED_GITHUB_PRIVATE_KEY and NUDGED_WEBHOOK_SECRET",
                file.display()
            ))
        })?;
        Ok(Some(Self {
            app: GithubApp { id: fields.app_id, private_key: Secret::new(fields.private_key) },
            webhook_secret: Secret::new(fields.webhook_secret),
            api_url: fields.api_url.trim_end_matches('/').to_owned(),
            page: fields.page,
            webhook_url: fields.webhook_url,
        }))
    }

    /// Writes it; the file gets its name, in place of one that may be there, only when it is whole.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        // Made with mode 0600.
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(self.text().as_bytes())?;
        temporary.as_file().sync_all()?;
        temporary.persist(file).map(drop).map_err(|error| error.error)
    }

    fn text(&self) -> String {
        format!(
            "# The GitHub App that `nudged setup` registered. It holds secrets: keep its mode 0600.\n\
             app_id = {}\nwebhook_secret = {}\napi_url = {}\npage = {}\nwebhook_url = {}\n\
             private_key = {}\n",
            self.app.id,
            quoted(self.webhook_secret.expose()),
            quoted(&self.api_url),
            quoted(&self.page),
            quoted(&self.webhook_url),
            quoted(self.app.private_key.expose()),
        )
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            control if control.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_written_is_read_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = AppFile::beside(&folder.path().join("nudged.db"));
        assert!(AppFile::read(&file).unwrap().is_none());
        let kept = AppFile {
            app: GithubApp { id: 7, private_key: Secret::new("-----BEGIN\nab\"c\\\n\u{7f}\n") },
            webhook_secret: Secret::new("a secret"),
            api_url: "https://api.github.com".to_owned(),
            page: "https://github.com/apps/x".to_owned(),
            webhook_url: "https://nudged.example/webhooks/github".to_owned(),
        };
        kept.write(&file).unwrap();
        assert_eq!(AppFile::read(&file).unwrap(), Some(kept));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "app_id = \"a secret\"").unwrap();
        let error = AppFile::read(&file).unwrap_err().to_string();
        assert!(error.contains("github-app.toml") && !error.contains("a secret"), "{error}");
    }
}
