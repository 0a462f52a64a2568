//! Reviews, review comments and threads.

use serde_json::json;

use super::{Repo, found, found_mut};
use crate::fake_github::hub::Change;
use crate::fake_github::shapes;
use crate::fake_github::state::{Comment, Review};

impl Repo {
    /// Submits a review: `approved`, `changes_requested` or `commented`; answers its id.
    pub fn review(&self, number: i64, by: &str, state: &str, body: &str) -> i64 {
        self.change(|it| submit(it, number, by, state, body))
    }

    /// Takes the weight from a review.
    pub fn dismiss(&self, number: i64, review: i64, by: &str) {
        self.change(|it| {
            let now = it.now;
            let pull = found_mut(it.repo, number);
            pull.updated_at = now;
            match pull.reviews.iter_mut().find(|it| it.id == review) {
                Some(review) => {
                    "dismissed".clone_into(&mut review.state);
                    review.updated_at = now;
                }
                None => panic!("no review {review}"),
            }
            tell_review(it, "dismissed", number, review, by);
        });
    }

    /// A review of one comment at a line; answers the comment's id, which names its thread too.
    pub fn comment(&self, number: i64, by: &str, path: &str, line: i64, body: &str) -> i64 {
        self.change(|it| {
            let review = submit(it, number, by, "commented", "");
            add(it, number, review, None, by, path, Some(line), body)
        })
    }

    /// A comment of a review that was submitted; answers the comment's id.
    pub fn review_comment(
        &self,
        number: i64,
        review: i64,
        path: &str,
        line: i64,
        body: &str,
    ) -> i64 {
        self.change(|it| {
            let pull = found(it.repo, number);
            let by = pull.reviews.iter().find(|it| it.id == review).map(|it| it.author.clone());
            let Some(by) = by else { panic!("no review {review}") };
            add(it, number, review, None, &by, path, Some(line), body)
        })
    }

    /// Answers a comment's thread.
    pub fn reply(&self, number: i64, comment: i64, by: &str, body: &str) -> i64 {
        self.change(|it| {
            let root = found(it.repo, number).root(comment);
            let of = found(it.repo, number).comments.iter().find(|it| it.id == root);
            let (path, line) = of.map_or((String::new(), None), |it| (it.path.clone(), it.line));
            let review = submit(it, number, by, "commented", "");
            add(it, number, review, Some(root), by, &path, line, body)
        })
    }

    /// Changes a comment's words.
    pub fn edit_comment(&self, number: i64, comment: i64, body: &str) {
        self.change(|it| {
            let now = it.now;
            let pull = found_mut(it.repo, number);
            pull.updated_at = now;
            let Some(found) = pull.comments.iter_mut().find(|it| it.id == comment) else {
                panic!("no comment {comment}")
            };
            let before = std::mem::replace(&mut found.body, body.to_owned());
            found.updated_at = now;
            let changes = json!({"changes": {"body": {"from": before}}});
            tell_comment(it, "edited", number, comment, changes);
        });
    }

    /// Deletes a comment.
    pub fn delete_comment(&self, number: i64, comment: i64) {
        self.change(|it| {
            let now = it.now;
            found_mut(it.repo, number).updated_at = now;
            tell_comment(it, "deleted", number, comment, json!({}));
            found_mut(it.repo, number).comments.retain(|it| it.id != comment);
        });
    }

    /// Resolves the thread of a comment.
    pub fn resolve(&self, number: i64, comment: i64, by: &str) {
        self.set_resolved(number, comment, by, true);
    }

    /// Opens the thread of a comment again.
    pub fn unresolve(&self, number: i64, comment: i64, by: &str) {
        self.set_resolved(number, comment, by, false);
    }

    fn set_resolved(&self, number: i64, comment: i64, by: &str, resolved: bool) {
        self.change(|it| {
            let now = it.now;
            let pull = found_mut(it.repo, number);
            let root = pull.root(comment);
            pull.updated_at = now;
            if resolved {
                pull.resolved.insert(root);
            } else {
                pull.resolved.remove(&root);
            }
            let pull = found(it.repo, number);
            let fields = json!({
                "thread": shapes::thread(it.bases, it.repo, pull, root),
                "pull_request": shapes::listed_pull(it.bases, it.repo, pull),
                "updated_at": shapes::time(now),
            });
            let action = if resolved { "resolved" } else { "unresolved" };
            it.tell("pull_request_review_thread", Some(action), by, fields);
        });
    }
}

fn submit(it: &mut Change<'_>, number: i64, by: &str, state: &str, body: &str) -> i64 {
    let (id, now) = (it.ids.large(), it.now);
    let pull = found_mut(it.repo, number);
    pull.updated_at = now;
    pull.requested_reviewers.retain(|login| login != by);
    pull.reviews.push(Review {
        id,
        author: by.to_owned(),
        state: state.to_owned(),
        body: body.to_owned(),
        commit: pull.head_sha.clone(),
        submitted_at: now,
        updated_at: now,
    });
    tell_review(it, "submitted", number, id, by);
    id
}

#[expect(clippy::too_many_arguments, reason = "a comment has that many facts")]
fn add(
    it: &mut Change<'_>,
    number: i64,
    review: i64,
    in_reply_to: Option<i64>,
    by: &str,
    path: &str,
    line: Option<i64>,
    body: &str,
) -> i64 {
    let (id, now) = (it.ids.large(), it.now);
    let pull = found_mut(it.repo, number);
    pull.updated_at = now;
    pull.comments.push(Comment {
        id,
        review,
        in_reply_to,
        author: by.to_owned(),
        path: path.to_owned(),
        line,
        body: body.to_owned(),
        commit: pull.head_sha.clone(),
        created_at: now,
        updated_at: now,
    });
    tell_comment(it, "created", number, id, json!({}));
    id
}

fn tell_review(it: &mut Change<'_>, action: &str, number: i64, id: i64, by: &str) {
    let pull = found(it.repo, number);
    let Some(review) = pull.reviews.iter().find(|it| it.id == id) else { panic!("no review {id}") };
    let fields = json!({
        "review": shapes::review_event(it.bases, it.repo, pull, review),
        "pull_request": shapes::listed_pull(it.bases, it.repo, pull),
    });
    it.tell("pull_request_review", Some(action), by, fields);
}

fn tell_comment(it: &mut Change<'_>, action: &str, number: i64, id: i64, with: serde_json::Value) {
    let pull = found(it.repo, number);
    let Some(comment) = pull.comments.iter().find(|it| it.id == id) else {
        panic!("no comment {id}")
    };
    let by = comment.author.clone();
    let mut fields = json!({
        "comment": shapes::comment(it.bases, it.repo, pull, comment),
        "pull_request": shapes::listed_pull(it.bases, it.repo, pull),
    });
    shapes::extend(&mut fields, with);
    it.tell("pull_request_review_comment", Some(action), &by, fields);
}
