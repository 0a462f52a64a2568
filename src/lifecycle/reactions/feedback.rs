//! `review-comments`: one nudge for a review with all its comments, after they had time to arrive.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Comment, NudgeKind, PullRequest, Review, ReviewState, TimerKind};
use crate::lifecycle::body;
use crate::lifecycle::facts::reviews_that_count;

use super::Scene;

/// The brake: so many nudges without all feedback being resolved, then the human hears.
const MOST_ROUNDS: u32 = 3;

/// What one review asks for: changes, comments, or both.
#[derive(Default)]
pub(in crate::lifecycle) struct Feedback<'a> {
    /// Set where the review requests changes.
    pub(in crate::lifecycle) review: Option<&'a Review>,
    pub(in crate::lifecycle) comments: Vec<&'a Comment>,
}

impl Feedback<'_> {
    /// The names under which the agent was told of it, or is to be.
    fn names(&self) -> impl Iterator<Item = String> {
        let review = self.review.map(|review| format!("review:{}", review.id));
        review.into_iter().chain(self.comments.iter().map(|c| format!("comment:{}", c.id)))
    }
}

pub(super) fn react(scene: &mut Scene<'_>, pull: &mut PullRequest) {
    if !pull.core.state.is_open() {
        scene.supersede(|nudge| nudge.kind == NudgeKind::ReviewComments);
        return;
    }
    // Facts about commits alone change nothing here.
    let Some(facts) = scene.before_facts else { return };
    let mut open = BTreeMap::<String, Feedback<'_>>::new();
    for review in reviews_that_count(&facts.reviews) {
        if review.state == ReviewState::ChangesRequested {
            open.entry(format!("review:{}", review.id)).or_default().review = Some(review);
        }
    }
    let author = pull.core.author.clone();
    for comment in facts.talk.open_feedback(&author) {
        let signature = match comment.review_id {
            Some(review) => format!("review:{review}"),
            None => format!("comment:{}", comment.id),
        };
        open.entry(signature).or_default().comments.push(comment);
    }

    scene.supersede(|n| n.kind == NudgeKind::ReviewComments && !open.contains_key(&n.signature));
    let current: BTreeSet<String> = open.values().flat_map(Feedback::names).collect();
    if current.is_empty() {
        pull.memory.feedback_rounds = 0;
    }
    // What is resolved now was told all the same: only what is gone for good is forgotten.
    let known = |name: &String| current.contains(name) || still_exists(facts, name);
    pull.memory.feedback_told.retain(known);

    let told = &pull.memory.feedback_told;
    open.retain(|_, feedback| feedback.names().any(|name| !told.contains(&name)));
    if open.is_empty() {
        scene.cancel(TimerKind::ReviewSettle);
        return;
    }
    if !scene.settled(TimerKind::ReviewSettle) {
        return;
    }
    scene.cancel(TimerKind::ReviewSettle);
    for (signature, feedback) in open {
        tell(scene, pull, &signature, &feedback);
        pull.memory.feedback_told.extend(feedback.names());
    }
}

fn tell(scene: &mut Scene<'_>, pull: &mut PullRequest, signature: &str, feedback: &Feedback<'_>) {
    let told = pull.memory.feedback_told.clone();
    // A nudge that nobody has heard yet is replaced by one that says all of it.
    let replaced =
        scene.supersede(|n| n.kind == NudgeKind::ReviewComments && n.signature == signature);
    let rounds = &mut pull.memory.feedback_rounds;
    if replaced.is_empty() {
        *rounds += 1;
    }
    if *rounds > MOST_ROUNDS {
        if *rounds == MOST_ROUNDS + 1 && replaced.is_empty() {
            let text = body::too_much_feedback(scene.project, pull, MOST_ROUNDS);
            scene.say(NudgeKind::Escalated, format!("feedback:{signature}"), text);
        }
        return;
    }
    let mut new = Feedback { review: feedback.review, comments: feedback.comments.clone() };
    if replaced.is_empty() {
        new.comments.retain(|comment| !told.contains(&format!("comment:{}", comment.id)));
    }
    let text = body::review_comments(scene.project, pull, &new);
    scene.say(NudgeKind::ReviewComments, signature.to_owned(), text);
}

fn still_exists(facts: &crate::lifecycle::PullFacts, name: &str) -> bool {
    match name.split_once(':') {
        Some(("review", id)) => facts.reviews.iter().any(|review| review.id.to_string() == id),
        Some(("comment", id)) => {
            facts.talk.comments.iter().any(|c| !c.deleted && c.id.to_string() == id)
        }
        _ => false,
    }
}
