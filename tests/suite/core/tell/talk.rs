//! Reviews, comments and threads.

use std::sync::Arc;

use nudged::domain::{
    Comment, CommentKind, RepoSeen, Review, ReviewState, ScmObservation, Standing, Thread,
};

use super::{Pull, at, pull, rocket};

/// A review, as its payload tells of it.
#[derive(Clone)]
pub struct Reviewed {
    pull: Pull,
    review: Review,
}

/// A review of pull request 1 by `grace`, which decides nothing.
pub fn review(id: i64) -> Reviewed {
    let review = Review {
        id,
        author_id: Some(9),
        author: "grace".into(),
        state: ReviewState::Commented,
        submitted_at: at(0),
        seen_at: at(0),
        url: "https://github.com/acme/rocket/pull/1#review".into(),
        body: "".into(),
        standing: Standing::default(),
    };
    Reviewed { pull: pull(1), review }
}

impl Reviewed {
    fn state(mut self, state: ReviewState) -> Self {
        self.review.state = state;
        self
    }

    /// By whom, where it is not `grace`; `None` of an account that is gone.
    pub fn by(mut self, author: Option<(i64, &str)>) -> Self {
        self.review.author_id = author.map(|(id, _)| id);
        self.review.author = author.map_or("ghost", |(_, name)| name).into();
        self
    }

    /// In these words of its own.
    pub fn saying(mut self, text: &str) -> Self {
        self.review.body = text.into();
        self
    }

    /// With this `author_association`.
    pub fn associated(mut self, association: &str) -> Self {
        self.review.standing.association = Some(association.into());
        self
    }

    pub fn by_a_bot(mut self, login: &str) -> Self {
        self.review.standing = Standing { association: Some("NONE".into()), is_bot: true };
        self.by(Some((77, login)))
    }

    /// As a payload of this repository.
    pub fn in_repo(mut self, repo: RepoSeen) -> Self {
        self.pull = self.pull.of_repo(repo);
        self
    }

    pub fn approves(self) -> Self {
        self.state(ReviewState::Approved)
    }

    pub fn requests_changes(self) -> Self {
        self.state(ReviewState::ChangesRequested)
    }

    pub fn dismissed(self) -> Self {
        self.state(ReviewState::Dismissed)
    }

    /// Both when it was submitted and when its payload was made.
    pub fn at(mut self, seconds: i64) -> Self {
        self.review.submitted_at = at(seconds);
        self.seen_at(seconds)
    }

    /// When its payload was made: `updated_at` of the pull request that it shows.
    pub fn seen_at(mut self, seconds: i64) -> Self {
        self.review.seen_at = at(seconds);
        self.pull = self.pull.at(seconds);
        self
    }

    /// The pull request as the payload shows it, but for the time.
    pub fn of(mut self, pull: Pull) -> Self {
        let seconds = self.pull.seen.updated_at;
        self.pull = pull;
        self.pull.seen.updated_at = seconds;
        self
    }
}

impl From<Reviewed> for ScmObservation {
    fn from(Reviewed { pull, review }: Reviewed) -> Self {
        Self::Review { repo: pull.repo, pull: pull.seen, review }
    }
}

/// A comment, as its payload tells of it.
#[derive(Clone)]
pub struct Commented {
    /// Its payload shows the pull request where it stands on the diff.
    pull: Option<Pull>,
    comment: Comment,
}

/// A comment of `grace` on the diff of pull request 1, with review 500.
pub fn comment(id: i64) -> Commented {
    let comment = Comment {
        deleted: false,
        updated_at: at(5),
        kind: CommentKind::Review,
        id,
        root_id: id,
        review_id: Some(500),
        author: "grace".into(),
        file: Some("src/lib.rs".into()),
        line: Some(12),
        body: format!("Please look at {id}").into(),
        url: format!("https://github.com/acme/rocket/pull/1#c{id}").into(),
        created_at: at(5),
        standing: Standing::default(),
    };
    Commented { pull: Some(pull(1).at(5)), comment }
}

/// A remark in the conversation of pull request 1.
pub fn remark(id: i64) -> Commented {
    let Commented { comment, .. } = comment(id);
    let comment =
        Comment { kind: CommentKind::Issue, review_id: None, file: None, line: None, ..comment };
    Commented { pull: None, comment }
}

impl Commented {
    fn with(mut self, change: impl FnOnce(&mut Comment)) -> Self {
        change(&mut self.comment);
        self
    }

    pub fn at(mut self, seconds: i64) -> Self {
        self.pull = self.pull.map(|pull| pull.at(seconds));
        self.with(|comment| comment.updated_at = at(seconds))
    }

    pub fn body(self, text: &str) -> Self {
        self.with(|comment| comment.body = text.into())
    }

    pub fn of_review(self, id: i64) -> Self {
        self.with(|comment| comment.review_id = Some(id))
    }

    pub fn reply_to(self, root: i64) -> Self {
        self.with(|comment| comment.root_id = root)
    }

    pub fn by(self, author: &str) -> Self {
        self.with(|comment| comment.author = author.into())
    }

    /// With this `author_association`.
    pub fn associated(self, association: &str) -> Self {
        self.with(|comment| comment.standing.association = Some(association.into()))
    }

    pub fn deleted(self) -> Self {
        self.with(|comment| comment.deleted = true)
    }
}

impl From<Commented> for ScmObservation {
    fn from(Commented { pull, comment }: Commented) -> Self {
        let repo = pull.as_ref().map_or_else(rocket, |pull| pull.repo.clone());
        let pull = pull.map(|pull| pull.seen);
        Self::Comment { repo, number: 1, pull, comment: Arc::new(comment) }
    }
}

/// The thread that a comment began was resolved in that second.
pub fn resolved(root: i64, seconds: i64) -> ScmObservation {
    thread(root, seconds, true)
}

/// It was opened again.
pub fn unresolved(root: i64, seconds: i64) -> ScmObservation {
    thread(root, seconds, false)
}

fn thread(root_id: i64, seconds: i64, resolved: bool) -> ScmObservation {
    let Pull { repo, seen } = pull(1).at(seconds);
    let thread = Thread { root_id, resolved, at: at(seconds) };
    let Commented { comment, .. } = comment(root_id);
    ScmObservation::Thread { repo, pull: seen, thread, comments: vec![Arc::new(comment)] }
}
