//! What is said about reviews and comments.

use super::names::{NAME_CHARS, address, counted, page, short_name};
use super::untrusted::Body;
use crate::domain::{Comment, Project, PullRequest, Review, ReviewState};
use crate::excerpt::one_line;

/// To the agent: what a review asks for, in its own words and by its comments.
pub(in crate::lifecycle::reactions) fn review_feedback(
    project: &Project,
    pull: &PullRequest,
    review: Option<&Review>,
    comments: &[&Comment],
) -> String {
    let asks = match review {
        Some(review) if review.state == ReviewState::ChangesRequested => {
            "A review requests changes"
        }
        Some(_) => "There is a review",
        None => "There are comments",
    };
    let mut body = Body::new(format!(
        "Review feedback on {}. {asks}{}.\n{}\n",
        short_name(project, pull),
        match comments.len() {
            0 => String::new(),
            count => format!(", with {}", counted(count, "comment")),
        },
        page(pull),
    ));
    let own = review.filter(|review| !review.body.trim().is_empty());
    if let Some(review) = review.filter(|_| own.is_none()) {
        body.list(&signed(&review.author, "the pull request", &review.url));
    }
    let said: Vec<(String, String)> = own
        .iter()
        .map(|review| {
            let by = signed(&review.author, "the pull request", &review.url);
            ("The review:".to_owned(), format!("{by}\n\n{}", review.body))
        })
        .chain(comments.iter().enumerate().map(|(index, comment)| {
            let by = signed(&comment.author, &place(comment), &comment.url);
            (format!("Comment {}:", index + 1), format!("{by}\n\n{}", comment.body))
        }))
        .collect();
    let left_out = body.pieces(said.iter().map(|(heading, text)| (heading.clone(), &**text)));
    if left_out > 0 {
        body.ours(&format!("\n… and {left_out} more comments.\n"));
    }
    body.finish()
}

/// `src/lib.rs:12`, as far as it is known.
fn place(comment: &Comment) -> String {
    match (&comment.file, comment.line) {
        (Some(file), Some(line)) => format!("{}:{line}", one_line(file, NAME_CHARS)),
        (Some(file), None) => one_line(file, NAME_CHARS),
        (None, _) => "the pull request".to_owned(),
    }
}

/// Who said it, and where: others' names, for inside the fence.
fn signed(author: &str, place: &str, url: &str) -> String {
    let url = address(url);
    let link = if url.is_empty() { url } else { format!(": {url}") };
    format!("{} on {place}{link}", one_line(author, NAME_CHARS))
}

/// To the human: feedback keeps coming and is not resolved.
pub(in crate::lifecycle::reactions) fn too_much_feedback(
    project: &Project,
    pull: &PullRequest,
    rounds: u32,
) -> String {
    format!(
        "{}: the agent was told of review feedback {rounds} times and not all of it is resolved; \
         it is not told again until it is.\n{}\n",
        short_name(project, pull),
        page(pull),
    )
}
