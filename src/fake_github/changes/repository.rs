//! Repositories: their rules, their names, who may do what.

use serde_json::json;

use super::Repo;

impl Repo {
    /// Says what an account may do: `admin`, `maintain`, `write`, `triage`, `read` or `none`. Those that were not
    /// named may write.
    pub fn role(&self, login: &str, permission: &str) {
        self.change(|it| it.repo.roles.insert(login.to_owned(), permission.to_owned()));
    }

    /// An account keeps its membership of the organisation private: what it may do stays, but payloads show an
    /// outsider.
    pub fn hide(&self, login: &str) {
        self.change(|it| it.repo.hidden.insert(login.to_owned()));
    }

    /// An approving review is needed before a merge, or no more. GitHub says nothing of it by itself.
    pub fn require_review(&self, required: bool) {
        self.change(|it| it.repo.review_required = required);
    }

    /// This check must pass before a merge. GitHub says nothing of it by itself.
    pub fn require_check(&self, name: &str) {
        self.change(|it| it.repo.required_checks.insert(name.to_owned()));
    }

    /// Makes it private, or public.
    pub fn set_private(&self, private: bool) {
        self.change(|it| {
            it.repo.private = private;
            it.repo.updated_at = it.now;
            let action = if private { "privatized" } else { "publicized" };
            let owner = it.repo.owner.clone();
            it.tell("repository", Some(action), &owner, json!({}));
        });
    }

    /// Gives it another name; the API redirects the old one.
    pub fn rename(&self, name: &str) {
        self.change(|it| {
            let former = it.repo.full_name();
            it.repo.former.push(former);
            let before = std::mem::replace(&mut it.repo.name, name.to_owned());
            it.repo.updated_at = it.now;
            let owner = it.repo.owner.clone();
            let changes = json!({"changes": {"repository": {"name": {"from": before}}}});
            it.tell("repository", Some("renamed"), &owner, changes);
        });
    }

    /// Gives it to another account.
    pub fn transfer(&self, to: &str) {
        self.change(|it| {
            let former = it.repo.full_name();
            it.repo.former.push(former);
            let before = std::mem::replace(&mut it.repo.owner, to.to_owned());
            it.repo.updated_at = it.now;
            let account = crate::fake_github::shapes::owner(it.bases, &before);
            let changes = json!({"changes": {"owner": {"from": {"organization": account}}}});
            it.tell("repository", Some("transferred"), to, changes);
        });
    }
}
