//! Pull requests: opened, pushed to, closed, merged, and all that is set on them.

use serde_json::{Value, json};

use super::{Repo, found, found_mut};
use crate::fake_github::hub::Change;
use crate::fake_github::shapes;
use crate::fake_github::state::{Commit, Head, Pull};

/// A pull request to open.
#[derive(Debug, Clone)]
pub struct NewPull {
    branch: String,
    title: String,
    author: String,
    base: Option<String>,
    draft: bool,
    fork: Option<String>,
    number: Option<i64>,
}

impl NewPull {
    /// From this branch, which is made off the base where it is not there yet.
    pub fn from(branch: &str) -> Self {
        Self {
            branch: branch.to_owned(),
            title: format!("Work on {branch}"),
            author: "ada-agent".to_owned(),
            base: None,
            draft: false,
            fork: None,
            number: None,
        }
    }

    /// With this title.
    pub fn titled(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// By this account instead of `ada-agent`.
    pub fn by(mut self, login: &str) -> Self {
        login.clone_into(&mut self.author);
        self
    }

    /// Onto this branch instead of the default one.
    pub fn onto(mut self, base: &str) -> Self {
        self.base = Some(base.to_owned());
        self
    }

    /// As a draft.
    pub fn draft(mut self) -> Self {
        self.draft = true;
        self
    }

    /// From this account's fork.
    pub fn of_fork(mut self, owner: &str) -> Self {
        self.fork = Some(owner.to_owned());
        self
    }

    /// With this number instead of the next one.
    pub fn numbered(mut self, number: i64) -> Self {
        self.number = Some(number);
        self
    }
}

impl Repo {
    /// Opens a pull request; answers its number.
    pub fn open_pull(&self, new: NewPull) -> i64 {
        self.change(|it| {
            let base_ref = new.base.unwrap_or_else(|| it.repo.default_branch.clone());
            let base_sha = branch(it, &base_ref);
            let name = branch_name(new.fork.as_deref(), &new.branch);
            let head_sha = match it.repo.branches.get(&name) {
                Some(sha) => sha.clone(),
                None => {
                    let commit = new_commit(it, &[&base_sha], &new.author);
                    it.repo.branches.insert(name, commit.clone());
                    commit
                }
            };
            let head = match new.fork {
                Some(owner) => Head::Fork { id: it.ids.small(), owner },
                None => Head::Own,
            };
            let next = it.repo.pulls.keys().next_back().map_or(1, |last| last + 1);
            let number = new.number.unwrap_or(next);
            let pull = Pull {
                id: it.ids.large(),
                number,
                title: new.title,
                body: "What and why.".to_owned(),
                author: new.author.clone(),
                draft: new.draft,
                head,
                head_ref: new.branch,
                head_sha,
                base_ref,
                base_sha,
                created_at: it.now,
                updated_at: it.now,
                closed_at: None,
                merged_at: None,
                merged_by: None,
                merge_commit: None,
                labels: Vec::new(),
                requested_reviewers: Vec::new(),
                conflicting: false,
                blocked: false,
                computing: Some(it.slow),
                reviews: Vec::new(),
                comments: Vec::new(),
                remarks: Vec::new(),
                resolved: std::collections::BTreeSet::new(),
                queued: None,
            };
            it.repo.pulls.insert(number, pull);
            it.tell_pull("opened", number, &new.author, json!({}));
            number
        })
    }

    /// Pushes one commit to a pull request's branch; answers its hash.
    pub fn push(&self, number: i64) -> String {
        self.push_to_pull(number, false)
    }

    /// Replaces the branch by one new commit off its base.
    pub fn force_push(&self, number: i64) -> String {
        self.push_to_pull(number, true)
    }

    fn push_to_pull(&self, number: i64, force: bool) -> String {
        self.change(|it| {
            let pull = found(it.repo, number).clone();
            let parent = if force { &pull.base_sha } else { &pull.head_sha };
            let after = new_commit(it, &[parent], &pull.author);
            move_branch(it, &pull, &after, force);
            after
        })
    }

    /// Sets a pull request's branch to a commit that is known, as a force push back does.
    pub fn push_known(&self, number: i64, sha: &str) {
        self.change(|it| {
            let pull = found(it.repo, number).clone();
            assert!(it.repo.commits.contains_key(sha), "no commit {sha}");
            move_branch(it, &pull, sha, true);
        });
    }

    /// Merges the base into a pull request's branch, which ends a conflict.
    pub fn update_branch(&self, number: i64) -> String {
        self.change(|it| {
            let pull = found(it.repo, number).clone();
            let base = branch(it, &pull.base_ref);
            let after = new_commit(it, &[&pull.head_sha, &base], &pull.author);
            let changed = found_mut(it.repo, number);
            changed.base_sha = base;
            changed.conflicting = false;
            move_branch(it, &pull, &after, false);
            after
        })
    }

    /// Pushes a commit to a branch that is no pull request's head: what is known of merging into it is void.
    pub fn push_branch(&self, name: &str, author: &str) -> String {
        self.change(|it| {
            let before = branch(it, name);
            let after = new_commit(it, &[&before], author);
            it.repo.branches.insert(name.to_owned(), after.clone());
            tell_push(it, name, &before, &after, false, author);
            stale_base(it, name);
            after
        })
    }

    /// From now on its commits cannot be merged, or can again. GitHub says nothing of it by itself.
    pub fn conflicts(&self, number: i64, conflicting: bool) {
        self.change(|it| {
            let slow = it.slow;
            let pull = found_mut(it.repo, number);
            pull.conflicting = conflicting;
            pull.computing = Some(slow);
        });
    }

    /// A rule of the branch stands against the merge, or no more. GitHub says nothing of it by itself.
    pub fn block(&self, number: i64, blocked: bool) {
        self.change(|it| found_mut(it.repo, number).blocked = blocked);
    }

    /// Mergeability is known from now on, as if somebody had looked at the page.
    pub fn compute_mergeability(&self, number: i64) {
        self.change(|it| found_mut(it.repo, number).computing = None);
    }

    /// Closes it unmerged.
    pub fn close(&self, number: i64) {
        self.alter(number, "closed", |pull, now| pull.closed_at = Some(now));
    }

    /// Opens it again.
    pub fn reopen(&self, number: i64) {
        self.alter(number, "reopened", |pull, _| pull.closed_at = None);
    }

    /// Makes it a draft.
    pub fn make_draft(&self, number: i64) {
        self.alter(number, "converted_to_draft", |pull, _| pull.draft = true);
    }

    /// Ends its being a draft.
    pub fn make_ready(&self, number: i64) {
        self.alter(number, "ready_for_review", |pull, _| pull.draft = false);
    }

    /// Puts a label on it.
    pub fn label(&self, number: i64, label: &str) {
        self.alter(number, "labeled", |pull, _| pull.labels.push(label.to_owned()));
    }

    /// Asks an account for a review.
    pub fn request_review(&self, number: i64, login: &str) {
        self.alter(number, "review_requested", |pull, _| {
            pull.requested_reviewers.push(login.to_owned());
        });
    }

    /// Deletes the fork it comes from. GitHub says nothing of it by itself.
    pub fn delete_fork(&self, number: i64) {
        self.change(|it| found_mut(it.repo, number).head = Head::Gone);
    }

    /// Gives it another title.
    pub fn retitle(&self, number: i64, title: &str) {
        self.change(|it| {
            let now = it.now;
            let pull = found_mut(it.repo, number);
            let before = std::mem::replace(&mut pull.title, title.to_owned());
            pull.updated_at = now;
            let author = pull.author.clone();
            it.tell_pull(
                "edited",
                number,
                &author,
                json!({"changes": {"title": {"from": before}}}),
            );
        });
    }

    /// Directs it at another branch.
    pub fn retarget(&self, number: i64, base: &str) {
        self.change(|it| {
            let sha = branch(it, base);
            let (now, slow) = (it.now, it.slow);
            let pull = found_mut(it.repo, number);
            let name = std::mem::replace(&mut pull.base_ref, base.to_owned());
            let before = std::mem::replace(&mut pull.base_sha, sha);
            pull.updated_at = now;
            pull.computing = Some(slow);
            let author = pull.author.clone();
            let changes = json!({"base": {"ref": {"from": name}, "sha": {"from": before}}});
            it.tell_pull("edited", number, &author, json!({"changes": changes}));
        });
    }

    /// Merges it by a merge commit; answers the commit.
    pub fn merge(&self, number: i64, by: &str) -> String {
        self.change(|it| it.merge(number, by))
    }

    fn alter(&self, number: i64, action: &str, change: impl FnOnce(&mut Pull, jiff::Timestamp)) {
        self.change(|it| {
            let now = it.now;
            let pull = found_mut(it.repo, number);
            change(pull, now);
            pull.updated_at = now;
            let author = pull.author.clone();
            it.tell_pull(action, number, &author, json!({}));
        });
    }
}

impl Change<'_> {
    /// A `pull_request` event of what it is now.
    pub(super) fn tell_pull(&mut self, action: &str, number: i64, sender: &str, with: Value) {
        let pull = found(self.repo, number);
        let shape = shapes::full_pull(self.bases, self.repo, pull);
        let mut fields = json!({"number": number, "pull_request": shape});
        shapes::extend(&mut fields, with);
        self.tell("pull_request", Some(action), sender, fields);
    }

    pub(super) fn merge(&mut self, number: i64, by: &str) -> String {
        let pull = found(self.repo, number).clone();
        let base = branch(self, &pull.base_ref);
        let merged = new_commit(self, &[&base, &pull.head_sha], by);
        self.repo.branches.insert(pull.base_ref.clone(), merged.clone());
        let now = self.now;
        let changed = found_mut(self.repo, number);
        changed.closed_at = Some(now);
        changed.merged_at = Some(now);
        changed.merged_by = Some(by.to_owned());
        changed.merge_commit = Some(merged.clone());
        changed.updated_at = now;
        changed.queued = None;
        tell_push(self, &pull.base_ref, &base, &merged, false, by);
        self.tell_pull("closed", number, by, json!({}));
        stale_base(self, &pull.base_ref);
        merged
    }
}

fn branch_name(fork: Option<&str>, branch: &str) -> String {
    fork.map_or_else(|| branch.to_owned(), |owner| format!("{owner}:{branch}"))
}

/// What a branch points to; it is made off the default one where it is not there.
pub(super) fn branch(it: &mut Change<'_>, name: &str) -> String {
    if let Some(sha) = it.repo.branches.get(name) {
        return sha.clone();
    }
    let sha = it.repo.branches.get(&it.repo.default_branch).cloned().unwrap_or_default();
    it.repo.branches.insert(name.to_owned(), sha.clone());
    sha
}

pub(super) fn new_commit(it: &mut Change<'_>, parents: &[&str], author: &str) -> String {
    let sha = it.ids.commit();
    let commit = Commit {
        sha: sha.clone(),
        parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
        message: format!("Change {}", &sha[..7]),
        author: author.to_owned(),
        at: it.now,
    };
    it.repo.commits.insert(sha.clone(), commit);
    sha
}

fn move_branch(it: &mut Change<'_>, pull: &Pull, after: &str, forced: bool) {
    let owner = match &pull.head {
        Head::Fork { owner, .. } => Some(owner.as_str()),
        Head::Own | Head::Gone => None,
    };
    it.repo.branches.insert(branch_name(owner, &pull.head_ref), after.to_owned());
    // A fork tells its own Apps of the push, not those of this repository.
    if owner.is_none() {
        tell_push(it, &pull.head_ref, &pull.head_sha, after, forced, &pull.author);
    }
    let (now, slow) = (it.now, it.slow);
    let changed = found_mut(it.repo, pull.number);
    after.clone_into(&mut changed.head_sha);
    if changed.open() {
        changed.updated_at = now;
        changed.computing = Some(slow);
        let with = json!({"before": pull.head_sha, "after": after});
        it.tell_pull("synchronize", pull.number, &pull.author, with);
    }
}

/// Mergeability into this branch has to be computed again.
fn stale_base(it: &mut Change<'_>, base: &str) {
    let slow = it.slow;
    for pull in it.repo.pulls.values_mut().filter(|pull| pull.open() && pull.base_ref == base) {
        pull.computing = Some(slow);
    }
}

pub(super) fn tell_push(
    it: &mut Change<'_>,
    name: &str,
    before: &str,
    after: &str,
    forced: bool,
    author: &str,
) {
    it.repo.pushed_at = it.now;
    let html = format!("{}/{}", it.bases.html, it.repo.full_name());
    let person =
        json!({"name": author, "email": format!("{author}@example.com"), "username": author});
    let head = json!({"id": after, "tree_id": after, "distinct": true,
        "message": format!("Change {}", &after[..7]), "timestamp": shapes::time(it.now),
        "url": format!("{html}/commit/{after}"), "author": person, "committer": person,
        "added": [], "removed": [], "modified": ["src/lib.rs"]});
    let fields = json!({
        "ref": format!("refs/heads/{name}"), "before": before, "after": after,
        "created": false, "deleted": false, "forced": forced, "base_ref": null,
        "compare": format!("{html}/compare/{}...{}", &before[..12], &after[..12]),
        "commits": [head], "head_commit": head,
        "pusher": {"name": author, "email": format!("{author}@example.com")},
        "repository": shapes::pushed_repository(it.bases, it.repo),
    });
    it.tell("push", None, author, fields);
}
