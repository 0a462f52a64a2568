//! What is said below a pull request, beside no line: an issue's comments.

use serde_json::{Value, json};

use super::{Repo, found, found_mut};
use crate::fake_github::hub::Change;
use crate::fake_github::shapes;
use crate::fake_github::state::Remark;

impl Repo {
    /// Somebody says something below a pull request; answers the comment's id.
    pub fn remark(&self, number: i64, by: &str, body: &str) -> i64 {
        self.change(|it| {
            let (id, now) = (it.ids.large(), it.now);
            let (author, body) = (by.to_owned(), body.to_owned());
            let pull = found_mut(it.repo, number);
            pull.updated_at = now;
            pull.remarks.push(Remark { id, author, body, created_at: now, updated_at: now });
            tell(it, "created", number, id, json!({}));
            id
        })
    }

    /// Its author changes the words.
    pub fn edit_remark(&self, number: i64, remark: i64, body: &str) {
        self.change(|it| {
            let now = it.now;
            let pull = found_mut(it.repo, number);
            pull.updated_at = now;
            let Some(found) = pull.remarks.iter_mut().find(|it| it.id == remark) else {
                panic!("no remark {remark}")
            };
            let before = std::mem::replace(&mut found.body, body.to_owned());
            found.updated_at = now;
            tell(it, "edited", number, remark, json!({"changes": {"body": {"from": before}}}));
        });
    }

    /// Its author takes it back.
    pub fn delete_remark(&self, number: i64, remark: i64) {
        self.change(|it| {
            let now = it.now;
            found_mut(it.repo, number).updated_at = now;
            tell(it, "deleted", number, remark, json!({}));
            found_mut(it.repo, number).remarks.retain(|it| it.id != remark);
        });
    }
}

fn tell(it: &mut Change<'_>, action: &str, number: i64, remark: i64, with: Value) {
    let pull = found(it.repo, number);
    let Some(said) = pull.remarks.iter().find(|it| it.id == remark) else {
        panic!("no remark {remark}")
    };
    let author = said.author.clone();
    let mut fields = json!({
        "issue": shapes::issue(it.bases, it.repo, pull),
        "comment": shapes::remark(it.bases, it.repo, pull, said),
    });
    shapes::extend(&mut fields, with);
    it.tell("issue_comment", Some(action), &author, fields);
}
