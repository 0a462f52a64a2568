//! What people, agents and CI do on GitHub, one method each: the state changes, and the webhooks that GitHub
//! would send are sent.

mod actions;
mod checks;
mod pulls;
mod queue;
mod remarks;
mod repository;
mod reviews;

use std::sync::Arc;

pub use checks::Outcome;
pub use pulls::NewPull;

use super::hub::{Change, Hub, locked};
use super::state::{Pull, Repository};

/// A repository of the fake GitHub, to do things in. Its name may change, what it stands for does not.
///
/// # Panics
///
/// Methods panic where what they name (a pull request, a run, a check) is not there: the story is wrong then.
#[derive(Clone)]
pub struct Repo {
    hub: Arc<Hub>,
    id: i64,
}

impl Repo {
    pub(super) fn new(hub: Arc<Hub>, id: i64) -> Self {
        Self { hub, id }
    }

    /// GitHub's id of it.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// `owner/name`, as it is called now.
    pub fn full_name(&self) -> String {
        self.look(Repository::full_name)
    }

    /// Reads what is known of it.
    pub fn look<T>(&self, look: impl FnOnce(&Repository) -> T) -> T {
        let state = locked(&self.hub.state);
        match state.repositories.get(&self.id) {
            Some(repo) => look(repo),
            None => panic!("no repository {}", self.id),
        }
    }

    /// Reads a pull request.
    pub fn pull(&self, number: i64) -> Pull {
        self.look(|repo| found(repo, number).clone())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Change<'_>) -> T) -> T {
        self.hub.change(self.id, change)
    }
}

fn found(repo: &Repository, number: i64) -> &Pull {
    match repo.pulls.get(&number) {
        Some(pull) => pull,
        None => panic!("{} has no pull request {number}", repo.full_name()),
    }
}

fn found_mut(repo: &mut Repository, number: i64) -> &mut Pull {
    match repo.pulls.get_mut(&number) {
        Some(pull) => pull,
        None => panic!("no pull request {number}"),
    }
}
