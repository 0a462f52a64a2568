//! GitHub as the rest of this room asks it: about repositories, each through its installation.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::budget::{Account, Priority};
use super::client::Client;
use super::error::GithubError;
use super::installations::{Installations, Installed};
use super::request::{Answer, Asker, Pages, Speaker};
use super::standing::Standing;
use crate::api::{GithubPass, GithubStanding};
use crate::domain::{ApiAccess, RepoName, Timestamp};
use crate::store::reads::WatchedProject;

/// What a trouble is about that lies in a permission.
const PERMISSION: &str = "permission ";

/// GitHub's API, with what is known of our standing there; clones share everything.
#[derive(Clone)]
pub struct Github {
    pub(super) client: Client,
    installations: Arc<Installations>,
    standing: Arc<Standing>,
}

/// Questions about one repository.
#[derive(Clone)]
pub(super) struct Repo {
    pub(super) github: Github,
    pub(super) name: RepoName,
    pub(super) speaker: Speaker,
    pub(super) priority: Priority,
}

impl Github {
    /// Asks through this client.
    pub fn new(client: Client) -> Self {
        let (installations, standing) = (Arc::default(), Arc::new(Standing::default()));
        standing.uses(Account::App);
        Self { client, installations, standing }
    }

    /// The App's id.
    pub fn app(&self) -> i64 {
        self.client.app()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.client.now()
    }

    /// A repository, to be asked about through its installation.
    ///
    /// # Errors
    /// [`GithubError::NotInstalled`] and [`GithubError::Suspended`] without asking GitHub each time; others
    /// as they come.
    pub(super) async fn repo(
        &self,
        name: &RepoName,
        priority: Priority,
    ) -> Result<Repo, GithubError> {
        let installed = match self.installations.get(name, self.now()) {
            Some(known) => known,
            None => {
                let asker = Asker { speaker: Speaker::App, kind: "installation", priority };
                let path = format!("/repos/{}/installation", name.as_str());
                let installed = match self.client.get(asker, &path).await {
                    Ok(answer) => Installed::read(&answer.body)?,
                    Err(GithubError::NotFound) => Installed::Nowhere,
                    Err(other) => return Err(other),
                };
                self.installations.put(name, installed, self.now());
                installed
            }
        };
        let speaker = match installed {
            Installed::There(id) => Speaker::Installation(id),
            Installed::Suspended => return Err(GithubError::Suspended),
            Installed::Nowhere => return Err(GithubError::NotInstalled),
        };
        self.standing.uses(speaker.account());
        Ok(Repo { github: self.clone(), name: name.clone(), speaker, priority })
    }

    /// Takes down how it went with a repository. One that was refused is asked about anew when its time comes.
    pub(super) fn note<T>(&self, repo: &RepoName, went: &Result<T, GithubError>) {
        let now = self.now();
        let found = match went {
            Err(GithubError::Suspended) => Some(Installed::Suspended),
            Err(GithubError::NotInstalled) => Some(Installed::Nowhere),
            _ => None,
        };
        if let Some(found) = found.filter(|it| self.installations.get(repo, now) != Some(*it)) {
            self.installations.put(repo, found, now);
        }
        if matches!(went, Err(GithubError::NotFound)) {
            // Its name may lead elsewhere by now: next time it is found by its number.
            self.installations.forget(repo);
        }
        self.standing.note(repo.as_str(), went.as_ref().err(), now);
    }

    /// What GitHub's clock shows now.
    pub(super) fn there(&self) -> Timestamp {
        self.client.there()
    }

    /// Takes down how it went with a standing work.
    pub(super) fn trouble(&self, about: &str, trouble: Option<&GithubError>) {
        self.standing.note(about, trouble, self.now());
    }

    /// Troubles with repositories that are watched no more, or that we may not ask about, are none.
    pub(super) fn keep_troubles(&self, watched: &[WatchedProject]) {
        self.standing.keep(|about| {
            let here = |it: &WatchedProject| it.repo.as_str() == about;
            let of_repository = about.contains('/');
            // A permission that is still missing is missed again.
            !about.starts_with(PERMISSION) && (!of_repository || watched.iter().any(here))
        });
        self.note_stopped(watched);
    }

    /// That we may not ask about a repository is a trouble.
    pub(super) fn note_stopped(&self, watched: &[WatchedProject]) {
        for project in watched {
            let why = match project.access {
                ApiAccess::Granted => continue,
                ApiAccess::Suspended => GithubError::Suspended,
                ApiAccess::Removed => GithubError::NotInstalled,
            };
            self.standing.note(project.repo.as_str(), Some(&why), self.now());
        }
    }

    /// A comparison has ended.
    pub(super) fn reconciled(&self, pass: GithubPass) {
        self.standing.reconciled(pass);
    }

    /// A look for missed deliveries has ended.
    pub(super) fn recovered(&self, pass: GithubPass) {
        self.standing.recovered(pass);
    }

    /// An installation that was asked for before.
    pub(super) fn any_installation(&self) -> Option<Speaker> {
        self.standing.accounts().into_iter().find_map(|account| match account {
            Account::Installation(id) => Some(Speaker::Installation(id)),
            Account::App => None,
        })
    }

    /// What was known of a repository's installation holds no more.
    pub fn forget_installation(&self, repo: &RepoName) {
        self.installations.forget(repo);
    }

    /// How it goes, for `/readyz` and `doctor`.
    pub fn standing(&self) -> GithubStanding {
        let accounts = self.standing.accounts();
        let (reconciled, recovered) = self.standing.passes();
        GithubStanding {
            troubles: self.standing.troubles(),
            closed_until: accounts.iter().filter_map(|it| self.client.closed(*it)).max(),
            quota_left: accounts.iter().filter_map(|it| self.client.left(*it)).min(),
            clock_skew_seconds: self.client.skew(),
            reconciled,
            recovered,
        }
    }
}

impl Repo {
    /// `kind` is a label of metrics.
    pub(super) fn asker(&self, kind: &'static str) -> Asker {
        Asker { speaker: self.speaker, kind, priority: self.priority }
    }

    /// The path of something of the repository.
    pub(super) fn path(&self, below: &str) -> String {
        format!("/repos/{}{below}", self.name.as_str())
    }

    /// GETs JSON. `below` begins with a slash, or is empty.
    pub(super) async fn get(&self, kind: &'static str, below: &str) -> Result<Answer, GithubError> {
        self.github.client.get(self.asker(kind), &self.path(below)).await
    }

    /// GETs all pages of a list. `below` has a query.
    pub(super) async fn pages(
        &self,
        kind: &'static str,
        below: &str,
    ) -> Result<Pages, GithubError> {
        self.github.client.pages(self.asker(kind), &self.path(below)).await
    }

    /// What is not there, or not ours to see, is left as it is known; a permission that is missing is told.
    pub(super) fn possible<T>(
        &self,
        asked: Result<T, GithubError>,
    ) -> Result<Option<T>, GithubError> {
        match asked {
            Ok(found) => Ok(Some(found)),
            Err(GithubError::NotFound | GithubError::Gone | GithubError::Withheld) => Ok(None),
            Err(error) => {
                let GithubError::Forbidden { permission } = &error else { return Err(error) };
                let permission = permission.as_deref().unwrap_or("unnamed");
                self.github.trouble(&format!("{PERMISSION}{permission}"), Some(&error));
                Ok(None)
            }
        }
    }

    /// POSTs JSON.
    pub(super) async fn post(
        &self,
        kind: &'static str,
        below: &str,
        body: &Value,
    ) -> Result<Bytes, GithubError> {
        self.github.client.post(self.asker(kind), &self.path(below), body).await
    }
}
