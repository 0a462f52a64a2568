//! Which installation of the App a repository belongs to, as far as GitHub was asked.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use serde::Deserialize;

use super::error::GithubError;
use crate::domain::{RepoName, Timestamp};

/// A repository without an installation is asked about again after so long.
const ASK_AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// One with an installation too: it may have been installed anew.
const BELIEVE: SignedDuration = SignedDuration::from_hours(6);

/// What is known, by the repository's name in lower case.
#[derive(Debug, Default)]
pub(super) struct Installations {
    known: Mutex<HashMap<String, (Installed, Timestamp)>>,
}

/// Whether and where the App is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Installed {
    /// In the installation of this id.
    There(i64),
    Suspended,
    Nowhere,
}

impl Installed {
    /// Reads GitHub's answer.
    pub(super) fn read(body: &[u8]) -> Result<Self, GithubError> {
        #[derive(Deserialize)]
        struct Installation {
            id: i64,
            #[serde(default)]
            suspended_at: Option<String>,
        }
        let it: Installation = serde_json::from_slice(body)
            .map_err(|_| GithubError::Malformed("it is no installation".to_owned()))?;
        Ok(if it.suspended_at.is_some() { Self::Suspended } else { Self::There(it.id) })
    }
}

impl Installations {
    /// What is known of a repository, unless it has to be asked again.
    pub(super) fn get(&self, repo: &RepoName, now: Timestamp) -> Option<Installed> {
        let (known, at) = self.known().get(&key(repo)).copied()?;
        let lasts = if matches!(known, Installed::There(_)) { BELIEVE } else { ASK_AGAIN };
        (now.duration_since(at) < lasts).then_some(known)
    }

    pub(super) fn put(&self, repo: &RepoName, installed: Installed, now: Timestamp) {
        self.known().insert(key(repo), (installed, now));
    }

    pub(super) fn forget(&self, repo: &RepoName) {
        self.known().remove(&key(repo));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, (Installed, Timestamp)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(repo: &RepoName) -> String {
    repo.as_str().to_ascii_lowercase()
}
