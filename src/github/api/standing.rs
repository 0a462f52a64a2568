//! How it goes with GitHub's API, as `/readyz` and `nudged doctor` tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::budget::Account;
use super::error::GithubError;
use super::metrics;
use crate::api::{GithubPass, GithubTrouble};
use crate::domain::Timestamp;

/// Troubles that are held at most, so that a thousand repositories do not make a page.
const MOST: usize = 100;

/// What came of the standing work so far.
#[derive(Debug, Default)]
pub(super) struct Standing {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By what it concerns: a repository, or a standing work.
    troubles: BTreeMap<String, (GithubError, Timestamp)>,
    passes: (Option<GithubPass>, Option<GithubPass>),
    accounts: BTreeSet<Account>,
}

impl State {
    /// Counts troubles where metrics are read.
    fn show(&self) {
        let mut counts = BTreeMap::new();
        for (error, _) in self.troubles.values() {
            *counts.entry(error.code()).or_default() += 1;
        }
        metrics::troubles(&counts);
    }
}

impl Standing {
    /// Takes down how it went with something, as a repository; a success ends its trouble.
    pub(super) fn note(&self, about: &str, trouble: Option<&GithubError>, now: Timestamp) {
        let mut state = self.state();
        let since = state.troubles.get(about).map(|(_, since)| *since);
        match trouble {
            None => drop(state.troubles.remove(about)),
            Some(error) if since.is_some() || state.troubles.len() < MOST => {
                state.troubles.insert(about.to_owned(), (error.clone(), since.unwrap_or(now)));
            }
            Some(_) => {}
        }
        state.show();
    }

    /// What is no concern any more gives no trouble.
    pub(super) fn keep(&self, concerns: impl Fn(&str) -> bool) {
        let mut state = self.state();
        state.troubles.retain(|about, _| concerns(about));
        state.show();
    }

    /// A comparison has ended.
    pub(super) fn reconciled(&self, pass: GithubPass) {
        self.state().passes.0 = Some(pass);
    }

    /// A look for missed deliveries has ended.
    pub(super) fn recovered(&self, pass: GithubPass) {
        self.state().passes.1 = Some(pass);
    }

    /// The last comparison, and the last look for missed deliveries.
    pub(super) fn passes(&self) -> (Option<GithubPass>, Option<GithubPass>) {
        self.state().passes.clone()
    }

    /// An account's limits concern us.
    pub(super) fn uses(&self, account: Account) {
        let mut state = self.state();
        if state.accounts.len() < MOST {
            state.accounts.insert(account);
        }
    }

    pub(super) fn accounts(&self) -> Vec<Account> {
        self.state().accounts.iter().copied().collect()
    }

    pub(super) fn troubles(&self) -> Vec<GithubTrouble> {
        let state = self.state();
        let troubles = state.troubles.iter().map(|(about, (error, since))| GithubTrouble {
            about: about.clone(),
            code: error.code().to_owned(),
            message: error.to_string(),
            since: *since,
        });
        troubles.collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
