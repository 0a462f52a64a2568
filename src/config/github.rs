//! The App's credentials at GitHub, and where GitHub's API is.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use super::error::ConfigError;
use super::layer::Found;
use super::secret::Secret;

/// Where github.com's API is.
pub(super) const API: &str = "https://api.github.com";
/// The largest file that is taken for a key.
const LARGEST_KEY: u64 = 64 * 1024;

/// Who the server is at GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubApp {
    /// The App's id.
    pub id: i64,
    /// Its private key, PEM.
    pub private_key: Secret,
}

/// The address of REST, without a slash at its end.
pub(super) fn api_url(found: &Found) -> Result<String, ConfigError> {
    let wrong = || {
        found.wrong("the address of GitHub's API, as https://api.github.com or https://HOST/api/v3")
    };
    let url = Url::parse(found.text().trim()).map_err(|_| wrong())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
        return Err(wrong());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Both of them, or neither.
pub(super) fn app(id: Option<Found>, key: Option<Found>) -> Result<Option<GithubApp>, ConfigError> {
    match (id, key) {
        (None, None) => Ok(None),
        (Some(id), Some(key)) => {
            let number = id.text().trim().parse().ok().filter(|id: &i64| *id > 0);
            let id = number.ok_or_else(|| id.wrong("the App's id, a number"))?;
            Ok(Some(GithubApp { id, private_key: private_key(&key)? }))
        }
        (Some(id), None) => Err(id.wrong_secret(
            "the App's private key beside it: set NUDGED_GITHUB_PRIVATE_KEY to the PEM file's path",
        )),
        (None, Some(key)) => {
            Err(key.wrong_secret("the App's id beside it: set NUDGED_GITHUB_APP_ID"))
        }
    }
}

/// PEM itself, also with `\\n` for its line ends as services of hosting keep it, or the path of a file that has it.
fn private_key(found: &Found) -> Result<Secret, ConfigError> {
    let text = found.text().trim();
    if text.contains("-----BEGIN") {
        return Ok(Secret::new(text.replace("\\n", "\n")));
    }
    let wrong = |why: &dyn std::fmt::Display| {
        ConfigError::new(format_args!(
            "{}: wants the App's private key, PEM or the path of its file: {why}",
            found.place()
        ))
    };
    let file = Path::new(text);
    let about = std::fs::metadata(file).map_err(|error| wrong(&error))?;
    if !about.is_file() || about.len() > LARGEST_KEY {
        return Err(wrong(&"there is no file that could be one"));
    }
    std::fs::read_to_string(file).map(Secret::new).map_err(|error| wrong(&error))
}

/// How often everything is compared with GitHub.
pub(super) struct ReconcileEvery(pub(super) Duration);

impl FromStr for ReconcileEvery {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let time = match text.parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => humantime::parse_duration(text).map_err(|_| ())?,
        };
        let sane = Duration::from_secs(60)..=Duration::from_secs(24 * 3_600);
        if sane.contains(&time) { Ok(Self(time)) } else { Err(()) }
    }
}
