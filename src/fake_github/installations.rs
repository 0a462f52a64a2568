//! Who lets the App in, to what, and with which permissions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::FakeGitHub;
use super::changes::Repo;
use super::hub::{Hub, locked};
use super::shapes;
use super::state::{Installation, State};
use super::webhooks::Event;

impl FakeGitHub {
    /// An account lets the App in, to all of its repositories or to these; answers the installation's id.
    pub fn install(&self, account: &str, only: Option<&[&Repo]>) -> i64 {
        let mut state = locked(&self.hub.state);
        let only = only.map(|repos| repos.iter().map(|repo| repo.id()).collect());
        let id = self.hub.new_installation(&mut state, account, only);
        drop(state);
        self.hub.tell_installation(id, "created", json!({}));
        id
    }

    /// The installation of a repository.
    pub fn installation_of(&self, repo: &Repo) -> Option<i64> {
        let state = locked(&self.hub.state);
        let repo = state.repositories.get(&repo.id())?;
        state.installation_of(repo).map(|it| it.id)
    }

    /// The account keeps the App out for a while.
    pub fn suspend(&self, installation: i64) {
        self.change_installation(installation, |it, now| it.suspended_at = Some(now));
        self.hub.tell_installation(installation, "suspend", json!({}));
    }

    /// The account lets the App in again.
    pub fn unsuspend(&self, installation: i64) {
        self.change_installation(installation, |it, _| it.suspended_at = None);
        self.hub.tell_installation(installation, "unsuspend", json!({}));
    }

    /// The account removes the App.
    pub fn uninstall(&self, installation: i64) {
        self.hub.tell_installation(installation, "deleted", json!({}));
        locked(&self.hub.state).installations.remove(&installation);
    }

    /// The account takes a repository from the App; what was all is a selection now.
    pub fn remove_repository(&self, installation: i64, repo: &Repo) {
        let mut state = locked(&self.hub.state);
        let all = state.repositories.values().map(|it| it.id).collect::<BTreeSet<i64>>();
        let gone = state.repositories.get(&repo.id()).map(shapes::short_repository);
        if let Some(it) = state.installations.get_mut(&installation) {
            it.selected.get_or_insert(all).remove(&repo.id());
        }
        drop(state);
        let gone: Vec<Value> = gone.into_iter().collect();
        let fields = json!({"repositories_removed": gone, "repositories_added": [],
            "repository_selection": "selected", "requester": null});
        self.hub.tell_installation(installation, "removed", fields);
    }

    /// Sets what an installation grants; GitHub does it when the account accepts new permissions.
    pub fn grant(&self, installation: i64, permission: &str, level: &str) {
        self.change_installation(installation, |it, _| {
            it.permissions.insert(permission.to_owned(), level.to_owned());
        });
    }

    /// An installation that never granted this.
    pub fn deny(&self, installation: i64, permission: &str) {
        self.change_installation(installation, |it, _| {
            it.permissions.remove(permission);
        });
    }

    fn change_installation(
        &self,
        id: i64,
        change: impl FnOnce(&mut Installation, jiff::Timestamp),
    ) {
        let now = self.hub.now();
        if let Some(it) = locked(&self.hub.state).installations.get_mut(&id) {
            change(it, now);
            it.updated_at = now;
        }
    }
}

impl Hub {
    /// One that grants what the App asks for, without a webhook.
    pub(super) fn new_installation(
        &self,
        state: &mut State,
        account: &str,
        selected: Option<BTreeSet<i64>>,
    ) -> i64 {
        let (id, now) = (state.ids.small(), self.now());
        let permissions = locked(&self.app).permissions.clone();
        let it = Installation {
            id,
            account: account.to_owned(),
            selected,
            suspended_at: None,
            permissions,
            created_at: now,
            updated_at: now,
        };
        state.installations.insert(id, it);
        id
    }

    pub(super) fn tell_installation(&self, id: i64, action: &str, with: Value) {
        let state = locked(&self.state);
        let Some(it) = state.installations.get(&id) else { return };
        let app = locked(&self.app).clone();
        let bases = &state.bases;
        let name = match action {
            "added" | "removed" => "installation_repositories",
            _ => "installation",
        };
        let mut payload = json!({
            "action": action,
            "installation": {"id": id, "client_id": app.client_id,
                "account": shapes::owner(bases, &it.account), "app_id": app.id,
                "app_slug": app.slug, "target_type": "Organization",
                "repository_selection": if it.selected.is_some() { "selected" } else { "all" },
                "permissions": it.permissions, "events": app.events,
                "created_at": shapes::time(it.created_at), "updated_at": shapes::time(it.updated_at),
                "suspended_at": shapes::time_or_null(it.suspended_at)},
            "sender": shapes::user(bases, "grace-reviewer"),
        });
        if name == "installation" {
            let covered = state.repositories.values().filter(|repo| it.covers(repo));
            payload["repositories"] = covered.map(shapes::short_repository).collect();
        }
        shapes::extend(&mut payload, with);
        drop(state);
        self.tell(vec![Event {
            name,
            action: Some(action.to_owned()),
            payload: payload.to_string().into(),
            repository: None,
            installation: Some(id),
        }]);
    }
}
