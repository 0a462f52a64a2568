//! `review-comments`: one nudge for a review with all its comments, after they had time to arrive.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    Comment, CommentKind, Conversation, NudgeKind, PullRegisters, PullRequest, Review, ReviewState,
    TimerKind,
};
use crate::lifecycle::scm::{has_a_say, reviews_that_count};

use super::context::Context;
use super::wording;

/// The brake: so many nudges without all feedback being resolved, then the human hears.
const MOST_ROUNDS: u32 = 3;

/// What one review says: a request for changes, words of its own, comments.
#[derive(Default)]
struct Feedback<'a> {
    /// Set where the review requests changes, or says something itself.
    review: Option<&'a Review>,
    comments: Vec<&'a Comment>,
}

impl Feedback<'_> {
    /// The names under which the agent was told of it, or is to be.
    fn names(&self) -> impl Iterator<Item = String> {
        let review = self.review.map(|review| format!("review:{}", review.id));
        review.into_iter().chain(self.comments.iter().map(|c| format!("comment:{}", c.id)))
    }

    /// It waits for an answer: words alone do not, nobody can resolve them.
    fn asks(&self) -> bool {
        let changes = |review: &Review| review.state == ReviewState::ChangesRequested;
        !self.comments.is_empty() || self.review.is_some_and(changes)
    }
}

pub(super) fn react(context: &mut Context<'_>, pull: &mut PullRequest) {
    if !pull.core.state.is_open() {
        context.supersede(pull, |nudge| {
            nudge.kind == NudgeKind::ReviewComments || nudge.signature.starts_with("feedback:")
        });
        return;
    }
    // Facts about commits alone change nothing here.
    let (Some(said), Some(record)) = (context.conversation, context.known.pull(pull.id).cloned())
    else {
        return;
    };
    let mut open = BTreeMap::<String, Feedback<'_>>::new();
    let author = pull.core.author.clone();
    let reviews = &record.registers.reviews;
    let requests = reviews_that_count(context.project, reviews)
        .into_iter()
        .filter(|review| review.state == ReviewState::ChangesRequested);
    let remarks = reviews.values().filter(|review| {
        review.state == ReviewState::Commented
            && !review.body.trim().is_empty()
            && review.author != author
            && has_a_say(context.project, &review.author, &review.standing)
    });
    for review in requests.chain(remarks) {
        open.entry(format!("review:{}", review.id)).or_default().review = Some(review);
    }
    for comment in said.open_feedback(context.project, &author) {
        let signature = match comment.review_id {
            Some(review) => format!("review:{review}"),
            None => format!("comment:{}", comment.id),
        };
        open.entry(signature).or_default().comments.push(comment);
    }

    context.supersede(pull, |n| {
        n.kind == NudgeKind::ReviewComments && !open.contains_key(&*n.signature)
    });
    pull.memory.feedback_unheard.retain(|id, _| context.open.contains(id));
    let current: BTreeSet<String> = open.values().flat_map(Feedback::names).collect();
    if !open.values().any(Feedback::asks) {
        pull.memory.feedback_rounds = 0;
        context.supersede(pull, |nudge| nudge.signature.starts_with("feedback:"));
    }
    // What waits says what is still asked for.
    for nudge in context.waiting(NudgeKind::ReviewComments, "") {
        let (Some(feedback), Some(own)) =
            (open.get(&*nudge.signature), pull.memory.feedback_unheard.get(&nudge.id).cloned())
        else {
            continue;
        };
        let comments: Vec<&Comment> = feedback
            .comments
            .iter()
            .filter(|comment| own.contains(&format!("comment:{}", comment.id)))
            .copied()
            .collect();
        let text = wording::review_feedback(context.project, pull, feedback.review, &comments);
        context.reword(&nudge, text);
    }
    // What is resolved now was told all the same: only what is gone for good is forgotten.
    let known =
        |name: &String| current.contains(name) || still_exists(said, &record.registers, name);
    pull.memory.feedback_told.retain(known);

    let told = &pull.memory.feedback_told;
    open.retain(|_, feedback| feedback.names().any(|name| !told.contains(&name)));
    if open.is_empty() {
        context.cancel(TimerKind::ReviewSettle);
        return;
    }
    if !context.settled(TimerKind::ReviewSettle) {
        return;
    }
    context.cancel(TimerKind::ReviewSettle);
    for (signature, feedback) in open {
        tell(context, pull, &signature, &feedback);
    }
}

fn tell(
    context: &mut Context<'_>,
    pull: &mut PullRequest,
    signature: &str,
    feedback: &Feedback<'_>,
) {
    // A nudge that nobody has heard yet is replaced by one that says all of it.
    context.supersede(pull, |n| n.kind == NudgeKind::ReviewComments && &*n.signature == signature);
    let told = &pull.memory.feedback_told;
    let names: BTreeSet<String> = feedback.names().filter(|name| !told.contains(name)).collect();
    let new = |comment: &&&Comment| names.contains(&format!("comment:{}", comment.id));
    let comments: Vec<&Comment> = feedback.comments.iter().filter(new).copied().collect();
    pull.memory.feedback_rounds += u32::from(feedback.asks());
    if pull.memory.feedback_rounds > MOST_ROUNDS {
        if pull.memory.feedback_rounds == MOST_ROUNDS + 1 {
            let text = wording::too_much_feedback(context.project, pull, MOST_ROUNDS);
            context.say(pull, NudgeKind::Escalated, &format!("feedback:{signature}"), text);
        }
        pull.memory.feedback_told.extend(names);
        return;
    }
    let text = wording::review_feedback(context.project, pull, feedback.review, &comments);
    if let Some(nudge) = context.say(pull, NudgeKind::ReviewComments, signature, text) {
        pull.memory.feedback_told.extend(names.iter().cloned());
        pull.memory.feedback_unheard.insert(nudge, names);
    }
}

fn still_exists(said: &Conversation, registers: &PullRegisters, name: &str) -> bool {
    let Some((what, Ok(id))) = name.split_once(':').map(|(what, id)| (what, id.parse::<i64>()))
    else {
        return false;
    };
    let comment = |kind| said.comments.get(&(kind, id)).is_some_and(|comment| !comment.deleted);
    match what {
        "review" => registers.reviews.contains_key(&id),
        "comment" => comment(CommentKind::Review) || comment(CommentKind::Issue),
        _ => false,
    }
}
