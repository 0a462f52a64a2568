//! What is said about the merge queue.

use super::ci::{Logged, check_list, outputs};
use super::names::{NAME_CHARS, counted, page, short_name};
use super::untrusted::Body;
use crate::domain::{CommitSha, Project, PullRequest};

/// GitHub's `reason`, which is one of its own upper-case words; anything else is left out.
fn reason_of(reason: &str) -> &str {
    let is_word = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
    let known = !reason.is_empty() && reason.len() <= NAME_CHARS && reason.bytes().all(is_word);
    if known { reason } else { "unknown" }
}

/// To the agent: the merge queue has put it out, with what failed in its group.
pub(in crate::lifecycle::reactions) fn queue_failed(
    project: &Project,
    pull: &PullRequest,
    reason: &str,
    group: Option<&CommitSha>,
    failing: &[Logged<'_>],
) -> String {
    let mut body = Body::new(format!(
        "The merge queue has removed {} at commit {} (reason {}). It does not merge as it is.\n{}\n",
        short_name(project, pull),
        pull.core.head_sha.as_str(),
        reason_of(reason),
        page(pull),
    ));
    match group {
        Some(sha) if !failing.is_empty() => {
            body.ours(&format!(
                "At the merge group's commit {}, where it was tried together with its base: {} failed.\n",
                sha.as_str(),
                counted(failing.len(), "check"),
            ));
            body.list(&check_list(failing.iter().map(|(check, _)| (*check, None))));
            outputs(&mut body, project, pull, failing);
        }
        Some(sha) => body.ours(&format!(
            "No failed check is known at the merge group's commit {}.\n",
            sha.as_str()
        )),
        None => body.ours("Its merge group is not known.\n"),
    }
    body.finish()
}

/// To the human: it was put out often enough.
pub(in crate::lifecycle::reactions) fn left_again(
    project: &Project,
    pull: &PullRequest,
    times: usize,
    reason: &str,
) -> String {
    format!(
        "{}: the merge queue has removed commit {} more than {times} times (reason {}); the agent is not \
         told of this commit again.\n{}\n",
        short_name(project, pull),
        pull.core.head_sha.as_str(),
        reason_of(reason),
        page(pull),
    )
}
