//! The merge queue.

use serde_json::{Value, json};

use super::pulls::{branch, new_commit};
use super::{Repo, found, found_mut};
use crate::fake_github::hub::Change;
use crate::fake_github::shapes;
use crate::fake_github::state::Group;

impl Repo {
    /// Puts a pull request into the queue, which tries it in a group at once; answers the group's commit.
    pub fn enqueue(&self, number: i64, by: &str) -> String {
        self.change(|it| {
            let pull = found(it.repo, number).clone();
            let base_sha = branch(it, &pull.base_ref);
            let sha = new_commit(it, &[&base_sha, &pull.head_sha], "github-merge-queue[bot]");
            let name = format!("gh-readonly-queue/{}/pr-{number}-{base_sha}", pull.base_ref);
            it.repo.branches.insert(name.clone(), sha.clone());
            let reference = format!("refs/heads/{name}");
            let group = Group { sha: sha.clone(), reference, base_sha, at: it.now };
            let now = it.now;
            let changed = found_mut(it.repo, number);
            changed.queued = Some(group);
            changed.updated_at = now;
            it.tell_pull("enqueued", number, by, json!({}));
            tell_group(it, "checks_requested", number, None);
            sha
        })
    }

    /// Takes it out of the queue for a reason as webhooks spell it: `CI_FAILURE`, `MERGE_CONFLICT`, `MANUAL`, …
    pub fn dequeue(&self, number: i64, reason: &str) {
        self.change(|it| {
            let why = if reason == "MERGE" { "merged" } else { "dequeued" };
            tell_group(it, "destroyed", number, Some(why));
            let now = it.now;
            let changed = found_mut(it.repo, number);
            changed.queued = None;
            changed.updated_at = now;
            let sender = "github-merge-queue[bot]";
            it.tell_pull("dequeued", number, sender, json!({"reason": reason}));
        });
    }

    /// The queue merges it; answers the commit.
    pub fn merge_from_queue(&self, number: i64) -> String {
        self.dequeue(number, "MERGE");
        self.change(|it| it.merge(number, "github-merge-queue[bot]"))
    }
}

fn tell_group(it: &mut Change<'_>, action: &str, number: i64, reason: Option<&str>) {
    let pull = found(it.repo, number);
    let Some(group) = pull.queued.clone() else { panic!("{number} is not in the queue") };
    let person = json!({"name": "GitHub", "email": "noreply@github.com"});
    let mut fields: Value = json!({"merge_group": {
        "head_sha": group.sha, "head_ref": group.reference, "base_sha": group.base_sha,
        "base_ref": format!("refs/heads/{}", pull.base_ref),
        "head_commit": {"id": group.sha, "tree_id": group.sha, "timestamp": shapes::time(group.at),
            "message": format!("Merge pull request #{number}"), "author": person,
            "committer": person},
    }});
    if let Some(reason) = reason {
        fields["reason"] = reason.into();
    }
    it.tell("merge_group", Some(action), "github-merge-queue[bot]", fields);
}
